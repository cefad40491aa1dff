"""What people do about findings: each deed is an act with its author, and can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, TypeAlias

from cardkit.acts import ReturnReason, SpendReturned
from cardkit.clock import PARIS
from cardkit.errors import must
from cardkit.resolutions import DisputeKind, DisputeReason, FindingHandled, Handling
from server_stub.models import (
    ActRow,
    ActText,
    CardDecision,
    CardTransaction,
    Claim,
    Dispute,
    Finding,
    FindingHandling,
    PaperClaim,
    RefundClaim,
)
from server_stub.rules.allowances import midnight
from server_stub.rules.facts import State
from server_stub.rules.findings import FindingKind
from server_stub.rules.settle import Refusal
from server_stub.rules.worklist import Deed, OpenFinding, WorkItem, facts_hash, item_of, worklist
from server_stub.services import accept as claims
from server_stub.services import (
    acts,
    blocks,
    disputes,
    issue,
    recover,
    settlement,
    theft,
    unclaimed,
)
from server_stub.services.behind import lock
from server_stub.services.caisse import Caisse
from server_stub.services.cards import reconcile_cards
from server_stub.services.deciding import (
    Done,
    NeedsSecond,
    NotDone,
    Result,
    agreed,
    single_max_cents,
)
from server_stub.services.reverse import reverse

TEXT_MAX: Final = 500
Work: TypeAlias = WorkItem
"""A line of the list, as the console shows it."""
_BY_CARD: Final = frozenset(
    {
        FindingKind.RECOVERED,
        FindingKind.COUNTER_WENT_DOWN,
        FindingKind.CARD_BRANCHED,
    }
)
"""Whose sale is named by the card's counter, not by its entry."""
_HANDLINGS: Final = {
    Deed.ACCEPT: Handling.ACCEPTED,
    Deed.WRITE_MERCHANT: Handling.WROTE_TO_MERCHANT,
    Deed.WRITE_MEMBER: Handling.WROTE_TO_MEMBER,
}


def open_work(caisse: Caisse) -> tuple[WorkItem, ...]:
    """Return what there is to do; what somebody has accepted as it stands is left out."""
    rows = Finding.objects.using(caisse.using).filter(closed_at=None).select_related("card")
    seen = _accepted(caisse)
    left = [row for row in rows if (row.kind, row.key, facts_hash(row.facts)) not in seen]
    return worklist(
        (_open(caisse, row) for row in left),
        now=caisse.now(),
        single_max_cents=single_max_cents(caisse),
    )


def find(caisse: Caisse, number: int) -> Finding | NotDone:
    """Return an open finding by the number that the list shows."""
    rows = Finding.objects.using(caisse.using).select_related("card", "terminal")
    return rows.filter(pk=number, closed_at=None).first() or NotDone.NO_SUCH_FINDING


def numbers(caisse: Caisse) -> dict[tuple[str, str], int]:
    """Return the number of every open finding, by kind and key."""
    rows = Finding.objects.using(caisse.using).filter(closed_at=None)
    return {(kind, key): pk for pk, kind, key in rows.values_list("pk", "kind", "key")}


def item(caisse: Caisse, finding: Finding) -> WorkItem:
    """Return what there is to say and to do about one finding."""
    return item_of(
        _open(caisse, finding), now=caisse.now(), single_max_cents=single_max_cents(caisse)
    )


def handle(caisse: Caisse, finding: Finding, deed: Deed, *, text: str = "", by: int) -> Result:
    """Accept a finding as it stands, or put down that somebody was written to."""
    handling = _HANDLINGS.get(deed)
    must(handling is not None, "a deed that moves no money")
    assert handling is not None  # noqa: S101 - what must() said, for the type checker
    if deed not in item(caisse, finding).deeds:
        return NotDone.NOT_FOR_THIS
    return _handled(caisse, finding, handling, text=text, by=by)


