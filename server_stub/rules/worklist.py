"""Findings as a work list: what each costs whom, what can be done, and what happens by itself.

A table by kind and one pure function. The texts stand in `services/work_words.py`; here is what
they are about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from typing import Final

from cardkit import cbor
from server_stub.rules.findings import Fact, FindingKind

DAYS_OF_A_WEEK: Final = 7


@unique
class Deed(StrEnum):
    """What a person may do about a finding."""

    ACCEPT = "accept"
    """Leave it as it is: it is off the list until its facts change."""
    HOLD = "hold"
    """What is owed for this sale is held until people decide."""
    PAY = "pay"
    RETURN = "return"
    """The member has it back; of a paper slip: it is paid no more."""
    WRITE_MERCHANT = "write-merchant"
    WRITE_MEMBER = "write-member"
    BLOCK = "block"
    REVOKE = "revoke"


@unique
class Whose(StrEnum):
    """Whose cents a finding is about."""

    NOBODY = "nobody"
    MERCHANT = "merchant"
    MEMBER = "member"
    FUND = "fund"
    UNKNOWN = "unknown"
    """Nobody can say before it is looked at."""


@unique
class ByItself(StrEnum):
    """What happens when nobody does anything."""

    NOTHING = "nothing"
    STAYS_HELD = "stays_held"
    """It is neither paid nor returned, for as long as nobody decides."""
    STAYS_PROVISIONAL = "stays_provisional"
    PAID = "paid"
    """What the card has proven is paid in the next run."""
    RETURNED_WHEN_TOLD = "returned_when_told"
    """Once every terminal has sent all that it had; of a lost one, after the voted days."""
    RETURNED_ON_DAY = "returned_on_day"
    RULED_ON_DAY = "ruled_on_day"
    """The voted rule decides when the producer's last day is over."""
    NEXT_TAP = "next_tap"
    NEXT_SYNC = "next_sync"
    WHEN_PROVEN = "when_proven"
    LOCKED = "locked"
    """No credit is signed and nothing is paid."""


