"""What a fiscal archive is made from: a stretch of the journal and the lines of its baskets."""

from __future__ import annotations

import logging
from datetime import date
from functools import cached_property
from typing import Final

from cardkit.bodies import Closure, ClosurePeriod, Intent, PaidOtherwise, Sale
from cardkit.entries import Entry
from cardkit.errors import Bug, StoreError
from cardkit.frozen import dataclass
from terminal.journal import Journal
from terminal.lines import BasketLines

logger = logging.getLogger(__name__)

_BATCH: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Business days to be archived, both ends included."""

    first_day: date
    last_day: date

    @property
    def is_possible(self) -> bool:
        """Whether it ends no earlier than it begins."""
        return self.first_day <= self.last_day


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Entries that follow each other, and what was hashed of their baskets."""

    entries: tuple[Entry, ...]
    lines: dict[bytes, bytes]
    """Salted lines by their hash; those that are lost are not here."""

    @property
    def baskets(self) -> dict[int, bytes]:
        """The hashes of their lines by the number of their ticket."""
        return {
            it.seq: it.body.lines_hash
            for it in self.entries
            if isinstance(it.body, Intent | PaidOtherwise) and it.body.lines_hash is not None
        }

    @cached_property
    def intents(self) -> dict[int, Intent]:
        """The intents by their number, which is that of the sale."""
        return {it.seq: it.body for it in self.entries if isinstance(it.body, Intent)}


def gather(journal: Journal, lines: BasketLines | None, period: Period) -> Contents | None:
    """Read what a period needs to be checked by itself; None when there is nothing.

    Raises JournalError.
    """
    span = _span(journal, period)
    if span is None:
        return None
    entries = tuple(_entries(journal, *span))
    return Contents(entries=entries, lines={} if lines is None else _lines(entries, lines))


def _span(journal: Journal, period: Period) -> tuple[int, int] | None:
    """Return the first and last entry: of the days, of their closures, and of what those cover.

    A forgotten day is closed later, and a day's closure begins with what followed the last one:
    without them its totals could not be added up again.
    """
    days = journal.span(period.first_day, period.last_day)
    if days is None:
        return None
    first_seq, last_seq = days
    for entry in journal.closures(first_seq - 1):
        closure = entry.body
        if isinstance(closure, Closure) and _is_of(closure, period):
            last_seq = max(last_seq, entry.seq)
            if closure.period is ClosurePeriod.DAY:
                first_seq = min(first_seq, closure.first_seq)
    return journal.sold_from(first_seq, last_seq), last_seq


def _is_of(closure: Closure, period: Period) -> bool:
    return period.first_day <= closure.business_date <= period.last_day


def _entries(journal: Journal, first_seq: int, last_seq: int) -> list[Entry]:
    found: list[Entry] = []
    while len(found) < last_seq - first_seq + 1:
        batch = journal.entries(first_seq - 1 + len(found), _BATCH)
        if not batch:
            raise Bug("a journal has no gap")
        found += batch
    return found[: last_seq - first_seq + 1]


def _sold(entries: tuple[Entry, ...]) -> frozenset[int]:
    """Return the intents that were executed."""
    return frozenset(it.body.intent_seq for it in entries if isinstance(it.body, Sale))


def _lines(entries: tuple[Entry, ...], kept: BasketLines) -> dict[bytes, bytes]:
    """Return the lines of what was sold: those that are lost must not keep the rest back.

    What came to nothing is nobody's business.
    """
    found, sales = {}, _sold(entries)
    for entry in entries:
        match entry.body:
            case Intent(lines_hash=bytes(lines_hash)) if entry.seq in sales:
                pass
            case PaidOtherwise(lines_hash=lines_hash):
                pass
            case _:
                continue
        try:
            content = kept.content(lines_hash)
        except StoreError as error:
            logger.error("lines of sale %s: %s", entry.seq, error)
            continue
        if content is not None:
            found[lines_hash] = content
    return found
