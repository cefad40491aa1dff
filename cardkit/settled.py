"""What a terminal can tell a service that was restored: how far merchants were already paid."""

from __future__ import annotations

from cardkit.schema import U32, U63, Text, document, wire


@document
class Settled:
    """How far a merchant's sales of one terminal are in payouts that were sent."""

    merchant: int = wire(1, U32)
    up_to_seq: int = wire(2, U32)
    settlement: str = wire(3, Text(35))
    total_cents: int = wire(4, U63)
    """All that was ever paid out to the merchant."""
