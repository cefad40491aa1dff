"""What acts about disputes, paper slips and findings do to the tables, and how they are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import singledispatch
from typing import TypeAlias

from cardkit import resolutions as acts
from cardkit.acts import ActKind, TerminalRevoked
from cardkit.cbor import decode
from cardkit.clock import business_date
from cardkit.errors import must
from cardkit.resolutions import DisputeKind, Resolved
from cardkit.schema import unpack
from cardkit.signing import parse
from server_stub.models import (
    ActReversal,
    ActRow,
    Card,
    CardDecision,
    Claim,
    Dispute,
    DisputeStep,
    FindingHandling,
    PaperClaim,
    PaperPaid,
    PayoutEvidence,
    PayoutProven,
    Terminal,
    TerminalStatus,
)
from server_stub.rules.disputes import BY_ANSWER, BY_OUTCOME, RETURNED, Event, Stage, stage_of
from server_stub.rules.facts import DisputeFacts, Outcome, PaperTwin
from server_stub.rules.ledger import Book, move
from server_stub.rules.paper import SAME_SALE
from server_stub.services.books import PAPER, SETTLEMENT, WITHHELD, post
from server_stub.services.caisse import Caisse

DisputeAsItIs: TypeAlias = DisputeFacts
"""A dispute, as the console shows it."""
_DECISIONS = frozenset({Event.CHARGE.value, Event.BEAR.value})


@dataclass(frozen=True, slots=True)
class Resolutions:
    """What people decided about a few cards, by card."""

    disputes: dict[int, tuple[DisputeFacts, ...]] = field(default_factory=dict)
    slips: dict[int, list[PaperClaim]] = field(default_factory=dict)
    """Slips that are paid."""
    taken_back: frozenset[int] = frozenset()
    """Acts about these cards that count no more."""


def resolutions(caisse: Caisse, cards: Sequence[int]) -> Resolutions:
    """Read what people decided about a few cards."""
    disputes: dict[int, list[DisputeFacts]] = defaultdict(list)
    rows = Dispute.objects.using(caisse.using).filter(card__in=cards).order_by("act")
    for row in rows.prefetch_related("steps"):
        disputes[row.card_id].append(facts_of_dispute(row))
    slips: dict[int, list[PaperClaim]] = defaultdict(list)
    for claim in PaperClaim.objects.using(caisse.using).filter(card__in=cards, paid__isnull=False):
        slips[claim.card_id or 0].append(claim)
    reversals = ActReversal.objects.using(caisse.using)
    gone = reversals.filter(reversed__decision__card__in=cards)
    return Resolutions(
        disputes={card: tuple(held) for card, held in disputes.items()},
        slips=dict(slips),
        taken_back=frozenset(gone.values_list("reversed_id", flat=True)),
    )


def facts_of_dispute(row: Dispute) -> DisputeFacts:
    """Return a dispute as the rules see it."""
    steps = sorted(row.steps.all(), key=lambda it: it.act_id)
    stage = stage_of(DisputeKind(row.kind), (Event(it.event) for it in steps))
    returned = [it.amount_cents for it in steps if it.event in _DECISIONS]
    return DisputeFacts(
        number=bytes(row.number),
        tmc=row.tmc,
        amount_cents=row.amount_cents,
        is_held=row.is_held,
        stage=stage.value,
        returned_cents=returned[-1] if stage in RETURNED else 0,
        answer_by=row.answer_by if stage is Stage.ASKED else None,
    )


def twins(slips: Iterable[PaperClaim], claims: Iterable[Claim]) -> tuple[PaperTwin, ...]:
    """Return paid slips that are like an electronic sale which two people did not know of."""
    held = tuple(claims)
    unknown = [slip for slip in slips if not slip.doubts & SAME_SALE]
    return tuple(
        PaperTwin(
            carnet=slip.carnet,
            slip=slip.slip,
            amount_cents=slip.amount_cents,
            terminal=claim.terminal_id,
            seq=claim.seq,
        )
        for slip in unknown
        for claim in held
        if _is_like(slip, claim)
    )


def _is_like(slip: PaperClaim, claim: Claim) -> bool:
    """Whether a green sale of the slip's card is of its merchant, amount and business day too."""
    return (
        (claim.merchant, claim.amount_cents) == (slip.merchant, slip.amount_cents)
        and claim.outcome == Outcome.SALE.value
        and business_date(claim.at) == slip.day
    )


