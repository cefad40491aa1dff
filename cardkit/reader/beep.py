"""A reader's own beep: it sounds when a card is found, and people take it for "paid"."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, unique

from cardkit.frozen import dataclass

_ACR122_SILENCE = bytes.fromhex("FF00520000")
"""ACR122U API V2.04, section 6.7: "Set Buzzer Output for Card Detection", off until power-up."""
_DONE = bytes.fromhex("9000")

_BEHAVIOUR = bytes.fromhex("E0000021")
"""Of the "LED and Buzzer Status Indicator" (ACR1255U-J1 Reference Manual V1.01, section 6.6.6;
ACM1252U-Y3 Reference Manual V1.03, section 5.3.7). It survives power-down."""
_BEHAVIOUR_ANSWER = bytes.fromhex("E100000001")
_BEEPS_AT_CARDS = 0x08
"""Bit 3, "Card Insertion and Removal Events Buzzer", in all manuals of this family."""

Ask = Callable[[bytes], bytes | None]
"""Sends one command to the reader itself and returns its answer, or None when it may not."""


@unique
class Beep(Enum):
    """What is known of a reader's own beep at a card."""

    MUTED = "muted"
    AUDIBLE = "audible"
    NONE = "none"
    """It has no buzzer."""
    UNKNOWN = "unknown"


@unique
class Buzzer(Enum):
    """A family of readers whose buzzer obeys the same command."""

    ACR122 = "ACR122"
    ACR125X = "ACR125X"


@dataclass(frozen=True, slots=True)
class _Model:
    part_of_name: str
    buzzer: Buzzer


_MODELS = (
    _Model("ACR122", Buzzer.ACR122),
    _Model("ACR1251", Buzzer.ACR125X),
    _Model("ACR1252", Buzzer.ACR125X),
    _Model("ACR1255", Buzzer.ACR125X),
)


def buzzer_of(name: str) -> Buzzer | None:
    """Return the buzzer of a reader with this name; None when we know nothing of it."""
    return next((model.buzzer for model in _MODELS if model.part_of_name in name), None)


def silence(buzzer: Buzzer, ask: Ask) -> Beep:
    """Mute a buzzer: MUTED when the reader confirms it, else AUDIBLE.

    What the ACR125x keeps in its memory is written only when it changes.
    """
    if buzzer is Buzzer.ACR122:
        return Beep.MUTED if (ask(_ACR122_SILENCE) or b"")[:2] == _DONE else Beep.AUDIBLE
    known = _behaviour(ask(_BEHAVIOUR + b"\x00"))
    if known is not None and known & _BEEPS_AT_CARDS:
        quiet = known & ~_BEEPS_AT_CARDS
        known = _behaviour(ask(_BEHAVIOUR + bytes([1, quiet])))
    if known is None or known & _BEEPS_AT_CARDS:
        return Beep.AUDIBLE
    return Beep.MUTED


def _behaviour(answer: bytes | None) -> int | None:
    """The behaviour byte of an answer; None for anything else."""
    if answer is None or len(answer) != len(_BEHAVIOUR_ANSWER) + 1:
        return None
    return answer[-1] if answer.startswith(_BEHAVIOUR_ANSWER) else None
