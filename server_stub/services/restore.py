"""A restore is declared by a person, and finished by two who hold the bank's statement."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, Max, Q
from django.db.models.functions import Coalesce

from cardkit.acts import ActKind, EpochRaised, RestoreFinished
from cardkit.errors import must
from cardkit.payouts import PayoutEvidenced
from cardkit.resolutions import ActReversed
from server_stub.models import (
    ActRow,
    CardDecision,
    Finding,
    Merchant,
    SettledTold,
    Settlement,
    SettlementDraft,
    SettlementStep,
    Terminal,
    TerminalStatus,
)
from server_stub.rules.findings import FindingKind
from server_stub.rules.settle import Refusal
from server_stub.services import acts, issue
from server_stub.services.behind import Lock, forgotten_payouts, lock, proven
from server_stub.services.caisse import Caisse
from server_stub.services.settlement import is_owed_again

_NAME_CHARACTERS = 35


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What a restore still waits for; nothing of it: two people may finish it."""

    terminals: tuple[int, ...]
    """In use, and not heard of in this epoch to the end of their journals."""
    runs: tuple[str, ...]
    """Approved before the backup, and neither sent nor revoked: the statement says which."""
    payouts: tuple[SettledTold, ...]
    """Told by journals, and not in these books."""

    def __bool__(self) -> bool:
        """Say whether anything is missing."""
        return bool(self.terminals or self.runs or self.payouts)


def declare_restored(caisse: Caisse, *, by: int, reason: str = "restored") -> int:
    """Put on record that the books were restored; returns the new epoch.

    The epoch is at least the time in seconds: whoever restores the same backup a second time has
    forgotten the first epoch too, and must still come out above it.
    """
    must(by > 0, "a person declares a restore")
    with caisse.alone():
        shown = Terminal.objects.using(caisse.using).aggregate(
            epoch=Max("epoch_seen"), directory=Max("directory_epoch")
        )
        highest = max(acts.epoch(caisse), shown["epoch"] or 0, shown["directory"] or 0)
        epoch = max(highest + 1, int(caisse.now().timestamp()))
        acts.record(caisse, EpochRaised(epoch=epoch, reason=reason), by=by)
        Finding.objects.using(caisse.using).filter(
            kind=FindingKind.RESTORE_SUSPECTED.value, closed_at__isnull=True
        ).update(closed_at=caisse.now())
        SettlementDraft.objects.using(caisse.using).all().delete()
        return epoch


def missing(caisse: Caisse) -> Missing:
    """Return what a declared restore still waits for."""
    epoch = acts.epoch(caisse)
    terminals = Terminal.objects.using(caisse.using).filter(status=TerminalStatus.ACTIVE)
    # Not the cursor: a journal with a hole or a fork tells all the same what it holds.
    told = terminals.annotate(told_seq=Coalesce(Max("entries__seq"), 0))
    silent = told.filter(Q(epoch_seen__lt=epoch) | Q(told_seq__lt=F("head_seq")))
    steps = SettlementStep.objects.using(caisse.using)
    runs = Settlement.objects.using(caisse.using).exclude(name__in=steps.values("settlement"))
    return Missing(
        terminals=tuple(silent.order_by("id").values_list("id", flat=True)),
        runs=tuple(runs.values_list("name", flat=True)),
        payouts=tuple(forgotten_payouts(caisse)),
    )


def evidence(
    caisse: Caisse,
    *,
    settlement: str,
    merchant: int,
    amount_cents: int,
    entered_by: int,
    by: int,
) -> ActRow | Refusal:
    """Enter a payout of the bank's statement that these books have forgotten."""
    with caisse.alone():
        if entered_by == by or min(entered_by, by) <= 0:
            return Refusal.SAME_PERSON
        if lock(caisse) is not Lock.UNFINISHED:
            return Refusal.NOT_RESTORED
        if not 0 < len(settlement) <= _NAME_CHARACTERS or amount_cents <= 0:
            return Refusal.NOT_A_PAYOUT
        if not Merchant.objects.using(caisse.using).filter(id=merchant).exists():
            return Refusal.NOT_A_PAYOUT
        if _holds(caisse, settlement, merchant):
            return Refusal.KNOWN_ALREADY
        body = PayoutEvidenced(
            settlement=settlement,
            merchant=merchant,
            amount_cents=amount_cents,
            entered_by=entered_by,
        )
        return acts.record(caisse, body, by=by)


def take_back(
    caisse: Caisse, *, settlement: str, merchant: int, entered_by: int, by: int
) -> ActRow | Refusal:
    """Take back wrong evidence of a payout, as the two people who hold the statement.

    A restore that was finished is open again: its merchant seems to be owed what the bank has
    paid, until what the statement does prove is entered.
    """
    with caisse.alone():
        if entered_by == by or min(entered_by, by) <= 0:
            return Refusal.SAME_PERSON
        if lock(caisse) is Lock.SUSPECTED:
            return Refusal.LOCKED
        evidence = proven(caisse).filter(settlement=settlement, merchant=merchant).first()
        if evidence is None:
            return Refusal.NOT_EVIDENCED
        if is_owed_again(caisse, settlement, merchant):
            return Refusal.CAME_BACK
        wrong = evidence.act
        body = ActReversed(seq=wrong.seq, digest=bytes(wrong.digest), entered_by=entered_by)
        return acts.record(caisse, body, by=by)


def finish(caisse: Caisse, *, entered_by: int, by: int) -> ActRow | Refusal:
    """Let money move again: two people found the bank's whole statement in the books."""
    with caisse.alone():
        if entered_by == by or min(entered_by, by) <= 0:
            return Refusal.SAME_PERSON
        if lock(caisse) is not Lock.UNFINISHED:
            return Refusal.NOT_RESTORED
        if missing(caisse):
            return Refusal.MISSING
        body = RestoreFinished(epoch=acts.epoch(caisse), entered_by=entered_by)
        row = acts.record(caisse, body, by=by)
        issue.give_back(caisse, issue.kept_waiting(caisse) | _returned(caisse))
        return row


def _holds(caisse: Caisse, settlement: str, merchant: int) -> bool:
    """Whether a run that was not revoked pays this, or evidence of it was entered."""
    revoked = SettlementStep.objects.using(caisse.using).filter(kind=ActKind.SETTLEMENT_REVOKED)
    runs = Settlement.objects.using(caisse.using).exclude(name__in=revoked.values("settlement"))
    entered = proven(caisse).filter(settlement=settlement, merchant=merchant)
    return runs.filter(name=settlement).exists() or entered.exists()


def _returned(caisse: Caisse) -> set[int]:
    """Cards that were given money back while nothing was issued."""
    rows = CardDecision.objects.using(caisse.using).filter(
        kind=ActKind.SPEND_RETURNED, allowance__isnull=True
    )
    return set(rows.values_list("card_id", flat=True))
