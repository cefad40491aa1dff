"""A bank's CSV statement, read by a saved profile; what is doubtful is refused with its line.

Banks agree on nothing: delimiter, encoding, dates, signs and columns are the profile's. Nothing is
guessed from the file: what the profile does not say is an error, and then not one line counts.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum, StrEnum, unique
from itertools import pairwise
from typing import Final, Self

from server_stub.rules.bank_words import NotAnAmount, packed, read_amount, tidy

BYTES_MAX: Final = 5_000_000
LINES_MAX: Final = 20_000
DAYS_AHEAD_MAX: Final = 31
"""A value date may lie ahead of the statement, by less than a month."""
LABEL_CHARACTERS: Final = 400
REFERENCE_CHARACTERS: Final = 140
ENCODINGS: Final = ("utf-8", "cp1252", "iso-8859-15", "utf-16")
DAY_FORMATS: Final[Mapping[str, str]] = {
    "jj/mm/aaaa": "%d/%m/%Y",
    "jj/mm/aa": "%d/%m/%y",
    "jj-mm-aaaa": "%d-%m-%Y",
    "jj.mm.aaaa": "%d.%m.%Y",
    "aaaa-mm-jj": "%Y-%m-%d",
    "aaaammjj": "%Y%m%d",
}
_MISREAD: Final = ("Ã©", "Ã¨", "Ãª", "Ã\xa0", "â‚¬", "ï»¿", "\ufffd", "\x00")
"""What UTF-8 looks like when it is read as something else; NUL: UTF-16 read as such."""


@unique
class Wrong(Enum):
    """Why a statement is not read."""

    TOO_LONG = "more bytes or lines than a statement has"
    EMPTY = "not one line"
    ENCODING = "not in the encoding of the profile"
    NOT_CSV = "a quote is not closed, or a field has no end"
    NO_COLUMN = "the heading lacks a column of the profile"
    ANOTHER_ACCOUNT = "the account of the profile is not named"
    TOO_SHORT = "a line has fewer columns than the profile names"
    DAY = "no such day, or another form"
    DAY_AHEAD = "a day that lies too far ahead"
    AMOUNT = "no amount, or another form"
    TWO_AMOUNTS = "debit and credit in one line, or neither"
    BALANCE = "no balance, or another form"
    NOT_XML = "no XML, or one with a document type"
    NOT_EUROS = "an amount in no euros, or none"


@unique
class StatementForm(StrEnum):
    """In which form a bank hands out its statements."""

    CSV = "csv"
    CAMT = "camt.053"
    """ISO 20022, which says by itself what it holds."""


@dataclass(frozen=True, slots=True)
class NotRead:
    """Nothing of a statement counts: what is wrong, in which line of the file, and the words."""

    why: Wrong
    line: int | None = None
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one bank's statements look like; columns by their heading, or by number from 1."""

    account: str
    """The account as its statements name it; empty where they name none."""
    encoding: str
    delimiter: str
    day_format: str
    """A key of `DAY_FORMATS`."""
    decimal_mark: str
    skip_first: int = 0
    """Lines before the heading."""
    skip_last: int = 0
    has_heading: bool = True
    day: str
    labels: tuple[str, ...]
    amount: str = ""
    """Signed; empty where there are two columns."""
    debit: str = ""
    credit: str = ""
    payer: str = ""
    """Empty: the payer stands in the label."""
    reference: str = ""
    balance: str = ""
    account_column: str = ""
    form: StatementForm = StatementForm.CSV

    @classmethod
    def of_camt(cls, account: str) -> Self:
        """Return the profile of a bank whose files are ISO 20022: an account, and no columns."""
        return cls(
            account=account,
            encoding="utf-8",
            delimiter=";",
            day_format="aaaa-mm-jj",
            decimal_mark=".",
            day="",
            labels=(),
            form=StatementForm.CAMT,
        )

    @property
    def is_sound(self) -> bool:
        """Whether a file can be read by it."""
        if self.form is StatementForm.CAMT:
            return bool(packed(self.account))
        one_way = bool(self.amount) != bool(self.debit and self.credit)
        named = list(self.columns())
        numbers = all(it.isascii() and it.isdigit() and 0 < int(it) < 1_000 for it in named)
        return (
            self.encoding in ENCODINGS
            and len(self.delimiter) == 1
            and self.delimiter.isascii()
            and self.delimiter not in '"\r\n\0 '
            and self.day_format in DAY_FORMATS
            and self.decimal_mark in {",", "."}
            and self.skip_first >= 0
            and self.skip_last >= 0
            and bool(self.day and self.labels)
            and one_way
            and (self.has_heading or numbers)
        )

    def columns(self) -> Iterator[str]:
        """Yield every column that a statement must have."""
        named = (self.day, *self.labels, self.amount, self.debit, self.credit, self.payer)
        yield from (it for it in (*named, self.reference, self.balance, self.account_column) if it)


