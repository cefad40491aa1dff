"""No secret of a whole life lies where it is not kept; and whatever is planted is found."""

from __future__ import annotations

import base64
import gzip
import os
import pickle
import resource
import secrets
import sqlite3
import subprocess
import sys
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from cardkit.keyfiles import Bundle, RootKeys, ServiceKeys, WorkshopKeys, read_bundle
from tests.hunt_life import MEMBER, bundle_secrets
from tests.secret_hunt import Found, Secret, hunt

PLANTED = secrets.token_bytes(32)
TREE = Path(__file__).parent.parent
PASSPHRASES = ("racine des trois noyers", "service sous la pluie", "atelier du mardi soir")
LOOK_EVERY_S = 0.05
SECRETS_MIN = 50


def in_sqlite(path: Path, value: bytes) -> None:
    """A row that was deleted: its bytes stay in a free page."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA secure_delete = OFF")
        database.execute("CREATE TABLE kept (value BLOB)")
        database.execute("INSERT INTO kept VALUES (?)", (value,))
        database.commit()
        database.execute("DELETE FROM kept")
        database.commit()


def in_zip(path: Path, value: bytes) -> None:
    """A packed file in a packed file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("log.gz", gzip.compress(value.hex().encode()))


def in_pdf(path: Path, value: bytes) -> None:
    """What a page shows."""
    stream = zlib.compress(b"(" + value.hex().upper().encode() + b") Tj")
    path.write_bytes(b"%PDF-1.7\n1 0 obj\nstream\n" + stream + b"\nendstream\nendobj\n")


def log(write: Callable[[bytes], bytes]) -> Callable[[Path, bytes], None]:
    """A line of a log, in which a value is written in some way."""

    def put(path: Path, value: bytes) -> None:
        path.write_bytes(b"DEBUG key=" + write(value) + b" done\n")

    return put


PLACES: dict[str, Callable[[Path, bytes], None]] = {
    "as it is": log(lambda value: value),
    "hexadecimal": log(lambda value: value.hex().encode()),
    "capitals": log(lambda value: value.hex().upper().encode()),
    "spaced": log(lambda value: value.hex(" ").encode()),
    "repr": log(lambda value: repr(value).encode()),
    "base64": log(base64.b64encode),
    "base64 after one byte": log(lambda value: base64.b64encode(b"x" + value + b"yz")),
    "base64 after two bytes": log(lambda value: base64.urlsafe_b64encode(b"xy" + value)),
    "backwards": log(lambda value: value[::-1]),
    "UTF-16": log(lambda value: value.decode("latin-1").encode("utf-16-le")),
    "a deleted row": in_sqlite,
    "a zip": in_zip,
    "a PDF": in_pdf,
}


@pytest.mark.parametrize("place", PLACES)
def test_what_is_planted_is_found(place: str, tmp_path: Path) -> None:
    """Promise: the hunt has teeth: one secret in any shape and any wrapping is named."""
    (tmp_path / "deep").mkdir()
    PLACES[place](tmp_path / "deep" / "file", PLANTED)
    (tmp_path / "innocent").write_bytes(secrets.token_bytes(4096))
    secret = Secret("planted", PLANTED)
    assert set(hunt(tmp_path, [secret])) == {Found("planted", "deep/file")}
    assert not set(hunt(tmp_path, [Secret("planted", PLANTED, ("deep/*",))]))


@contextmanager
def watched(folder: Path) -> Iterator[None]:
    """Write down the arguments and the environment of every process, again and again."""
    over = threading.Event()
    seen: set[bytes] = set()

    def look() -> None:
        while not over.wait(LOOK_EVERY_S):
            for process in Path("/proc").glob("[0-9]*"):
                for what in ("cmdline", "environ"):
                    try:
                        seen.add((process / what).read_bytes())
                    except OSError:
                        continue

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        (folder / "processes").write_bytes(b"\n".join(sorted(seen)))


