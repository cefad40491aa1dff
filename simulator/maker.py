"""Who makes virtual cards: signs their UIDs as NXP signs those of its chips.

A workshop trusts this maker only where it is given the maker's key; the programs know NXP's.
"""

from __future__ import annotations

import secrets

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP224R1,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA224

from cardkit.card.keys import Chip, Originality
from simulator.card import Model, VirtualCard
from simulator.desfire.state import Random

_SCALAR_BYTES = 28


class Maker:
    """A maker of virtual cards with an originality key that protects nothing."""

    def __init__(self, scalar: int = 0xC1AF) -> None:
        self._key = derive_private_key(scalar, SECP224R1())

    @property
    def originality(self) -> Originality:
        """What a workshop needs to take this maker's cards for EV3."""
        point = self._key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return Originality({Chip.EV3: (point,)})

    def blank_card(self, uid: bytes, *, random: Random = secrets.token_bytes) -> VirtualCard:
        """A signed EV3 fresh from the factory."""
        card = VirtualCard(uid, random=random, model=Model.EV3)
        card.sign(self.signature(uid))
        return card

    def signature(self, uid: bytes) -> bytes:
        """The 56 bytes of r and s, 28 bytes each, over the bare UID (AN12343 table 44)."""
        digest = uid.rjust(_SCALAR_BYTES, b"\x00")
        der = self._key.sign(digest, ECDSA(Prehashed(SHA224())))
        r, s = decode_dss_signature(der)
        return r.to_bytes(_SCALAR_BYTES) + s.to_bytes(_SCALAR_BYTES)
