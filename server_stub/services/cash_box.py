"""The régie's till box: what it should hold, what was counted in it, and what was handed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, unique

from cardkit.clock import business_date
from cardkit.errors import must
from cardkit.till_box import CHEQUES_MAX, CashCounted, Means, MoneyDeposited, Piece
from server_stub.models import CashCount, Contribution, MoneyDeposit
from server_stub.rules.ledger import Book
from server_stub.rules.payments import is_code
from server_stub.rules.scheme import RuleName
from server_stub.services import acts
from server_stub.services.books import balances
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import voted


@unique
class NotDeposited(Enum):
    """Why nothing is handed in."""

    NOTHING = "there is nothing of it in the box"
    MORE_THAN_HELD = "the books hold less than that"
    DAY_AHEAD = "the day lies ahead"
    NO_CODE = "the slip is named by a number or code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """What the books say that the till box holds."""

    cash_cents: int
    cheques: tuple[Contribution, ...]
    cash_max_cents: int | None
    """The voted ceiling; None where none was voted."""

    @property
    def cheques_cents(self) -> int:
        """What the cheques come to."""
        return sum(it.amount_cents for it in self.cheques)

    @property
    def is_too_full(self) -> bool:
        """Whether the box holds more cash than was voted."""
        return self.cash_max_cents is not None and self.cash_cents > self.cash_max_cents


def box(caisse: Caisse) -> Box:
    """Return what the till box holds now."""
    return Box(
        cash_cents=balances(caisse).get((Book.CASH_BOX, 0), 0),
        cheques=tuple(_cheques(caisse)),
        cash_max_cents=voted(caisse, RuleName.CASH_BOX_MAX_CENTS),
    )


def count(caisse: Caisse, pieces: Sequence[Piece], *, by: int) -> CashCount:
    """Put a count of the till box on record; what the books said otherwise is a difference."""
    must(by > 0, "a person counts the box")
    with caisse.alone():
        body = CashCounted(
            day=business_date(caisse.now()),
            booked_cents=box(caisse).cash_cents,
            pieces=tuple(pieces),
        )
        row = acts.record(caisse, body, by=by)
        return CashCount.objects.using(caisse.using).get(act=row)


def hand_in_cash(
    caisse: Caisse, amount_cents: int | None, *, day: date, reference: str, by: int
) -> MoneyDeposit | NotDeposited:
    """Take cash out of the box for the bank or the trésorier; None: all that it holds."""
    with caisse.alone():
        held_cents = box(caisse).cash_cents
        handed_cents = held_cents if amount_cents is None else amount_cents
        if handed_cents <= 0:
            return NotDeposited.NOTHING
        if handed_cents > held_cents:
            return NotDeposited.MORE_THAN_HELD
        body = MoneyDeposited(
            means=Means.CASH, amount_cents=handed_cents, day=day, reference=reference
        )
        return _hand_in(caisse, body, by=by)


def hand_in_cheques(
    caisse: Caisse, *, day: date, reference: str, by: int
) -> MoneyDeposit | NotDeposited:
    """Take the cheques out of the box for the bank or the trésorier, as many as a slip has."""
    with caisse.alone():
        cheques = box(caisse).cheques[:CHEQUES_MAX]
        if not cheques:
            return NotDeposited.NOTHING
        body = MoneyDeposited(
            means=Means.CHEQUE,
            amount_cents=sum(it.amount_cents for it in cheques),
            day=day,
            reference=reference,
            cheques=tuple(it.act_id for it in cheques),
        )
        return _hand_in(caisse, body, by=by)


def _hand_in(caisse: Caisse, body: MoneyDeposited, *, by: int) -> MoneyDeposit | NotDeposited:
    must(by > 0, "a person hands money in")
    if body.day > business_date(caisse.now()):
        return NotDeposited.DAY_AHEAD
    if not is_code(body.reference):
        return NotDeposited.NO_CODE
    row = acts.record(caisse, body, by=by)
    return MoneyDeposit.objects.using(caisse.using).get(act=row)


def _cheques(caisse: Caisse) -> list[Contribution]:
    rows = Contribution.objects.using(caisse.using).filter(
        paid_by__means=int(Means.CHEQUE),
        paid_by__quittance_number__isnull=False,
        deposited__isnull=True,
        cancelled_by__isnull=True,
    )
    return list(rows.order_by("act"))
