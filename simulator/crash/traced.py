"""Rung C6: every file that a terminal writes, seen by strace and cut after every system call.

A process is paired, sells, takes in documents and leaves requests; strace writes down what it
asked of the kernel. Replayed on a model volume this gives every prefix of create, write, fsync,
rename and fsync of the directory, with what was not synced lost, torn or shuffled. Names of
directories are taken to last: `create` makes them once, before anything is promised.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Final

from cardkit.errors import ClafoutisError, NotPaired, StoreError
from cardkit.sync import decode_request
from simulator.crash.images import fresh
from simulator.crash.report import Report
from simulator.crash.stall import MERCHANT, CrashStall
from simulator.volume import (
    Cut,
    Image,
    Link,
    Operation,
    Rename,
    Sync,
    SyncNames,
    Truncate,
    Unlink,
    Volume,
    Write,
)
from terminal.config import DataDirectory
from terminal.documents import Documents
from terminal.files import PRIVATE

CUTS: Final = (Cut.UNSYNCED, Cut.TORN, Cut.SHUFFLED)
SALES: Final = 2
PERMITS: Final = (2, 3)
_CALLS: Final = (
    "openat,write,pwrite64,fsync,fdatasync,ftruncate,rename,renameat,renameat2,unlink,unlinkat"
)
_BYTES_MAX: Final = 1 << 22
_LINE: Final = re.compile(r"^\d+ +(\w+)\((.*)\) += (\d+)")
_TEXT: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FILE: Final = re.compile(r"^(\d+)<((?:\\x[0-9a-f]{2})*)>")
_STDOUT: Final = 1


@dataclass(frozen=True, slots=True)
class Mark:
    """What the process said that it had promised, after so many operations."""

    operations: int
    entries: int
    permit: int


@dataclass(frozen=True, slots=True)
class Trace:
    """What a process asked of one folder, and what it promised meanwhile."""

    history: tuple[Operation, ...]
    marks: tuple[Mark, ...]


def work(folder: Path) -> None:
    """What is traced: a terminal's pairing and a little of its life; marks go to stdout."""

    def mark(entries: int, permit: int) -> None:
        os.write(_STDOUT, b"%d %d" % (entries, permit))

    stall = CrashStall.enrolled(folder)
    mark(1, 1)
    till = stall.till()
    for number, version in zip(range(SALES), PERMITS, strict=True):
        card = stall.cards[number]
        stall.tap(card, lambda it: till.sell(it, 2_50, merchant=MERCHANT))
        till.store.accept_permit(stall.permit(version))
        mark(till.journal.head.seq, version)
        till.rest()
        stall.leave_answer(till.journal)
        till.rest()
        mark(till.journal.head.seq, version)
    till.stop()
    mark(till.journal.head.seq, PERMITS[-1])


def is_possible() -> bool:
    """Say whether strace is here and may trace."""
    strace = which("strace")
    if strace is None:
        return False
    tried = subprocess.run([strace, "-o", "/dev/null", "true"], capture_output=True, check=False)
    return tried.returncode == 0


def trace(folder: Path) -> Trace:
    """Let a process work in a new folder under strace."""
    output, data = folder / "strace", folder / "till"
    program = f"from {__name__} import *; work(Path(sys.argv[1]))"
    command = ["strace", "-f", "-y", "-xx", "-s", str(_BYTES_MAX), "-e", f"trace={_CALLS}"]
    command += ["-o", str(output), sys.executable, "-c", program, str(data)]
    subprocess.run(command, check=True, capture_output=True)
    return _Reader(data).read(output.read_text("ascii").splitlines())


