"""What the bank's pages show: lines that wait, a file before it has a profile, a profile to be."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import Exists, OuterRef

from cardkit.clock import business_date
from server_stub.models import BankLine, BankLineOutcome, Contribution
from server_stub.rules.bank_files import read_file
from server_stub.rules.bank_match import Why
from server_stub.rules.bank_statement import (
    BYTES_MAX,
    DAY_FORMATS,
    ENCODINGS,
    NotRead,
    Profile,
    StatementForm,
)
from server_stub.rules.bank_words import packed, tidy
from server_stub.rules.camt053 import account_of, is_camt
from server_stub.rules.names import folded
from server_stub.services import bank_statements
from server_stub.services.bank_booking import confirm
from server_stub.services.bank_known import standing
from server_stub.services.bank_statements import NoProfile, OpenLine, Unread, as_they_seem, waiting
from server_stub.services.caisse import Caisse
from server_stub.services.members_read import PAGE_ROWS

FIRST_LINES: Final = 12
ENCODING_NAMES: Final = ENCODINGS
DAY_FORMAT_NAMES: Final = tuple(DAY_FORMATS)
_CELL_CHARACTERS: Final = 60
_COLUMNS: Final = 30
_SURE: Final = frozenset({Why.REFERENCE, Why.DEPOSIT, Why.END_TO_END_ID, Why.RUN_NAME})
"""What no other line could be, by a number that was checked or a sum that is ours."""


_HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "day": ("date de valeur", "date valeur", "date operation", "date"),
    "label": ("libelle", "intitule", "operation"),
    "debit": ("debit",),
    "credit": ("credit",),
    "amount": ("montant",),
    "payer": ("payeur", "emetteur", "nom"),
    "reference": ("reference",),
    "balance": ("solde",),
}
"""Folded; the likeliest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A kept line: what it seems to be, or what somebody said that it is."""

    open: OpenLine
    outcome: BankLineOutcome | None
    """None: nobody has said yet."""
    is_sure: bool
    """Its reference says what it is: it can be accepted with all of its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLines:
    """The beginning of a file, cut into cells as it seems to be made."""

    encoding: str
    delimiter: str
    heading: int
    """Which line seems to be the heading, from 1."""
    rows: tuple[tuple[str, ...], ...]


def waiting_lines(
    caisse: Caisse, *, after: int | None = None, most: int = PAGE_ROWS
) -> tuple[list[Line], int | None]:
    """Return lines that wait for a person, the oldest first, and the line to go on after."""
    rows = waiting(caisse).order_by("id")
    wanted = rows if after is None else rows.filter(pk__gt=after)
    found = list(wanted[: most + 1])
    shown = found[:most]
    return _lines(caisse, shown, {}), shown[-1].pk if len(found) > most else None


def settled_lines(
    caisse: Caisse, *, after: int | None = None, most: int = PAGE_ROWS
) -> tuple[list[Line], int | None]:
    """Return lines of which somebody has said what they are, the newest first."""
    said = standing(caisse).filter(line=OuterRef("pk"))
    rows = BankLine.objects.using(caisse.using).filter(Exists(said))
    wanted = rows if after is None else rows.filter(pk__lt=after)
    found = list(wanted.order_by("-id")[: most + 1])
    shown = found[:most]
    outcomes = _outcomes(caisse, shown)
    return _lines(caisse, shown, outcomes), shown[-1].pk if len(found) > most else None


def find_line(caisse: Caisse, number: int) -> Line | None:
    """Return a line by the number of its row; None: there is none."""
    row = BankLine.objects.using(caisse.using).filter(pk=number).first()
    if row is None:
        return None
    return _lines(caisse, [row], _outcomes(caisse, [row]))[0]


def whose_lines(caisse: Caisse, lines: Sequence[Line]) -> dict[int, int]:
    """Return the account that each line was found to be of; those of nobody are not in it."""
    acts = {one.outcome.act_id: one.open.line.pk for one in lines if one.outcome is not None}
    rows = Contribution.objects.using(caisse.using).filter(act__in=[it for it in acts if it])
    return {acts[act]: account for act, account in rows.values_list("act", "account")}


def confirm_sure(caisse: Caisse, *, by: int, most: int = PAGE_ROWS) -> tuple[int, int]:
    """Accept every waiting line of the first page that is sure; how many were, and how many not.

    All in one transaction: whatever is refused stays as it is, and says so on its own page.
    """
    with caisse.alone():
        lines, _ = waiting_lines(caisse, most=most)
        sure = [one.open.line for one in lines if one.is_sure]
        done = [confirm(caisse, line, by=by) for line in sure]
    booked = sum(isinstance(it, BankLineOutcome) for it in done)
    return booked, len(done) - booked


