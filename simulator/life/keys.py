"""The keys of a life: drawn from its seed, so that anybody can make them. They protect nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from cardkit.signing import SigningKey
from provisioning.keystore import KeySet, new_keys

CAISSE: Final = "flers-demo"
STEP_MAX_CENTS: Final = 300_00
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group of P-256 (SEC 2, 2.4.2)."""


def keys_of(seed: int, *, now: datetime) -> KeySet:
    """Return the keys of the caisse that this seed lives."""
    numbers = draws(seed, "key")

    def make_key(*, caisse: str) -> SigningKey:
        scalar = int.from_bytes(next(numbers)) % (_ORDER - 1) + 1
        return SigningKey.from_scalar(scalar, caisse=caisse)

    return new_keys(
        CAISSE,
        now=now,
        step_max_cents=STEP_MAX_CENTS,
        make_key=make_key,
        random=drawing(seed, "secrets"),
    )


def draws(seed: int, what: str) -> Iterator[bytes]:
    """Yield 32 bytes after the other, the same for the same seed and purpose."""
    number = 0
    while True:
        yield hashlib.sha256(f"clafoutis demo {seed} {what} {number}".encode()).digest()
        number += 1


def drawing(seed: int, what: str) -> Callable[[int], bytes]:
    """Return what draws so many bytes each time, in place of the system's chance."""
    blocks = draws(seed, what)

    def draw(count: int) -> bytes:
        drawn = b""
        while len(drawn) < count:
            drawn += next(blocks)
        return drawn[:count]

    return draw
