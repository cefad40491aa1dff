"""Bringing restored books up to what was paid, by two people who each use the console alone.

What a first person entered is kept as a proposal; nothing is signed before a second one has
entered just the same from the bank's statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from cardkit.acts import ActKind
from server_stub.models import ActRow, Merchant, PayoutEvidence, Proposal
from server_stub.rules.settle import Refusal
from server_stub.services import restore
from server_stub.services.behind import Lock, lock, proven
from server_stub.services.caisse import Caisse
from server_stub.services.deciding import Done, NeedsSecond, agreed

Answer: TypeAlias = Done | NeedsSecond | Refusal
EVIDENCE: Final = "evidence "
"""What the subject of such a proposal begins with; a run and a merchant follow."""
FINISH: Final = "restore finish"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreSeen:
    """What stands in the way of money, and what is still to be entered."""

    lock: Lock | None
    missing: restore.Missing | None
    """None while nobody has declared a restore."""
    proposals: tuple[Proposal, ...]
    """What a first person has entered."""
    entered: tuple[PayoutEvidence, ...]
    """What two people have entered in this restore, and nobody has taken back."""
    merchants: tuple[tuple[int, str], ...]


def restore_seen(caisse: Caisse) -> RestoreSeen:
    """Return how far a restore has come."""
    locked = lock(caisse)
    proposals = Proposal.objects.using(caisse.using).order_by("at", "id")
    return RestoreSeen(
        lock=locked,
        missing=restore.missing(caisse) if locked is Lock.UNFINISHED else None,
        proposals=tuple(
            one for one in proposals if one.subject == FINISH or one.subject.startswith(EVIDENCE)
        ),
        entered=_entered(caisse) if locked is Lock.UNFINISHED else (),
        merchants=tuple(Merchant.objects.using(caisse.using).values_list("id", "name")),
    )


def _entered(caisse: Caisse) -> tuple[PayoutEvidence, ...]:
    raised = ActRow.objects.using(caisse.using).filter(kind=ActKind.EPOCH_RAISED)
    last = raised.order_by("-seq").values_list("seq", flat=True).first()
    return tuple(proven(caisse).filter(act__gt=last or 0).order_by("act"))


def evidence(
    caisse: Caisse, *, settlement: str, merchant: int, amount_cents: int, by: int
) -> Answer:
    """Enter a payout of the bank's statement that the books have forgotten; twice, by two."""
    with caisse.alone():
        if lock(caisse) is not Lock.UNFINISHED:
            return Refusal.NOT_RESTORED
        first = agreed(caisse, f"{EVIDENCE}{settlement} {merchant}", [amount_cents], by=by)
        if first is None:
            return NeedsSecond(by)
        done = restore.evidence(
            caisse,
            settlement=settlement,
            merchant=merchant,
            amount_cents=amount_cents,
            entered_by=first,
            by=by,
        )
        return Done(done.seq) if isinstance(done, ActRow) else done


def finish(caisse: Caisse, *, by: int) -> Answer:
    """Let money move again, once two people have found the whole statement in the books."""
    with caisse.alone():
        if lock(caisse) is not Lock.UNFINISHED:
            return Refusal.NOT_RESTORED
        if restore.missing(caisse):
            return Refusal.MISSING
        first = agreed(caisse, FINISH, ["finish"], by=by)
        if first is None:
            return NeedsSecond(by)
        done = restore.finish(caisse, entered_by=first, by=by)
        return Done(done.seq) if isinstance(done, ActRow) else done
