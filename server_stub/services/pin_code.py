"""What a producer is told who has forgotten the PIN of a terminal (docs/protocol.md, 8)."""

from __future__ import annotations

from enum import Enum, unique

from cardkit.pin import is_challenge, reset_code
from server_stub.services.caisse import Caisse
from server_stub.services.card_keys import token_key


@unique
class NoCode(Enum):
    """Why there is no answer."""

    NOT_DIGITS = "not the six digits that a terminal shows"
    NO_TERMINAL = "no such terminal"


def pin_code(caisse: Caisse, terminal: int, digits: str) -> str | NoCode:
    """Return the eight digits that answer a terminal's six, in two groups.

    Whoever is told them chooses the PIN: they are given only after calling the producer back.
    """
    asked = "".join(digits.split())
    if not is_challenge(asked):
        return NoCode.NOT_DIGITS
    key = token_key(caisse, terminal)
    if key is None:
        return NoCode.NO_TERMINAL
    code = reset_code(key, asked)
    return f"{code[:4]} {code[4:]}"
