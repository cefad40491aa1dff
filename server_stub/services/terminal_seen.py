"""One terminal as the office reads it, and what may be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Sum

from cardkit.clock import business_date
from cardkit.permit import Permit
from server_stub.models import Batch, CardTransaction, Merchant, Terminal, TerminalStatus
from server_stub.rules.conventions import standing
from server_stub.rules.facts import State
from server_stub.services import conventions, issue
from server_stub.services.caisse import Caisse
from server_stub.services.fleet import TerminalState, state_of

DELIVERIES_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalSeen:
    """Everything that the page of a terminal says."""

    state: TerminalState
    own: Permit | None
    """What it goes back to after a loan; None where it is not lent."""
    recovered_sales: int
    """Sales of a lost terminal that cards told of, and that wait for a person."""
    recovered_cents: int
    deliveries: tuple[Batch, ...]
    """The last that brought something, the newest first."""

    @property
    def terminal(self) -> Terminal:
        """The terminal itself."""
        return self.state.terminal

    @property
    def is_used(self) -> bool:
        """Whether it is given documents to sell with."""
        return self.terminal.status == TerminalStatus.ACTIVE

    @property
    def is_lent(self) -> bool:
        """Whether its newest permit is a loan."""
        return self.own is not None

    @property
    def is_stolen(self) -> bool:
        """Whether a theft was declared, which bounds what it may still move."""
        return self.terminal.loss_window_cents is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payee:
    """A merchant that a terminal could sell for."""

    merchant: Merchant
    is_covered: bool
    """Whether a convention covers today."""


def find_terminal(caisse: Caisse, number: int) -> Terminal | None:
    """Return a terminal by number."""
    return Terminal.objects.using(caisse.using).filter(pk=number).first()


def terminal_seen(caisse: Caisse, number: int) -> TerminalSeen | None:
    """Return what the page of a terminal says; None: there is none of that number."""
    terminal = find_terminal(caisse, number)
    if terminal is None:
        return None
    state = state_of(caisse, terminal)
    is_lent = state.permit is not None and state.permit.loan
    sales, cents = _recovered(caisse, terminal)
    deliveries = Batch.objects.using(caisse.using).filter(terminal=terminal, new_entries__gt=0)
    return TerminalSeen(
        state=state,
        own=issue.own_permit(caisse, terminal) if is_lent else None,
        recovered_sales=sales,
        recovered_cents=cents,
        deliveries=tuple(deliveries.order_by("-id")[:DELIVERIES_SHOWN]),
    )


def payees(caisse: Caisse) -> tuple[Payee, ...]:
    """Return every merchant by name, and whether it may sell today."""
    today = business_date(caisse.now())
    spans = conventions.spans(caisse)
    found = []
    for merchant in Merchant.objects.using(caisse.using).order_by("name", "id"):
        days = standing(spans.get(merchant.pk, ()), today)
        covered = days is not None and days.covers(today)
        found.append(Payee(merchant=merchant, is_covered=covered))
    return tuple(found)


def _recovered(caisse: Caisse, terminal: Terminal) -> tuple[int, int]:
    if terminal.status != TerminalStatus.LOST:
        return 0, 0
    rows = CardTransaction.objects.using(caisse.using).filter(
        claim__isnull=True, terminal=terminal.pk, state=State.PROVISIONAL.value
    )
    sums = rows.aggregate(sales=Count("id"), cents=Sum("amount_cents"))
    return sums["sales"], sums["cents"] or 0
