"""What really happened, told by the cards and the screens alone, held against the books.

The oracle never asks a till or the service what they believe. Cards remember every transaction
they committed (`VirtualCard.history`); people saw which sales turned green.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from simulator.card import VirtualCard

VALUE_FILE: Final = 3


@dataclass(frozen=True, slots=True)
class Debit:
    """Money that left a card: by whose reader id, and how much."""

    uid: bytes
    tmc: int
    terminal: int
    seq: int
    amount_cents: int


@dataclass(frozen=True, slots=True)
class GreenScreen:
    """Somebody saw green."""

    terminal: int
    seq: int
    amount_cents: int


@dataclass(frozen=True, slots=True)
class OwedSale:
    """One sale that the books owe to a merchant, before refunds."""

    terminal: int
    seq: int
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The sums that the service would act on."""

    owed: tuple[OwedSale, ...]
    owed_cents: int
    refunded_cents: int
    returned_cents: int


def debits(cards: Iterable[VirtualCard]) -> tuple[Debit, ...]:
    """Return every debit that any of the cards ever committed."""
    return tuple(debit for card in cards for debit in _debits_of(card))


def violations(
    told: tuple[Debit, ...], greens: tuple[GreenScreen, ...], books: Books
) -> tuple[str, ...]:
    """Return what the books have wrong; empty when every promise was kept."""
    return (
        *_green_without_debit(told, greens),
        *_not_owed_once(greens, books),
        *_owed_without_debit(told, books),
        *_not_conserved(told, books),
    )


def _debits_of(card: VirtualCard) -> Iterable[Debit]:
    for committed in card.history:
        change = committed.value_change(VALUE_FILE)
        if change.before != change.after and committed.tmri is not None:
            yield Debit(
                uid=card.uid,
                tmc=committed.tmc,
                terminal=int.from_bytes(committed.tmri[:4]),
                seq=int.from_bytes(committed.tmri[4:8]),
                amount_cents=change.before - change.after,
            )


def _green_without_debit(told: tuple[Debit, ...], greens: tuple[GreenScreen, ...]) -> Iterable[str]:
    made = Counter((debit.terminal, debit.seq, debit.amount_cents) for debit in told)
    for green in greens:
        if made[green.terminal, green.seq, green.amount_cents] != 1:
            yield f"green at terminal {green.terminal}, sale {green.seq}, and no such debit"


def _not_owed_once(greens: tuple[GreenScreen, ...], books: Books) -> Iterable[str]:
    owed = Counter((sale.terminal, sale.seq) for sale in books.owed)
    for green in greens:
        times = owed[green.terminal, green.seq]
        if times != 1:
            yield f"green at terminal {green.terminal}, sale {green.seq}, owed {times} times"


def _owed_without_debit(told: tuple[Debit, ...], books: Books) -> Iterable[str]:
    made = {(debit.terminal, debit.seq, debit.amount_cents) for debit in told}
    for sale in books.owed:
        if (sale.terminal, sale.seq, sale.amount_cents) not in made:
            yield f"owed for terminal {sale.terminal}, sale {sale.seq}, and no card paid it"


def _not_conserved(told: tuple[Debit, ...], books: Books) -> Iterable[str]:
    debited_cents = sum(debit.amount_cents for debit in told)
    accounted_cents = books.owed_cents + books.refunded_cents + books.returned_cents
    if debited_cents != accounted_cents:
        yield f"cards paid {debited_cents} cents, the books account for {accounted_cents}"
