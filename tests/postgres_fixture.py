"""A PostgreSQL of one's own: a throw-away cluster on a socket, no network, no fsync."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import load_backend
from pytest_django import DjangoDbBlocker

from server_stub.database import database

NOBODY: Final = 65534
_FOLDERS: Final = (Path("/usr/local/bin"), *sorted(Path("/usr/lib/postgresql").glob("*/bin")))
_SPEED: Final = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


def _binary(name: str) -> str | None:
    """Debian keeps initdb and pg_ctl out of the PATH."""
    found = [folder / name for folder in reversed(_FOLDERS) if (folder / name).exists()]
    return str(found[0]) if found else shutil.which(name)


def _as_nobody(*command: str) -> None:
    """Run a program of PostgreSQL: initdb refuses root; whoever is not root stays who they are."""
    if os.geteuid() == 0:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            cwd="/",
        )
    else:
        subprocess.run(command, check=True, capture_output=True)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster: its address, and how to take its power away."""

    url: str
    crash: Callable[[], None]
    """Stops it as a crash does, and starts it again: it recovers from its log."""


@contextmanager
def cluster(speed: str = _SPEED) -> Iterator[Cluster]:
    """Start a throw-away cluster; skips the test, or fails it in CI, where there is none."""
    initdb, pg_ctl = _binary("initdb"), _binary("pg_ctl")
    if initdb is None or pg_ctl is None:
        must_have_it = bool(os.environ.get("CI"))
        (pytest.fail if must_have_it else pytest.skip)("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    data = str(folder / "data")

    def start() -> None:
        options = f"-k {folder} -h '' {speed}"
        log = str(folder / "log")
        _as_nobody(pg_ctl, "-D", data, "-w", "-l", log, "-o", options, "start")

    def stop() -> None:
        _as_nobody(pg_ctl, "-D", data, "-m", "immediate", "stop")

    def crash() -> None:
        stop()
        start()

    try:
        _as_nobody(initdb, "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8")
        start()
        try:
            yield Cluster(f"postgresql://postgres@/postgres?host={folder}", crash)
        finally:
            stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of an empty database."""
    with cluster() as it:
        yield it.url


@pytest.fixture(scope="session")
def postgres(postgres_url: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The name of a connection to a migrated PostgreSQL, beside the SQLite of the other tests."""
    name = "postgres"
    described = {**database(postgres_url, Path("/")), "CONN_MAX_AGE": 0}
    settings = {**connections[DEFAULT_DB_ALIAS].settings_dict, **described}
    wrapper = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, name)
    with django_db_blocker.unblock():
        connections[name] = wrapper
        executor = MigrationExecutor(wrapper)
        executor.migrate(executor.loader.graph.leaf_nodes("clafoutis"))
        yield name
        wrapper.close()
        del connections[name]
