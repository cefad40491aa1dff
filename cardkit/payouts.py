"""Acts about single payouts, of which the bank's statement tells what no run can."""

from __future__ import annotations

from typing import Final, TypeAlias

from cardkit.schema import U32, U63, Int, Text, document, wire

SETTLEMENT: Final = Text(35)
"""A run's name, as long as a reference that a bank carries (EndToEndId, ISO 20022 Max35Text)."""
PAID_CENTS: Final = Int(1, 2**63 - 1)
"""Who is owed nothing, or less, has no line."""


@document
class PayoutEvidenced:
    """The bank's statement proves a payout that the books do not have, as after a restore.

    A first person entered it, and a second one, the act's author, compared it with the statement.
    """

    settlement: str = wire(1, SETTLEMENT)
    merchant: int = wire(2, U32)
    amount_cents: int = wire(3, PAID_CENTS)
    entered_by: int = wire(4, U63)


@document
class PayoutReturned:
    """The bank gave one payout back, of a confirmed run or evidenced: its merchant is owed again.

    A first person said so, and a second one, the act's author, compared it with the statement.
    """

    settlement: str = wire(1, SETTLEMENT)
    merchant: int = wire(2, U32)
    amount_cents: int = wire(3, PAID_CENTS)
    entered_by: int = wire(4, U63)


PayoutAct: TypeAlias = PayoutEvidenced | PayoutReturned
PAYOUTS: Final[dict[int, type[PayoutAct]]] = {19: PayoutEvidenced, 45: PayoutReturned}
"""By kind (`cardkit.acts.ActKind`)."""