def note(caisse: Caisse, finding: Finding, text: str, *, by: int) -> Result:
    """Keep what a person found out; the text stands beside the log and can be erased."""
    must(0 < len(text) <= TEXT_MAX, "a note within its bounds")
    return _handled(caisse, finding, Handling.NOTED, text=text, by=by)


def block(caisse: Caisse, finding: Finding, *, by: int) -> Result:
    """Block the card of a finding: every stall learns it with its next directory."""
    if Deed.BLOCK not in item(caisse, finding).deeds:
        return NotDone.NOT_FOR_THIS
    if finding.card is None:
        return NotDone.NO_CARD
    with caisse.alone():
        blocks.block_card(caisse, finding.card, by=by)
        return _last_act(caisse)


def revoke(caisse: Caisse, finding: Finding, *, by: int) -> Result:
    """Revoke the terminal of a finding: it gets nothing to sell with, and may still tell."""
    if Deed.REVOKE not in item(caisse, finding).deeds:
        return NotDone.NOT_FOR_THIS
    if finding.terminal is None:
        return NotDone.NO_TERMINAL
    with caisse.alone():
        refused = theft.revoke(caisse, finding.terminal, by=by)
        return NotDone.ALREADY if refused is not None else _last_act(caisse)


def hold(caisse: Caisse, finding: Finding, *, by: int) -> Result:
    """Hold what is owed for the sale of a finding until people decide."""
    if Deed.HOLD not in item(caisse, finding).deeds:
        return NotDone.NOT_FOR_THIS
    sale = sale_of(caisse, finding)
    if sale is None:
        return NotDone.NOT_PAYABLE
    with caisse.alone():
        made = disputes.open_dispute(caisse, sale, DisputeKind.DOUBTED, by=by)
        return Done(made.act_id) if isinstance(made, Dispute) else made


def pay(caisse: Caisse, finding: Finding, *, merchant: int | None = None, by: int) -> Result:
    """Pay what a finding keeps from its merchant, by one or two people as its kind asks."""
    return _decide(caisse, finding, Deed.PAY, _Decision(merchant=merchant, by=by))


def give_back(caisse: Caisse, finding: Finding, *, by: int) -> Result:
    """Give a finding's money back to the member; of a doubtful slip: pay it no more."""
    return _decide(caisse, finding, Deed.RETURN, _Decision(by=by))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decision:
    """Who decides about money, and since when it takes two, who was the first."""

    by: int
    first: int | None = None
    merchant: int | None = None


def _decide(caisse: Caisse, finding: Finding, deed: Deed, decision: _Decision) -> Result:
    with caisse.alone():
        work = item(caisse, finding)
        kind = FindingKind(finding.kind)
        if deed not in work.deeds:
            unproven = kind in {FindingKind.NOT_GENUINE, FindingKind.CARD_UNKNOWN}
            unproven |= kind is FindingKind.TWO_PROOFS
            return NotDone.NO_PROOF if unproven and deed is Deed.PAY else NotDone.NOT_FOR_THIS
        if lock(caisse) is not None:
            return NotDone.LOCKED
        if kind is FindingKind.DISPUTED:
            return _disputed(caisse, finding, deed, by=decision.by)
        refused = _not_now(caisse, finding, decision)
        if refused is not None:
            return refused
        first = None
        if deed in work.two_people:
            content = [deed.value, decision.merchant or 0, work.cost_cents]
            subject = f"finding {finding.kind} {finding.key}"
            first = agreed(caisse, subject, content, by=decision.by)
            if first is None:
                return NeedsSecond(decision.by)
        act = _DECISIONS[kind, deed]
        return act(
            caisse, finding, _Decision(by=decision.by, first=first, merchant=decision.merchant)
        )


