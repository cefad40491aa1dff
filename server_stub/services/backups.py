"""The day's copy of the books, and how many are kept."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from django.db import connections

from cardkit.errors import BackupFailed
from server_stub.services.backup import back_up
from server_stub.services.caisse import Caisse

COPIES_KEPT: Final = 14
_DUMP_S: Final = 3_600
_NAME: Final = "clafoutis-*"


def daily_copy(caisse: Caisse, folder: Path) -> list[Path]:
    """Write a copy under the present time, and throw the oldest away; raises BackupFailed.

    Nothing is thrown away before the new one has been written and read.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"clafoutis-{caisse.now():%Y%m%dT%H%M%SZ}"
    if connections[caisse.using].vendor == "sqlite":
        made = back_up(caisse, folder / f"{name}.sqlite3")
    else:
        made = _dump(connections[caisse.using].settings_dict, folder / f"{name}.dump")
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


def _dump(described: Mapping[str, object], path: Path) -> Path:
    """Let PostgreSQL's own program write it; the password goes by the environment."""
    options = described.get("OPTIONS")
    more = (
        {str(name): str(told) for name, told in options.items()}
        if isinstance(options, dict)
        else {}
    )
    known = {
        "PGHOST": described.get("HOST"),
        "PGPORT": described.get("PORT"),
        "PGUSER": described.get("USER"),
        "PGPASSWORD": described.get("PASSWORD"),
        "PGDATABASE": described.get("NAME"),
        "PGSSLMODE": more.get("sslmode"),
        "PGSSLROOTCERT": more.get("sslrootcert"),
    }
    environment = {**os.environ, **{name: str(told) for name, told in known.items() if told}}
    partial = path.with_name(path.name + ".partial")
    command = ["pg_dump", "--format=custom", f"--file={partial}"]
    try:
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        subprocess.run(  # noqa: S603 - a list, and nothing of it from outside
            command, check=True, env=environment, capture_output=True, timeout=_DUMP_S
        )
        read = ["pg_restore", "--list", str(partial)]
        subprocess.run(read, check=True, capture_output=True, timeout=_DUMP_S)  # noqa: S603 - see above
        partial.rename(path)
    except (OSError, subprocess.SubprocessError) as error:
        partial.unlink(missing_ok=True)
        raise BackupFailed(f"pg_dump: {type(error).__name__}") from error
    return path
