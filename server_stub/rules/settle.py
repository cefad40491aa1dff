"""What the caisse owes, to whom, what stands in the way of the rest, and what a run would pay."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from cardkit import cbor
from cardkit.acts import SettlementLine
from server_stub.rules.ledger import Account, Book

_SETTLED: Final = (Book.IN_PAYMENT, Book.PAID)


def end_to_end_id(settlement: str, merchant: int) -> str:
    """Return the reference of one payment: a run and a merchant (ISO 20022, Max35Text)."""
    return f"{settlement}-M{merchant}"


@unique
class RunState(StrEnum):
    """How far a run has come."""

    DRAFT = "draft"
    APPROVED = "approved"
    SENT = "sent"
    CONFIRMED = "confirmed"
    REVOKED = "revoked"


@unique
class Refusal(StrEnum):
    """Why money does not move."""

    LOCKED = "locked"
    """The books may be older than what was paid; see `services.behind`."""
    ANOTHER_DRAFT = "another_draft"
    NOTHING_OWED = "nothing_owed"
    NO_SUCH_RUN = "no_such_run"
    SAME_PERSON = "same_person"
    DRAFT_CHANGED = "draft_changed"
    """Its lines are not those that were drawn up."""
    NO_LONGER_OWED = "no_longer_owed"
    """Less is owed than it would pay, or something was paid beside it."""
    NOT_IN_THAT_STATE = "not_in_that_state"
    NOT_RESTORED = "not_restored"
    NOT_A_PAYOUT = "not_a_payout"
    """No name, no amount, or no such merchant."""
    KNOWN_ALREADY = "known_already"
    NOT_EVIDENCED = "not_evidenced"
    """No such payout was entered from the statement, or it was taken back."""
    CAME_BACK = "came_back"
    """Its return is on record, and rests on it."""
    MISSING = "missing"
    """Terminals, runs or payouts that a restore still waits for."""


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


def run_lines(balances: Mapping[Account, int]) -> tuple[SettlementLine, ...]:
    """Return what a run pays: each merchant's whole balance; none or less is carried over."""
    return tuple(
        SettlementLine(
            merchant=merchant,
            amount_cents=cents,
            total_cents=settled_cents(balances, merchant) + cents,
        )
        for (book, merchant), cents in sorted(balances.items())
        if book is Book.PAYABLE and cents > 0
    )


def settled_cents(balances: Mapping[Account, int], merchant: int) -> int:
    """Return all that was ever settled to a merchant, in payment or paid."""
    return sum(balances.get((book, merchant), 0) for book in _SETTLED)


def still_right(lines: Iterable[SettlementLine], balances: Mapping[Account, int]) -> bool:
    """Say whether each line of a draft is still owed, and nothing was settled beside it."""
    return all(
        line.amount_cents <= balances.get((Book.PAYABLE, line.merchant), 0)
        and line.total_cents - line.amount_cents == settled_cents(balances, line.merchant)
        for line in lines
    )


def lines_hash(name: str, lines: Iterable[SettlementLine]) -> bytes:
    """Return the SHA-256 over a run's name and lines in their order: what is approved."""
    rows: list[cbor.Value] = [
        [line.merchant, line.amount_cents, line.total_cents] for line in lines
    ]
    return hashlib.sha256(cbor.encode([name, rows])).digest()
