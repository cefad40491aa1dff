"""Files that are replaced whole: after a cut there is the old one or the new one."""

from __future__ import annotations

import os
from pathlib import Path

PRIVATE = 0o600


def write_atomically(path: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """Replace a file: write aside, fsync, rename, fsync of the directory.

    Raises OSError, and then leaves nothing aside: a full disk needs the room.
    """
    aside = path.with_name(f".{path.name}.new")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def write_again(path: Path) -> None:
    """Make a file last as it reads now, if it is there; raises OSError.

    After an fsync that failed, Linux shows pages that the disk never got and takes them for
    written: only writing them once more saves what is built upon them (fsync(2), "EIO").
    """
    if path.exists():
        write_atomically(path, path.read_bytes())


def sync_directory(path: Path) -> None:
    """Make the names in a directory survive a cut, as fsync makes a file's content survive."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
