"""A list of people who apply, as a spreadsheet writes it: CSV, its columns guessed by heading.

Excel writes the Windows code page or UTF-8 with a mark, semicolons or commas; which of them is
read from the file. What a column is can be said by hand. A row that is doubtful is refused with
its line, and the others stand.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum, unique
from typing import Final

from server_stub.rules.bank_words import NotAnAmount, read_amount, tidy
from server_stub.rules.names import folded

BYTES_MAX: Final = 512 * 1024
ROWS_MAX: Final = 1_000
COLUMNS_MAX: Final = 60
PERSONS_MAX: Final = 50
OLDEST: Final = date(2000, 1, 1)
"""An application from before is a mistyped year."""
_HEADING_CHARACTERS: Final = 60
_LONGEST: Final = {"name": 120, "address": 240, "telephone": 40, "email": 254}
_DAYS: Final = ("%d/%m/%Y", "%d/%m/%y", "%Y-%m-%d", "%d-%m-%Y", "%d.%m.%Y")
_MIDNIGHT: Final = re.compile(r"[ T]00:00(:00)?$")
_MISREAD: Final = ("Ã©", "Ã¨", "Ã§", "\ufffd", "\x00")
"""What UTF-8 looks like when it is read as something else; NUL: no text at all."""


@unique
class Column(StrEnum):
    """What a column holds."""

    LAST_NAME = "last_name"
    FIRST_NAME = "first_name"
    ADDRESS = "address"
    POSTCODE = "postcode"
    TOWN = "town"
    TELEPHONE = "telephone"
    EMAIL = "email"
    APPLIED_ON = "applied_on"
    AMOUNT = "amount"
    PERSONS = "persons"


HEADINGS: Final[Mapping[Column, frozenset[str]]] = {
    Column.LAST_NAME: frozenset(
        {"nom", "nom de famille", "nom prenom", "nom et prenom", "nom complet", "name", "last name"}
    ),
    Column.FIRST_NAME: frozenset({"prenom", "prenoms", "first name"}),
    Column.ADDRESS: frozenset({"adresse", "adresse postale", "rue", "address"}),
    Column.POSTCODE: frozenset({"code postal", "cp", "postcode"}),
    Column.TOWN: frozenset({"ville", "commune", "localite", "town", "city"}),
    Column.TELEPHONE: frozenset({"telephone", "tel", "portable", "mobile", "phone"}),
    Column.EMAIL: frozenset(
        {"courriel", "email", "e mail", "mail", "mel", "adresse mail", "adresse electronique"}
        | {"adresse courriel", "adresse e mail", "adresse email"}
    ),
    Column.APPLIED_ON: frozenset(
        {"date", "date de la demande", "date de demande", "demande le", "horodateur"}
    ),
    Column.AMOUNT: frozenset(
        {"montant", "cotisation", "montant mensuel", "cotisation mensuelle", "amount"}
    ),
    Column.PERSONS: frozenset({"personnes", "foyer", "nombre de personnes", "persons"}),
}
"""What people call a column, folded."""


@unique
class Wrong(StrEnum):
    """Why a file, or a row of it, is not read."""

    TOO_LONG = "too_long"
    TOO_MANY = "too_many"
    EMPTY = "empty"
    NOT_TEXT = "not_text"
    NOT_CSV = "not_csv"
    COLUMN_TWICE = "column_twice"
    NO_NAME = "no_name"
    TOO_LONG_CELL = "too_long_cell"
    DAY = "day"
    DAY_AHEAD = "day_ahead"
    AMOUNT = "amount"
    PERSONS = "persons"


@dataclass(frozen=True, slots=True)
class NotRead:
    """Nothing of a file counts: why, and in which of its lines."""

    why: Wrong
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """One row that can be read."""

    name: str
    address: str
    telephone: str
    email: str
    applied_on: date | None
    monthly_cents: int | None
    persons: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that can't: why, and the words that are wrong."""

    why: Wrong
    words: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file that says something, by its number."""

    line: int
    read: Applicant | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a file holds."""

    heading: tuple[str, ...]
    columns: Mapping[Column, int]
    """Where each is, from 0; those that the file lacks are not in it."""
    rows: tuple[Row, ...]


def guess(heading: Sequence[str]) -> dict[Column, int]:
    """Return where each column seems to be; of two that could be it, the first."""
    places: dict[Column, int] = {}
    for place, cell in enumerate(heading):
        for column, names in HEADINGS.items():
            if folded(cell) in names and column not in places:
                places[column] = place
    return places


