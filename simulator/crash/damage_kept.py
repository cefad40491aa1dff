"""Rung C1 for what stands beside the journal: the store, the small documents, the keys."""

from __future__ import annotations

from pathlib import Path

from cardkit.errors import DocumentError, KeyStoreError, StoreError
from simulator.crash.stall import CAISSE, CrashStall
from terminal.config import DataDirectory
from terminal.documents import Documents
from terminal.keyring import read_keyring, read_transport_key
from terminal.store import Store


class DamagedStore:
    """The directory's rows with their header."""

    name = "store.db"

    def __init__(self, stall: CrashStall, folder: Path) -> None:
        """Take a stall's store; it is opened beside the documents that belong to it."""
        self._data = DataDirectory(folder)
        self._uids = [card.uid for card in stall.everybody]
        self.content = stall.data.store.read_bytes()
        self._documents = stall.data.documents.read_bytes()
        self._lay(self.content)
        store = Store.open(self._data)
        self._truth = self._told(store)
        store.close()

    def opened(self, damaged: bytes) -> str | None:
        """Open it: every row as it was, or the whole directory is asked for, or a StoreError."""
        self._lay(damaged)
        try:
            store = Store.open(self._data)
        except StoreError:
            return None
        try:
            if store.directory is None:
                return None  # the whole one is asked for
            return None if self._told(store) == self._truth else "another row"
        except (StoreError, DocumentError):
            return None
        finally:
            store.close()

    def _told(self, store: Store) -> tuple[object, ...]:
        """What a tap asks of the store."""
        return tuple(store.row(uid) for uid in self._uids)

    def _lay(self, content: bytes) -> None:
        for path in self._data.root.glob("store.db*"):
            path.unlink()
        self._data.store.write_bytes(content)
        self._data.documents.write_bytes(self._documents)


class DamagedDocuments:
    """Identity, permit, certificates and answer in their one file."""

    name = "documents.json"

    def __init__(self, stall: CrashStall, folder: Path) -> None:
        """Take a stall's documents; they are opened beside the store that belongs to them."""
        self._data = DataDirectory(folder)
        self.content = stall.data.documents.read_bytes()
        self._store = stall.data.store.read_bytes()
        self._lay(self.content)
        self._truth = self._told()

    def opened(self, damaged: bytes) -> str | None:
        """Open them: what was signed is what it was or is refused; the rest is checked."""
        self._lay(damaged)
        try:
            told = self._told()
        except (StoreError, DocumentError):
            return None
        return None if told == self._truth else f"something else was told: {told}"

    def _told(self) -> tuple[object, ...]:
        documents = Documents(self._data.documents)
        identity = documents.identity
        store = Store.open(self._data)
        try:
            return (
                identity.terminal,
                identity.caisse,
                identity.root,
                store.permit,
                store.signed_time,
            )
        finally:
            store.close()

    def _lay(self, content: bytes) -> None:
        for path in self._data.root.glob("store.db*"):
            path.unlink()
        self._data.store.write_bytes(self._store)
        self._data.documents.write_bytes(content)


class DamagedKey:
    """One file of the keyring."""

    def __init__(self, stall: CrashStall, folder: Path, name: str) -> None:
        """Take one of a stall's key files, with the others beside it."""
        self.name = name
        self._folder = folder
        for path in stall.data.keys.iterdir():
            self._write(path.name, path.read_bytes())
        self.content = (folder / name).read_bytes()
        self._truth = self._told()

    def opened(self, damaged: bytes) -> str | None:
        """Open it: the very keys that were written, or a KeyStoreError."""
        self._write(self.name, damaged)
        try:
            told = self._told()
        except KeyStoreError:
            return None
        finally:
            self._write(self.name, self.content)
        return None if told == self._truth else "another key"

    def _told(self) -> tuple[object, ...]:
        keyring = read_keyring(self._folder, caisse=CAISSE)
        transport = read_transport_key(self._folder, caisse=CAISSE)
        return (
            keyring.journal.public.encoded,
            keyring.token,
            keyring.cards,
            transport.public.encoded,
        )

    def _write(self, name: str, content: bytes) -> None:
        path = self._folder / name
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)
