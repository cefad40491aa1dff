"""What a stolen terminal can still move by itself: no more than its loss window.

Sales that it made before the theft and had not sent are owed, and nothing tells them from later
ones: the thief has its clock and its keys. But its permit bounds what it may keep unsent. So what
turns up counts in the order of its journal until that bound is reached; the rest waits for people.
"""

from __future__ import annotations

from collections.abc import Iterable

from cardkit.frozen import dataclass
from server_stub.rules.journal import Link

BEYOND_LOSS_WINDOW = "beyond_loss_window"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The loss window of one terminal, as the act that declared it lost says."""

    last_seq: int
    """How far its journal was held then."""
    cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A sale that its card has proven, or a refund, beyond what was held."""

    entry: bytes
    """Digest of its entry."""
    seq: int
    amount_cents: int
    subject: bytes
    """What counts once, however often it is signed: a transaction of a card, or the entry."""


def beyond(window: Window, told: Iterable[Late]) -> frozenset[bytes]:
    """Return the entries that the window has no room for.

    What goes on where the held journal ended comes first; a number that it signs a second time,
    as from an older image, comes after all of that. Sales and refunds fill a window each: what
    costs nothing to sign takes no place from what a card has proven.
    """
    outside: set[bytes] = set()
    fits: dict[bytes, bool] = {}
    sum_cents = 0
    for one in sorted(told, key=lambda it: (it.seq <= window.last_seq, it.seq, it.entry)):
        if one.subject not in fits:
            sum_cents += one.amount_cents
            fits[one.subject] = sum_cents <= window.cents
        if not fits[one.subject]:
            outside.add(one.entry)
    return frozenset(outside)


def beside(head: bytes, entries: Iterable[Link]) -> frozenset[bytes]:
    """Return the entries, none beyond `head`, that do not lead up to it by their hashes."""
    by_digest = {link.digest: link for link in entries}
    others = set(by_digest)
    at: bytes | None = head
    while at is not None and at in others:
        others.remove(at)
        at = by_digest[at].prev
    return frozenset(others)


def bound_cents(unsent_caps_cents: Iterable[int]) -> int:
    """Return the window of a terminal that may hold any of some permits, by their caps.

    A till that keeps to its permit never holds more unsent than the cap (`cardkit.decide`).
    """
    return max(unsent_caps_cents, default=0)
