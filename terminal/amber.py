"""Sales whose end nobody saw: they wait here for their card, a person's word, or the day's end."""

from __future__ import annotations

from cardkit.bodies import (
    DoubtReason,
    EntryKind,
    Indeterminate,
    Refund,
    Resolution,
    ResolutionChoice,
    Sale,
    Void,
)
from cardkit.entries import Entry, OperatorRole
from cardkit.errors import CardRefused, must
from terminal.journal import Journal
from terminal.journal_read import REFUNDED_FOR, OpenIntent
from terminal.outcomes import Settlement
from terminal.tap import Tap
from terminal.torn import (
    CardFacts,
    Executed,
    NotExecuted,
    Undecidable,
    Verdict,
    judge,
    needs_records,
)
from terminal.vat import STAYS_SOLD, paid_otherwise


class AmberSales:
    """The open intents of one journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def settle(self, tap: Tap) -> tuple[Settlement, ...]:
        """Settle what is open on the card in the field, before anything new; raises CardError."""
        return tuple(self._settle(held, tap) for held in self._journal.open_intents(tap.card.uid))

    def resolve(self, intent_seq: int, choice: ResolutionChoice, operator: OperatorRole) -> bool:
        """Journal what a person said of an open sale; False when it is not open (any more)."""
        held = next((it for it in self._journal.open_intents() if it.seq == intent_seq), None)
        if held is None:
            return False
        body = Resolution(intent_seq=intent_seq, choice=choice)
        self._append(held, EntryKind.RESOLUTION, body, operator)
        return True

    def give_up(self, reason: DoubtReason, *, until_seq: int) -> tuple[int, ...]:
        """Leave open sales up to an entry to the service, for good, and return their numbers."""
        held = tuple(it for it in self._journal.open_intents() if it.seq <= until_seq)
        for it in held:
            self._append(
                it, EntryKind.INDETERMINATE, Indeterminate(intent_seq=it.seq, reason=reason)
            )
        return tuple(it.seq for it in held)

    def refund_owed(self) -> None:
        """Enter the refunds that a cut kept from following their sale."""
        for intent_seq in self._journal.owed_refunds():
            sold = self._journal.sold(intent_seq)
            must(sold is not None, "a refund is owed for a sale")
            if sold is not None:
                merchant = sold.entry.envelope.merchant
                training = sold.entry.envelope.training
                choice = self._journal.choice(intent_seq)
                must(choice in REFUNDED_FOR, "an answer that owes a refund")
                held = OpenIntent(intent_seq, merchant, training, sold.intent, choice)
                if choice is not None:
                    self._refund(held, choice)

    def _settle(self, held: OpenIntent, tap: Tap) -> Settlement:
        verdict = judge(
            held.intent,
            self._facts(held, tap),
            terminal=self._journal.terminal,
            seq=held.seq,
            profile=tap.session.profile,
        )
        self._append_verdict(held, verdict, tap)
        refund_seq = None
        if isinstance(verdict, Executed) and held.choice in REFUNDED_FOR:
            refund_seq = self._refund(held, held.choice)
        return Settlement(
            intent_seq=held.seq,
            amount_cents=held.intent.amount_cents,
            verdict=verdict,
            refund_seq=refund_seq,
        )

    def _facts(self, held: OpenIntent, tap: Tap) -> CardFacts:
        """Read as much as the question needs; a card that refuses leaves it unanswered."""
        try:
            return tap.facts(with_records=needs_records(held.intent, tap.card.tmc))
        except CardRefused:
            return tap.facts(with_records=False)

    def _append_verdict(self, held: OpenIntent, verdict: Verdict, tap: Tap) -> None:
        card, intent = tap.card, held.intent
        match verdict:
            case Executed():
                self._append(
                    held,
                    EntryKind.SALE,
                    Sale(
                        intent_seq=held.seq,
                        amount_cents=intent.amount_cents,
                        tmc=verdict.tmc,
                        proof=verdict.proof,
                        tmv=verdict.tmv,
                    ),
                )
            case NotExecuted():
                self._append(
                    held,
                    EntryKind.VOID,
                    Void(
                        intent_seq=held.seq,
                        reason=verdict.reason,
                        tmc=card.tmc,
                        tmv=card.tmv,
                        spent_cents=card.spent_cents,
                    ),
                )
            case Undecidable():
                self._append(
                    held,
                    EntryKind.INDETERMINATE,
                    Indeterminate(
                        intent_seq=held.seq,
                        reason=verdict.reason,
                        tmc=card.tmc,
                        tmv=card.tmv,
                        spent_cents=card.spent_cents,
                    ),
                )

    def _refund(self, held: OpenIntent, choice: ResolutionChoice) -> int:
        """Give back what was also paid another way, or what nobody took."""
        reason, totals = REFUNDED_FOR[choice], held.intent.vat_totals
        body = Refund(
            intent_seq=held.seq,
            amount_cents=held.intent.amount_cents,
            reason=reason,
            uid=held.intent.uid,
            generation=held.intent.generation,
            vat_totals=paid_otherwise(totals) if reason in STAYS_SOLD else totals,
        )
        return self._append(held, EntryKind.REFUND, body).seq

    def _append(
        self,
        held: OpenIntent,
        kind: EntryKind,
        body: Sale | Void | Indeterminate | Refund | Resolution,
        operator: OperatorRole = OperatorRole.NOBODY,
    ) -> Entry:
        return self._journal.append(
            kind, body, merchant=held.merchant, operator=operator, training=held.training
        )