def resolved_picture(using: str) -> dict[str, str]:
    """Return what people decided, in words that do not depend on when it was entered."""
    picture: dict[str, str] = {}
    for row in Dispute.objects.using(using).prefetch_related("steps"):
        picture[f"dispute {row.number.hex()}"] = str(facts_of_dispute(row))
    for claim in PaperClaim.objects.using(using).select_related("card", "paid"):
        where = f"paper {claim.carnet}-{claim.slip} act {claim.act_id}"
        is_paid = hasattr(claim, "paid")
        picture[where] = (
            f"{claim.amount_cents} {claim.merchant} {claim.day} {claim.card} {claim.bearer}"
            f" {claim.doubts} by {claim.entered_by}, {claim.confirmed_by}: {is_paid}"
        )
    for handled in FindingHandling.objects.using(using).all():
        picture[f"handling {handled.act_id}"] = f"{handled} {handled.facts.hex()[:16]}"
    for reversal in ActReversal.objects.using(using).all():
        picture[f"reversal {reversal.act_id}"] = str(reversal.reversed_id)
    return picture


def apply_resolved(caisse: Caisse, row: ActRow, body: Resolved, *, by: int) -> None:
    """Let an act of people take effect; `by` is its author."""
    _apply(body, caisse, row, by)


def card_of(caisse: Caisse, uid: bytes, generation: int) -> Card:
    """Return a card that an act names; that there is one is our own duty."""
    card = Card.objects.using(caisse.using).filter(uid=uid, generation=generation).first()
    must(card is not None, "an act names a card that exists")
    assert card is not None  # noqa: S101 - what must() said, for the type checker
    return card


@singledispatch
def _apply(body: object, _caisse: Caisse, _row: ActRow, _by: int) -> None:
    must(condition=False, invariant=f"{type(body).__name__} takes effect")


@_apply.register
def _(body: acts.DisputeOpened, caisse: Caisse, row: ActRow, _by: int) -> None:
    Dispute.objects.using(caisse.using).create(
        number=body.number,
        act=row,
        card=card_of(caisse, body.uid, body.generation),
        tmc=body.tmc,
        kind=int(body.kind),
        amount_cents=body.amount_cents,
        is_held=body.is_held,
        answer_by=body.answer_by,
    )


@_apply.register
def _(body: acts.DisputeAnswered, caisse: Caisse, row: ActRow, _by: int) -> None:
    _step(caisse, row, _dispute(caisse, body.number), BY_ANSWER[body.answer])


@_apply.register
def _(body: acts.DisputeDecided, caisse: Caisse, row: ActRow, _by: int) -> None:
    dispute, event = _dispute(caisse, body.number), BY_OUTCOME[body.outcome]
    must((body.amount_cents == 0) is (event is Event.REJECT), "what is returned is an amount")
    _step(caisse, row, dispute, event, body.amount_cents)
    if body.amount_cents:
        CardDecision.objects.using(caisse.using).create(
            act=row,
            card=dispute.card,
            kind=row.kind,
            tmc=dispute.tmc,
            amount_cents=body.amount_cents,
        )


@_apply.register
def _(body: acts.PaperAccepted, caisse: Caisse, row: ActRow, by: int) -> None:
    card = None
    if body.uid is not None and body.generation is not None:
        card = card_of(caisse, body.uid, body.generation)
    claim = PaperClaim.objects.using(caisse.using).create(
        act=row,
        carnet=body.carnet,
        slip=body.slip,
        merchant=body.merchant,
        day=body.day,
        amount_cents=body.amount_cents,
        card=card,
        bearer=int(body.bearer),
        doubts=body.doubts,
        entered_by=body.entered_by,
        confirmed_by=by,
    )
    PaperPaid.objects.using(caisse.using).create(carnet=body.carnet, slip=body.slip, claim=claim)
    lines = move(body.amount_cents, out_of=Book.PAPER, into=Book.PAYABLE, merchant=body.merchant)
    post(
        caisse,
        card=card,
        subject=f"{PAPER}{claim.carnet}-{claim.slip}",
        lines=lines,
        cause=row.digest,
    )


