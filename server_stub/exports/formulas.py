"""Cells that no spreadsheet takes for a formula."""

from __future__ import annotations

from typing import Final

_BEGINS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""OWASP, "CSV Injection"."""


def safe(text: str) -> str:
    """Return a cell as text: with an apostrophe before what would be computed."""
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) else text
