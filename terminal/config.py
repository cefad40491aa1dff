"""Where a terminal keeps what: one directory, named by --data or an environment variable."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cardkit.frozen import dataclass

DATA_VARIABLE: Final = "CLAFOUTIS_TERMINAL_DATA"
READER_VARIABLE: Final = "CLAFOUTIS_READER"
MERCHANT_VARIABLE: Final = "CLAFOUTIS_MERCHANT"
DATA_DEFAULT: Final = Path("/var/lib/clafoutis/terminal")
READER_DEFAULT: Final = "auto"
"""The reader that `reader list` points at. The search writes to every serial line that it may open:
where one drives something else, the reader is named."""
TAP_TIMEOUT_S: Final = 60.0
"""So long a person is waited for who was asked for a card."""


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """The layout of a terminal's data; nothing here exists before `create`."""

    root: Path

    @property
    def journal(self) -> Path:
        """The signed entries: SQLite, written by the till alone."""
        return self.root / "journal.db"

    @property
    def lines(self) -> Path:
        """What was in the baskets: SQLite, append-only, and nobody else's business."""
        return self.root / "lines.db"

    @property
    def store(self) -> Path:
        """The directory's rows: SQLite, and replaceable, because the service can send it again."""
        return self.root / "store.db"

    @property
    def documents(self) -> Path:
        """Identity, permit, certificates and settings: one small TinyDB file."""
        return self.root / "documents.json"

    @property
    def settings(self) -> Path:
        """How people have set the terminal: another small TinyDB file."""
        return self.root / "settings.json"

    @property
    def draft(self) -> Path:
        """The basket that is being made."""
        return self.root / "draft.json"

    @property
    def guesses(self) -> Path:
        """How often a PIN was guessed wrong."""
        return self.root / "guesses.json"

    @property
    def keys(self) -> Path:
        """Secrets, readable by the terminal's user alone."""
        return self.root / "keys"

    @property
    def outbox(self) -> Path:
        """Requests that wait to be sent."""
        return self.root / "outbox"

    @property
    def inbox(self) -> Path:
        """Answers that wait to be read."""
        return self.root / "inbox"

    @property
    def wanted(self) -> Path:
        """There while somebody waits for an exchange: what stands in it means nothing."""
        return self.outbox / ".wanted"

    @property
    def sync_state(self) -> Path:
        """How the last exchange went: written by the sync process, read by the till."""
        return self.root / "sync-state.json"

    @property
    def opened(self) -> Path:
        """The name of the release that opened this till last: how a new one proves itself."""
        return self.root / "opened"

    @property
    def lock(self) -> Path:
        """Held by whoever has the journal open."""
        return self.root / "lock"

    def create(self) -> None:
        """Make the directories; those that exist stay as they are."""
        for directory in (self.root, self.keys, self.outbox, self.inbox):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
