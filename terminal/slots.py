"""Two places for the till's program on the data partition, and which of them starts.

    APP/a, APP/b     two complete environments; the one that does not run is written to
    APP/current      a link to one of them, and all that decides which starts
    APP/trial        while `current` has not proven itself: where it came from, how often it tried
    APP/refused      the name of the release that did not prove itself, which is not tried again

Each change is one file or link that is replaced whole, in an order in which a cut after any of
them leaves a till that starts. This file imports nothing of ours: set-up copies it to the system's
own partition, where the system's own Python runs it, because it has to work when a slot does not.

`python3 slots.py begin|confirm|back APP`: `begin` before each start of the till, `confirm` after.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

STARTS_MAX: Final = 3
"""So often a new program may start without proving itself."""
MARK: Final = "release.cbor"
"""Written into a slot last: a slot without it is not complete."""
SLOTS: Final = ("a", "b")
_CURRENT: Final = "current"
_TRIAL: Final = "trial"
_REFUSED: Final = "refused"
_NAME_BYTES: Final = 64


@dataclass(frozen=True)
class Trial:
    """A program on trial: the slot that it is in, the one to go back to, its starts so far."""

    slot: str
    before: str
    starts: int


def _no_step(_step: str) -> None:
    """Do nothing between two steps; a test cuts there."""


class Slots:
    """The slots of one till. Raises OSError; what was there before then still starts."""

    def __init__(self, app: Path, *, step: Callable[[str], None] = _no_step) -> None:
        """Take the folder of the slots; `step` is told before each thing that is done."""
        self._app = app
        self._step = step

    @property
    def current(self) -> str | None:
        """The slot that starts; None before the first installation."""
        try:
            name = (self._app / _CURRENT).readlink().name
        except OSError:
            return None
        return name if name in SLOTS else None

    @property
    def other(self) -> str:
        """The slot that may be written to."""
        return SLOTS[0] if self.current != SLOTS[0] else SLOTS[1]

    @property
    def trial(self) -> Trial | None:
        """What is on trial; None when the current slot has proven itself."""
        held = self._read(_TRIAL)
        try:
            found = Trial(**json.loads(held or b"{}"))
        except (TypeError, ValueError):
            return None
        return found if found.slot == self.current and found.before in SLOTS else None

    @property
    def refused(self) -> str | None:
        """The name of the release that did not prove itself."""
        held = self._read(_REFUSED)
        return None if held is None else held.decode("ascii", "replace")

    def path(self, slot: str) -> Path:
        """Return where a slot lies."""
        return self._app / slot

    def mark(self, slot: str) -> bytes | None:
        """Return the signed list of what a slot holds; None when it is not complete."""
        return self._read(f"{slot}/{MARK}")

    def empty(self, slot: str) -> Path:
        """Make a slot an empty folder that nobody takes for complete; returns it."""
        if slot == self.current:
            raise ValueError("the slot that runs is not written to")
        folder = self.path(slot)
        self._step("unmark")
        (folder / MARK).unlink(missing_ok=True)
        if folder.exists():
            _sync(folder)
        self._remove(folder)
        self._step("make folder")
        folder.mkdir(mode=0o755, parents=True)
        _sync(self._app)
        return folder

    def complete(self, slot: str, mark: bytes) -> None:
        """Say that a slot holds everything: all of it reaches the disk first."""
        self._step("sync")
        os.sync()
        self._write(f"{slot}/{MARK}", mark)

    def switch(self, slot: str) -> None:
        """Let a complete slot start from now on; on trial, unless it is the first."""
        if self.mark(slot) is None:
            raise ValueError("a slot that is not complete")
        before = self.current
        if before is not None and before != slot:
            trial = {"slot": slot, "before": before, "starts": 0}
            self._write(_TRIAL, json.dumps(trial).encode())
        self._link(slot)

    def begin(self) -> str | None:
        """Count a start, and go back when there were too many; returns the slot that starts."""
        trial = self.trial
        if trial is None:
            self._delete(_TRIAL)
        elif trial.starts >= STARTS_MAX:
            self.back()
        else:
            counted = {"slot": trial.slot, "before": trial.before, "starts": trial.starts + 1}
            self._write(_TRIAL, json.dumps(counted).encode())
        return self.current

    def confirm(self, opened: Path) -> bool:
        """End the trial if the till wrote this program's name into `opened` when it had opened.

        The file is the till's own user's: nothing but its comparison with ours is done with it.
        """
        trial = self.trial
        if trial is None:
            return True
        if _start_of(opened) != name_of(self.mark(trial.slot) or b""):
            return False
        self._delete(_TRIAL)
        return True

    def back(self) -> bool:
        """Let the slot of before start again, and never try the other's release again."""
        trial = self.trial
        if trial is None or self.mark(trial.before) is None:
            return False
        self._write(_REFUSED, name_of(self.mark(trial.slot) or b"").encode())
        self._link(trial.before)
        self._delete(_TRIAL)
        return True

    def _read(self, name: str) -> bytes | None:
        try:
            return (self._app / name).read_bytes()
        except OSError:
            return None

    def _write(self, name: str, content: bytes) -> None:
        path = self._app / name
        aside = path.with_name(f".{path.name}.new")
        self._step(f"write {name} aside")
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self._step(f"put {name} in place")
        aside.replace(path)
        _sync(path.parent)

    def _link(self, slot: str) -> None:
        aside = self._app / f".{_CURRENT}.new"
        self._step("make link aside")
        aside.unlink(missing_ok=True)
        aside.symlink_to(slot)
        self._step("put link in place")
        aside.replace(self._app / _CURRENT)
        _sync(self._app)

    def _delete(self, name: str) -> None:
        if (self._app / name).exists():
            self._step(f"delete {name}")
            (self._app / name).unlink()
            _sync(self._app)

    def _remove(self, path: Path) -> None:
        if path.is_dir() and not path.is_symlink():
            for inside in path.iterdir():
                self._remove(inside)
            self._step("remove folder")
            path.rmdir()
        else:
            self._step("remove file")
            path.unlink(missing_ok=True)


def name_of(mark: bytes) -> str:
    """Return what a release is called where a short name is needed: SHA-256 of its signed list."""
    return hashlib.sha256(mark).hexdigest()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _start_of(path: Path) -> str:
    """Read a little of a file that another user owns; nothing when there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(_NAME_BYTES).decode("ascii", "replace")
    except OSError:
        return ""


def main(arguments: Sequence[str]) -> int:
    """Do one thing and return the exit status; a till starts whatever went wrong here."""
    match arguments:
        case ["begin", app]:
            print(Slots(Path(app)).begin() or "none")  # noqa: T201 - a unit's line in the journal
        case ["confirm", app, opened]:
            return 0 if Slots(Path(app)).confirm(Path(opened)) else 1
        case ["back", app]:
            return 0 if Slots(Path(app)).back() else 1
        case _:
            print(__doc__, file=sys.stderr)  # noqa: T201 - as above
            return 64
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
