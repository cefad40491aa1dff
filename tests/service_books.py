"""What tests of the service look at: books, claims, findings, and what a stall was told."""

from __future__ import annotations

from cardkit.allowance import Allowance, accept_allowance
from server_stub.models import Claim, Finding
from server_stub.rules.ledger import Book
from server_stub.services.books import balances
from tests.service_world import MERCHANT, ServiceWorld, Stall


def in_book(world: ServiceWorld, book: Book, merchant: int = MERCHANT) -> int:
    """What stands in an account."""
    return balances(world.caisse).get((book, merchant), 0)


def payable_cents(world: ServiceWorld, merchant: int = MERCHANT) -> int:
    """What the caisse owes a merchant."""
    return in_book(world, Book.PAYABLE, merchant)


def open_findings() -> set[str]:
    """The kinds of what does not match now."""
    return set(Finding.objects.filter(closed_at=None).values_list("kind", flat=True))


def state_of(digest: bytes) -> tuple[str, str]:
    """What became of a claim."""
    claim = Claim.objects.get(entry__digest=digest)
    return claim.state, claim.reason


def allowance_at(stall: Stall, uid: bytes) -> Allowance:
    """The allowance that a stall's directory gives a card."""
    encoded = stall.rows[uid].allowance
    assert encoded is not None
    return accept_allowance(encoded, stall.world.caisse.ring.trust)


def available_cents(stall: Stall, uid: bytes, *, spent_cents: int) -> int:
    """What a card could spend at a stall now."""
    now = stall.world.now
    return allowance_at(stall, uid).available_cents(now, spent_cents=spent_cents, refunded_cents=0)
