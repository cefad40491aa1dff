"""A producer's PIN: what keeps a helper or a passer-by from refunds, closures and settings.

It guards the screen and nothing cryptographic: whoever holds the terminal's disk needs no PIN. So
its hash is slow, wrong guesses make the next one wait, and a forgotten PIN is replaced with a code
that the caisse reads out on the telephone, computed from the terminal's token key, which only this
terminal and the service have.
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
_RESET_LABEL: Final = b"claf-pin-reset/1"
RESET_DIGITS: Final = 8
CHALLENGE_DIGITS: Final = 6
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


def challenge(*, below: Callable[[int], int] = secrets.randbelow) -> str:
    """Return the digits that are read out to the caisse when a PIN was forgotten."""
    return f"{below(10**CHALLENGE_DIGITS):0{CHALLENGE_DIGITS}d}"


def reset_code(token_key: bytes, asked: str) -> str:
    """Return the digits that answer a challenge: HMAC-SHA-256 under the terminal's token key."""
    mac = hmac.digest(token_key, _RESET_LABEL + asked.encode(), "sha256")
    return f"{int.from_bytes(mac[:8]) % 10**RESET_DIGITS:0{RESET_DIGITS}d}"


def is_reset_code(token_key: bytes, asked: str, answer: str) -> bool:
    """Say whether digits answer a challenge, in constant time."""
    return hmac.compare_digest(reset_code(token_key, asked).encode(), answer.encode())


def _derived(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=_N, r=_R, p=_P)
