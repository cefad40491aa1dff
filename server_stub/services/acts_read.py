"""The log of decisions as people read it: newest first, decoded, and nobody's name in it.

Who did something is a console user's name, which stands in the table of users and in no act.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import IntEnum
from typing import Final, TypeAlias

from django.contrib.auth.models import User

from cardkit import cbor
from cardkit.acts import ActBody, ActEnvelope, ActKind, open_act
from cardkit.certificates import Role
from cardkit.resolutions import ActReversed
from cardkit.schema import unpack
from cardkit.signing import parse
from server_stub.models import ActReversal, ActRow, ActText
from server_stub.services.caisse import Caisse

PAGE_ROWS: Final = 50
LOOKED_AT_MAX: Final = 2_000
"""How far one page searches for what somebody did: an author stands inside what is signed."""
SHEET_ROWS: Final = 5_000
_SHOWN_BYTES: Final = 16
Shown: TypeAlias = int | str | date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActSeen:
    """One act, decoded."""

    seq: int
    kind: int
    kind_name: str
    """Of the `cardkit.acts.ActKind`; empty of one that is not known here."""
    at: datetime
    by: int
    author: str
    """A console user's name; empty: the service itself, or a user who is gone."""
    digest: str
    fields: tuple[tuple[str, Shown], ...]
    """What it says; bytes as hex digits, what is long as how much it is."""
    text: str
    """What was written beside it, while nobody has erased it."""
    reversed_by: int | None
    reverses: int | None

    @property
    def is_of_a_person(self) -> bool:
        """Say whether somebody decided it."""
        return self.by > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """A page of the log, and where the next one begins; None: it begins nowhere."""

    acts: tuple[ActSeen, ...]
    after: int | None


def log_page(
    caisse: Caisse,
    *,
    after: int | None = None,
    kind: int | None = None,
    author: int | None = None,
    most: int = PAGE_ROWS,
) -> LogPage:
    """Return acts below the number `after`, newest first; of an author: as far as one page looks.

    A page of one author may be short, or empty, and still lead on.
    """
    rows = ActRow.objects.using(caisse.using).order_by("-seq")
    if after is not None:
        rows = rows.filter(seq__lt=after)
    if kind is not None:
        rows = rows.filter(kind=kind)
    if author is None:
        found = list(rows[: most + 1])
        is_more = len(found) > most
        found = found[:most]
        return LogPage(acts=seen(caisse, found), after=found[-1].seq if is_more else None)
    looked_at = list(rows[:LOOKED_AT_MAX])
    mine = [row for row in looked_at if _author(row) == author]
    last = looked_at[-1].seq if len(looked_at) == LOOKED_AT_MAX else None
    if len(mine) > most:
        mine = mine[:most]
        last = mine[-1].seq
    return LogPage(acts=seen(caisse, mine), after=last)


def act_of(caisse: Caisse, seq: int) -> ActSeen | None:
    """Return one act; None where there is none of that number."""
    rows = list(ActRow.objects.using(caisse.using).filter(seq=seq))
    return next(iter(seen(caisse, rows)), None)


def seen(caisse: Caisse, rows: Sequence[ActRow]) -> tuple[ActSeen, ...]:
    """Return acts decoded, in the order given; raises DocumentError where one was tampered with."""
    keys = list(caisse.ring.trust.keys(Role.SERVICE))
    opened = [open_act(row.content, keys, caisse=caisse.name) for row in rows]
    names = user_names(caisse, {act.envelope.by for act in opened})
    numbers = [row.seq for row in rows]
    gone = ActReversal.objects.using(caisse.using).filter(reversed__in=numbers)
    reversed_by = dict(gone.values_list("reversed_id", "act_id"))
    texts = dict(
        ActText.objects.using(caisse.using).filter(act__in=numbers).values_list("act_id", "text")
    )
    return tuple(
        ActSeen(
            seq=row.seq,
            kind=row.kind,
            kind_name=ActKind(row.kind).name if row.kind in set(ActKind) else "",
            at=row.at,
            by=act.envelope.by,
            author=names.get(act.envelope.by, ""),
            digest=bytes(row.digest).hex(),
            fields=() if act.body is None else _fields(act.body),
            text=texts.get(row.seq, ""),
            reversed_by=reversed_by.get(row.seq),
            reverses=act.body.seq if isinstance(act.body, ActReversed) else None,
        )
        for row, act in zip(rows, opened, strict=True)
    )


def user_names(caisse: Caisse, numbers: Iterable[int]) -> Mapping[int, str]:
    """Return what console users are called, by number."""
    rows = User.objects.using(caisse.using).filter(id__in=set(numbers) - {0})
    return dict(rows.values_list("id", "username"))


def authors(caisse: Caisse) -> list[tuple[int, str]]:
    """Return everybody who may have decided something, by name."""
    return list(User.objects.using(caisse.using).order_by("username").values_list("id", "username"))


def kinds() -> list[tuple[int, str]]:
    """Return every kind of act by number and name."""
    return [(int(kind), kind.name) for kind in ActKind]


def _author(row: ActRow) -> int:
    """Read who signed, without checking the signature: what is shown is checked."""
    return unpack(ActEnvelope, cbor.decode(parse(row.content).payload)).by


def _fields(body: ActBody) -> tuple[tuple[str, Shown], ...]:
    return tuple((one.name, _shown(getattr(body, one.name))) for one in fields(body))


def _shown(value: object) -> Shown:
    match value:
        case bool():
            return "yes" if value else "no"
        case IntEnum():
            return value.name.lower()
        case None | int() | str() | date():
            return value
        case bytes() | memoryview():
            held = bytes(value)
            return held.hex().upper() if len(held) <= _SHOWN_BYTES else f"{len(held)} B"
        case tuple():
            return len(value)
        case _:
            return str(value)
