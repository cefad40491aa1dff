"""Sales of a burnt terminal, rebuilt from what its customers' cards still know.

Between two states of a card that are proven lies a hole. Its records, the card's word on who
wrote last, and a small search over terminal, number and split give candidates; one counts only
if the Transaction MAC that somebody saw on the card fits it. Who is paid is decided by the
token, which only the lost terminal could make.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from cardkit.card.token import ReaderId, SaleRecord
from cardkit.frozen import dataclass
from server_stub.rules.facts import Known, Lost
from server_stub.rules.proof import (
    CardKey,
    CardSale,
    attributed,
    enc_tmri_after,
    expected_tmv,
    of_record,
    reader_before,
    token_of,
)

HOLE_MAX: Final = 32
"""Transactions of one card in one hole; beyond it, only the sum is known."""
SEQ_WINDOW: Final = 400
"""Entries that a terminal may have written since it was last heard of: a busy day."""
SPLIT_MAX_CENTS: Final = 30_000
"""The largest amount that is searched for cent by cent."""
STEPS_MAX: Final = 50_000
"""Candidates tried in one hole: a few seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoleEnd:
    """What is known of the card after the last missing transaction."""

    tmc: int
    tmv: bytes
    spent_cents: int
    next_enc_tmri: bytes | None


@dataclass(frozen=True, slots=True)
class Found:
    """A transaction that must have happened, and its proof."""

    sale: CardSale
    tmv: bytes

    @property
    def after(self) -> Known:
        """The card right after it."""
        return Known(
            tmc=self.sale.tmc,
            tmv=self.tmv,
            spent_cents=self.sale.spent_cents,
            tmri=self.sale.tmri,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Missing transactions between two known states, and what may be found out about them."""

    card: CardKey
    start: Known
    end: HoleEnd
    records: Mapping[int, tuple[SaleRecord, ...]]
    seen: Mapping[int, frozenset[bytes]]
    """Transaction MACs that somebody saw, by counter."""
    lost: Mapping[int, Lost]


def recover(hole: Hole) -> tuple[Found, ...]:
    """Return the transactions of a hole that are proven, from its beginning on, in order.

    Those of other terminals, told by their records, are among them: they carry the proof on.
    """
    start, end = hole.start, hole.end
    if not 0 < end.tmc - start.tmc <= HOLE_MAX or end.spent_cents < start.spent_cents:
        return ()
    search = _Search(hole)
    search.walk(start, ())
    return search.best


class _Search:
    """One hole; depth first, bounded by STEPS_MAX."""

    def __init__(self, hole: Hole) -> None:
        self.best: tuple[Found, ...] = ()
        self._card = hole.card
        self._end = hole.end
        self._records = hole.records
        self._seen = hole.seen
        self._lost = hole.lost
        self._steps = 0
        self._last_reader = self._read_last_reader()
        self._spent_before = self._spent_positions(hole.start)

    def walk(self, before: Known, path: tuple[Found, ...]) -> bool:
        """Extend a path; true when it reaches the end of the hole, every proof right."""
        tmc = before.tmc + 1
        if tmc > self._end.tmc:
            return True
        enc_tmri = enc_tmri_after(self._card, tmc=tmc, previous_tmri=before.tmri)
        proofs = frozenset({self._end.tmv}) if tmc == self._end.tmc else self._seen.get(tmc)
        for sale in self._candidates(before):
            self._steps += 1
            if self._steps > STEPS_MAX:
                return False
            tmv = expected_tmv(self._card, sale, enc_tmri=enc_tmri)
            if tmv is None or (proofs and tmv not in proofs):
                continue
            found = Found(sale, tmv)
            longer = (*path, found)
            if proofs and len(longer) > len(self.best):
                self.best = longer
            if self.walk(found.after, longer):
                return True
        return False

    def _candidates(self, before: Known) -> Iterator[CardSale]:
        tmc = before.tmc + 1
        for record in self._records.get(tmc, ()):
            if (record.spent0_cents, record.tmv0) == (before.spent_cents, before.tmv):
                yield of_record(record, tmc=tmc)
        spent_after_cents = self._spent_before.get(tmc + 1, 0)
        amount_cents = spent_after_cents - before.spent_cents
        if amount_cents <= 0:
            return
        reader = self._last_reader if tmc == self._end.tmc else None
        if reader is not None:
            sale = self._sale(before, amount_cents, reader)
            lost = self._lost.get(reader.terminal)
            if lost and attributed(lost.token_key, uid=self._card.uid, sale=sale):
                yield sale
            return
        for lost in self._lost.values():
            for seq in range(lost.last_seq + 1, lost.last_seq + 1 + SEQ_WINDOW):
                token = token_of(
                    lost.token_key,
                    uid=self._card.uid,
                    tmc0=before.tmc,
                    spent0_cents=before.spent_cents,
                    amount_cents=amount_cents,
                    seq=seq,
                )
                reader = ReaderId(terminal=lost.terminal, seq=seq, token=token)
                yield self._sale(before, amount_cents, reader)

    def _sale(self, before: Known, amount_cents: int, reader: ReaderId) -> CardSale:
        return CardSale(
            tmc=before.tmc + 1,
            terminal=reader.terminal,
            seq=reader.seq,
            spent0_cents=before.spent_cents,
            amount_cents=amount_cents,
            tmv0=before.tmv,
            token=reader.token,
        )

    def _read_last_reader(self) -> ReaderId | None:
        if self._end.next_enc_tmri is None:
            return None
        return reader_before(self._card, tmc=self._end.tmc + 1, enc_tmri=self._end.next_enc_tmri)

    def _spent_positions(self, start: Known) -> dict[int, int]:
        """Where the counter stood before each transaction, as far as anything tells."""
        known = {start.tmc + 1: start.spent_cents, self._end.tmc + 1: self._end.spent_cents}
        for tmc, records in self._records.items():
            for record in records:
                if start.tmc < tmc <= self._end.tmc:
                    known.setdefault(tmc, record.spent0_cents)
                    known.setdefault(tmc + 1, record.spent0_cents + record.amount_cents)
        if self._end.tmc not in known:
            split = self._split_by_token(start)
            if split is not None:
                known[self._end.tmc] = split
        return known

    def _split_by_token(self, start: Known) -> int | None:
        """Where the counter stood before the last transaction: its token fits one amount only."""
        reader = self._last_reader
        lost = self._lost.get(reader.terminal) if reader is not None else None
        if reader is None or lost is None:
            return None
        most_cents = min(SPLIT_MAX_CENTS, self._end.spent_cents - start.spent_cents)
        for amount_cents in range(1, most_cents + 1):
            sale = CardSale(
                tmc=self._end.tmc,
                terminal=reader.terminal,
                seq=reader.seq,
                spent0_cents=self._end.spent_cents - amount_cents,
                amount_cents=amount_cents,
                tmv0=self._end.tmv,
                token=reader.token,
            )
            if attributed(lost.token_key, uid=self._card.uid, sale=sale):
                return sale.spent0_cents
        return None