def first_lines(content: bytes) -> FirstLines | None:
    """Return how a file begins, as it seems to be made; None: it is no text, or too long."""
    if not content.strip() or len(content) > BYTES_MAX:
        return None
    for encoding in ("utf-16", "utf-8-sig", "cp1252"):
        if encoding == "utf-16" and content[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
            continue
        try:
            text = content.decode(encoding)
        except UnicodeError:
            continue
        return None if "\0" in text else _cut(text, encoding.removesuffix("-sig"))
    return None


def guess_columns(heading: Sequence[str]) -> dict[str, str]:
    """Return which column of a heading seems to be what, by the names that banks give them."""
    found: dict[str, str] = {}
    for name, words in _HEADINGS.items():
        column = next((it for word in words for it in heading if word in folded(it)), "")
        if column and column not in found.values():
            found[name] = column
    return found


def make_profile(told: Mapping[str, str], heading: int, columns: Mapping[str, str]) -> Profile:
    """Return a profile: how a file is made, in which of its lines the heading is, and its columns.

    `columns`: by the profile's own names; those that a file lacks are empty or not there.
    """
    labels = (columns.get("label", ""), columns.get("label_2", ""))
    return Profile(
        account=told["account"],
        encoding=told["encoding"],
        delimiter="\t" if told["delimiter"] == "tab" else told["delimiter"],
        day_format=told["day_format"],
        decimal_mark=told["decimal_mark"],
        skip_first=max(0, heading - 1),
        skip_last=int(told.get("skip_last") or 0),
        day=columns.get("day", ""),
        labels=tuple(it for it in labels if it),
        amount=columns.get("amount", ""),
        debit=columns.get("debit", ""),
        credit=columns.get("credit", ""),
        payer=columns.get("payer", ""),
        reference=columns.get("reference", ""),
        balance=columns.get("balance", ""),
        account_column=columns.get("account_column", ""),
    )


def try_profile(caisse: Caisse, profile: Profile, content: bytes) -> int | NotRead | NoProfile:
    """Return how many lines a file has by a profile, or why none can be read; writes nothing."""
    if not profile.is_sound:
        return NoProfile.NOT_SOUND
    read = read_file(content, profile, today=business_date(caisse.now()))
    return read if isinstance(read, NotRead) else len(read.lines)


def save_camt(caisse: Caisse, content: bytes, *, by: int) -> tuple[str, int] | Unread | None:
    """Keep the profile of a bank that hands out ISO 20022; its name, and the lines of the file.

    None where the file is none. The account is the file's own.
    """
    if not is_camt(content):
        return None
    account = account_of(content)
    if isinstance(account, NotRead):
        return account
    profile = Profile.of_camt(account)
    lines = try_profile(caisse, profile, content)
    if not isinstance(lines, int):
        return lines
    name = f"{StatementForm.CAMT} …{packed(account)[-4:]}"
    refusal = bank_statements.save_profile(caisse, name, profile, by=by)
    return (name, lines) if refusal is None else refusal


def last_kept(caisse: Caisse) -> date | None:
    """Return the day of the newest line that was ever kept; None: there is none."""
    return (
        BankLine.objects.using(caisse.using).order_by("-day").values_list("day", flat=True).first()
    )


def _outcomes(caisse: Caisse, rows: Sequence[BankLine]) -> dict[int, BankLineOutcome]:
    said = standing(caisse).filter(line__in=rows).select_related("act")
    return {one.line_id: one for one in said}


def _lines(
    caisse: Caisse, rows: Sequence[BankLine], outcomes: Mapping[int, BankLineOutcome]
) -> list[Line]:
    return [
        Line(
            open=one,
            outcome=outcomes.get(one.line.pk),
            is_sure=one.proposal.outcome is not None and one.proposal.why in _SURE,
        )
        for one in as_they_seem(caisse, rows)
    ]


def _cut(text: str, encoding: str) -> FirstLines:
    begun = [line for line in text.splitlines() if line.strip()][: FIRST_LINES * 2]
    delimiter = max(";,\t|", key=lambda mark: sum(line.count(mark) for line in begun))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[tuple[str, ...]] = []
    try:
        for cells in reader:
            rows.append(tuple(tidy(it)[:_CELL_CHARACTERS] for it in cells[:_COLUMNS]))
            if len(rows) == FIRST_LINES:
                break
    except csv.Error:
        rows = rows or [(tidy(begun[0])[:_CELL_CHARACTERS],)]
    return FirstLines(
        encoding=encoding, delimiter=delimiter, heading=_heading(rows), rows=tuple(rows)
    )


def _heading(rows: Sequence[Sequence[str]]) -> int:
    """Return the first line that has as many words as the longest one, and a column for days."""
    longest = max((sum(bool(it) for it in row) for row in rows), default=0)
    for number, row in enumerate(rows, start=1):
        if sum(bool(it) for it in row) >= max(3, longest - 2) and any(
            "DATE" in packed(it) for it in row
        ):
            return number
    return 1


def profiles(caisse: Caisse) -> dict[str, Profile]:
    """Return the profiles that files can be read by."""
    return bank_statements.profiles(caisse)