def read_sheet(
    content: bytes, *, today: date, columns: Mapping[Column, int] | None = None
) -> Sheet | NotRead:
    """Read a list, or say why nothing of it is taken; `columns` None: by their headings."""
    rows = _rows(content)
    if isinstance(rows, NotRead):
        return rows
    (_, heading), *told = rows
    places = guess(heading) if columns is None else dict(columns)
    places = {column: place for column, place in places.items() if 0 <= place < len(heading)}
    if len(set(places.values())) < len(places):
        return NotRead(Wrong.COLUMN_TWICE)
    return Sheet(
        heading=tuple(tidy(cell)[:_HEADING_CHARACTERS] for cell in heading),
        columns=places,
        rows=tuple(Row(line, _row(cells, places, today)) for line, cells in told),
    )


def _rows(content: bytes) -> list[tuple[int, list[str]]] | NotRead:
    """Return the rows of a file, its heading first."""
    if len(content) > BYTES_MAX:
        return NotRead(Wrong.TOO_LONG)
    text = _decoded(content)
    if text is None:
        return NotRead(Wrong.NOT_TEXT)
    rows = _cut(text)
    if isinstance(rows, NotRead):
        return rows
    if len(rows) > ROWS_MAX + 1:
        return NotRead(Wrong.TOO_MANY)
    return rows or NotRead(Wrong.EMPTY)


def _decoded(content: bytes) -> str | None:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeError:
            continue
        return None if any(misread in text for misread in _MISREAD) else text
    return None


def _cut(text: str) -> list[tuple[int, list[str]]] | NotRead:
    """Cut into cells the rows that say something; a line's number is the one at which it ends."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(";,\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            if len(cells) > COLUMNS_MAX:
                return NotRead(Wrong.NOT_CSV, reader.line_num)
            if any(map(str.strip, cells)):
                rows.append((reader.line_num, cells))
    except csv.Error:
        return NotRead(Wrong.NOT_CSV, reader.line_num)
    return rows


def _row(cells: Sequence[str], places: Mapping[Column, int], today: date) -> Applicant | Refused:
    def cell(column: Column) -> str:
        place = places.get(column)
        return "" if place is None or place >= len(cells) else _text(cells[place])

    town = f"{cell(Column.POSTCODE)} {cell(Column.TOWN)}".strip()
    told = {
        "name": f"{cell(Column.FIRST_NAME)} {cell(Column.LAST_NAME)}".strip(),
        "address": ", ".join(it for it in (cell(Column.ADDRESS), town) if it),
        "telephone": cell(Column.TELEPHONE),
        "email": cell(Column.EMAIL),
    }
    if not folded(told["name"]):
        return Refused(Wrong.NO_NAME)
    for name, words in told.items():
        if len(words) > _LONGEST[name]:
            return Refused(Wrong.TOO_LONG_CELL, words[:40])
    return _measured(
        day=cell(Column.APPLIED_ON),
        amount=cell(Column.AMOUNT),
        persons=cell(Column.PERSONS),
        told=told,
        today=today,
    )


def _measured(
    *, day: str, amount: str, persons: str, told: Mapping[str, str], today: date
) -> Applicant | Refused:
    applied_on = _day(day)
    if day and applied_on is None:
        return Refused(Wrong.DAY, day[:40])
    if applied_on is not None and applied_on > today:
        return Refused(Wrong.DAY_AHEAD, day[:40])
    cents = _cents(amount)
    if amount and cents is None:
        return Refused(Wrong.AMOUNT, amount[:40])
    if persons and not (persons.isascii() and persons.isdigit() and len(persons) < 3):
        return Refused(Wrong.PERSONS, persons[:40])
    household = int(persons or 1)
    if not 1 <= household <= PERSONS_MAX:
        return Refused(Wrong.PERSONS, persons[:40])
    return Applicant(**told, applied_on=applied_on, monthly_cents=cents or None, persons=household)


def _text(cell: str) -> str:
    """Return a cell's words; the apostrophe that keeps a spreadsheet from computing it is none."""
    words = tidy(cell)
    return words[1:] if words[:1] == "'" and words[1:2] in set("=+-@") else words


def _cents(text: str) -> int | None:
    """Read an amount such as `25`, `25,00 €` or `25.50`, or nothing."""
    for mark in (",", "."):
        cents = read_amount(text, decimal_mark=mark)
        if not isinstance(cents, NotAnAmount):
            return cents if cents >= 0 else None
    return None


def _day(text: str) -> date | None:
    words = _MIDNIGHT.sub("", text)
    for form in _in_digits(words):
        try:
            day = datetime.strptime(words, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        return day if day >= OLDEST else None
    return None


def _in_digits(words: str) -> Iterator[str]:
    if words.isascii():
        yield from _DAYS