@dataclass(frozen=True, slots=True, kw_only=True)
class BankLine:
    """One line of a statement; money that came is positive."""

    line: int
    """Of the file, from 1."""
    day: date
    amount_cents: int
    label: str
    payer: str
    reference: str
    balance_cents: int | None
    index: int
    """Of several lines that say the same, which one it is, from 1."""

    def identity(self, account: str) -> bytes:
        """Return what makes it the same line in every statement of an account: a SHA-256."""
        balance = "" if self.balance_cents is None else str(self.balance_cents)
        said = (self.day.isoformat(), str(self.amount_cents), self.label, self.payer)
        hashed = hashlib.sha256()
        for part in (packed(account), *said, self.reference, balance, str(self.index)):
            encoded = part.encode()
            hashed.update(len(encoded).to_bytes(4) + encoded)
        return hashed.digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a file says."""

    lines: tuple[BankLine, ...]
    empty_lines: int
    """Lines of 0 €, which say something and move nothing."""
    breaks: tuple[int, ...]
    """Lines of the file whose balance does not follow from the line before it."""


class _Refused(Exception):
    def __init__(self, refusal: NotRead) -> None:
        super().__init__(refusal.why.value)
        self.refusal = refusal


def read_statement(content: bytes, profile: Profile, *, today: date) -> Statement | NotRead:
    """Read a whole statement, or say why nothing of it is taken."""
    try:
        return _read(content, profile, today)
    except _Refused as refused:
        return refused.refusal


def _read(content: bytes, profile: Profile, today: date) -> Statement:
    if len(content) > BYTES_MAX:
        raise _Refused(NotRead(Wrong.TOO_LONG))
    rows = _rows(_decoded(content, profile), profile)
    if profile.skip_last:
        rows = rows[: -profile.skip_last]
    preamble, rows = rows[: profile.skip_first], rows[profile.skip_first :]
    places = _places(rows[0] if rows else None, profile)
    told = rows[1:] if profile.has_heading else rows
    told = [(number, cells) for number, cells in told if any(map(str.strip, cells))]
    if not told:
        raise _Refused(NotRead(Wrong.EMPTY))
    if len(told) > LINES_MAX:
        raise _Refused(NotRead(Wrong.TOO_LONG))
    _check_account(preamble, told, places, profile)
    latest = today + timedelta(days=DAYS_AHEAD_MAX)
    lines = [_line(number, cells, places, profile, latest) for number, cells in told]
    moving = tuple(indexed(it for it in lines if it.amount_cents))
    return Statement(
        lines=moving, empty_lines=len(lines) - len(moving), breaks=tuple(_breaks(moving))
    )


def _decoded(content: bytes, profile: Profile) -> str:
    if not content.strip(b"\x00\r\n\t \xef\xbb\xbf\xff\xfe"):
        raise _Refused(NotRead(Wrong.EMPTY))
    try:
        encoding = "utf-8-sig" if profile.encoding == "utf-8" else profile.encoding
        text = content.decode(encoding)
    except UnicodeError as error:
        raise _Refused(NotRead(Wrong.ENCODING)) from error
    if any(misread in text for misread in _MISREAD):
        raise _Refused(NotRead(Wrong.ENCODING))
    return text


def _rows(text: str, profile: Profile) -> list[tuple[int, list[str]]]:
    """Cut into cells; a line's number is the one at which it ends in the file."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=profile.delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        rows.extend((reader.line_num, cells) for cells in reader)
    except csv.Error as error:
        raise _Refused(NotRead(Wrong.NOT_CSV, reader.line_num)) from error
    while rows and not any(map(str.strip, rows[-1][1])):
        rows.pop()
    return rows


def _places(heading: tuple[int, list[str]] | None, profile: Profile) -> dict[str, int]:
    """Return where each column of the profile stands, from 0."""
    if heading is None:
        raise _Refused(NotRead(Wrong.EMPTY))
    if not profile.has_heading:
        return {column: int(column) - 1 for column in profile.columns()}
    number, cells = heading
    names = [tidy(cell).casefold() for cell in cells]
    places = {}
    for column in profile.columns():
        name = tidy(column).casefold()
        if names.count(name) != 1:
            raise _Refused(NotRead(Wrong.NO_COLUMN, number, column))
        places[column] = names.index(name)
    return places


