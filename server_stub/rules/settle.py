"""What the caisse owes, to whom, and what stands in the way of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from server_stub.rules.ledger import Account, Book


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One merchant's account, in cents."""

    merchant: int
    payable_cents: int
    provisional_cents: int
    """Recovered from cards: a person confirms it."""
    held_cents: int
    waiting_cents: int


def owed(
    balances: Mapping[Account, int],
    *,
    merchants: Iterable[int],
    unposted_held: Mapping[int, int],
    unposted_waiting: Mapping[int, int],
) -> tuple[Owed, ...]:
    """Return every merchant's account; unposted are claims that no card has proven (yet)."""
    return tuple(
        Owed(
            merchant=merchant,
            payable_cents=balances.get((Book.PAYABLE, merchant), 0),
            provisional_cents=balances.get((Book.PROVISIONAL, merchant), 0),
            held_cents=balances.get((Book.HELD, merchant), 0) + unposted_held.get(merchant, 0),
            waiting_cents=unposted_waiting.get(merchant, 0),
        )
        for merchant in merchants
    )
