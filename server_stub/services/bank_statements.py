"""The caisse's bank statements: profiles of banks, and lines that are looked at, then kept.

Looking writes nothing. Keeping writes lines and books nothing: what a line is, a person says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import Enum, unique
from typing import Final, TypeAlias

from django.db.models import Exists, OuterRef, Q, QuerySet

from cardkit.clock import business_date
from cardkit.errors import must
from server_stub.models import (
    Account,
    BankImport,
    BankLine,
    BankLineOutcome,
    BankLineText,
    StatementProfile,
)
from server_stub.rules.bank_files import read_file
from server_stub.rules.bank_match import Outcome, Proposal, Text, propose
from server_stub.rules.bank_statement import BankLine as ReadLine
from server_stub.rules.bank_statement import NotRead, Profile, StatementForm
from server_stub.rules.bank_words import payer_key
from server_stub.rules.scheme import RuleName
from server_stub.services.bank_known import in_parts, known, newest, standing
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import voted

_NAME_CHARACTERS: Final = 40
_RETENTION_DAYS: Final = 730
"""Two years, where the caisse has voted nothing shorter."""


@unique
class NoProfile(Enum):
    """Why there is no profile to read by."""

    UNKNOWN = "there is none of that name"
    NOT_SOUND = "no statement can be read by it"


Unread: TypeAlias = NotRead | NoProfile
"""Why nothing of a file is taken."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A line of a file: whether it is kept already, and what it seems to be."""

    line: ReadLine
    is_kept: bool
    proposal: Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a file holds; nothing is written yet."""

    seen: tuple[Seen, ...]
    empty_lines: int
    breaks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A kept line of which nobody has said yet what it is."""

    line: BankLine
    label: str
    """Empty where it was erased."""
    proposal: Proposal


def save_profile(caisse: Caisse, name: str, profile: Profile, *, by: int) -> NoProfile | None:
    """Keep what a bank's statements look like, under a name; an earlier one stays on record."""
    must(by > 0, "a person saves a profile")
    if not profile.is_sound or not 0 < len(name) <= _NAME_CHARACTERS:
        return NoProfile.NOT_SOUND
    StatementProfile.objects.using(caisse.using).create(
        name=name, settings=asdict(profile), saved_by=by, saved_at=caisse.now()
    )
    return None


def profiles(caisse: Caisse) -> dict[str, Profile]:
    """Return the newest profile of each name."""
    rows = StatementProfile.objects.using(caisse.using).order_by("id")
    newest = {row.name: _profile(row) for row in rows}
    return dict(sorted(newest.items()))


def look(caisse: Caisse, name: str, content: bytes) -> Look | Unread:
    """Read a file by a profile, and say of each line what it seems to be; writes nothing."""
    row = _newest(caisse, name)
    if row is None:
        return NoProfile.UNKNOWN
    profile = _profile(row)
    statement = read_file(content, profile, today=business_date(caisse.now()))
    if isinstance(statement, NotRead):
        return statement
    account = _account_of(name, profile)
    facts = known(caisse, ((it.day, it.amount_cents, _text(it)) for it in statement.lines))
    identities = {it.identity(account) for it in statement.lines}
    kept = _kept(caisse, identities)
    seen = tuple(
        Seen(
            line=it,
            is_kept=it.identity(account) in kept,
            proposal=propose(it.day, it.amount_cents, _text(it), facts),
        )
        for it in statement.lines
    )
    return Look(seen=seen, empty_lines=statement.empty_lines, breaks=statement.breaks)


def keep(caisse: Caisse, name: str, content: bytes, *, by: int) -> int | Unread:
    """Keep the lines of a file that no file had before; returns how many. Books nothing."""
    must(by > 0, "a person keeps a statement")
    with caisse.alone():
        found = look(caisse, name, content)
        row = _newest(caisse, name)
        if not isinstance(found, Look) or row is None:
            return NoProfile.UNKNOWN if isinstance(found, Look) else found
        new = [it.line for it in found.seen if not it.is_kept]
        if not new:
            return 0
        source = BankImport.objects.using(caisse.using).create(
            profile=row,
            content_hash=hashlib.sha256(content).digest(),
            kept_by=by,
            kept_at=caisse.now(),
        )
        account = _account_of(name, _profile(row))
        for position, line in enumerate(new, start=1):
            _keep_line(caisse, source, position, line, line.identity(account))
        return len(new)


def open_lines(caisse: Caisse) -> list[OpenLine]:
    """Return the kept lines that wait for a person, oldest first, and what they seem to be."""
    return as_they_seem(caisse, waiting(caisse).order_by("day", "source", "position"))


