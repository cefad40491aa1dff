"""Addresses of pages by their names."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse


def link(name: str, **arguments: object) -> str | None:
    """Return the address of a page; None where this console has no such page."""
    try:
        return reverse(name, kwargs=arguments or None)
    except NoReverseMatch:
        return None