class _Reader:
    """Makes operations of strace's lines."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._volume = Volume()
        self._history: list[Operation] = []
        self._marks: list[Mark] = []
        self._offsets: dict[int, int] = {}

    def read(self, lines: list[str]) -> Trace:
        for line in lines:
            found = _LINE.match(line)
            if found is not None:
                self._call(found[1], found[2], int(found[3]))
        return Trace(tuple(self._history), tuple(self._marks))

    def _call(self, call: str, arguments: str, result: int) -> None:
        texts = [_bytes(it) for it in _TEXT.findall(arguments)]
        if call == "openat":
            self._open(texts[0].decode(), arguments, result)
        elif call.startswith("rename"):
            self._rename(texts[0].decode(), texts[1].decode())
        elif call.startswith("unlink"):
            name = self._name(texts[0].decode())
            if name is not None:
                self._note(Unlink(name))
        else:
            self._on_file(call, arguments, texts, result)

    def _on_file(self, call: str, arguments: str, texts: list[bytes], result: int) -> None:
        """Handle a call whose first argument is an open file."""
        found = _FILE.match(arguments)
        if found is None:
            return
        number, name = int(found[1]), self._name(_bytes(found[2]).decode("utf-8", "replace"))
        if call == "write" and number == _STDOUT:
            self._marks.append(Mark(len(self._history), *map(int, texts[0].split())))
        elif name is None:
            return
        elif name not in self._volume.names:
            if call in {"fsync", "fdatasync"}:
                self._note(SyncNames(name))
        elif call in {"fsync", "fdatasync"}:
            self._note(Sync(self._volume.names[name]))
        elif call == "ftruncate":
            self._note(Truncate(self._volume.names[name], _last_number(arguments)))
        elif call == "pwrite64":
            offset = _last_number(arguments)
            self._note(Write(self._volume.names[name], offset, texts[-1][:result]))
        elif call == "write":
            offset = self._offsets.get(number, 0)
            self._note(Write(self._volume.names[name], offset, texts[-1][:result]))
            self._offsets[number] = offset + result

    def _open(self, path: str, arguments: str, number: int) -> None:
        self._offsets[number] = 0
        name = self._name(path)
        if name is None or Path(path).is_dir():
            return
        if name not in self._volume.names:
            self._note(Link(name, self._volume.next_file))
        if "O_TRUNC" in arguments:
            self._note(Truncate(self._volume.names[name], 0))

    def _rename(self, old_path: str, new_path: str) -> None:
        old, new = self._name(old_path), self._name(new_path)
        if old is not None and new is not None:
            self._note(Rename(old, new, self._volume.names[old]))

    def _name(self, path: str) -> str | None:
        """Return a path as the volume names it; None for what lies elsewhere."""
        if path == self._root:
            return "."
        inside = path.removeprefix(f"{self._root}/")
        return None if inside == path else inside

    def _note(self, operation: Operation) -> None:
        self._volume.apply(operation)
        self._history.append(operation)


def judge(traced: Trace, scratch: Path, report: Report, *, seed: int) -> None:
    """Cut a trace after every operation, and open what each cut leaves."""
    chance, volume = random.Random(f"trace {seed}"), Volume()
    known: set[int] = set()
    for operations, operation in enumerate(traced.history, start=1):
        volume.apply(operation)
        promised = [it for it in traced.marks if it.operations <= operations]
        for cut in CUTS:
            report.count("traced_images")
            image = volume.image(cut, chance)
            key = hash((tuple(sorted(image.items())), len(promised)))
            if key in known:
                continue
            known.add(key)
            for wrong in _wrongs(image, promised, fresh(scratch)):
                report.accuse(f"seed {seed}: {cut.name} after call {operations}: {wrong}")


def _wrongs(image: Image, promised: list[Mark], folder: Path) -> Iterator[str]:
    stall = CrashStall(DataDirectory(folder))
    stall.data.create()
    for name, content in image.items():
        path = folder / name
        path.touch(mode=PRIVATE)
        path.write_bytes(content)
    yield from _torn_files(stall.data)
    try:
        till = stall.till()
    except ClafoutisError as error:
        if promised:
            yield f"does not open: {type(error).__name__}: {error}"
        return
    if promised:
        last = promised[-1]
        if till.journal.head.seq < last.entries:
            yield f"{till.journal.head.seq} entries, promised {last.entries}"
        if till.store.permit.permit.version < last.permit:
            yield f"permit {till.store.permit.permit.version}, promised {last.permit}"
    till.stop()


def _torn_files(data: DataDirectory) -> Iterator[str]:
    """Look that whatever has its final name is whole."""
    for path in (*data.outbox.glob("*.cbor"),):
        try:
            decode_request(path.read_bytes())
        except ClafoutisError as error:
            yield f"a torn request: {error}"
    if data.documents.exists():
        try:
            _ = Documents(data.documents).identity
        except NotPaired:
            pass
        except StoreError as error:
            yield f"torn documents: {error}"
    for path in (it for it in data.keys.iterdir() if not it.name.startswith(".")):
        if not path.read_bytes():
            yield f"an empty {path.name}"


def _bytes(text: str) -> bytes:
    """Return the bytes of what strace has written in hex."""
    return bytes.fromhex(text.replace("\\x", ""))


def _last_number(arguments: str) -> int:
    return int(arguments.rpartition(",")[2])
