"""The seventeen keys that everything can be done with, whatever they are called on the wire.

Under the kiosk's compositor NumLock is off and can't be set, so a numpad sends `end`, `down`,
`kp_begin`: those are digits here. A whole keyboard works too.
"""

from __future__ import annotations

from enum import Enum, unique
from typing import Final


@unique
class Pad(Enum):
    """A key by what it means."""

    N0 = 0
    N1 = 1
    N2 = 2
    N3 = 3
    N4 = 4
    N5 = 5
    N6 = 6
    N7 = 7
    N8 = 8
    N9 = 9
    DOUBLE_ZERO = "00"
    COMMA = ","
    ENTER = "enter"
    PLUS = "+"
    MINUS = "-"
    """Takes back: a digit, a line, a page."""
    TIMES = "*"
    DIVIDE = "/"

    @property
    def digit(self) -> int | None:
        """The digit, or None for another key."""
        return self.value if isinstance(self.value, int) else None

    @property
    def digits(self) -> str:
        """What it types where digits are typed: one, two zeros at once, or nothing."""
        if self is Pad.DOUBLE_ZERO:
            return "00"
        return "" if self.digit is None else str(self.digit)


DIGITS: Final = tuple(Pad(number) for number in range(10))

_NAMES: Final = {
    Pad.N0: ("0", "insert", "kp_insert", "kp_0"),
    Pad.N1: ("1", "end", "kp_end", "kp_1"),
    Pad.N2: ("2", "down", "kp_down", "kp_2"),
    Pad.N3: ("3", "pagedown", "kp_page_down", "kp_3"),
    Pad.N4: ("4", "left", "kp_left", "kp_4"),
    Pad.N5: ("5", "kp_begin", "kp_5"),
    Pad.N6: ("6", "right", "kp_right", "kp_6"),
    Pad.N7: ("7", "home", "kp_home", "kp_7"),
    Pad.N8: ("8", "up", "kp_up", "kp_8"),
    Pad.N9: ("9", "pageup", "kp_page_up", "kp_9"),
    Pad.COMMA: ("comma", "full_stop", "delete", "kp_delete", "kp_decimal", "kp_separator"),
    Pad.ENTER: ("enter", "kp_enter"),
    Pad.PLUS: ("plus", "kp_plus", "kp_add"),
    Pad.MINUS: ("minus", "kp_minus", "kp_subtract", "backspace", "escape"),
    Pad.TIMES: ("asterisk", "kp_multiply"),
    Pad.DIVIDE: ("slash", "kp_divide"),
}
KEYS: Final = {name: pad for pad, names in _NAMES.items() for name in names}
"""Textual's names of keys (its `Key.key`)."""
