"""What a card may spend at this terminal: the newest allowance of directory and card, our refunds.

The card's own allowance costs exchanges, so it is read only when it can change the answer.
"""

from __future__ import annotations

import hashlib
import logging
from typing import Final

from cardkit.allowance import Allowance
from cardkit.bodies import (
    REFUNDS_COUNTED_MAX,
    AllowanceSeen,
    AllowanceWritten,
    DocumentRefused,
    EntryKind,
    RefundCounted,
)
from cardkit.clock import Clock, Instant, business_date
from cardkit.decide import Approved, CardState, Decision, Reason, decide
from cardkit.decide import Till as Situation
from cardkit.directory import CardRow, CardStatus
from cardkit.frozen import dataclass
from cardkit.signing import ContentType
from terminal.borne import SIGNED_FAULTS, Fault, RefusedAllowance, judge
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
    card_day_cents: int
    """What this terminal has taken from the card on the day of that instant."""
    asked_at: Instant
    """The instant that the decision is about, and so the intent's."""
    refused: tuple[RefusedAllowance, ...] = ()
    """Allowances that were looked at and do not count."""

    @property
    def is_blocked(self) -> bool:
        """Whether the directory blocks the present life of the card."""
        return _is_blocked(self.row, self.allowance)

    @property
    def refunded_cents(self) -> int:
        """Refunds of this terminal that the allowance does not contain."""
        return sum(refund.amount_cents for refund in self.refunds)


@dataclass(frozen=True, slots=True)
class _Held:
    """An allowance that counts, as it was signed, and whether a card brought it."""

    allowance: Allowance
    content: bytes
    is_borne: bool

    @property
    def order(self) -> tuple[int, int, int]:
        return self.allowance.order


