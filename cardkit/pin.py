"""What replaces a producer's forgotten PIN: digits read out, and the digits that answer them.

Terminal and service compute the same answer from the token key, which only these two have. It
gives no money away: it lets whoever stands at the terminal choose a new PIN.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Final

CHALLENGE_DIGITS: Final = 6
RESET_DIGITS: Final = 8
_LABEL: Final = b"claf-pin-reset/1"


def challenge(*, below: Callable[[int], int] = secrets.randbelow) -> str:
    """Return the digits that are read out to the caisse; `below` draws a number below another."""
    return f"{below(10**CHALLENGE_DIGITS):0{CHALLENGE_DIGITS}d}"


def is_challenge(asked: str) -> bool:
    """Say whether these can be digits that a terminal asked with."""
    return len(asked) == CHALLENGE_DIGITS and asked.isascii() and asked.isdecimal()


def reset_code(token_key: bytes, asked: str) -> str:
    """Return the digits that answer a challenge: HMAC-SHA-256 under the terminal's token key."""
    mac = hmac.digest(token_key, _LABEL + asked.encode("ascii"), "sha256")
    return f"{int.from_bytes(mac[:8]) % 10**RESET_DIGITS:0{RESET_DIGITS}d}"


def is_reset_code(token_key: bytes, asked: str, answer: str) -> bool:
    """Say whether digits answer a challenge, in constant time."""
    return hmac.compare_digest(reset_code(token_key, asked).encode(), answer.encode())
