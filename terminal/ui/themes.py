"""Colours: black on white for the sun, white on black for the dark; never the only sign."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

_SAME: Final = {
    "paid": "#0b6b2e",
    "on-paid": "#ffffff",
    "refused": "#a50e1f",
    "on-refused": "#ffffff",
    "amber": "#ffb000",
    "on-amber": "#000000",
}

DAY: Final = Theme(
    name="day",
    primary="#10375c",
    secondary="#10375c",
    warning="#ffb000",
    error="#a50e1f",
    success="#0b6b2e",
    accent="#10375c",
    foreground="#000000",
    background="#ffffff",
    surface="#ffffff",
    panel="#e4e4e4",
    dark=False,
    variables={
        **_SAME,
        "key": "#e4e4e4",
        "key-soft": "#cbd5df",
        "go": "#10375c",
        "on-go": "#ffffff",
        "neutral": "#dbe6f0",
        "on-neutral": "#000000",
        "faint": "#444444",
    },
)
NIGHT: Final = Theme(
    name="night",
    primary="#9fc5e8",
    secondary="#9fc5e8",
    warning="#ffb000",
    error="#ff6b6b",
    success="#4cc776",
    accent="#9fc5e8",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#262626",
    dark=True,
    variables={
        **_SAME,
        "key": "#262626",
        "key-soft": "#33414f",
        "go": "#9fc5e8",
        "on-go": "#000000",
        "neutral": "#24394d",
        "on-neutral": "#ffffff",
        "faint": "#bbbbbb",
    },
)
THEMES: Final = (DAY, NIGHT)
