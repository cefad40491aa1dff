"""What stolen terminals tell beyond their loss windows, computed apart from the service."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.claims import Told
from auditor.evidence import Evidence
from cardkit.acts import TerminalLost


@dataclass(frozen=True, slots=True, order=True)
class _Moved:
    """Something that moves money, in the order in which a window fills."""

    is_beside: bool
    seq: int
    entry: bytes
    amount_cents: int


def beyond_windows(found: Evidence, told: Told) -> frozenset[bytes]:
    """Return the entries that count for nothing before people decide, by digest."""
    windows = {
        act.body.terminal: act.body for act in found.acts if isinstance(act.body, TerminalLost)
    }
    return frozenset(
        digest
        for lost in windows.values()
        if lost.window_cents is not None
        for digest in _beyond(found, told, lost, lost.window_cents)
    )


def _beyond(found: Evidence, told: Told, lost: TerminalLost, window_cents: int) -> set[bytes]:
    beside = _beside(found, lost)
    moved = [
        (claim.entry, claim.intent.amount_cents)
        for claims in told.claims.values()
        for claim in claims
        if claim.place[0] == lost.terminal
        and (claim.sale or claim.indeterminate or claim.void is None)
    ]
    moved += [
        (entry, refund.amount_cents)
        for entry, refund in told.refund_entries
        if entry.envelope.terminal == lost.terminal
    ]
    late = sorted(
        _Moved(entry.seq <= lost.last_seq, entry.seq, entry.digest, cents)
        for entry, cents in moved
        if entry.seq > lost.last_seq or entry.digest in beside
    )
    outside, sum_cents = set[bytes](), 0
    for one in late:
        sum_cents += one.amount_cents
        if sum_cents > window_cents:
            outside.add(one.entry)
    return outside


def _beside(found: Evidence, lost: TerminalLost) -> set[bytes]:
    """Entries under the numbers that were held, but of another branch."""
    if lost.head is None:
        return set()
    entries = {
        it.digest: it for it in found.entries.get(lost.terminal, ()) if it.seq <= lost.last_seq
    }
    beside, at = set(entries), lost.head
    while at in beside:
        beside.remove(at)
        at = entries[at].envelope.prev
    return beside