@_apply.register
def _(body: acts.CreditWithheld, caisse: Caisse, row: ActRow, _by: int) -> None:
    card = card_of(caisse, body.uid, body.generation)
    back = body.amount_cents < 0
    lines = move(
        abs(body.amount_cents),
        out_of=Book.WITHHELD if back else Book.ISSUED,
        into=Book.ISSUED if back else Book.WITHHELD,
    )
    post(caisse, card=card, subject=WITHHELD, lines=lines, cause=row.digest)


@_apply.register
def _(body: acts.FindingHandled, caisse: Caisse, row: ActRow, _by: int) -> None:
    FindingHandling.objects.using(caisse.using).create(
        act=row,
        finding=body.finding,
        key=body.key,
        handling=int(body.handling),
        facts=body.facts,
    )


@_apply.register
def _(body: acts.ActReversed, caisse: Caisse, row: ActRow, _by: int) -> None:
    target = ActRow.objects.using(caisse.using).filter(seq=body.seq).first()
    must(target is not None and bytes(target.digest) == body.digest, "what is reversed is there")
    assert target is not None  # noqa: S101 - what must() said, for the type checker
    ActReversal.objects.using(caisse.using).create(act=row, reversed=target)
    match target.kind:
        case ActKind.DISPUTE_OPENED:
            dispute = Dispute.objects.using(caisse.using).get(act=target)
            _step(caisse, row, dispute, Event.TAKE_BACK)
        case ActKind.DISPUTE_DECIDED:
            taken = DisputeStep.objects.using(caisse.using).select_related("dispute")
            _step(caisse, row, taken.get(act=target).dispute, Event.TAKE_BACK)
        case ActKind.PAPER_ACCEPTED:
            _unpay(caisse, row, PaperClaim.objects.using(caisse.using).get(act=target))
        case ActKind.PAYOUT_EVIDENCED:
            _unprove(caisse, row, PayoutEvidence.objects.using(caisse.using).get(act=target))
        case ActKind.TERMINAL_REVOKED:
            _give_back_terminal(caisse, target)
        case _:
            """Of a sale's standing: whoever reads the card's facts leaves the act out."""


def _unpay(caisse: Caisse, row: ActRow, claim: PaperClaim) -> None:
    PaperPaid.objects.using(caisse.using).filter(claim=claim).delete()
    lines = move(claim.amount_cents, out_of=Book.PAYABLE, into=Book.PAPER, merchant=claim.merchant)
    subject = f"{PAPER}{claim.carnet}-{claim.slip}"
    post(caisse, card=claim.card, subject=subject, lines=lines, cause=row.digest)


def _unprove(caisse: Caisse, row: ActRow, evidence: PayoutEvidence) -> None:
    PayoutProven.objects.using(caisse.using).filter(evidence=evidence).delete()
    merchant = evidence.merchant
    lines = move(evidence.amount_cents, out_of=Book.PAID, into=Book.PAYABLE, merchant=merchant)
    subject = f"{SETTLEMENT}{evidence.settlement}"
    post(caisse, card=None, subject=subject, lines=lines, cause=row.digest)


def _give_back_terminal(caisse: Caisse, target: ActRow) -> None:
    """A terminal that was declared lost in the meantime stays lost."""
    payload = decode(parse(target.content).payload)
    must(isinstance(payload, dict), "an act is a map")
    body = unpack(TerminalRevoked, payload[31])  # type: ignore[index]  # what must() said
    rows = Terminal.objects.using(caisse.using).filter(id=body.terminal)
    rows.filter(status=TerminalStatus.REVOKED).update(status=TerminalStatus.ACTIVE)


def _dispute(caisse: Caisse, number: bytes) -> Dispute:
    dispute = Dispute.objects.using(caisse.using).filter(number=number).first()
    must(dispute is not None, "an act names a dispute that was opened")
    assert dispute is not None  # noqa: S101 - what must() said, for the type checker
    return dispute


def _step(
    caisse: Caisse, row: ActRow, dispute: Dispute, event: Event, amount_cents: int = 0
) -> None:
    DisputeStep.objects.using(caisse.using).create(
        act=row, dispute=dispute, event=event.value, amount_cents=amount_cents
    )
    facts_of_dispute(
        Dispute.objects.using(caisse.using).prefetch_related("steps").get(pk=dispute.pk)
    )