@unique
class Signatures(StrEnum):
    """How many people a deed takes."""

    ONE = "one"
    TWO = "two"
    TWO_ABOVE_LIMIT = "two_above_limit"
    """Of more than the voted single-signature limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """What there is to say of one kind of finding."""

    whose: Whose
    by_itself: ByItself
    deeds: Mapping[Deed, Signatures]


def _deeds(*alone: Deed, **more: Signatures) -> dict[Deed, Signatures]:
    """Put deeds that move money before those that one person may always do."""
    asked = {Deed[name.upper()]: signatures for name, signatures in more.items()}
    return asked | dict.fromkeys(alone, Signatures.ONE)


_TWO, _LIMIT, _ONE = Signatures.TWO, Signatures.TWO_ABOVE_LIMIT, Signatures.ONE
_CARD: Final = Handling(
    whose=Whose.NOBODY,
    by_itself=ByItself.NOTHING,
    deeds=_deeds(Deed.BLOCK, Deed.WRITE_MEMBER, Deed.ACCEPT),
)
_CLONE: Final = Handling(
    whose=Whose.FUND,
    by_itself=ByItself.PAID,
    deeds=_deeds(Deed.HOLD, Deed.BLOCK, Deed.WRITE_MEMBER, Deed.ACCEPT),
)
_JOURNAL: Final = Handling(
    whose=Whose.UNKNOWN,
    by_itself=ByItself.NEXT_SYNC,
    deeds=_deeds(Deed.WRITE_MERCHANT, Deed.REVOKE, Deed.ACCEPT),
)
_PAID_ODDLY: Final = Handling(
    whose=Whose.MERCHANT,
    by_itself=ByItself.PAID,
    deeds=_deeds(Deed.HOLD, Deed.WRITE_MERCHANT, Deed.REVOKE, Deed.ACCEPT),
)
_UNPROVEN: Final = Handling(
    whose=Whose.MERCHANT,
    by_itself=ByItself.STAYS_HELD,
    deeds=_deeds(Deed.WRITE_MERCHANT, Deed.WRITE_MEMBER, Deed.BLOCK, Deed.REVOKE, Deed.ACCEPT),
)

HANDLINGS: Final[Mapping[FindingKind, Handling]] = {
    FindingKind.GAP: Handling(
        whose=Whose.MEMBER,
        by_itself=ByItself.RETURNED_WHEN_TOLD,
        deeds=_deeds(Deed.WRITE_MERCHANT, Deed.BLOCK, Deed.ACCEPT),
    ),
    FindingKind.UNCLAIMED: Handling(
        whose=Whose.NOBODY,
        by_itself=ByItself.NOTHING,
        deeds=_deeds(Deed.WRITE_MEMBER, Deed.BLOCK, Deed.ACCEPT),
    ),
    FindingKind.WITHHELD: Handling(
        whose=Whose.MEMBER,
        by_itself=ByItself.RETURNED_WHEN_TOLD,
        deeds=_deeds(Deed.WRITE_MERCHANT, Deed.REVOKE, Deed.ACCEPT),
    ),
    FindingKind.AWAITS_PROOF: Handling(
        whose=Whose.MERCHANT,
        by_itself=ByItself.NEXT_TAP,
        deeds=_deeds(Deed.WRITE_MERCHANT, Deed.WRITE_MEMBER, Deed.ACCEPT),
    ),
    FindingKind.OUTCOME_MISSING: Handling(
        whose=Whose.MERCHANT,
        by_itself=ByItself.NEXT_SYNC,
        deeds=_deeds(Deed.WRITE_MERCHANT, Deed.ACCEPT),
    ),
    FindingKind.SEEN_AHEAD: Handling(
        whose=Whose.MEMBER,
        by_itself=ByItself.NEXT_TAP,
        deeds=_deeds(Deed.WRITE_MEMBER, Deed.BLOCK, Deed.ACCEPT),
    ),
    FindingKind.NOT_GENUINE: _UNPROVEN,
    FindingKind.CARD_UNKNOWN: Handling(
        whose=Whose.MERCHANT,
        by_itself=ByItself.STAYS_HELD,
        deeds=_deeds(Deed.WRITE_MERCHANT, Deed.REVOKE, Deed.ACCEPT),
    ),
    FindingKind.HELD: Handling(
        whose=Whose.MERCHANT,
        by_itself=ByItself.STAYS_HELD,
        deeds=_deeds(
            Deed.WRITE_MERCHANT,
            Deed.WRITE_MEMBER,
            Deed.BLOCK,
            Deed.REVOKE,
            Deed.ACCEPT,
            PAY=_TWO,
            RETURN=_LIMIT,
        ),
    ),
    FindingKind.TWO_PROOFS: _UNPROVEN,
    FindingKind.COUNTER_WENT_DOWN: _CLONE,
    FindingKind.CARD_BRANCHED: _CLONE,
    FindingKind.CARD_ROLLED_BACK: _CARD,
    FindingKind.CARD_FORKED: _CARD,
    FindingKind.REPLACE_CARD: _CARD,
    FindingKind.VOID_CONTRADICTED: Handling(
        whose=Whose.MEMBER,
        by_itself=ByItself.RETURNED_ON_DAY,
        deeds=_deeds(Deed.WRITE_MERCHANT, Deed.WRITE_MEMBER, Deed.ACCEPT, RETURN=_ONE),
    ),
    FindingKind.TWO_OUTCOMES: _PAID_ODDLY,
    FindingKind.AMOUNT_DIFFERS: _PAID_ODDLY,
    FindingKind.TOKEN_WRONG: _PAID_ODDLY,
    FindingKind.ENC_TMRI_WRONG: _PAID_ODDLY,
    FindingKind.RECOVERED: Handling(
        whose=Whose.MERCHANT,
        by_itself=ByItself.STAYS_PROVISIONAL,
        deeds=_deeds(Deed.WRITE_MERCHANT, Deed.ACCEPT, PAY=_LIMIT),
    ),
    FindingKind.RECOVERY_CONTRADICTED: Handling(
        whose=Whose.MEMBER,
        by_itself=ByItself.RETURNED_WHEN_TOLD,
        deeds=_deeds(Deed.WRITE_MERCHANT, Deed.ACCEPT),
    ),
    FindingKind.RETURNED_AND_GREEN: Handling(
        whose=Whose.FUND,
        by_itself=ByItself.STAYS_HELD,
        deeds=_deeds(Deed.HOLD, Deed.WRITE_MERCHANT, Deed.REVOKE, Deed.ACCEPT, PAY=_TWO),
    ),
    FindingKind.REFUND_WAITS: Handling(
        whose=Whose.MEMBER,
        by_itself=ByItself.WHEN_PROVEN,
        deeds=_deeds(Deed.WRITE_MERCHANT, Deed.WRITE_MEMBER, Deed.ACCEPT),
    ),
    FindingKind.SEQ_FORK: _JOURNAL,
    FindingKind.RESTORED: _JOURNAL,
    FindingKind.CHAIN_BROKEN: _JOURNAL,
    FindingKind.ENTRIES_MISSING: _JOURNAL,
    FindingKind.UNREADABLE: _JOURNAL,
    FindingKind.TERMINAL_NOT_ACTIVE: Handling(
        whose=Whose.UNKNOWN,
        by_itself=ByItself.PAID,
        deeds=_deeds(Deed.WRITE_MERCHANT, Deed.ACCEPT),
    ),
    FindingKind.DISPUTED: Handling(
        whose=Whose.MERCHANT,
        by_itself=ByItself.RULED_ON_DAY,
        deeds=_deeds(Deed.WRITE_MERCHANT, Deed.WRITE_MEMBER, PAY=_LIMIT, RETURN=_LIMIT),
    ),
    FindingKind.PAPER_DOUBLE: Handling(
        whose=Whose.FUND,
        by_itself=ByItself.NOTHING,
        deeds=_deeds(Deed.WRITE_MERCHANT, Deed.ACCEPT, RETURN=_TWO),
    ),
    FindingKind.PAYOUT_RETURNED: Handling(
        whose=Whose.MERCHANT,
        by_itself=ByItself.NOTHING,
        deeds=_deeds(Deed.WRITE_MERCHANT, Deed.ACCEPT, PAY=_TWO),
    ),
    FindingKind.RESTORE_SUSPECTED: Handling(
        whose=Whose.UNKNOWN, by_itself=ByItself.LOCKED, deeds=_deeds(Deed.WRITE_MERCHANT)
    ),
}
"""By kind; a deed that is not here is refused for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFinding:
    """A finding as it stands in the tables, with what only those can tell."""

    kind: FindingKind
    key: str
    terminal: int | None
    card: str | None
    """UID and generation."""
    facts: Mapping[str, Fact]
    opened_at: datetime
    due_at: datetime | None = None
    """From when on a rule moves its money."""
    amount_cents: int | None = None
    """Where its facts do not say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """One line of the list."""

    finding: OpenFinding
    cost_cents: int
    whose: Whose
    deeds: tuple[Deed, ...]
    two_people: frozenset[Deed]
    by_itself: ByItself
    due_at: datetime | None
    age_days: int


def worklist(
    findings: Iterable[OpenFinding], *, now: datetime, single_max_cents: int
) -> tuple[WorkItem, ...]:
    """Return what there is to do: the oldest week first, and in it the most money."""
    items = (item_of(it, now=now, single_max_cents=single_max_cents) for it in findings)
    return tuple(sorted(items, key=_urgency))


def item_of(finding: OpenFinding, *, now: datetime, single_max_cents: int) -> WorkItem:
    """Return what there is to say and to do about one finding."""
    handling = HANDLINGS[finding.kind]
    cost_cents = _cost_cents(finding)
    by_itself, due_at = handling.by_itself, finding.due_at
    if by_itself is ByItself.RULED_ON_DAY and due_at is None:
        by_itself = ByItself.STAYS_HELD
    return WorkItem(
        finding=finding,
        cost_cents=cost_cents,
        whose=handling.whose,
        deeds=tuple(handling.deeds),
        two_people=frozenset(
            deed
            for deed, signatures in handling.deeds.items()
            if takes_two(signatures, cost_cents, single_max_cents=single_max_cents)
        ),
        by_itself=by_itself,
        due_at=due_at,
        age_days=(now - finding.opened_at).days,
    )


def takes_two(signatures: Signatures, amount_cents: int, *, single_max_cents: int) -> bool:
    """Say whether a deed takes two people, for this amount."""
    if signatures is Signatures.TWO_ABOVE_LIMIT:
        return amount_cents > single_max_cents
    return signatures is Signatures.TWO


def facts_hash(facts: Mapping[str, Fact]) -> bytes:
    """Return the SHA-256 of a finding's facts: whether somebody has seen just these."""
    rows: list[cbor.Value] = [[name, fact] for name, fact in sorted(facts.items())]
    return hashlib.sha256(cbor.encode(rows)).digest()


def _cost_cents(finding: OpenFinding) -> int:
    """Return what a finding is about: what differs, where two amounts are told."""
    facts = {name: fact for name, fact in finding.facts.items() if isinstance(fact, int)}
    if finding.amount_cents is not None:
        return finding.amount_cents
    if finding.kind is FindingKind.AMOUNT_DIFFERS:
        return abs(facts.get("said_cents", 0) - facts.get("amount_cents", 0))
    if "before_cents" in facts:
        return abs(facts["before_cents"] - facts.get("after_cents", 0))
    return facts.get("amount_cents", facts.get("sum_cents", 0))


def _urgency(item: WorkItem) -> tuple[int, int, datetime, str, str]:
    weeks = item.age_days // DAYS_OF_A_WEEK
    finding = item.finding
    return -weeks, -item.cost_cents, finding.opened_at, finding.kind.value, finding.key
