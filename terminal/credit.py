"""What a card may spend at this terminal: the newest allowance of directory and card, our refunds.

The card's own allowance costs exchanges, so it is read only when it can change the answer.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from cardkit.allowance import Allowance, newest
from cardkit.bodies import (
    REFUNDS_COUNTED_MAX,
    AllowanceSeen,
    AllowanceWritten,
    EntryKind,
    RefundCounted,
)
from cardkit.clock import Clock, Instant, business_date
from cardkit.decide import Approved, CardState, Decision, Reason, decide
from cardkit.decide import Till as Situation
from cardkit.directory import CardRow
from cardkit.errors import DocumentError
from terminal.journal import Journal
from terminal.store import Store
from terminal.tap import Tap

logger = logging.getLogger(__name__)

_CARD_MAY_KNOW_MORE: Final = frozenset(
    {
        Reason.CARD_UNKNOWN,
        Reason.NOT_ENOUGH,
        Reason.CARD_BLOCKED,
        Reason.CARD_ROLLED_BACK,
        Reason.CARD_FORKED,
    }
)
"""A newer month, or a newer life of the card than the one that the directory speaks of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a decision about one card stands on."""

    row: CardRow | None
    allowance: Allowance | None
    borne: bytes | None
    """The allowance as the card carried it, when that is the one in use."""
    refunds: tuple[RefundCounted, ...]
    asked_at: Instant
    """The instant that the decision is about, and so the intent's."""

    @property
    def refunded_cents(self) -> int:
        """Refunds of this terminal that the allowance does not contain."""
        return sum(refund.amount_cents for refund in self.refunds)


class Credit:
    """Finds the allowance in force for a card, and asks decide()."""

    def __init__(self, *, journal: Journal, store: Store, clock: Clock) -> None:
        self._journal = journal
        self._store = store
        self._clock = clock

    def decide(self, amount_cents: int, tap: Tap, *, merchant: int) -> tuple[Decision, Basis]:
        """Decide a sale; may read the card's slots, and may leave a newer allowance there."""
        basis = self.of_directory(tap.card.uid)
        decision = self._ask(amount_cents, tap.card, basis, merchant)
        if isinstance(decision, Approved) or decision.reason not in _CARD_MAY_KNOW_MORE:
            return decision, basis
        basis = self.of_card(tap)
        return self._ask(amount_cents, tap.prepare(), basis, merchant), basis

    def of_directory(self, uid: bytes) -> Basis:
        """Return what a decision stands on without asking the card."""
        row = self._store.row(uid)
        content = row.allowance if row is not None else None
        return self._basis(row, self._accept(content, uid), None)

    def of_card(self, tap: Tap) -> Basis:
        """Return what a decision stands on with the card's own allowances, refreshing the card.

        The directory's allowance is left on the card when it is strictly newer than both, in
        the slot of the older one: a tear then costs what was of no use any more.
        """
        uid = tap.card.uid
        contents = tap.allowance_slots()
        slots = [self._accept(content, uid) for content in contents]
        for allowance in slots:
            if allowance is not None:
                self._store.note_signed_time(allowance.issued_at)
        row = self._store.row(uid)
        signed = row.allowance if row is not None else None
        of_directory = self._accept(signed, uid)
        of_card = newest(*slots)
        if of_card is not None and (of_directory is None or of_card.order > of_directory.order):
            return self._basis(row, of_card, contents[slots.index(of_card)])
        if of_directory is not None and (of_card is None or of_directory.order > of_card.order):
            self._refresh(tap, _older_slot(slots), signed or b"", of_directory.digest)
        return self._basis(row, of_directory, None)

    def see(self, basis: Basis) -> None:
        """Journal an allowance that only the card carried, in full, the first time it is used."""
        if basis.borne is None or basis.allowance is None:
            return
        if not self._store.is_seen(basis.allowance.digest):
            self._journal.append(EntryKind.ALLOWANCE_SEEN, AllowanceSeen(content=basis.borne))
            self._store.mark_seen(basis.allowance.digest)

    def card_day_cents(self, uid: bytes, now: Instant) -> int:
        """Return what this terminal has taken from a card on the day of an instant."""
        return self._journal.card_day_cents(uid, business_date(now.at))

    def _ask(self, amount_cents: int, card: CardState, basis: Basis, merchant: int) -> Decision:
        directory = self._store.directory
        return decide(
            amount_cents,
            card,
            Situation(
                now=basis.asked_at.at,
                permit=self._store.permit.permit,
                merchant=merchant,
                directory=directory.header if directory is not None else None,
                row=basis.row,
                allowance=basis.allowance,
                refunded_cents=basis.refunded_cents,
                card_day_cents=self.card_day_cents(card.uid, basis.asked_at),
                unsent_cents=self._journal.unsent_cents(),
            ),
        )

    def _basis(
        self, row: CardRow | None, allowance: Allowance | None, borne: bytes | None
    ) -> Basis:
        refunds: tuple[RefundCounted, ...] = ()
        if allowance is not None:
            self._store.absorb(allowance)
            refunds = self._uncontained(allowance)
        return Basis(
            row=row,
            allowance=allowance,
            borne=borne,
            refunds=refunds,
            asked_at=self._clock.now(),
        )

    def _uncontained(self, allowance: Allowance) -> tuple[RefundCounted, ...]:
        """Return our refunds to this card that no allowance has ever contained."""
        ours = self._journal.refunds(allowance.uid, allowance.generation)
        open_ones = (refund for refund in ours if not self._store.is_absorbed(refund.seq))
        return tuple(open_ones)[:REFUNDS_COUNTED_MAX]

    def _accept(self, content: bytes | None, uid: bytes) -> Allowance | None:
        """Verify an allowance of this card; a bad one is as good as none."""
        if content is None:
            return None
        try:
            allowance = self._store.allowance(content)
        except DocumentError as error:
            logger.warning("an allowance was not accepted: %s", error)
            return None
        return allowance if allowance.uid == uid else None

    def _refresh(self, tap: Tap, slot: int, content: bytes, digest: bytes) -> None:
        tap.write_allowance(slot, content)
        written = AllowanceWritten(uid=tap.card.uid, slot=slot, digest=digest)
        self._journal.append(EntryKind.ALLOWANCE_WRITTEN, written)


def _older_slot(slots: list[Allowance | None]) -> int:
    """Return the slot that holds nothing, or the older allowance."""
    orders = [(-1,) if held is None else held.order for held in slots]
    return orders.index(min(orders))