def _check_account(
    preamble: Sequence[tuple[int, list[str]]],
    told: Sequence[tuple[int, list[str]]],
    places: Mapping[str, int],
    profile: Profile,
) -> None:
    """A statement of another account is never booked to this one."""
    wanted = packed(profile.account)
    if not wanted:
        return
    if profile.account_column:
        for number, cells in told:
            if packed(_cell(number, cells, places, profile.account_column)) != wanted:
                raise _Refused(NotRead(Wrong.ANOTHER_ACCOUNT, number))
    elif not any(wanted in packed("".join(cells)) for _, cells in preamble):
        raise _Refused(NotRead(Wrong.ANOTHER_ACCOUNT))


def _line(
    number: int, cells: list[str], places: Mapping[str, int], profile: Profile, latest: date
) -> BankLine:
    def cell(column: str) -> str:
        return _cell(number, cells, places, column) if column else ""

    balance = cell(profile.balance)
    labels = " ".join(cell(it) for it in profile.labels)
    return BankLine(
        line=number,
        day=_day(number, cell(profile.day), profile, latest),
        amount_cents=_amount(number, cell, profile),
        label=tidy(labels)[:LABEL_CHARACTERS],
        payer=tidy(cell(profile.payer))[:REFERENCE_CHARACTERS],
        reference=tidy(cell(profile.reference))[:REFERENCE_CHARACTERS],
        balance_cents=_cents(number, balance, profile, Wrong.BALANCE) if balance.strip() else None,
        index=1,
    )


def _cell(number: int, cells: list[str], places: Mapping[str, int], column: str) -> str:
    if places[column] >= len(cells):
        raise _Refused(NotRead(Wrong.TOO_SHORT, number, column))
    return cells[places[column]]


def _day(number: int, text: str, profile: Profile, latest: date) -> date:
    words = tidy(text)
    try:
        if not words.isascii():
            raise ValueError(words)
        day = datetime.strptime(words, DAY_FORMATS[profile.day_format]).date()  # noqa: DTZ007
    except ValueError as error:
        raise _Refused(NotRead(Wrong.DAY, number, words[:40])) from error
    if day > latest:
        raise _Refused(NotRead(Wrong.DAY_AHEAD, number, words[:40]))
    return day


def _amount(number: int, cell: Callable[[str], str], profile: Profile) -> int:
    if profile.amount:
        return _cents(number, cell(profile.amount), profile, Wrong.AMOUNT)
    debit, credit = cell(profile.debit), cell(profile.credit)
    debit_cents = _cents(number, debit, profile, Wrong.AMOUNT) if debit.strip() else None
    credit_cents = _cents(number, credit, profile, Wrong.AMOUNT) if credit.strip() else None
    if (debit_cents and credit_cents) or (debit_cents is None and credit_cents is None):
        raise _Refused(NotRead(Wrong.TWO_AMOUNTS, number))
    if (credit_cents or 0) < 0:
        raise _Refused(NotRead(Wrong.AMOUNT, number, tidy(credit)[:40]))
    return credit_cents or -abs(debit_cents or 0)


def _cents(number: int, text: str, profile: Profile, wrong: Wrong) -> int:
    cents = read_amount(text, decimal_mark=profile.decimal_mark)
    if isinstance(cents, NotAnAmount):
        raise _Refused(NotRead(wrong, number, tidy(text)[:40]))
    return cents


def indexed(lines: Iterable[BankLine]) -> Iterator[BankLine]:
    """Number the lines that say the same: two equal transfers of one day are two."""
    seen: Counter[bytes] = Counter()
    for line in lines:
        said = line.identity("")
        seen[said] += 1
        yield replace(line, index=seen[said])


def _breaks(lines: Sequence[BankLine]) -> Iterator[int]:
    """Yield lines whose balance does not follow, in the order of the file or against it."""
    pairs = list(pairwise(lines))
    onwards = [later.line for early, later in pairs if not _follows(early, later)]
    backwards = [early.line for early, later in pairs if not _follows(later, early)]
    yield from min(onwards, backwards, key=len)


def _follows(early: BankLine, later: BankLine) -> bool:
    if early.balance_cents is None or later.balance_cents is None:
        return True
    return early.balance_cents + later.amount_cents == later.balance_cents
