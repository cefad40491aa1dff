"""Rung C2: every disk that a power cut could leave of a life, held against what was promised.

After each operation a few images are drawn: what was synced alone, a torn end, sectors and names
in any order. Whatever opens it must find the chain: promised ⊆ recovered ⊆ attempted, every
column as it was written, and must be able to go on. Some recoveries are cut again.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cardkit.bodies import EntryKind, Stopped
from cardkit.errors import ClafoutisError
from simulator.crash.life import Life, read_rows
from simulator.crash.report import Report
from simulator.disk import Disk
from simulator.volume import Cut, Found, Image, Operation, Volume, write_image

CUTS: Final = (Cut.NOTHING, Cut.UNSYNCED, Cut.TORN, Cut.SHUFFLED, Cut.SHUFFLED)
"""The images that are drawn after each operation."""
_AGAIN: Final = 50
"""Of so many recoveries one is itself cut after every operation."""
_COLUMNS: Final = 5
"""Of so many journals one is compared column by column."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a cut left, after how many operations, and what it has to hold."""

    image: Image
    cut: Cut
    operations: int
    promised_seq: int
    attempted_seq: int

    @property
    def words(self) -> str:
        """Where a person finds this image again."""
        return f"{self.cut.name} after operation {self.operations}"


def drawn_images(life: Life, chance: random.Random) -> Iterator[Left]:
    """Cut a life's journal after every operation, in the ways of `CUTS`."""
    name = life.stall.data.journal.name
    for operations, volume in replayed(life.history):
        for cut in CUTS:
            image = volume.image(cut, chance)
            yield Left(
                {it: content for it, content in image.items() if it.startswith(name)},
                cut,
                operations,
                life.promised_seq(operations),
                life.attempted_seq(operations),
            )


def replayed(history: tuple[Operation, ...]) -> Iterator[tuple[int, Volume]]:
    """Let a history happen again; yields the volume after every operation."""
    volume = Volume()
    for operations, operation in enumerate(history, start=1):
        volume.apply(operation)
        yield operations, volume


class Judge:
    """Opens images in a scratch folder and holds them against a life."""

    def __init__(self, life: Life, scratch: Path, report: Report, *, seed: int) -> None:
        self._life = life
        self._scratch = scratch
        self._report = report
        self._seed = seed
        self._known: dict[bytes, int] = {}
        self._recoveries = 0
        self._opened = 0

    def judge(self, left: Left, chance: random.Random) -> None:
        """Open an image, unless the very same bytes have been opened before."""
        self._report.count("images")
        digest = _digest(left.image)
        if digest not in self._known:
            self._known[digest] = self._recovered_seq(left)
            self._recoveries += 1
            if self._recoveries % _AGAIN == 0:
                self._cut_recovery(left, chance)
        found_seq = self._known[digest]
        if found_seq >= 0 and not left.promised_seq <= found_seq <= left.attempted_seq:
            self._accuse(
                left,
                f"{found_seq} entries; promised {left.promised_seq},"
                f" attempted {left.attempted_seq}",
            )

    def _recovered_seq(self, left: Left) -> int:
        """Recover an image and go on; returns the entries that were there.

        Nothing is there when it does not open; -1 stands for a finding.
        """
        folder = fresh(self._scratch)
        write_image(left.image, folder)
        try:
            found_seq, is_ours = self._recover(folder)
        except ClafoutisError as error:
            if left.promised_seq:
                self._accuse(left, f"{type(error).__name__}: {error}")
            return 0
        if not is_ours:
            self._accuse(left, "something else than was written")
            return -1
        return found_seq

    def _recover(self, folder: Path, up_to_seq: int = sys.maxsize) -> tuple[int, bool]:
        """Open a journal and append to it; returns what was there, and whether the life wrote it.

        Up to an entry, that is: what follows was written by an earlier recovery. Every column is
        read by SQLite alone, but now and then only: that opens the file once more.
        """
        journal = self._life.stall.journal_of(folder)
        found_seq = journal.head.seq
        known = self._life.rows[: min(found_seq, up_to_seq)]
        contents = journal.contents(0, len(known))
        journal.append(EntryKind.STOPPED, Stopped())
        journal.close()
        self._opened += 1
        if self._opened % _COLUMNS == 0:
            path = folder / self._life.stall.data.journal.name
            return found_seq, read_rows(path)[: len(known)] == known
        return found_seq, contents == tuple(row[-1] for row in known)

    def _cut_recovery(self, left: Left, chance: random.Random) -> None:
        """Let the power go again while an image is recovered, after every operation of that."""
        folder = fresh(self._scratch)
        write_image(left.image, folder)
        with Disk(folder, records=True) as disk:
            try:
                found_seq, _ = self._recover(folder)
            except ClafoutisError:
                return
        opened = max(at for at, it in enumerate(disk.history, 1) if isinstance(it, Found))
        for operations, volume in replayed(tuple(disk.history)):
            if operations < opened:
                continue  # not every file that lay there was known yet
            for cut in (Cut.UNSYNCED, Cut.SHUFFLED):
                self._report.count("images")
                self._report.count("cut_twice")
                again = Left(
                    volume.image(cut, chance), cut, operations, left.promised_seq, found_seq + 1
                )
                again_folder = fresh(self._scratch)
                write_image(again.image, again_folder)
                self._judge_again(left, again, again_folder, found_seq)

    def _judge_again(self, left: Left, again: Left, folder: Path, found_seq: int) -> None:
        where = f"{left.words}, then {again.words}"
        try:
            seq, is_ours = self._recover(folder, found_seq)
        except ClafoutisError as error:
            self._report.accuse(f"seed {self._seed}: {where}: {type(error).__name__}: {error}")
            return
        if seq < left.promised_seq or not is_ours:
            self._report.accuse(f"seed {self._seed}: {where}: {seq} entries")

    def _accuse(self, left: Left, what: str) -> None:
        self._report.accuse(f"seed {self._seed}: {left.words}: {what}")


def fresh(folder: Path) -> Path:
    """Return an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _digest(image: Image) -> bytes:
    digest = hashlib.blake2b()
    for name, content in sorted(image.items()):
        digest.update(b"%d %d " % (len(name), len(content)) + name.encode() + content)
    return digest.digest()
