"""The day's copy of the books, and how many are kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from django.db import connections

from server_stub.services.backup import back_up
from server_stub.services.caisse import Caisse

COPIES_KEPT: Final = 14
_NAME: Final = "clafoutis-*"


def daily_copy(caisse: Caisse, folder: Path) -> list[Path]:
    """Write a copy under the present time, and throw the oldest away; raises BackupFailed.

    Nothing is thrown away before the new one has been written and read.
    """
    ending = "sqlite3" if connections[caisse.using].vendor == "sqlite" else "dump"
    made = back_up(caisse, folder / f"clafoutis-{caisse.now():%Y%m%dT%H%M%SZ}.{ending}")
    for old in copies(folder)[COPIES_KEPT:]:
        old.unlink()
    return [made]


def copies(folder: Path) -> list[Path]:
    """Return the copies that are whole, newest first."""
    whole = (path for path in folder.glob(_NAME) if not path.name.endswith(".partial"))
    return sorted(whole, key=lambda path: path.name, reverse=True)


def copied_at(folder: Path) -> datetime | None:
    """Return when the newest copy was made; None where there is none."""
    newest = next(iter(copies(folder)), None)
    if newest is None:
        return None
    stamp = newest.stem.removeprefix("clafoutis-").replace("Z", "+0000")
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%S%z")
    except ValueError:
        return None
