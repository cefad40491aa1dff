"""Allowances as somebody might leave them on a card, for good or ill."""

from __future__ import annotations

from datetime import datetime

from cardkit.allowance import Allowance, Step, sign_allowance
from cardkit.card.session import PurseSession
from cardkit.signing import SigningKey
from simulator.card import VirtualCard
from simulator.issued import demo_keys
from tests.terminal_world import World


def session_with(world: World, card: VirtualCard) -> PurseSession:
    """A session such as any terminal has that knows the card's key."""
    return PurseSession.open_with_key(world.connect(card), demo_keys(card.uid).terminal)


def leave(world: World, card: VirtualCard, slot: int, document: bytes) -> None:
    """Write a slot."""
    session_with(world, card).write_allowance(slot, document)
    world.field.lift()


def slots_of(world: World, card: VirtualCard) -> tuple[bytes | None, bytes | None]:
    """What stands in the slots."""
    slots = session_with(world, card).allowance_slots()
    world.field.lift()
    return slots


def allowance(
    world: World,
    card: VirtualCard,
    *,
    version: int,
    cents: int = 90_00,
    generation: int = 0,
    issued_at: datetime | None = None,
    spendable_until: datetime | None = None,
    key: SigningKey | None = None,
) -> bytes:
    """An allowance as somebody might sign it."""
    member = world.members[card.uid]
    content = Allowance(
        epoch=world.epoch,
        version=version,
        uid=card.uid,
        generation=generation,
        issued_at=issued_at or world.now,
        spendable_until=spendable_until or member.spendable_until,
        steps=(Step(member.steps[0].from_at, cents),),
    )
    return sign_allowance(key or world.issuer, content).encoded


def flipped(document: bytes, byte: int, bit: int) -> bytes:
    """A document with one bit wrong."""
    changed = bytearray(document)
    changed[byte] ^= 1 << bit
    return bytes(changed)
