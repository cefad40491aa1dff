"""Keys of one card and of one terminal, taken out of the ring when they are needed."""

from __future__ import annotations

from cardkit.errors import KeyStoreError
from server_stub.keys import PROFILES, token_key_purpose
from server_stub.models import Card, TokenKey
from server_stub.rules import proof
from server_stub.services.caisse import Caisse


def token_key(caisse: Caisse, terminal: int) -> bytes | None:
    """Return K_T of a terminal, or None when there is no such terminal."""
    held = TokenKey.objects.using(caisse.using).filter(terminal_id=terminal).first()
    if held is None:
        return None
    return caisse.ring.open(bytes(held.sealed), purpose=token_key_purpose(terminal))


def token_keys(caisse: Caisse) -> dict[int, bytes]:
    """Return K_T of every terminal."""
    return {
        held.terminal_id: caisse.ring.open(
            bytes(held.sealed), purpose=token_key_purpose(held.terminal_id)
        )
        for held in TokenKey.objects.using(caisse.using).all()
    }


def card_key(caisse: Caisse, card: Card) -> proof.CardKey:
    """Return what proves a card's transactions; raises KeyStoreError for an unknown profile."""
    if card.profile not in PROFILES:
        raise KeyStoreError(f"no card profile {card.profile!r}")
    return proof.CardKey(
        uid=card.uid,
        generation=card.generation,
        profile=PROFILES[card.profile],
        tmac_key=caisse.ring.tmac_key(
            uid=card.uid,
            generation=card.generation,
            key_version=card.key_version,
            profile=card.profile,
        ),
    )
