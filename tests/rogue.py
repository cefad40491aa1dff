"""What somebody with key 1 may do to a card, out of sight of every till."""

from __future__ import annotations

from cardkit.card.token import ReaderId, SaleRecord
from simulator.card import VirtualCard
from tests.service_world import ServiceWorld

NOBODY = 999
"""A terminal that was never enrolled."""


def drain(
    world: ServiceWorld,
    card: VirtualCard,
    amount_cents: int,
    *,
    terminal: int = NOBODY,
    seq: int = 1,
    token: bytes = bytes(8),
    record_cents: int | None = None,
    tmv0: bytes | None = None,
) -> None:
    """Debit a card and leave any name on it; the record may say what it likes."""
    session = world.open(card)
    tmac, spent_cents = session.tmac(), session.spent_cents()
    session.debit(amount_cents)
    session.write_record(
        SaleRecord(
            terminal=terminal,
            seq=seq,
            amount_cents=amount_cents if record_cents is None else record_cents,
            spent0_cents=spent_cents,
            tmv0=tmac.tmv if tmv0 is None else tmv0,
            token=token,
        )
    )
    session.commit_reader_id(ReaderId(terminal=terminal, seq=seq, token=token))
    session.commit()
    world.field.lift()


def bump(world: ServiceWorld, card: VirtualCard) -> None:
    """Let a card's counter rise without a debit."""
    session = world.open(card)
    session.spent_cents()
    session.commit_reader_id(ReaderId(terminal=NOBODY, seq=1, token=bytes(8)))
    session.commit()
    world.field.lift()
