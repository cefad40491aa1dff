"""What a restored service has forgotten, and why no money moves until people have said so.

A backup is older than what was signed and sent after it. Terminals hold that: whoever signs or
pays on, as if nothing had been, signs other content under an old number and pays twice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from enum import StrEnum, unique

from django.db.models import Q, QuerySet, Sum

from cardkit.acts import ActKind
from cardkit.bodies import Acknowledged
from cardkit.entries import Entry
from cardkit.settled import Settled
from cardkit.sync import SyncRequest
from server_stub.models import (
    ActReversal,
    ActRow,
    DirectoryVersion,
    Finding,
    PayoutEvidence,
    PermitIssued,
    SettledTold,
    SettlementLine,
    SettlementStep,
    StoredEntry,
    Terminal,
    TerminalStatus,
)
from server_stub.rules.findings import FindingKind
from server_stub.services import acts
from server_stub.services.caisse import Caisse
from server_stub.services.told import was_told_here

logger = logging.getLogger(__name__)

_SENT = (ActKind.SETTLEMENT_SENT, ActKind.SETTLEMENT_CONFIRMED)


@unique
class Lock(StrEnum):
    """Why nothing is issued and nothing is paid."""

    SUSPECTED = "suspected"
    """Terminals hold what these books do not know; nobody has said yet that they were restored."""
    UNFINISHED = "unfinished"
    """Restored, as a person said; the bank's statement is not in the books yet, or no longer."""


def lock(caisse: Caisse) -> Lock | None:
    """Return what stands in the way of issuing and paying, if anything."""
    findings = Finding.objects.using(caisse.using).filter(
        kind=FindingKind.RESTORE_SUSPECTED.value, closed_at__isnull=True
    )
    if findings.exists():
        return Lock.SUSPECTED
    turns = ActRow.objects.using(caisse.using).filter(
        kind__in=(ActKind.EPOCH_RAISED, ActKind.RESTORE_FINISHED)
    )
    last = turns.order_by("-seq").values_list("seq", "kind").first()
    if last is None:
        return None
    seq, kind = last
    if kind == ActKind.EPOCH_RAISED:
        return Lock.UNFINISHED
    gone = ActReversal.objects.using(caisse.using).filter(reversed__kind=ActKind.PAYOUT_EVIDENCED)
    return Lock.UNFINISHED if gone.filter(act__gt=seq).exists() else None


def notice_request(caisse: Caisse, terminal: Terminal, request: SyncRequest) -> None:
    """Look at what a request says that its terminal holds; before anything is signed for it."""
    using = caisse.using
    own = DirectoryVersion.objects.using(using).last()
    permit = PermitIssued.objects.using(using).filter(terminal=terminal).last()
    held = (request.directory_epoch, request.directory_version)
    permitted = (request.permit_epoch, request.permit_version)
    if request.epoch > acts.epoch(caisse):
        _suspect(caisse, terminal, "epoch", request.epoch)
    elif held > ((own.epoch, own.version) if own else (0, 0)):
        _suspect(caisse, terminal, "directory", request.directory_version)
    elif permitted > ((permit.epoch, permit.version) if permit else (0, 0)):
        _suspect(caisse, terminal, "permit", request.permit_version)
    elif request.acknowledged_seq and not request.entries:
        # With entries the number is where they begin, and a request before this one may be lost.
        entries = StoredEntry.objects.using(using).filter(terminal=terminal)
        if not entries.filter(seq=request.acknowledged_seq).exists():
            _suspect(caisse, terminal, "acknowledged", request.acknowledged_seq)


def notice_entries(caisse: Caisse, terminal: Terminal, entries: Iterable[Entry]) -> None:
    """Look at what a journal tells of earlier answers: entries held, payouts sent."""
    for entry in entries:
        if not isinstance(entry.body, Acknowledged):
            continue
        stored = StoredEntry.objects.using(caisse.using)
        if entry.body.up_to_seq and not stored.filter(digest=entry.body.head).exists():
            _suspect(caisse, terminal, "acknowledged", entry.body.up_to_seq)
        if not _stands_in_log(caisse, entry.body):
            _suspect(caisse, terminal, "log", entry.body.acts_seq or 0)
        for settled in entry.body.settled:
            _keep_told(caisse, terminal, entry.seq, settled, epoch=entry.body.epoch)
            if not is_known(caisse, settled, epoch=entry.body.epoch):
                _suspect(caisse, terminal, "settlement", settled.total_cents)


