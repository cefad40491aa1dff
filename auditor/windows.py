"""What stolen terminals tell beyond their loss windows, computed apart from the service."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

from auditor.claims import Claim, Life, Told
from auditor.evidence import Evidence
from cardkit.acts import TerminalLost
from cardkit.entries import Entry


@dataclass(frozen=True, slots=True, order=True)
class _Moved:
    """Something that moves money, in the order in which a window fills."""

    is_beside: bool
    seq: int
    entry: bytes
    amount_cents: int
    subject: Hashable = field(compare=False)
    """What counts once, however often it is signed."""


Proof = Callable[[Life, Claim], bytes | None]
"""Returns the proof that a card gave of a claim, if it did."""


def beyond_windows(found: Evidence, told: Told, proof: Proof) -> frozenset[bytes]:
    """Return the entries that count for nothing before people decide, by digest."""
    windows = {
        act.body.terminal: act.body for act in found.acts if isinstance(act.body, TerminalLost)
    }
    return frozenset(
        digest
        for lost in windows.values()
        if lost.window_cents is not None
        for digest in _beyond(found, told, lost, proof)
    )


def _beyond(found: Evidence, told: Told, lost: TerminalLost, proof: Proof) -> set[bytes]:
    """A sale whose own entry does not bring its card's proof has no place in the window."""
    beside = _beside(found, lost)

    def late(entry: Entry, cents: int, subject: Hashable) -> Iterable[_Moved]:
        if entry.envelope.terminal != lost.terminal:
            return
        if entry.seq > lost.last_seq or entry.digest in beside:
            is_beside = entry.seq <= lost.last_seq
            yield _Moved(is_beside, entry.seq, entry.digest, cents, subject)

    outside, sales = set[bytes](), list[_Moved]()
    for life, claims in told.claims.items():
        for claim in claims:
            moved = late(claim.entry, claim.intent.amount_cents, (life, claim.tmc))
            if claim.sale is not None and claim.sale.tmv == (proof(life, claim) or b""):
                sales.extend(moved)
            elif claim.sale or claim.indeterminate or claim.void is None:
                outside.update(one.entry for one in moved)
    refunds = (
        one
        for entry, refund in told.refund_entries
        for one in late(entry, refund.amount_cents, entry.digest)
    )
    window_cents = lost.window_cents or 0
    return outside | _overflow(sales, window_cents) | _overflow(refunds, window_cents)


def _overflow(moved: Iterable[_Moved], window_cents: int) -> set[bytes]:
    outside, fits, sum_cents = set[bytes](), dict[Hashable, bool](), 0
    for one in sorted(moved):
        if one.subject not in fits:
            sum_cents += one.amount_cents
            fits[one.subject] = sum_cents <= window_cents
        if not fits[one.subject]:
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