def _not_now(caisse: Caisse, finding: Finding, decision: _Decision) -> NotDone | None:
    """What would make a second person sign for nothing."""
    kind = FindingKind(finding.kind)
    if kind in {FindingKind.PAPER_DOUBLE, FindingKind.PAYOUT_RETURNED}:
        return None
    sale = sale_of(caisse, finding)
    wanted = {
        FindingKind.RECOVERED: State.PROVISIONAL,
        FindingKind.VOID_CONTRADICTED: State.WAITING,
    }.get(kind, State.HELD)
    if sale is None or sale.state != wanted.value:
        return NotDone.NO_PROOF if sale is None else NotDone.ALREADY
    if kind is FindingKind.RECOVERED and not (decision.merchant or sale.merchant):
        return NotDone.NO_MERCHANT
    return None


def _pay_held(caisse: Caisse, finding: Finding, decision: _Decision) -> Result:
    """Two people pay what documents did not allow; the loss is the fund's, if there is one."""
    claim = _claim(caisse, finding)
    if claim is None or decision.first is None:
        return NotDone.NO_PROOF
    done = claims.accept(caisse, claim, proposed_by=decision.first, by=decision.by)
    return Done(done.seq) if isinstance(done, ActRow) else NotDone.ALREADY


def _confirm(caisse: Caisse, finding: Finding, decision: _Decision) -> Result:
    """Pay a proven sale that only people can say of whose it is, or that it is owed after all."""
    sale = _proven(caisse, finding)
    row = recover.confirm(
        caisse, sale, by=decision.by, merchant=decision.merchant, entered_by=decision.first
    )
    return Done(row.seq)


def _refuse_claim(caisse: Caisse, finding: Finding, decision: _Decision) -> Result:
    """Decide that a held sale is not paid: what its card spent is the member's again."""
    sale = _proven(caisse, finding)
    if disputes.was_returned(caisse, sale):
        return NotDone.ALREADY
    body = SpendReturned(
        uid=sale.card.uid,
        generation=sale.card.generation,
        tmc=sale.tmc,
        amount_cents=sale.amount_cents,
        reason=ReturnReason.CLAIM_REFUSED,
        entered_by=decision.first,
    )
    row = acts.record(caisse, body, by=decision.by)
    _look_again(caisse, sale.card_id)
    return Done(row.seq)


def _end_contradiction(caisse: Caisse, finding: Finding, decision: _Decision) -> Result:
    sale = _proven(caisse, finding)
    unclaimed.give_back_now(caisse, sale, by=decision.by)
    rows = CardDecision.objects.using(caisse.using).filter(card=sale.card_id, tmc=sale.tmc)
    last = rows.order_by("act").last()
    return NotDone.ALREADY if last is None else Done(last.act_id)


def _owe_again(caisse: Caisse, finding: Finding, decision: _Decision) -> Result:
    """Owe a merchant again what the bank gave back; the finding has had its answer."""
    facts = finding.facts
    first = decision.by if decision.first is None else decision.first
    done = settlement.give_back(
        caisse,
        str(facts["settlement"]),
        int(facts["merchant"]),
        int(facts["amount_cents"]),
        entered_by=first,
        by=decision.by,
    )
    if not isinstance(done, ActRow):
        return NotDone.ALREADY if done is Refusal.KNOWN_ALREADY else NotDone.NOT_PAYABLE
    return Done(done.seq)


def _unpay_slip(caisse: Caisse, finding: Finding, decision: _Decision) -> Result:
    carnet, _, number = finding.key.partition("-")
    slips = PaperClaim.objects.using(caisse.using).filter(
        carnet=carnet, slip=number, paid__isnull=False
    )
    claim = slips.first()
    if claim is None:
        return NotDone.ALREADY
    return reverse(caisse, claim.act, first=decision.first, by=decision.by)


_DECISIONS: Final[
    dict[tuple[FindingKind, Deed], Callable[[Caisse, Finding, _Decision], Result]]
] = {
    (FindingKind.HELD, Deed.PAY): _pay_held,
    (FindingKind.PAYOUT_RETURNED, Deed.PAY): _owe_again,
    (FindingKind.HELD, Deed.RETURN): _refuse_claim,
    (FindingKind.RECOVERED, Deed.PAY): _confirm,
    (FindingKind.RETURNED_AND_GREEN, Deed.PAY): _confirm,
    (FindingKind.VOID_CONTRADICTED, Deed.RETURN): _end_contradiction,
    (FindingKind.PAPER_DOUBLE, Deed.RETURN): _unpay_slip,
}


