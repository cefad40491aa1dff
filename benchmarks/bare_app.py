"""The least that Textual can show: what the start of the till is compared with."""

from __future__ import annotations

from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Static

READY = "bare and ready"
HEARD = "heard a key"


class BareApp(App[None]):
    """One line that says when a key came."""

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Static(READY)

    def on_key(self, _event: events.Key) -> None:
        """Answer."""
        self.query_one(Static).update(HEARD)


if __name__ == "__main__":
    BareApp().run()
