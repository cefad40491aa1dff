"""Filters of the pages about access."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def named(names: Mapping[Any, Any], key: Any) -> Any:
    """Return what a table of names calls something; a dash for what it does not know."""
    return names.get(key, "–")
