"""Transactions that nobody has told of: what the card spent in them, and whose mark it bears.

A reader id is free text to whoever holds key 1. Only a token that fits this card, this counter
and this amount is a terminal's mark: nobody else could make it. It says that the terminal asked
for this sale, and nothing about why its journal does not tell.
"""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.card.token import SaleRecord
from cardkit.frozen import dataclass
from server_stub.rules.chain import Proven
from server_stub.rules.facts import CardFacts, Known
from server_stub.rules.proof import CardSale, attributed, reader_before


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Transactions in a row that nobody has told of, between two states that are proven."""

    first_tmc: int
    last_tmc: int
    before_cents: int
    sum_cents: int
    tmv0: bytes
    """The proof of the last of them, as the next transaction names it."""
    next_enc_tmri: bytes | None

    @property
    def span(self) -> tuple[int, int]:
        """First and last counter."""
        return self.first_tmc, self.last_tmc

    @property
    def subject(self) -> str:
        """What postings call it."""
        return f"gap/{self.first_tmc}-{self.last_tmc}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The token of a terminal that is still in use, in a gap where it fits."""

    terminal: int
    seq: int
    tmc: int
    amount_cents: int
    token: bytes


def gap_between(before: Known, proven: Proven) -> Gap:
    """Return the gap that ends at a proven transaction."""
    sale = proven.sale
    return Gap(
        first_tmc=before.tmc + 1,
        last_tmc=sale.tmc - 1,
        before_cents=before.spent_cents,
        sum_cents=max(0, sale.spent0_cents - before.spent_cents),
        tmv0=sale.tmv0,
        next_enc_tmri=None if proven.claim is None else proven.claim.enc_tmri,
    )


def marks(facts: CardFacts, gap: Gap) -> tuple[Mark, ...]:
    """Return the marks of terminals in a gap, in the order of the card's counter."""
    found = {(mark.tmc, mark.terminal, mark.seq): mark for mark in _marks(facts, gap)}
    return tuple(found[place] for place in sorted(found))


def _marks(facts: CardFacts, gap: Gap) -> Iterator[Mark]:
    for tmc, records in facts.records.items():
        for record in records:  # each was placed by its token
            if record.terminal in facts.tellers and _fits(gap, tmc, record):
                yield Mark(
                    terminal=record.terminal,
                    seq=record.seq,
                    tmc=tmc,
                    amount_cents=record.amount_cents,
                    token=record.token,
                )
    yield from _mark_of_reader(facts, gap)


def _fits(gap: Gap, tmc: int, record: SaleRecord) -> bool:
    """Whether the card can have spent just this, there, between what is proven on both sides."""
    begins = record.spent0_cents - gap.before_cents
    rest_cents = gap.sum_cents - begins - record.amount_cents
    if tmc == gap.first_tmc and begins != 0:
        return False
    if tmc == gap.last_tmc and rest_cents != 0:
        return False
    return gap.first_tmc <= tmc <= gap.last_tmc and begins >= 0 and rest_cents >= 0


def _mark_of_reader(facts: CardFacts, gap: Gap) -> Iterator[Mark]:
    """Of a single missing transaction the amount is known, so its reader id can be checked."""
    if gap.first_tmc != gap.last_tmc or gap.next_enc_tmri is None or gap.sum_cents == 0:
        return
    reader = reader_before(facts.key, tmc=gap.last_tmc + 1, enc_tmri=gap.next_enc_tmri)
    teller = facts.tellers.get(reader.terminal)
    sale = CardSale(
        tmc=gap.first_tmc,
        terminal=reader.terminal,
        seq=reader.seq,
        spent0_cents=gap.before_cents,
        amount_cents=gap.sum_cents,
        tmv0=gap.tmv0,
        token=reader.token,
    )
    if teller is not None and attributed(teller.token_key, uid=facts.key.uid, sale=sale):
        yield Mark(
            terminal=reader.terminal,
            seq=reader.seq,
            tmc=gap.first_tmc,
            amount_cents=gap.sum_cents,
            token=reader.token,
        )
