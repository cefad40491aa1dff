"""Disputed sales: their states and what leads from one to the next, and where their money is.

A dispute never changes what the card has proven. Its amount stands in HELD or with the merchant
while it is open; what is returned to the member leaves the merchant's account, or is the fund's
loss. A signed credit is never taken back: who undoes a return lets the fund bear it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum, unique
from typing import Final

from cardkit.errors import must
from cardkit.resolutions import DisputeAnswer, DisputeKind, DisputeOutcome
from server_stub.rules.facts import DisputeFacts, State
from server_stub.rules.ledger import Book, Lines, move
from server_stub.rules.refunds import SaleStanding
from server_stub.rules.scheme import DisputeBearer, Unanswered


@unique
class Stage(StrEnum):
    """How far a dispute has come."""

    ASKED = "asked"
    """The producer has until a day to answer."""
    AGREED = "agreed"
    CONTESTED = "contested"
    HELD = "held"
    """By the caisse itself: nobody is asked, and no day decides."""
    REOPENED = "reopened"
    """A rejection was taken back: people decide, and no day does."""
    CHARGED = "charged"
    BORNE = "borne"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@unique
class Event(StrEnum):
    """What happens to a dispute."""

    AGREES = "agrees"
    CONTESTS = "contests"
    CHARGE = "charge"
    BEAR = "bear"
    REJECT = "reject"
    TAKE_BACK = "take_back"
    """The last decision counts no more; of an undecided dispute, the dispute itself."""


OPEN: Final = frozenset({Stage.ASKED, Stage.AGREED, Stage.CONTESTED, Stage.HELD, Stage.REOPENED})
"""Nobody has decided."""
RETURNED: Final = frozenset({Stage.CHARGED, Stage.BORNE})
_DECIDED: Final = {
    Event.CHARGE: Stage.CHARGED,
    Event.BEAR: Stage.BORNE,
    Event.REJECT: Stage.REJECTED,
}
_ANSWERED: Final = {Event.AGREES: Stage.AGREED, Event.CONTESTS: Stage.CONTESTED}

TRANSITIONS: Final[Mapping[tuple[Stage, Event], Stage]] = {
    **{(stage, event): into for stage in OPEN for event, into in _DECIDED.items()},
    **{(stage, event): into for stage in OPEN - {Stage.HELD} for event, into in _ANSWERED.items()},
    **{(stage, Event.TAKE_BACK): Stage.WITHDRAWN for stage in OPEN - {Stage.REOPENED}},
    (Stage.REJECTED, Event.TAKE_BACK): Stage.REOPENED,
    (Stage.CHARGED, Event.TAKE_BACK): Stage.BORNE,
}
"""Everything that can happen; what is not here can't. BORNE and WITHDRAWN are the end."""

BY_ANSWER: Final = {
    DisputeAnswer.AGREES: Event.AGREES,
    DisputeAnswer.CONTESTS: Event.CONTESTS,
}
BY_OUTCOME: Final = {
    DisputeOutcome.CHARGED: Event.CHARGE,
    DisputeOutcome.BORNE: Event.BEAR,
    DisputeOutcome.REJECTED: Event.REJECT,
}


def first_stage(kind: DisputeKind) -> Stage:
    """Return where a dispute begins."""
    return Stage.HELD if kind is DisputeKind.DOUBTED else Stage.ASKED


def step(stage: Stage, event: Event) -> Stage | None:
    """Return the stage after an event, or None where it can't happen."""
    return TRANSITIONS.get((stage, event))


def stage_of(kind: DisputeKind, events: Iterable[Event]) -> Stage:
    """Return the stage after all events; that each could happen was asked before it was signed."""
    stage = first_stage(kind)
    for event in events:
        following = step(stage, event)
        must(following is not None, f"a dispute that is {stage} is not to {event}")
        stage = following or stage
    return stage


def outcome(*, to_member: bool, borne_by: DisputeBearer) -> DisputeOutcome:
    """Return how a decision for or against the member is carried out under the voted rule."""
    if not to_member:
        return DisputeOutcome.REJECTED
    by_fund = borne_by is DisputeBearer.FUND
    return DisputeOutcome.BORNE if by_fund else DisputeOutcome.CHARGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """What the rules in force say of a dispute whose producer did not answer."""

    unanswered: Unanswered
    borne_by: DisputeBearer


def decided_by_day(
    stage: Stage, answer_by: date | None, today: date, rule: Overdue
) -> DisputeOutcome | None:
    """Return what the voted rule decides once the producer's last day is over, or None before."""
    if stage is not Stage.ASKED or answer_by is None or today <= answer_by:
        return None
    to_member = rule.unanswered is Unanswered.RETURNED
    return outcome(to_member=to_member, borne_by=rule.borne_by)


def left_to_dispute_cents(
    sale_cents: int, *, refunded_cents: int, disputes: Iterable[DisputeFacts]
) -> int:
    """Return how much of a sale nobody has given back and nobody disputes yet."""
    taken_cents = sum(
        it.amount_cents if Stage(it.stage) in OPEN else it.returned_cents for it in disputes
    )
    return max(0, sale_cents - refunded_cents - taken_cents)


_BOOKS: Final = {
    State.PAYABLE: Book.PAYABLE,
    State.HELD: Book.HELD,
    State.PROVISIONAL: Book.PROVISIONAL,
}
"""Where a merchant's money of a sale can be taken from."""


def dispute_lines(
    disputes: Iterable[DisputeFacts],
    sales: Mapping[int, SaleStanding],
    refunded_cents: Mapping[int, int],
) -> Iterator[tuple[str, Lines]]:
    """Yield each dispute's subject and lines; `sales` and `refunded_cents` by counter.

    No merchant loses more of a sale than they were owed for it: what goes beyond, as when a
    refund turns up late, is the fund's.
    """
    left: dict[int, int] = {
        tmc: max(0, sale.amount_cents - refunded_cents.get(tmc, 0)) for tmc, sale in sales.items()
    }
    for dispute in disputes:
        sale = sales.get(dispute.tmc)
        book = _BOOKS.get(sale.state) if sale is not None else None
        merchant = 0 if sale is None else sale.merchant
        stage, most_cents = Stage(dispute.stage), left.get(dispute.tmc, 0)
        lines: Lines = ()
        if stage in OPEN and dispute.is_held and book is Book.PAYABLE:
            part_cents = min(dispute.amount_cents, most_cents)
            left[dispute.tmc] = most_cents - part_cents
            lines = move(part_cents, out_of=book, into=Book.HELD, merchant=merchant)
        elif stage in RETURNED:
            charged_cents = min(dispute.returned_cents, most_cents)
            if stage is Stage.BORNE or book is None:
                charged_cents = 0
            left[dispute.tmc] = most_cents - charged_cents
            fund_cents = dispute.returned_cents - charged_cents
            lines = move(fund_cents, out_of=Book.LOSS, into=Book.RETURNED)
            if book is not None:
                lines = (
                    *move(charged_cents, out_of=book, into=Book.RETURNED, merchant=merchant),
                    *lines,
                )
        yield f"dispute/{dispute.number.hex()}", lines