def as_they_seem(caisse: Caisse, lines: Iterable[BankLine]) -> list[OpenLine]:
    """Return kept lines, and what each seems to be now."""
    rows = list(lines)
    texts: dict[int, BankLineText] = {}
    for some in in_parts(row.pk for row in rows):
        texts |= BankLineText.objects.using(caisse.using).in_bulk(some)
    told = [(row.day, row.amount_cents, _kept_text(texts.get(row.pk))) for row in rows]
    facts = known(caisse, told)
    return [
        OpenLine(line=row, label=_shown(texts.get(row.pk)), proposal=propose(*one, facts))
        for row, one in zip(rows, told, strict=True)
    ]


def proposal_of(caisse: Caisse, line: BankLine) -> Proposal:
    """Return what a kept line seems to be now."""
    (seen,) = as_they_seem(caisse, [line])
    return seen.proposal


def waiting(caisse: Caisse) -> QuerySet[BankLine]:
    """Return the lines of which nobody has said what they are, or somebody was wrong."""
    said = BankLineOutcome.objects.using(caisse.using)
    never = ~Exists(said.filter(line=OuterRef("pk")))
    open_again = newest(caisse).filter(kind=Outcome.UNDONE.value).values("line")
    return BankLine.objects.using(caisse.using).filter(never | Q(pk__in=open_again))


def find_line(caisse: Caisse, reference: str) -> BankLine | None:
    """Return the line that people call by a reference such as `B3-12`."""
    source, dash, position = reference.removeprefix("B").partition("-")
    numbers = (source, position)
    if not dash or not all(it.isascii() and it.isdigit() and len(it) < 10 for it in numbers):
        return None
    rows = BankLine.objects.using(caisse.using)
    return rows.filter(source=int(source), position=int(position)).first()


def texts_of(caisse: Caisse, account: Account) -> Iterable[BankLineText]:
    """Return what the bank wrote on lines that were found to be an account's, and still are."""
    lines = standing(caisse).filter(act__contribution__account=account)
    return BankLineText.objects.using(caisse.using).filter(line__in=lines.values("line"))


def erase_texts(caisse: Caisse, account: Account) -> None:
    """Forget what the bank wrote on an account's lines; days and amounts stay."""
    ids = [text.pk for text in texts_of(caisse, account)]
    BankLineText.objects.using(caisse.using).filter(pk__in=ids).delete()


def erase_old_texts(caisse: Caisse) -> int:
    """Forget what stands on lines older than names are kept; returns how many."""
    days = voted(caisse, RuleName.RETENTION_DAYS) or _RETENTION_DAYS
    last_day = business_date(caisse.now()) - timedelta(days=days)
    old = BankLineText.objects.using(caisse.using).filter(line__day__lt=last_day)
    return old.delete()[0]


def _keep_line(
    caisse: Caisse, source: BankImport, position: int, line: ReadLine, identity: bytes
) -> None:
    row = BankLine.objects.using(caisse.using).create(
        source=source,
        position=position,
        identity=identity,
        day=line.day,
        amount_cents=line.amount_cents,
    )
    BankLineText.objects.using(caisse.using).create(
        line=row,
        label=line.label,
        payer=line.payer,
        reference=line.reference,
        payer_key=payer_key(line.payer, line.label),
    )


def _kept(caisse: Caisse, identities: set[bytes]) -> set[bytes]:
    kept: set[bytes] = set()
    for some in in_parts(identities):
        rows = BankLine.objects.using(caisse.using).filter(identity__in=some)
        kept.update(bytes(it) for it in rows.values_list("identity", flat=True))
    return kept


def _newest(caisse: Caisse, name: str) -> StatementProfile | None:
    return StatementProfile.objects.using(caisse.using).filter(name=name).order_by("id").last()


def _profile(row: StatementProfile) -> Profile:
    form = StatementForm(row.settings.get("form", StatementForm.CSV))
    return Profile(**row.settings | {"labels": tuple(row.settings["labels"]), "form": form})


def _account_of(name: str, profile: Profile) -> str:
    """Whose lines these are: the account, or where statements name none, the profile."""
    return profile.account or name


def _text(line: ReadLine) -> Text:
    words = f"{line.label} {line.payer} {line.reference}"
    return Text(words, payer_key(line.payer, line.label))


def _kept_text(text: BankLineText | None) -> Text:
    if text is None:
        return Text("", "")
    return Text(f"{text.label} {text.payer} {text.reference}", text.payer_key)


def _shown(text: BankLineText | None) -> str:
    return "" if text is None else " ".join(f"{text.payer} {text.label} {text.reference}".split())
