"""A producer's PIN: what keeps a helper or a passer-by from refunds, closures and settings.

It guards the screen and nothing cryptographic: whoever holds the terminal's disk needs no PIN. So
its hash is slow, wrong guesses make the next one wait, and a forgotten PIN is replaced with a code
that the caisse reads out on the telephone (`cardkit.pin`).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Final

_SALT_BYTES: Final = 16
_N, _R, _P = 2**14, 8, 1
"""RFC 7914 section 2; 16 MB and some tens of milliseconds on a small board."""
_SEPARATOR: Final = ":"
FREE_GUESSES: Final = 3
_WAIT_S: Final = 30
_WAIT_S_MAX: Final = 1_800

Draw = Callable[[int], bytes]


def hash_pin(pin: str, *, draw: Draw = secrets.token_bytes) -> str:
    """Return what is kept of a PIN."""
    salt = draw(_SALT_BYTES)
    return _SEPARATOR.join((salt.hex(), _derived(pin, salt).hex()))


def is_pin(pin: str, kept: str) -> bool:
    """Say whether this is the PIN, in constant time; what can't be read fits no PIN."""
    salt, _, derived = kept.partition(_SEPARATOR)
    try:
        expected = bytes.fromhex(derived)
        actual = _derived(pin, bytes.fromhex(salt))
    except ValueError:
        return False
    return hmac.compare_digest(actual, expected)


def wait_s(wrong_guesses: int) -> int:
    """Return how long the next guess has to wait after so many wrong ones in a row."""
    beyond = wrong_guesses - FREE_GUESSES
    return 0 if beyond < 0 else min(_WAIT_S_MAX, _WAIT_S * 2**beyond)


def _derived(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=_N, r=_R, p=_P)