def run(folder: Path, name: str, *command: str, typed: tuple[str, ...] = ()) -> None:
    """Run a program of ours, and keep all that it says; passphrases come by a pipe."""
    environment = os.environ | {"PYTHONPATH": str(TREE), "LANG": "C.UTF-8"}
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe:
        pipe.write("\n".join(typed) + "\n")
    asked = ("--passphrase-fd", str(reading)) if typed else ()
    try:
        done = subprocess.run(
            (*command, *asked),
            cwd=folder,
            env=environment,
            capture_output=True,
            check=False,
            timeout=300,
            pass_fds=(reading,),
        )
    finally:
        os.close(reading)
    (folder / "said" / f"{name}.out").write_bytes(done.stdout)
    (folder / "said" / f"{name}.err").write_bytes(done.stderr)
    assert done.returncode == 0, done.stderr.decode()[-2000:]


def hold_a_ceremony(folder: Path) -> list[Secret]:
    """Make a caisse's keys and a paper for three people by command; what nobody may find of it."""
    workshop = (
        sys.executable,
        "-c",
        "import sys; from provisioning.cli import main; sys.exit(main())",
    )
    keys, papers = folder / "ceremony", folder / "papers"
    run(folder, "keys-new", *workshop, "keys", "new", "--caisse", "orne", "--out", str(keys),
        typed=PASSPHRASES)  # fmt: skip
    run(folder, "keys-backup", *workshop, "keys", "backup", str(keys / "root"), "--to", str(papers),
        "--shares", "2of3", typed=PASSPHRASES[:1])  # fmt: skip
    secrets_made = [Secret("a passphrase", it.encode()) for it in PASSPHRASES]
    kinds: tuple[type[Bundle], ...] = (RootKeys, ServiceKeys, WorkshopKeys)
    for kind, passphrase in zip(kinds, PASSPHRASES, strict=True):
        name = kind.NAME.partition(".")[0]
        bundle = read_bundle(keys / name, kind, caisse="orne", passphrase=passphrase.encode())
        secrets_made += bundle_secrets(bundle, f"ceremony {name}")
    return secrets_made


@pytest.mark.slow
def test_a_life_leaves_no_secret(tmp_path: Path) -> None:
    """Promise: after a week of a whole caisse no key, password or name is where it is not kept.

    Logs at their most talkative, databases with their free pages, arguments and environments of
    every process, sticks, archives, exports, copies. Red when a key is logged or exported.
    """
    folder, told = tmp_path / "life", tmp_path / "secrets"
    (folder / "said").mkdir(parents=True)
    with watched(folder):
        made = hold_a_ceremony(folder)
        run(folder, "life", sys.executable, "-m", "tests.hunt_life", str(folder), str(told))
        stick = folder / "stick"
        stick.mkdir()
        tills = [path.parent for path in folder.glob("*/journal.db")]
        assert tills
        for root in tills:
            till = (sys.executable, "-m", "terminal", "--data", str(root))
            days = ("--from", "2026-09-01", "--until", "2026-12-31")
            run(folder, f"{root.name}-status", *till, "status")
            run(folder, f"{root.name}-stick", *till, "stick", "diagnostics", "--at", str(stick))
            run(folder, f"{root.name}-archive", *till, "archive", *days, f"{root.name}.zip")
    known: list[Secret] = pickle.loads(told.read_bytes())  # noqa: S301 - written by us
    known += made
    assert len(known) >= SECRETS_MIN
    assert {secret.value for secret in known} >= {value.encode() for value in MEMBER}
    assert sorted(set(hunt(folder, known)), key=str) == []
    with (folder / "said" / "life.err").open("ab") as log_file:
        log_file.write(known[-1].value.hex().encode())
    assert [it.where for it in hunt(folder, known)] == ["said/life.err"]


CRASH = """
import os, resource, sys
sys.argv = [sys.argv[1], "--help"]
resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
import importlib
name = sys.argv[0]
try:
    importlib.import_module(name).main()
except SystemExit:
    pass
sys.stdout.flush()
print(resource.getrlimit(resource.RLIMIT_CORE)[0])
sys.stdout.flush()
os.abort()
"""


PROGRAMS = ["terminal.__main__", "server_stub.__main__", "provisioning.cli"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_crash_leaves_no_memory_on_the_disk(program: str, tmp_path: Path) -> None:
    """Promise: a program that holds keys writes no core dump, whatever the system allows."""
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("this system lets nobody write a core")
    done = subprocess.run(
        [sys.executable, "-c", CRASH, program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(TREE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode < 0
    assert done.stdout.splitlines()[-1] == "0"
    assert list(tmp_path.iterdir()) == []
