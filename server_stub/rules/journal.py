"""How far a terminal's journal is held without a gap, even where it was signed twice over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from cardkit.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """One entry as its chain sees it."""

    seq: int
    prev: bytes
    digest: bytes


def follow(links: Iterable[Link], *, seq: int, head: bytes) -> tuple[int, bytes]:
    """Return the end of the chain that leads on from an entry, by number and by hash.

    Where two entries claim one place, the longer branch is followed: what nothing leads on from
    must not hide what an honest journal says after it.
    """
    nexts: dict[tuple[int, bytes], list[Link]] = defaultdict(list)
    for link in links:
        nexts[link.seq, link.prev].append(link)
    lengths: dict[bytes, int] = {}

    def worth(link: Link) -> tuple[int, bytes]:
        return -lengths[link.digest], link.digest

    for _, branches in sorted(nexts.items(), reverse=True):
        for link in branches:
            beyond = nexts.get((link.seq + 1, link.digest), ())
            lengths[link.digest] = 1 + max((lengths[one.digest] for one in beyond), default=0)
    while branches := nexts.get((seq + 1, head), []):
        head = min(branches, key=worth).digest
        seq += 1
    return seq, head


def runs(seqs: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last of every row of numbers that follow each other."""
    first = last = None
    for seq in sorted(seqs):
        if first is not None and last is not None and seq > last + 1:
            yield first, last
            first = None
        first, last = seq if first is None else first, seq
    if first is not None and last is not None:
        yield first, last