@dataclass(frozen=True, slots=True)
class _Faulty:
    """An allowance that does not count, and its bytes."""

    refused: RefusedAllowance
    content: bytes


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
        listed = self._listed(uid, row)
        faulty = [it for it in (listed,) if isinstance(it, _Faulty)]
        return self._basis(uid, row, self._known(uid, row, listed), faulty)

    def of_card(self, tap: Tap) -> Basis:
        """Return what a decision stands on with the card's own allowances, refreshing the card.

        What is known here is left on the card when it is strictly newer than both slots, in the
        one that is empty, faulty or older: a tear then costs what was of no use any more. A
        blocked card is given nothing, which it could carry to a stall that knows of no block.
        """
        uid = tap.card.uid
        row = self._store.row(uid)
        looked = [
            self._look(content, uid, row, slot)
            for slot, content in enumerate(tap.allowance_slots())
        ]
        slots = [it if isinstance(it, _Held) else None for it in looked]
        for held in slots:
            if held is not None:
                self._store.note_signed_time(held.allowance.issued_at)
        listed = self._listed(uid, row)
        faulty = [it for it in (*looked, listed) if isinstance(it, _Faulty)]
        of_card, known = _newest(*slots), self._known(uid, row, listed)
        if of_card is not None and (known is None or of_card.order > known.order):
            self._store.keep_borne(uid, of_card.content)
            return self._basis(uid, row, of_card, faulty)
        if known is not None and (of_card is None or known.order > of_card.order):
            if of_card is not None and known.is_borne:
                slot = slots.index(of_card)
                older = RefusedAllowance(slot=slot, fault=Fault.OLDER)
                faulty.append(_Faulty(older, of_card.content))
            if not _is_blocked(row, known.allowance):
                self._refresh(tap, _older_slot(slots), known)
        return self._basis(uid, row, known, faulty)

    def see(self, basis: Basis) -> None:
        """Journal an allowance that only the card carried, in full, the first time it is used."""
        if basis.borne is None or basis.allowance is None:
            return
        if not self._store.is_seen(basis.allowance.digest):
            self._journal.append(EntryKind.ALLOWANCE_SEEN, AllowanceSeen(content=basis.borne))
            self._store.mark_seen(basis.allowance.digest)

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
                card_day_cents=basis.card_day_cents,
                unsent_cents=self._journal.unsent_cents(),
            ),
        )

    def _basis(
        self,
        uid: bytes,
        row: CardRow | None,
        held: _Held | None,
        faulty: list[_Faulty],
    ) -> Basis:
        self._journal_signed(faulty)
        refunds: tuple[RefundCounted, ...] = ()
        if held is not None:
            self._store.absorb(held.allowance)
            refunds = self._uncontained(held.allowance)
        now = self._clock.now()
        return Basis(
            row=row,
            allowance=None if held is None else held.allowance,
            borne=held.content if held is not None and held.is_borne else None,
            refunds=refunds,
            asked_at=now,
            card_day_cents=self._journal.card_day_cents(uid, business_date(now.at)),
            refused=tuple(it.refused for it in faulty),
        )

    def _uncontained(self, allowance: Allowance) -> tuple[RefundCounted, ...]:
        """Return our refunds to this card that no allowance has ever contained."""
        ours = self._journal.refunds(allowance.uid, allowance.generation)
        open_ones = (refund for refund in ours if not self._store.is_absorbed(refund.seq))
        return tuple(open_ones)[:REFUNDS_COUNTED_MAX]

    def _listed(self, uid: bytes, row: CardRow | None) -> _Held | _Faulty | None:
        return None if row is None else self._look(row.allowance, uid, row, None)

    def _known(
        self, uid: bytes, row: CardRow | None, listed: _Held | _Faulty | None
    ) -> _Held | None:
        """Return the newest of what the directory says and what the card has shown here before."""
        of_directory = listed if isinstance(listed, _Held) else None
        remembered = self._store.borne(uid)
        if remembered is None:
            return of_directory
        match judge(remembered, self._store.allowance, uid=uid, row=row):
            case Allowance() as allowance:
                return _newest(of_directory, _Held(allowance, remembered, is_borne=True))
            case Fault():
                return of_directory

    def _look(
        self, content: bytes | None, uid: bytes, row: CardRow | None, slot: int | None
    ) -> _Held | _Faulty | None:
        """Judge what stands in a slot, or with None in the directory."""
        if content is None:
            return None
        match judge(content, self._store.allowance, uid=uid, row=row):
            case Allowance() as allowance:
                return _Held(allowance, content, is_borne=slot is not None)
            case Fault() as fault:
                return _Faulty(RefusedAllowance(slot=slot, fault=fault), content)

    def _journal_signed(self, faulty: list[_Faulty]) -> None:
        """Journal the faults of what an issuer signed, the first time that a document shows one."""
        for it in faulty:
            fault, digest = it.refused.fault, hashlib.sha256(it.content).digest()
            logger.info("an allowance does not count: %s", fault.value)
            if fault in SIGNED_FAULTS and not self._store.is_seen(digest):
                kind = ContentType.ALLOWANCE.value
                body = DocumentRefused(content_type=kind, digest=digest, reason=fault.value)
                self._journal.append(EntryKind.DOCUMENT_REFUSED, body)
                self._store.mark_seen(digest)

    def _refresh(self, tap: Tap, slot: int, known: _Held) -> None:
        tap.write_allowance(slot, known.content)
        written = AllowanceWritten(uid=tap.card.uid, slot=slot, digest=known.allowance.digest)
        self._journal.append(EntryKind.ALLOWANCE_WRITTEN, written)


def _is_blocked(row: CardRow | None, allowance: Allowance | None) -> bool:
    """Say whether a row blocks a card; it says nothing about a life that came after it."""
    if row is None or row.status is not CardStatus.BLOCKED:
        return False
    return allowance is None or allowance.generation <= row.generation


def _newest(*candidates: _Held | None) -> _Held | None:
    """Return the newest of several, and of equals the first."""
    held = [candidate for candidate in candidates if candidate is not None]
    return max(held, key=lambda it: it.order, default=None)


def _older_slot(slots: list[_Held | None]) -> int:
    """Return the slot that holds nothing that counts, or the older allowance."""
    orders = [(-1,) if held is None else held.order for held in slots]
    return orders.index(min(orders))