def _stands_in_log(caisse: Caisse, told: Acknowledged) -> bool:
    """Say whether the act that a journal was told of is still there, if it was told in this epoch.

    What an earlier epoch was told, a restore that was declared may have forgotten.
    """
    if not told.acts_seq or told.acts_head is None or told.epoch != acts.epoch(caisse):
        return True
    rows = ActRow.objects.using(caisse.using).filter(seq=told.acts_seq, digest=told.acts_head)
    return rows.exists()


def forgotten_payouts(caisse: Caisse) -> list[SettledTold]:
    """Return what journals tell of payouts that neither a sent run nor evidence accounts for.

    The word of a terminal that was revoked counts for nothing.
    """
    told = SettledTold.objects.using(caisse.using).exclude(
        terminal__in=Terminal.objects.using(caisse.using)
        .filter(status=TerminalStatus.REVOKED)
        .values("id")
    )
    return [row for row in told if not is_known(caisse, row, epoch=row.epoch)]


def is_known(caisse: Caisse, told: Settled | SettledTold, *, epoch: int) -> bool:
    """Say whether the books account for a payout that a terminal was told of, in an epoch.

    The log has no holes: who knows that a run was sent knows all that went before it. Evidence
    names one payout only, so that the sum has to be right as well; and what these books told
    themselves, of evidence that was wrong, is none that they have forgotten.
    """
    run = SettlementStep.objects.using(caisse.using).filter(
        settlement_id=told.settlement, settlement__lines__merchant=told.merchant
    )
    if run.exists():
        return True
    evidence = proven(caisse).filter(settlement=told.settlement, merchant=told.merchant)
    if evidence.exists() and sent_cents(caisse, told.merchant) >= told.total_cents:
        return True
    return was_told_here(
        caisse,
        merchant=told.merchant,
        settlement=told.settlement,
        total_cents=told.total_cents,
        epoch=epoch,
    )


def proven(caisse: Caisse) -> QuerySet[PayoutEvidence]:
    """Return the payouts that the bank's statement proves, without what was taken back."""
    return PayoutEvidence.objects.using(caisse.using).filter(proven__isnull=False)


def sent_cents(caisse: Caisse, merchant: int) -> int:
    """Return all that ever left for a merchant: runs that were sent, and evidence of the bank."""
    revoked = SettlementStep.objects.using(caisse.using).filter(kind=ActKind.SETTLEMENT_REVOKED)
    lines = (
        SettlementLine.objects.using(caisse.using)
        .filter(merchant=merchant)
        .exclude(settlement__in=revoked.values("settlement"))
    )
    sent = SettlementStep.objects.using(caisse.using).filter(kind__in=_SENT)
    runs = lines.filter(Q(settlement__in=sent.values("settlement")))
    evidence = proven(caisse).filter(merchant=merchant)
    sums = (rows.aggregate(sum=Sum("amount_cents"))["sum"] or 0 for rows in (runs, evidence))
    return sum(sums)


def _keep_told(
    caisse: Caisse, terminal: Terminal, seq: int, settled: Settled, *, epoch: int
) -> None:
    SettledTold.objects.using(caisse.using).update_or_create(
        terminal=terminal.id,
        merchant=settled.merchant,
        settlement=settled.settlement,
        epoch=epoch,
        defaults={"seq": seq, "total_cents": settled.total_cents},
    )


def _suspect(caisse: Caisse, terminal: Terminal, what: str, number: int) -> None:
    """Open the one finding that locks; only what a terminal in use says can do so."""
    if caisse.replaying or terminal.status != TerminalStatus.ACTIVE:
        return
    if lock(caisse) is Lock.UNFINISHED and what != "epoch":
        return  # a person has said so already, and terminals are telling what they hold
    epoch = acts.epoch(caisse)
    _, is_new = Finding.objects.using(caisse.using).get_or_create(
        kind=FindingKind.RESTORE_SUSPECTED.value,
        key=str(epoch),
        closed_at=None,
        defaults={
            "facts": {"shown_by": terminal.id, "shown": what, "shown_number": number},
            "opened_at": caisse.now(),
        },
    )
    if is_new:
        told = {"terminal": terminal.id, "what": what, "number": number}
        logger.error("a terminal holds what these books have forgotten", extra=told)
