"""Where the service keeps what it keeps: SQLite in one file, or PostgreSQL by its address."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from cardkit.errors import must

BUSY_S: Final = 20
"""How long a writer waits for another; a batch takes a second or two."""

_PRAGMAS: Final = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"


def database(url: str | None, data_dir: Path) -> dict[str, Any]:
    """Return Django's description of the database at a URL; None is SQLite in the data directory.

    A query such as `?host=/run/postgresql` is handed to PostgreSQL's client as options.
    """
    if not url:
        return _sqlite(str(data_dir / "clafoutis.sqlite3"))
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _sqlite(unquote(parts.path))
    must(parts.scheme in {"postgres", "postgresql"}, "DATABASE_URL is postgresql:// or sqlite://")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
        "CONN_MAX_AGE": 60,
    }


def memory() -> dict[str, Any]:
    """Return the description of an empty database that lives as long as its connection."""
    return _sqlite(":memory:")


def _sqlite(path: str) -> dict[str, Any]:
    """Every transaction takes the write lock at once: none can fail half-way for another."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "init_command": _PRAGMAS,
            "transaction_mode": "IMMEDIATE",
            "timeout": BUSY_S,
        },
    }
