"""The list of a batch: one account a line, and what the table calls it.

    account;label
    6f1c0d5a9b3e4c7788990a0b0c0d0e0f;12

No name is needed, and none leaves this computer: the service is told the account alone, and
`label` (the number of an envelope, say) is for the person who hands the cards out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cardkit.errors import DocumentMalformed
from provisioning.language import _

ACCOUNT_BYTES: Final = 16
LABEL_CHARACTERS_MAX: Final = 60
ROWS_MAX: Final = 5000
_BYTES_MAX: Final = 1024 * 1024
_ACCOUNT: Final = frozenset({"account", "compte"})
_LABEL: Final = frozenset({"label", "repère", "repere"})
_DELIMITERS: Final = ";,\t"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One card to be made; `line` is where it stands in the file."""

    line: int
    account: bytes
    label: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line that makes no card, and why."""

    line: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """What a file holds: rows that are good, and rows that are not, each in its order."""

    rows: tuple[Row, ...]
    bad: tuple[BadRow, ...]


def read_members(path: Path) -> Members:
    """Read a list; raises DocumentMalformed when it is none, and names every line that is bad."""
    try:
        with path.open("rb") as file:
            data = file.read(_BYTES_MAX + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise DocumentMalformed(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DocumentMalformed(_("{file} is not UTF-8 text").format(file=path)) from error
    if len(data) > _BYTES_MAX:
        raise DocumentMalformed(_("{file} is too long for a list").format(file=path))
    return _members(list(_lines(text)), path)


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers and cells of what is not empty."""
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num, [cell.strip() for cell in cells]


def _members(lines: list[tuple[int, list[str]]], path: Path) -> Members:
    head = [cell.lower() for cell in lines[0][1]] if lines else []
    at = next((n for n, cell in enumerate(head) if cell in _ACCOUNT), None)
    if at is None:
        words = _("{file}: the first line has no column named account")
        raise DocumentMalformed(words.format(file=path))
    if len(lines) > ROWS_MAX:
        raise DocumentMalformed(_("{file} is too long for a list").format(file=path))
    label_at = next((n for n, cell in enumerate(head) if cell in _LABEL), None)
    rows: dict[bytes, Row] = {}
    bad: list[BadRow] = []
    for line, cells in lines[1:]:
        row = _row(line, cells, at, label_at)
        if isinstance(row, Row) and row.account in rows:
            first = rows[row.account].line
            row = BadRow(line, _("the same account as in line {line}").format(line=first))
        if isinstance(row, BadRow):
            bad.append(row)
        else:
            rows[row.account] = row
    return Members(rows=tuple(rows.values()), bad=tuple(bad))


def _row(line: int, cells: list[str], at: int, label_at: int | None) -> Row | BadRow:
    label = cells[label_at] if label_at is not None and label_at < len(cells) else ""
    try:
        account = bytes.fromhex(cells[at]) if at < len(cells) else b""
    except ValueError:
        account = b""
    if len(account) != ACCOUNT_BYTES:
        return BadRow(line, _("an account is 32 hexadecimal digits"))
    if len(label) > LABEL_CHARACTERS_MAX or not label.isprintable():
        return BadRow(line, _("the label is too long, or is no text"))
    return Row(line=line, account=account, label=label)
