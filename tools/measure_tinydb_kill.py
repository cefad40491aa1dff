"""Measures what kill -9 leaves of a store that is being written (docs/adr/0003).

    python -m tools.measure_tinydb_kill [--kills 200] [--documents 100] [--seed 1]

A child process updates documents of changing length without pause and reports each finished
update through a pipe. At a random moment it is killed; then the store is opened again.
`corrupt` counts the stores that do not open, `lost` those that open but miss an update that had
been reported as finished. This is the death of a process; a power cut is harder on a file that
is overwritten in place, never easier.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import sqlite3
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click
from tinydb import JSONStorage, TinyDB
from tinydb.storages import Storage

from cardkit.errors import StoreError
from terminal.documents import AtomicStorage

KILL_WITHIN_S = 0.06
NOTE_LENGTH_MAX = 400

Updates = Iterator[None]
"""Each step performs one update: number n goes to document n modulo their count, for ever."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to store: how to write without end, and the highest number found afterwards."""

    name: str
    write: Callable[[Path, int, random.Random], Updates]
    highest: Callable[[Path], int]


def _tinydb(storage: type[Storage], name: str) -> Contender:
    def write(path: Path, documents: int, chance: random.Random) -> Updates:
        db = TinyDB(path, storage=storage)
        db.insert_multiple({"number": 0, "note": _note(chance)} for _ in range(documents))
        for number in itertools.count(1):
            update = {"number": number, "note": _note(chance)}
            db.update(update, doc_ids=[number % documents + 1])
            yield

    def highest(path: Path) -> int:
        with TinyDB(path, storage=storage) as db:
            return max(int(document["number"]) for document in db.all())

    return Contender(name, write, highest)


def _sqlite() -> Contender:
    def write(path: Path, documents: int, chance: random.Random) -> Updates:
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE document (id INTEGER PRIMARY KEY, number INTEGER, note TEXT)")
        blank = ((key, _note(chance)) for key in range(documents))
        db.execute("BEGIN")
        db.executemany("INSERT INTO document VALUES (?, 0, ?)", blank)
        db.execute("COMMIT")
        for number in itertools.count(1):
            update = (number, _note(chance), number % documents)
            db.execute("UPDATE document SET number = ?, note = ? WHERE id = ?", update)
            yield

    def highest(path: Path) -> int:
        with closing(sqlite3.connect(path)) as db:
            (verdict,) = db.execute("PRAGMA integrity_check").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            (number,) = db.execute("SELECT max(number) FROM document").fetchone()
            return int(number)

    return Contender("SQLite, WAL, synchronous=FULL", write, highest)


def _note(chance: random.Random) -> str:
    """Of random length, so that a document and its file grow and shrink."""
    return "x" * chance.randrange(NOTE_LENGTH_MAX)


CONTENDERS = (
    _tinydb(JSONStorage, "TinyDB, its own JSONStorage"),
    _tinydb(AtomicStorage, "TinyDB, our AtomicStorage"),
    _sqlite(),
)


def kill_once(contender: Contender, path: Path, documents: int, chance: random.Random) -> int:
    """Write in a child, kill it at a random moment, and return the last number it had reported."""
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            for number, _ in enumerate(contender.write(path, documents, chance), start=1):
                os.write(sink, struct.pack(">Q", number))
        finally:  # a child that fails must not go on as a second parent
            os._exit(1)
    os.close(sink)
    reported = os.read(source, 8)
    time.sleep(chance.uniform(0, KILL_WITHIN_S))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(source, "rb") as rest:
        reported += rest.read()
    (last,) = struct.unpack(">Q", reported[-8:])
    return int(last)


@click.command()
@click.option("--kills", default=200, show_default=True, help="kills for each way to store")
@click.option("--documents", default=100, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(kills: int, documents: int, seed: int) -> None:
    """Kill each way to store at random moments and count what is left."""
    click.echo(f"{'':32}{'kills':>6}{'corrupt':>9}{'lost':>6}{'updates/s':>11}")
    for contender in CONTENDERS:
        chance = random.Random(seed)
        corrupt = lost = updates = 0
        begun_s = time.monotonic()
        for _ in range(kills):
            with tempfile.TemporaryDirectory() as directory:
                path = Path(directory) / "store"
                last = kill_once(contender, path, documents, chance)
                updates += last
                try:
                    lost += contender.highest(path) < last
                except (ValueError, StoreError, sqlite3.DatabaseError):
                    corrupt += 1
        rate = updates / (time.monotonic() - begun_s)
        click.echo(f"{contender.name:32}{kills:6}{corrupt:9}{lost:6}{rate:11.0f}")


if __name__ == "__main__":
    main()
