"""What a client owes at this moment, and which part of it the card is asked for."""

from __future__ import annotations

from dataclasses import replace

from cardkit.errors import must
from cardkit.frozen import dataclass
from terminal.basket import BasketLine, LineKind, covered_cents, line, total_cents, vat_totals
from terminal.cart import Cart
from terminal.outcomes import Basket
from terminal.settings import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """An amount with what stands behind it; the card never pays more than it may."""

    total_cents: int
    card_cents: int
    lines: tuple[BasketLine, ...] = ()
    """Only in till mode."""

    @property
    def remainder_cents(self) -> int:
        """What the client pays another way."""
        return self.total_cents - self.card_cents

    def with_card(self, card_cents: int) -> Bill:
        """Ask the card for less, because it can't pay more."""
        must(0 < card_cents <= self.card_cents, "a card pays its share at most")
        return replace(self, card_cents=card_cents)

    def basket(self, lines_hash: bytes | None) -> Basket:
        """Return what the journal is to know beside the amount."""
        is_whole = not self.lines and not self.remainder_cents
        return Basket(
            total_cents=None if is_whole else self.total_cents,
            remainder_cents=self.remainder_cents or None,
            vat_totals=vat_totals(self.lines, self.card_cents) if self.lines else (),
            lines_hash=lines_hash,
        )


def bill_of(cart: Cart, mode: Mode, *, label: str) -> Bill | None:
    """Return what a cart comes to; None when there is nothing to sell.

    A payment terminal keeps no lines: what was added up is an amount. `label` names an amount
    that was typed on its own.
    """
    if mode is Mode.PAYMENT:
        cents = cart.total_cents
        return Bill(total_cents=cents, card_cents=cents) if cents > 0 else None
    lines = cart.lines
    if cart.typed.cents:
        lines = (
            *lines,
            line(LineKind.AMOUNT, label, cart.typed.cents, quantity=cart.quantity),
        )
    cents = total_cents(lines)
    if cents <= 0:
        return None
    return Bill(total_cents=cents, card_cents=covered_cents(lines), lines=lines)
