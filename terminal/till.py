"""The point of sale without its face: where tap, decision, card and journal meet.

The order of things is the promise (docs/protocol.md, "One sale"): the intent is on disk before
the card is asked to commit, the sale is on disk before anyone sees green, and what nobody knows
is amber until the card itself says more.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final, cast

from cardkit.bodies import (
    ClockSet,
    EntryKind,
    Evidence,
    IntegrityFailed,
    PaidOtherwise,
    Refund,
    RefundReason,
    ResolutionChoice,
    Sale,
    SessionChanged,
    SettingChanged,
    Started,
    Stopped,
)
from cardkit.card.connection import CardConnection
from cardkit.card.keys import CardUse, TerminalCardKeys
from cardkit.decide import CARD_FACTS, CardState, Declined, Reason
from cardkit.directory import CardRow
from cardkit.entries import Entry, OperatorRole
from cardkit.errors import CardError, ReaderError, must
from cardkit.pin import is_reset_code
from terminal.amber import AmberSales
from terminal.basket import BasketLine, total_cents, vat_totals
from terminal.closures import AlreadyClosed, Closures
from terminal.config import DataDirectory
from terminal.credit import Credit
from terminal.fiscal.perimeter import note_perimeter, perimeter_digest
from terminal.floored import FlooredClock
from terminal.journal import Journal
from terminal.keyring import Keyring, read_transport_key
from terminal.lines import BasketLines
from terminal.mailbox import Mailbox
from terminal.mounts import Stick
from terminal.outcomes import (
    Balance,
    BalanceOutcome,
    Basket,
    Green,
    Movement,
    OtherCard,
    Refunded,
    RefundObstacle,
    RefundOutcome,
    RefundRefused,
    Refused,
    Repeated,
    SaleOutcome,
    Settled,
    Settlement,
)
from terminal.running import tell_release
from terminal.selling import EMPTY_BASKET, Order, Selling
from terminal.software import Software
from terminal.stick import StickExchange, StickExchanged
from terminal.store import Store
from terminal.tap import Tap
from terminal.torn import Executed
from terminal.vat import of_refund

logger = logging.getLogger(__name__)

Announce = Callable[[Green], None]

REPEATED_WITHIN: Final = timedelta(minutes=2)
"""Who looks away, misses green and types again does so within this time."""
_SETTING_CHARACTERS: Final = 256


def nobody(green: Green) -> None:
    """Announce a sale to nobody."""


class Till:
    """One terminal at work.

    Errors of card and reader come through as CardError and ReaderError: then nothing was sold
    and nothing journalled. JournalStopped and StoreError mean that the terminal can't go on.
    """

    def __init__(
        self,
        data: DataDirectory,
        *,
        journal: Journal,
        store: Store,
        keyring: Keyring,
        clock: FlooredClock,
        software: Software,
    ) -> None:
        self.journal = journal
        self.store = store
        self.clock = clock
        self.data: Final = data
        self._lines: BasketLines | None = None
        self._keyring = keyring
        self._software = software
        self._credit = Credit(journal=journal, store=store, clock=clock)
        self._amber = AmberSales(journal)
        self.closures = Closures(
            journal, amber=self._amber, clock=clock, training=lambda: self.training
        )
        self._selling = Selling(
            journal=journal, store=store, credit=self._credit, token_key=keyring.token
        )
        self._mailbox = Mailbox(
            data, journal=journal, store=store, clock=clock, software_version=software.version
        )

    @property
    def training(self) -> bool:
        """Whether this terminal only plays."""
        return self.store.permit.permit.training

    def start(self) -> None:
        """Journal which program runs from here on, and make up for what a cut left undone."""
        self._append(
            EntryKind.STARTED,
            Started(
                software=self._software.digest,
                version=self._software.version,
                sqlite_version=sqlite3.sqlite_version,
                board_serial=self._software.board_serial,
                open_intents=len(self.journal.open_intents()),
            ),
        )
        if self._software.sources:
            perimeter = perimeter_digest(self._software.sources)
            note_perimeter(self.journal, perimeter, training=self.training)
        if self.store.damage is not None:
            self._append(EntryKind.INTEGRITY_FAILED, IntegrityFailed(what="directory"))
        self._amber.refund_owed()
        self._mailbox.journal_documents()
        tell_release(self.journal, self._software, self.data.opened, training=self.training)

    def stop(self) -> None:
        """Journal that the program ends in good order, and let go of journal and store."""
        self._append(EntryKind.STOPPED, Stopped())
        self.close()

    def close(self) -> None:
        """Let go of journal and store; calling it twice is harmless."""
        self.journal.close()
        self.store.close()
        if self._lines is not None:
            self._lines.close()
            self._lines = None

    @property
    def lines(self) -> BasketLines:
        """The lines of baskets; opened when they are first asked for, raises StoreError."""
        if self._lines is None:
            self._lines = BasketLines.open(self.data.lines)
        return self._lines

    def keep_lines(self, lines: tuple[BasketLine, ...]) -> bytes:
        """Put a basket's lines on disk and return the hash that its intent names."""
        return self.lines.keep(lines)

    def paid_otherwise(
        self, lines: tuple[BasketLine, ...], *, merchant: int, operator: OperatorRole
    ) -> int:
        """Journal a basket that was paid without a card, and return the number of its ticket."""
        body = PaidOtherwise(
            total_cents=total_cents(lines),
            vat_totals=vat_totals(lines, 0),
            lines_hash=self.keep_lines(lines),
        )
        kind, training = EntryKind.PAID_OTHERWISE, self.training
        entry = self.journal.append(
            kind, body, merchant=merchant, operator=operator, training=training
        )
        return entry.seq

    def is_reset_code(self, asked: str, answer: str) -> bool:
        """Say whether the caisse has answered a challenge for a forgotten PIN."""
        return is_reset_code(self._keyring.token, asked, answer)

    # With a card

    def sell(
        self,
        connection: CardConnection,
        amount_cents: int,
        *,
        merchant: int,
        operator: OperatorRole = OperatorRole.PRODUCER,
        basket: Basket = EMPTY_BASKET,
        announce: Announce = nobody,
        only_uid: bytes | None = None,
        asks_repeat: bool = False,
    ) -> SaleOutcome:
        """Sell for an amount, once what is open on this card has been settled.

        `announce` is called the moment the sale is on disk, before anything else is asked of the
        card; so it is for an earlier sale that turns out to have been paid. With `only_uid` no
        other card is touched. With `asks_repeat` a card that has just paid the same amount is
        not debited, and the answer says so.
        """
        must(amount_cents > 0, "an amount is positive")
        tap = Tap.open(connection, self._cards)
        if only_uid is not None and tap.card.uid != only_uid:
            return OtherCard(uid=tap.card.uid, expected_uid=only_uid)
        settled = self._settle(tap, announce)
        if any(not earlier.is_void for earlier in settled):
            return Settled(settled=settled)
        repeated = self._repeated(tap.card.uid, amount_cents, merchant) if asks_repeat else None
        if repeated is not None:
            return replace(repeated, settled=settled)
        self._gather_if_asked(tap)
        tap.prepare()
        order = Order(
            amount_cents=amount_cents, merchant=merchant, operator=operator, basket=basket
        )
        decision, basis = self._credit.decide(amount_cents, tap, merchant=merchant)
        if isinstance(decision, Declined):
            if decision.reason in CARD_FACTS:
                self._gather(tap)
            self._selling.decline(tap, decision, order)
            return Refused(declined=decision, settled=settled, refused=basis.refused)
        was_expected = self._is_expected(tap.card, basis.row)
        outcome = self._selling.debit(tap, order, basis, decision, settled)
        if isinstance(outcome, Green):
            announce(outcome)
            if not was_expected:
                self._gather(tap)
        return outcome

    def balance(
        self,
        connection: CardConnection,
        *,
        announce: Announce = nobody,
        with_movements: bool = False,
    ) -> BalanceOutcome:
        """Say what a card may spend here, settle what is open on it, and refresh its allowance.

        `announce` is called as in `sell`: the card may be gone before there is an outcome.
        """
        tap = Tap.open(connection, self._cards)
        settled = self._settle(tap, announce)
        movements = self._movements(tap) if with_movements else ()
        basis = self._credit.of_card(tap)
        allowance = basis.allowance
        if basis.is_blocked:
            blocked = Declined(Reason.CARD_BLOCKED)
            return Refused(declined=blocked, settled=settled, refused=basis.refused)
        if allowance is None:
            unknown = Declined(Reason.CARD_UNKNOWN)
            return Refused(declined=unknown, settled=settled, refused=basis.refused)
        card = tap.card
        available_cents = allowance.available_cents(
            self.clock.now().at, spent_cents=card.spent_cents, refunded_cents=basis.refunded_cents
        )
        return Balance(
            uid=card.uid,
            available_cents=available_cents,
            spent_cents=card.spent_cents,
            spendable_until=allowance.spendable_until,
            movements=movements,
            settled=settled,
            refused=basis.refused,
        )

    def refresh(self, connection: CardConnection, *, announce: Announce = nobody) -> BalanceOutcome:
        """Leave a newer allowance on a card; the same tap tells its balance."""
        return self.balance(connection, announce=announce)

    def inspect(self, connection: CardConnection) -> Evidence:
        """Journal what a card tells of its past, without a sale and without changing it."""
        tap = Tap.open(connection, self._cards)
        enc_tmri = tap.reader_before(self.journal.terminal)
        tap.records()
        evidence = tap.evidence(enc_tmri=enc_tmri)
        self._append(EntryKind.EVIDENCE, evidence)
        return evidence

    # Without a card

    def refund(
        self,
        intent_seq: int,
        amount_cents: int | None,
        reason: RefundReason,
        *,
        operator: OperatorRole = OperatorRole.PRODUCER,
    ) -> RefundOutcome:
        """Give back a sale of this terminal, or part of it; None gives back all that is left."""
        sold = self.journal.sold(intent_seq)
        if sold is None:
            return RefundRefused(obstacle=RefundObstacle.NO_SUCH_SALE)
        left_cents = sold.sale.amount_cents - sold.refunded_cents
        wanted_cents = left_cents if amount_cents is None else amount_cents
        if not 0 < wanted_cents <= left_cents:
            return RefundRefused(obstacle=RefundObstacle.TOO_MUCH, refundable_cents=left_cents)
        sale = sold.entry.envelope
        window = timedelta(days=self.store.permit.permit.refund_days)
        if self.clock.now().at > sale.at + window:
            return RefundRefused(obstacle=RefundObstacle.TOO_LATE)
        refunds = [cast(Refund, it.body) for it in self.journal.refunds_of(intent_seq)]
        entry = self.journal.append(
            EntryKind.REFUND,
            Refund(
                intent_seq=intent_seq,
                amount_cents=wanted_cents,
                reason=reason,
                uid=sold.intent.uid,
                generation=sold.intent.generation,
                vat_totals=of_refund(sold.intent.vat_totals, refunds, wanted_cents, reason),
            ),
            merchant=sale.merchant,
            operator=operator,
            training=sale.training,
        )
        return Refunded(seq=entry.seq, intent_seq=intent_seq, amount_cents=wanted_cents)

    def resolve(
        self,
        intent_seq: int,
        choice: ResolutionChoice,
        *,
        operator: OperatorRole = OperatorRole.PRODUCER,
    ) -> bool:
        """Journal a person's answer about an amber sale; False when it is not open (any more)."""
        return self._amber.resolve(intent_seq, choice, operator)

    @property
    def day_begins_after(self) -> int:
        """The last entry of the last day that was closed; 0 before the first."""
        return self.closures.day_begins_after

    def close_day(
        self, day: date, *, operator: OperatorRole = OperatorRole.NOBODY
    ) -> Entry | AlreadyClosed:
        """Leave what is still open to the service and journal the day's totals."""
        return self.closures.close_day(day, operator=operator)

    def set_clock(self, at: datetime, *, operator: OperatorRole = OperatorRole.PRODUCER) -> bool:
        """Take a person's word for the time; False when what was signed forbids it."""
        before = self.clock.now()
        if not self.clock.declare(at):
            return False
        after = self.clock.now()
        body = ClockSet(before=before.at, after=after.at, trust=after.trust)
        self.journal.append(EntryKind.CLOCK_SET, body, operator=operator, training=self.training)
        return True

    def open_session(self, merchant: int, operator: OperatorRole) -> None:
        """Journal that somebody sells for a merchant from here on."""
        self._session(EntryKind.SESSION_OPENED, merchant, operator)

    def close_session(self, merchant: int, operator: OperatorRole) -> None:
        """Journal that nobody sells for a merchant any more."""
        self._session(EntryKind.SESSION_CLOSED, merchant, operator)

    def note_setting(
        self, name: str, before: str, after: str, *, merchant: int = 0, operator: OperatorRole
    ) -> None:
        """Journal that a setting that matters to the books was changed."""
        body = SettingChanged(
            name=name, before=before[:_SETTING_CHARACTERS], after=after[:_SETTING_CHARACTERS]
        )
        self.journal.append(
            EntryKind.SETTING_CHANGED,
            body,
            merchant=merchant,
            operator=operator,
            training=self.training,
        )

    def exchange_by_stick(self, stick: Stick) -> StickExchanged:
        """Exchange with the service by a USB stick; raises StickError."""
        key = read_transport_key(self.data.keys, caisse=self.journal.caisse)
        return StickExchange(journal=self.journal, mailbox=self._mailbox, key=key).run(stick)

    def consume_inbox(self) -> int:
        """Take in the service's answers and return how many were good."""
        return self._mailbox.consume()

    def export_outbox(self) -> int:
        """Leave what is to be sent to the service in the outbox and return the number of files."""
        return len(self._mailbox.export())

    def rest(self) -> None:
        """Use the time between taps: answers in, requests out, the write-ahead log emptied.

        Raises StoreError when inbox or outbox fails, after which selling may go on.
        """
        self.journal.checkpoint()
        self.consume_inbox()
        self.export_outbox()

    # Inside a tap

    @property
    def _cards(self) -> TerminalCardKeys:
        """The keys of the cards that may be opened here: whoever trains debits no member."""
        return self._keyring.cards.for_use(CardUse.TRAINING if self.training else CardUse.REAL)

    def _settle(self, tap: Tap, announce: Announce) -> tuple[Settlement, ...]:
        settled = self._amber.settle(tap)
        for earlier in settled:
            if isinstance(earlier.verdict, Executed) and earlier.refund_seq is None:
                announce(
                    Green(
                        seq=earlier.intent_seq,
                        uid=tap.card.uid,
                        amount_cents=earlier.amount_cents,
                        tmc=earlier.verdict.tmc,
                        proof=earlier.verdict.proof,
                    )
                )
        if tap.has_records:
            self._append(EntryKind.EVIDENCE, tap.evidence())
        return settled

    def _repeated(self, uid: bytes, amount_cents: int, merchant: int) -> Repeated | None:
        """Return the sale that a producer who missed its green would make a second time."""
        last = self.journal.last_sale(uid)
        if last is None or not isinstance(last.body, Sale) or last.envelope.merchant != merchant:
            return None
        ago = self.clock.now().at - last.envelope.at
        if last.body.amount_cents != amount_cents or ago > REPEATED_WITHIN:
            return None
        return Repeated(
            seq=last.body.intent_seq, uid=uid, amount_cents=amount_cents, ago=max(ago, timedelta())
        )

    def _movements(self, tap: Tap) -> tuple[Movement, ...]:
        """Return what the card remembers; the time of what was sold here is in the journal."""
        movements = []
        for record in tap.records():
            if record is None:
                continue
            is_ours = record.terminal == self.journal.terminal
            sold = self.journal.outcome(record.seq) if is_ours else None
            movements.append(
                Movement(
                    terminal=record.terminal,
                    seq=record.seq,
                    amount_cents=record.amount_cents,
                    at=None if sold is None else sold.envelope.at,
                )
            )
        return tuple(movements)

    def _session(self, kind: EntryKind, merchant: int, operator: OperatorRole) -> None:
        self.journal.append(
            kind,
            SessionChanged(merchant=merchant),
            merchant=merchant,
            operator=operator,
            training=self.training,
        )

    def _gather_if_asked(self, tap: Tap) -> None:
        """Read the records before the sale when the directory asks for this card's."""
        row = self.store.row(tap.card.uid)
        if row is None or not row.read_records:
            return
        last = self.journal.last_evidence(tap.card.uid)
        if last is None or not last.records_read or last.tmc != tap.card.tmc:
            tap.records()
            self._append(EntryKind.EVIDENCE, tap.evidence())

    def _is_expected(self, card: CardState, row: CardRow | None) -> bool:
        """Say whether the card stands where the directory, or this terminal, saw it last."""
        known_tmc = self.journal.last_known_tmc(card.uid) or 0
        return card.tmc == max(known_tmc, 0 if row is None else row.tmc)

    def _gather(self, tap: Tap) -> None:
        """Journal the card's records if it still lies there; nothing depends on it."""
        try:
            tap.records()
        except (CardError, ReaderError) as error:
            logger.debug("no evidence: %s", error)
        else:
            self._append(EntryKind.EVIDENCE, tap.evidence())

    def _append(
        self, kind: EntryKind, body: Started | Stopped | IntegrityFailed | Evidence
    ) -> Entry:
        return self.journal.append(kind, body, training=self.training)
