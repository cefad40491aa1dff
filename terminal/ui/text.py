"""A page that asks for a text, with keys on the screen; a keyboard beside it works too."""

from __future__ import annotations

from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Grid
from textual.message import Message
from textual.widgets import Static

from terminal.ui.frame import Frame
from terminal.ui.widgets import KeyCap

_LETTERS: Final = "azertyuiopqsdfghjklmwxcvbn'-.,éèàçù"
_SIGNS: Final = '1234567890@#&_+*/=:;!?()[]{}<>%$€"~'
_KEYS: Final = 35
SHIFT: Final = "⇧"
SIGNS: Final = "123"
ERASE: Final = "⌫"
SPACE: Final = "␣"
DONE: Final = "OK"


class Struck(Message):
    """A key of the keyboard on the screen."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class LetterKey(KeyCap):
    """One key."""

    def __init__(self, name: str, *, classes: str = "") -> None:
        super().__init__(name, classes=classes)
        self._name_of_key = name

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Say which it was."""
        event.stop()
        self.post_message(Struck(self._name_of_key))


class TextPage(Frame[str | None]):
    """The result is the text, None for going back; a secret is shown as dots, but for its end."""

    def __init__(self, title: str, *, text: str = "", most: int = 64, secret: bool = False) -> None:
        super().__init__()
        self._title_text = title
        self._typed = text
        self._most = most
        self._secret = secret
        self._is_upper = False
        self._shows_signs = False

    def title_text(self) -> str:
        """What is asked."""
        return self._title_text

    def content(self) -> ComposeResult:
        """What was typed, and keys."""
        yield Static(self._shown, id="typed", markup=False)
        with Grid():
            for name in self._names():
                yield LetterKey(name)
            for name in (SHIFT, SIGNS, SPACE, ERASE, DONE):
                yield LetterKey(name, classes="go" if name == DONE else "soft")

    def _names(self) -> str:
        names = _SIGNS if self._shows_signs else _LETTERS
        return (names.upper() if self._is_upper else names)[:_KEYS]

    @property
    def _shown(self) -> str:
        if not self._secret or len(self._typed) < 1:
            return f"{self._typed}▏"
        return "●" * (len(self._typed) - 1) + f"{self._typed[-1]}▏"

    def on_struck(self, message: Struck) -> None:
        """Do what the key says."""
        message.stop()
        if not self.till_app.accepts_touch:
            return
        match message.name:
            case "⇧":
                self._is_upper = not self._is_upper
                self.redraw()
            case "123":
                self._shows_signs = not self._shows_signs
                self.redraw()
            case "⌫" if not self._typed:
                self.back()
            case "⌫":
                self._type(self._typed[:-1])
            case "␣":
                self._type(self._typed + " ")
            case "OK":
                self.dismiss(self._typed)
            case letter:
                self._type(self._typed + letter)

    def on_key(self, event: events.Key) -> None:
        """Type on a keyboard."""
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            self.back()
        elif event.key in {"enter", "kp_enter"}:
            self.dismiss(self._typed)
        elif event.key == "backspace":
            self._type(self._typed[:-1])
        elif event.character is not None and event.is_printable:
            self._type(self._typed + event.character)

    def _type(self, text: str) -> None:
        self._typed = text[: self._most]
        self.query_one("#typed", Static).update(self._shown)