def _disputed(caisse: Caisse, finding: Finding, deed: Deed, *, by: int) -> Result:
    dispute = disputes.find(caisse, finding.key)
    if isinstance(dispute, NotDone):
        return dispute
    reason = DisputeReason.SHOWN
    return disputes.decide(caisse, dispute, to_member=deed is Deed.RETURN, reason=reason, by=by)


def _handled(caisse: Caisse, finding: Finding, handling: Handling, *, text: str, by: int) -> Result:
    must(by > 0 and len(text) <= TEXT_MAX, "a person, and a text within its bounds")
    with caisse.alone():
        body = FindingHandled(
            finding=finding.kind,
            key=finding.key,
            handling=handling,
            facts=facts_hash(finding.facts),
        )
        row = acts.record(caisse, body, by=by)
        if text:
            ActText.objects.using(caisse.using).create(act=row, text=text)
        return Done(row.seq)


def _last_act(caisse: Caisse) -> Done:
    seq = ActRow.objects.using(caisse.using).order_by("-seq").values_list("seq", flat=True)
    return Done(seq[0])


def _look_again(caisse: Caisse, card_id: int) -> None:
    reconcile_cards(caisse, [card_id])
    issue.give_back(caisse, [card_id])


def _accepted(caisse: Caisse) -> set[tuple[str, str, bytes]]:
    rows = FindingHandling.objects.using(caisse.using).filter(
        handling=Handling.ACCEPTED, act__reversed_by__isnull=True
    )
    seen = rows.values_list("finding", "key", "facts")
    return {(kind, key, bytes(facts)) for kind, key, facts in seen}


def _open(caisse: Caisse, row: Finding) -> OpenFinding:
    return OpenFinding(
        kind=FindingKind(row.kind),
        key=row.key,
        terminal=row.terminal_id,
        card=None if row.card is None else str(row.card),
        facts=row.facts,
        opened_at=row.opened_at,
        due_at=_due_at(caisse, row),
        amount_cents=_refund_cents(caisse, row),
    )


def _due_at(caisse: Caisse, row: Finding) -> datetime | None:
    if row.kind != FindingKind.DISPUTED.value:
        return unclaimed.due_at(caisse, row)
    last_day = row.facts.get("answer_by")
    if not isinstance(last_day, str):
        return None
    return midnight(date.fromisoformat(last_day) + timedelta(days=1), PARIS)


def _refund_cents(caisse: Caisse, row: Finding) -> int | None:
    if row.kind != FindingKind.REFUND_WAITS.value:
        return None
    refunds = RefundClaim.objects.using(caisse.using).filter(entry__digest=bytes.fromhex(row.key))
    return refunds.values_list("amount_cents", flat=True).first()


def _claim(caisse: Caisse, finding: Finding) -> Claim | None:
    try:
        digest = bytes.fromhex(finding.key)
    except ValueError:
        return None
    rows = Claim.objects.using(caisse.using).select_related("entry")
    return rows.filter(entry__digest=digest).first()


def _proven(caisse: Caisse, finding: Finding) -> CardTransaction:
    """Return the sale of a finding whose money is decided upon; that it is there was asked."""
    sale = sale_of(caisse, finding)
    must(sale is not None, "what is decided upon is proven")
    assert sale is not None  # noqa: S101 - what must() said, for the type checker
    return sale


def sale_of(caisse: Caisse, finding: Finding) -> CardTransaction | None:
    """Return the proven transaction that a finding is about, if it is about one."""
    rows = CardTransaction.objects.using(caisse.using).select_related("card")
    if FindingKind(finding.kind) in _BY_CARD:
        return rows.filter(card=finding.card, tmc=finding.facts.get("tmc")).first()
    claim = _claim(caisse, finding)
    return None if claim is None else rows.filter(claim=claim).first()
