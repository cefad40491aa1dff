"""What every page has: how things stand, a title, and keys that mean the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Static

from terminal.ui.messages import Picked, Touched
from terminal.ui.pad import KEYS, Pad
from terminal.ui.status_line import StatusLine
from terminal.ui.widgets import TouchKey
from terminal.words import Words
from terminal.worker import Fact

if TYPE_CHECKING:
    from terminal.ui.app import TillApp

T = TypeVar("T")


class Frame(Screen[T]):
    """A page; subclasses give `content`, and say what keys and facts do."""

    AUTO_FOCUS: ClassVar[str | None] = ""
    takes_touch = True
    """Whether touch counts here: under the rain lock it does not."""

    @property
    def till_app(self) -> TillApp:
        """The program that this page belongs to."""
        return cast("TillApp", self.app)

    @property
    def words(self) -> Words:
        """The language of the moment."""
        return self.till_app.words

    def _(self, text: str) -> str:
        """Say it in the language of the moment."""
        return self.words.gettext(text)

    def compose(self) -> ComposeResult:
        """Lay out status line, title, content, and the keys that lead on from here."""
        yield StatusLine()
        title = self.title_text()
        if title:
            yield Static(title, id="title", markup=False)
        with Vertical(id="content"):
            yield from self.content()
        ways = self.ways()
        if ways:
            with Horizontal(id="ways"):
                for label, pad in ways:
                    yield TouchKey(label, pad, classes="soft")

    def title_text(self) -> str:
        """What this page is called; nothing where it explains itself."""
        return ""

    def ways(self) -> Sequence[tuple[str, Pad]]:
        """Keys at the bottom for who has no numpad: what each says, and which it is on one."""
        return ()

    def content(self) -> ComposeResult:
        """Lay out what this page is there for."""
        yield from ()

    def press(self, pad: Pad) -> None:
        """Do what a key means here; taking back leaves the page."""
        if pad is Pad.MINUS:
            self.back()

    def pick(self, number: int) -> None:
        """Do what a choice means here."""

    def hear(self, fact: Fact) -> None:
        """Hear of a fact; the status line has heard of it already."""

    def back(self) -> None:
        """Leave without a result."""
        self.dismiss(cast(T, None))

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Leave once: a second key that was pressed on this page must not end the one below."""
        if not self.is_current:
            return AwaitComplete()
        return super().dismiss(result)

    def redraw(self) -> None:
        """Lay out anew, as after another language or another state."""
        self.refresh(recompose=True)

    def on_screen_resume(self) -> None:
        """Show how things stand now: while another page lay above, this one heard nothing."""
        for line in self.query(StatusLine):
            line.redraw()

    def on_key(self, event: events.Key) -> None:
        """Turn a key of a numpad or a keyboard into what it means."""
        event.stop()
        event.prevent_default()
        pad = KEYS.get(event.key) or KEYS.get(event.character or "")
        if pad is None and event.character is not None and event.character.isdecimal():
            pad = Pad(int(event.character))
        if pad is not None:
            self.till_app.key_pressed()
            self.press(pad)

    def on_touched(self, message: Touched) -> None:
        """A key on the screen is a key."""
        message.stop()
        if self.till_app.accepts_touch:
            self.till_app.key_pressed()
            self.press(message.pad)

    def on_picked(self, message: Picked) -> None:
        """A choice on the screen is its number."""
        message.stop()
        if self.till_app.accepts_touch:
            self.till_app.key_pressed()
            self.pick(message.index)


def big(text: str, *, classes: str = "") -> Static:
    """A sentence that fills its line."""
    return Static(Text(text, justify="center"), classes=f"big {classes}")


def plain(text: str, *, classes: str = "", **more: Any) -> Static:
    """A paragraph."""
    return Static(text, classes=classes, markup=False, **more)
