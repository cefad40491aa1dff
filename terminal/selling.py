"""Exchanges 6 to 9 of a sale, and what goes on disk between them.

Everything up to the intent can fail without a trace, because the card forgets it. From the
commit on, only the card or its answer knows how the sale ended.
"""

from __future__ import annotations

import logging
from typing import Final

from cardkit.bodies import DeclinedEntry, EntryKind, Intent, Sale, SaleProof
from cardkit.card.token import ReaderId, SaleRecord, token_mac
from cardkit.clock import Instant
from cardkit.decide import CARD_FACTS, Approved, Declined
from cardkit.entries import Entry, OperatorRole
from cardkit.errors import Bug, CardAnswerInvalid, CardError, ReaderError, must
from cardkit.frozen import dataclass
from terminal.credit import Basis, Credit
from terminal.journal import Journal
from terminal.outcomes import Amber, Basket, Green, Settlement
from terminal.store import Store
from terminal.tap import Tap

logger = logging.getLogger(__name__)

EMPTY_BASKET: Final = Basket()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be sold, for whom, by whom."""

    amount_cents: int
    merchant: int
    operator: OperatorRole
    basket: Basket


class Selling:
    """Debits a card that may pay, and journals a refusal of one that may not."""

    def __init__(self, *, journal: Journal, store: Store, credit: Credit, token_key: bytes) -> None:
        self._journal = journal
        self._store = store
        self._credit = credit
        self._token_key = token_key

    def decline(self, tap: Tap, declined: Declined, order: Order) -> None:
        """Journal a refusal; only what is about the card itself names it."""
        card = tap.card if declined.reason in CARD_FACTS else None
        directory = self._store.directory
        body = DeclinedEntry(
            reason=declined.reason,
            directory=directory.digest if directory is not None else None,
            uid=card.uid if card is not None else None,
            tmc=card.tmc if card is not None else None,
            tmv=card.tmv if card is not None else None,
            spent_cents=card.spent_cents if card is not None else None,
        )
        self._append(order, EntryKind.DECLINED, body)

    def debit(
        self,
        tap: Tap,
        order: Order,
        basis: Basis,
        approved: Approved,
        settled: tuple[Settlement, ...],
    ) -> Green | Amber:
        """Debit the card: intent on disk before the commit, sale on disk right after it."""
        self._credit.see(basis)
        seq, uid, amount_cents = self._journal.next_seq, tap.card.uid, order.amount_cents
        intent = self._begin(tap, order, basis, seq)
        entry = self._append(order, EntryKind.INTENT, intent, at=basis.asked_at)
        must(entry.seq == seq, "the number of the sale")
        try:
            proof = tap.session.commit()
            if proof.tmc != intent.tmc0 + 1:
                raise CardAnswerInvalid(f"counter {proof.tmc} after {intent.tmc0}")
        except (CardError, ReaderError) as error:
            logger.info("sale %s: nobody knows how it ended: %s", seq, error)
            return Amber(seq=seq, uid=uid, amount_cents=amount_cents, settled=settled)
        sale = Sale(
            intent_seq=seq,
            amount_cents=amount_cents,
            tmc=proof.tmc,
            proof=SaleProof.COMMIT_ANSWERED,
            tmv=proof.tmv,
        )
        self._append(order, EntryKind.SALE, sale)
        tap.paid(amount_cents, proof)
        return Green(
            seq=seq,
            uid=uid,
            amount_cents=amount_cents,
            tmc=proof.tmc,
            proof=sale.proof,
            remaining_cents=approved.available_cents - amount_cents,
            settled=settled,
        )

    def _begin(self, tap: Tap, order: Order, basis: Basis, seq: int) -> Intent:
        """Exchanges 6 to 8, which touch nothing but the card's shadow."""
        card, session, terminal = tap.card, tap.session, self._journal.terminal
        token = token_mac(
            self._token_key,
            uid=card.uid,
            tmc0=card.tmc,
            spent0_cents=card.spent_cents,
            amount_cents=order.amount_cents,
            seq=seq,
        )
        record = SaleRecord(
            terminal=terminal,
            seq=seq,
            amount_cents=order.amount_cents,
            spent0_cents=card.spent_cents,
            tmv0=card.tmv,
            token=token,
        )
        session.debit(order.amount_cents)
        session.write_record(record)
        enc_tmri = session.commit_reader_id(ReaderId(terminal=terminal, seq=seq, token=token))
        return self._intent(tap, order, basis, token=token, enc_tmri=enc_tmri)

    def _intent(
        self, tap: Tap, order: Order, basis: Basis, *, token: bytes, enc_tmri: bytes
    ) -> Intent:
        """Put down everything that the service needs to come to the same answer."""
        card, session, basket = tap.card, tap.session, order.basket
        allowance, directory, version = basis.allowance, self._store.directory, session.key_version
        if allowance is None or directory is None or version is None:
            raise Bug("a sale was approved on an allowance, a directory and a terminal's key")
        return Intent(
            uid=card.uid,
            generation=allowance.generation,
            profile=session.profile.name,
            key_version=version,
            tmc0=card.tmc,
            tmv0=card.tmv,
            spent0_cents=card.spent_cents,
            amount_cents=order.amount_cents,
            token=token,
            enc_tmri=enc_tmri,
            permit=self._store.permit.digest,
            directory=directory.digest,
            allowance=allowance.digest,
            card_day_cents=basis.card_day_cents,
            unsent_cents=self._journal.unsent_cents(),
            refunds_counted=basis.refunds,
            total_cents=basket.total_cents,
            remainder_cents=basket.remainder_cents,
            vat_totals=basket.vat_totals,
            lines_hash=basket.lines_hash,
        )

    def _append(
        self,
        order: Order,
        kind: EntryKind,
        body: Intent | Sale | DeclinedEntry,
        *,
        at: Instant | None = None,
    ) -> Entry:
        return self._journal.append(
            kind,
            body,
            merchant=order.merchant,
            operator=order.operator,
            training=self._store.permit.permit.training,
            at=at,
        )
