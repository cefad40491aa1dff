"""Rows as CSV the way a French spreadsheet reads it: semicolons, and a mark that keeps accents."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from server_stub.exports.formulas import safe

_BOM: Final = "\ufeff"
"""Without it a French spreadsheet reads the accents wrong."""


def sheet(rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows as bytes; no cell is a formula, and a negative amount stays a number."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(
        [cell if _is_amount(cell) else safe(cell) for cell in row] for row in rows
    )
    return (_BOM + text.getvalue()).encode("utf-8")


def _is_amount(cell: str) -> bool:
    return cell.removeprefix("-").replace(",", "", 1).isdecimal()
