"""What travels to the screens."""

from __future__ import annotations

from textual.message import Message

from terminal.ui.pad import Pad
from terminal.worker import Fact


class Happened(Message):
    """A fact of the till's thread."""

    def __init__(self, fact: Fact) -> None:
        super().__init__()
        self.fact = fact


class Touched(Message):
    """A key on the screen was pressed."""

    def __init__(self, pad: Pad) -> None:
        super().__init__()
        self.pad = pad


class Picked(Message):
    """A choice was pressed."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index
