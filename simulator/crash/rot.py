"""What rung C1 tries with one seed: a slice of all bits, some cuts, every sector, of every file."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from simulator.crash.damage import (
    DamagedJournal,
    Subject,
    cuts,
    flips,
    hot_journal,
    hurt,
    rested_journal,
    sectors,
)
from simulator.crash.damage_kept import DamagedDocuments, DamagedKey, DamagedStore
from simulator.crash.report import Report

KEY_FILES: Final = ("journal.pem", "transport.pem", "tokens.key", "cards.cbor")
_LIFE_SEED: Final = 1
"""The files are those of one life, so that every seed adds another slice of the same bits."""


def subjects(folder: Path) -> Iterator[Subject]:
    """Every file of a terminal that must not rot unnoticed; the journal with and without a log."""
    rested = rested_journal(folder / "rested", _LIFE_SEED)
    hot = hot_journal(folder / "hot", _LIFE_SEED)
    yield DamagedJournal(rested, _made(folder / "a"), rested.data.journal.name)
    yield DamagedJournal(hot, _made(folder / "b"), hot.data.journal.name)
    yield DamagedJournal(hot, _made(folder / "c"), f"{hot.data.journal.name}-wal")
    yield DamagedStore(rested, _made(folder / "d"))
    yield DamagedDocuments(rested, _made(folder / "e"))
    for number, name in enumerate(KEY_FILES):
        yield DamagedKey(rested, _made(folder / f"k{number}"), name)


def rot(subject: Subject, seed: int, report: Report, *, flips_at_most: int) -> None:
    """Flip a slice of a file's bits, cut it at as many lengths, and damage some of its sectors.

    Slices of consecutive seeds have no bit in common until all of them have been flipped.
    """
    content, chance = subject.content, random.Random(f"rot {seed}")
    bits = len(content) * 8
    step = max(1, bits // flips_at_most)
    hurt(subject, flips(content, range(seed % step, bits, step)), report)
    length_step = max(1, len(content) * 8 // flips_at_most)
    hurt(subject, cuts(content, range(seed % length_step, len(content), length_step)), report)
    damages = list(sectors(content, chance))
    hurt(subject, iter(chance.sample(damages, min(len(damages), flips_at_most // 8))), report)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
