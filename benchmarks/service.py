"""A service with an empty database in a folder of its own, in this process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import django
from django.core.management import call_command
from django.db import connections

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own is made inside


@contextmanager
def service() -> Iterator[Path]:
    """Set Django up over a new database, in memory where the machine has such a folder.

    Once a process: models can be imported only within.
    """
    where = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="clafoutis-bench-", dir=where) as folder:
        os.environ["CLAFOUTIS_SERVER_DATA"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "server_stub.settings"
        django.setup()
        call_command("migrate", verbosity=0)
        try:
            yield Path(folder)
        finally:
            connections.close_all()
