"""Keys as the kernel numbers them, and those that lead out of other programs."""

from __future__ import annotations

from enum import IntEnum, unique


@unique
class Key(IntEnum):
    """Of linux/input-event-codes.h; those of the keypad mean what they do without NumLock."""

    ESC = 1
    MINUS = 12
    EQUAL = 13
    Q = 16
    R = 19
    U = 22
    O = 24  # noqa: E741 - that is what the key is called
    P = 25
    LEFT_CTRL = 29
    A = 30
    S = 31
    D = 32
    LEFT_SHIFT = 42
    BACKSLASH = 43
    Z = 44
    C = 46
    V = 47
    N = 49
    LEFT_ALT = 56
    F1 = 59
    F2 = 60
    F4 = 62
    KP_MINUS = 74
    KP_5 = 76
    KP_1 = 79
    KP_2 = 80
    KP_0 = 82
    KP_COMMA = 83
    F12 = 88
    KP_ENTER = 96
    SYSRQ = 99
    PAGE_UP = 104
    INSERT = 110
    PAUSE = 119
    LEFT_META = 125
    COMPOSE = 127


ESCAPES = {
    "another console": (Key.LEFT_CTRL, Key.LEFT_ALT, Key.F2),
    "the first console": (Key.LEFT_CTRL, Key.LEFT_ALT, Key.F1),
    "close the window": (Key.LEFT_ALT, Key.F4),
    "end of a debug cage": (Key.LEFT_ALT, Key.ESC),
    "interrupt": (Key.LEFT_CTRL, Key.C),
    "stop": (Key.LEFT_CTRL, Key.Z),
    "quit, with a core": (Key.LEFT_CTRL, Key.BACKSLASH),
    "end of input": (Key.LEFT_CTRL, Key.D),
    "freeze the output": (Key.LEFT_CTRL, Key.S),
    "Textual's quit": (Key.LEFT_CTRL, Key.Q),
    "Textual's commands": (Key.LEFT_CTRL, Key.P),
    "a second foot": (Key.LEFT_CTRL, Key.LEFT_SHIFT, Key.N),
    "foot's search": (Key.LEFT_CTRL, Key.LEFT_SHIFT, Key.R),
    "foot's addresses": (Key.LEFT_CTRL, Key.LEFT_SHIFT, Key.O),
    "foot's code points": (Key.LEFT_CTRL, Key.LEFT_SHIFT, Key.U),
    "foot's prompts": (Key.LEFT_CTRL, Key.LEFT_SHIFT, Key.Z),
    "copy": (Key.LEFT_CTRL, Key.LEFT_SHIFT, Key.C),
    "paste": (Key.LEFT_CTRL, Key.LEFT_SHIFT, Key.V),
    "paste a selection": (Key.LEFT_SHIFT, Key.INSERT),
    "larger letters": (Key.LEFT_CTRL, Key.EQUAL),
    "smaller letters": (Key.LEFT_CTRL, Key.MINUS),
    "scroll back": (Key.LEFT_SHIFT, Key.PAGE_UP),
    "print": (Key.SYSRQ,),
    "the kernel": (Key.LEFT_ALT, Key.SYSRQ),
    "pause": (Key.PAUSE,),
    "a menu": (Key.COMPOSE,),
    "a desktop": (Key.LEFT_META,),
    "a screenshot": (Key.F12,),
}
"""What leads out of other programs, and which keys."""
