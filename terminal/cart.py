"""What is being typed at the till: an amount, lines that were added up, a quantity in front.

Pure: every key makes a new cart of the one before, and two decimals always stand there, so that
what is shown while it is typed is what would be sold.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cardkit.errors import must
from cardkit.frozen import dataclass
from terminal.basket import BasketLine, LineKind, has_room, line, total_cents
from terminal.settings import AmountEntry

AMOUNT_DIGITS_MAX: Final = 7
"""99 999,99: beyond what any sale may be."""
_WHOLE_DIGITS_MAX: Final = 5
_DECIMALS: Final = 2
QUANTITY_MAX: Final = 999
SMALL_CENTS: Final = 1_00
"""Below it a person is asked once: 1 is often typed for 1000 by who counts in cents."""


@dataclass(frozen=True, slots=True)
class Typed:
    """Digits as they were typed; `comma` is how many decimals stand after it, None before it."""

    style: AmountEntry
    digits: str = ""
    comma: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed."""
        return not self.digits and self.comma is None

    @property
    def cents(self) -> int:
        """The amount."""
        value = int(self.digits or "0")
        if self.style is AmountEntry.CENTS_FIRST:
            return value
        for _ in range(_DECIMALS - (self.comma or 0)):
            value *= 10
        return value

    @property
    def whole(self) -> int | None:
        """The number as it was typed, for quantities; None with a comma."""
        return int(self.digits) if self.digits and self.comma is None else None

    def digit(self, digit: int) -> Typed:
        """Type one digit; one too many changes nothing."""
        must(0 <= digit <= 9, "a digit")
        if self.style is AmountEntry.CENTS_FIRST:
            digits = (self.digits + str(digit)).lstrip("0")
            return replace(self, digits=digits) if len(digits) <= AMOUNT_DIGITS_MAX else self
        if self.comma is not None:
            if self.comma == _DECIMALS:
                return self
            return replace(self, digits=self.digits + str(digit), comma=self.comma + 1)
        digits = (self.digits + str(digit)).lstrip("0") or "0"
        return replace(self, digits=digits) if len(digits) <= _WHOLE_DIGITS_MAX else self

    def double_zero(self) -> Typed:
        """Type 00."""
        return self.digit(0).digit(0)

    def point(self) -> Typed:
        """Type the comma; where cents come first it is the 00 that people mean by it."""
        if self.style is AmountEntry.CENTS_FIRST:
            return self.double_zero()
        if self.comma is not None:
            return self
        return replace(self, digits=self.digits or "0", comma=0)

    def erase(self) -> Typed:
        """Take the last key back."""
        if self.comma == 0:
            digits = "" if self.digits == "0" else self.digits
            return replace(self, digits=digits, comma=None)
        comma = None if self.comma is None else self.comma - 1
        return replace(self, digits=self.digits[:-1], comma=comma)

    def cleared(self) -> Typed:
        """Nothing typed."""
        return Typed(self.style)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """The keypad's state."""

    typed: Typed
    lines: tuple[BasketLine, ...] = ()
    quantity: int = 1

    @classmethod
    def empty(cls, style: AmountEntry) -> Cart:
        """Nothing typed, nothing added up."""
        return cls(typed=Typed(style))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to sell and nothing to lose."""
        return self.typed.is_empty and not self.lines and self.quantity == 1

    @property
    def total_cents(self) -> int:
        """What would be sold now."""
        return total_cents(self.lines) + self.quantity * self.typed.cents

    def type(self, typed: Typed) -> Cart:
        """Change the amount."""
        return replace(self, typed=typed)

    def times(self) -> Cart:
        """Take what was typed as a quantity of what is typed next: 3 × 2,50."""
        whole = self.typed.whole
        if whole is None or not 1 <= whole <= QUANTITY_MAX:
            return self
        return replace(self, quantity=whole, typed=self.typed.cleared())

    def plus(self, label: str) -> Cart:
        """Make a line of what was typed; without room, or with nothing typed, nothing changes."""
        if self.typed.cents == 0:
            return self
        added = line(LineKind.AMOUNT, label, self.typed.cents, quantity=self.quantity)
        return self.with_line(added)

    def with_line(self, added: BasketLine) -> Cart:
        """Add a line, and begin to type anew."""
        if not has_room(self.lines, added):
            return self
        return Cart(typed=self.typed.cleared(), lines=(*self.lines, added))

    def minus(self) -> Cart:
        """Take back one step: a key, the quantity, the last line."""
        if not self.typed.is_empty:
            return replace(self, typed=self.typed.erase())
        if self.quantity != 1:
            return replace(self, quantity=1)
        return replace(self, lines=self.lines[:-1])

    def cleared(self) -> Cart:
        """Nothing any more."""
        return Cart.empty(self.typed.style)
