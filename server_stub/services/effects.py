"""What an act does to the tables; the same when it is made and when the books are recomputed."""

from __future__ import annotations

import hashlib
from functools import singledispatch

from cardkit import acts, conventions, membership, payouts, till_box
from cardkit.acts import ActBody, ActEnvelope
from cardkit.allowance import accept_allowance
from cardkit.cbor import decode
from cardkit.directory import CardStatus as RowStatus
from cardkit.errors import must
from cardkit.permit import Permit
from cardkit.resolutions import Resolved
from cardkit.schema import unpack
from cardkit.signing import ContentType, parse
from server_stub.models import (
    Account,
    ActRow,
    Admission,
    AllowanceIssued,
    Card,
    CardDecision,
    CardStatus,
    ClaimDecision,
    Commitment,
    CommitmentChange,
    Convention,
    ConventionEnd,
    Departure,
    PayoutEvidence,
    PayoutProven,
    PayoutReturn,
    PermitIssued,
    PublishedKey,
    Rule,
    Settlement,
    SettlementLine,
    SettlementStep,
    Terminal,
    TerminalStatus,
    Wave,
)
from server_stub.rules.ledger import Book, Lines, move
from server_stub.services import money_in
from server_stub.services.books import CREDIT, LAPSED, MOVED, SETTLEMENT, net_of, post
from server_stub.services.caisse import Caisse
from server_stub.services.resolved import apply_resolved, card_of


def apply(caisse: Caisse, row: ActRow, body: ActBody) -> None:
    """Let an act take effect."""
    _apply(body, caisse, row)


@singledispatch
def _apply(body: object, _caisse: Caisse, _row: ActRow) -> None:
    """An act that only stands in the log, such as a raised epoch."""


@_apply.register
def _(body: acts.CardIssued, caisse: Caisse, _row: ActRow) -> None:
    account, _ = Account.objects.using(caisse.using).get_or_create(number=body.account)
    Card.objects.using(caisse.using).update_or_create(
        uid=body.uid,
        generation=body.generation,
        defaults={
            "account": account,
            "profile": body.profile,
            "key_version": body.key_version,
            "status": CardStatus.ACTIVE,
            "birth_tmc": body.tmc,
            "birth_tmv": body.tmv,
            "birth_enc_tmri": body.enc_tmri,
            "birth_spent_cents": body.spent_cents,
            "proven_tmc": body.tmc,
            "proven_tmv": body.tmv,
            "proven_spent_cents": body.spent_cents,
        },
    )


@_apply.register
def _(body: acts.CardRekeyed, caisse: Caisse, _row: ActRow) -> None:
    card = card_of(caisse, body.uid, body.generation)
    card.terminal_key_version = body.terminal_key_version
    card.save(using=caisse.using, update_fields=["terminal_key_version"])


@_apply.register
def _(body: acts.CardStatusSet, caisse: Caisse, _row: ActRow) -> None:
    card = card_of(caisse, body.uid, body.generation)
    blocked = body.status is RowStatus.BLOCKED
    card.status = CardStatus.BLOCKED if blocked else CardStatus.ACTIVE
    card.save(using=caisse.using, update_fields=["status"])


@_apply.register
def _(body: acts.AllowanceIssued, caisse: Caisse, row: ActRow) -> None:
    allowance = accept_allowance(body.content, caisse.ring.trust)
    card = card_of(caisse, allowance.uid, allowance.generation)
    AllowanceIssued.objects.using(caisse.using).create(
        card=card,
        epoch=allowance.epoch,
        version=allowance.version,
        digest=allowance.digest,
        content=body.content,
        issued_at=allowance.issued_at,
        cumulative_cents=allowance.steps[-1].cumulative_cents,
        refunds=[[ref.terminal, ref.seq] for ref in allowance.refunds],
    )
    credit_cents = allowance.steps[-1].cumulative_cents
    already_cents = net_of(caisse, card, CREDIT).get((Book.CREDIT, 0), 0)
    lines = move(credit_cents - already_cents, out_of=Book.ISSUED, into=Book.CREDIT)
    post(caisse, card=card, subject=CREDIT, lines=lines, cause=row.digest)


@_apply.register
def _(body: acts.CreditMoved, caisse: Caisse, row: ActRow) -> None:
    """The card that has it now is credited by its own allowance."""
    old = card_of(caisse, body.uid, body.generation)
    lines = move(body.amount_cents, out_of=Book.CREDIT, into=Book.ISSUED)
    post(caisse, card=old, subject=MOVED, lines=lines, cause=row.digest)


@_apply.register
def _(body: membership.WaveAdmitted, caisse: Caisse, row: ActRow) -> None:
    wave = Wave.objects.using(caisse.using).create(
        act=row,
        number=body.wave,
        order=int(body.order),
        candidates=len(body.candidates),
        fingerprint=hashlib.sha256(b"".join(sorted(body.candidates))).digest(),
        seed=body.seed,
    )
    for place, number in enumerate(body.candidates[: body.places], start=1):
        account, _ = Account.objects.using(caisse.using).get_or_create(number=number)
        Admission.objects.using(caisse.using).create(account=account, wave=wave, place=place)


@_apply.register
def _(body: membership.MemberLeft, caisse: Caisse, row: ActRow) -> None:
    must(body.from_month.day == 1, "a member leaves with the end of a month")
    account, _ = Account.objects.using(caisse.using).get_or_create(number=body.account)
    Departure.objects.using(caisse.using).create(
        act=row, account=account, from_month=body.from_month
    )


@_apply.register
def _(body: membership.CreditLapsed, caisse: Caisse, row: ActRow) -> None:
    card = card_of(caisse, body.uid, body.generation)
    lines = move(body.amount_cents, out_of=Book.CREDIT, into=Book.LAPSED)
    post(caisse, card=card, subject=LAPSED, lines=lines, cause=row.digest)


@_apply.register
def _(body: acts.DocumentHeld, caisse: Caisse, _row: ActRow) -> None:
    """Permits get a row; certificates and directories are kept by who makes them."""
    signed = parse(body.content)
    if signed.content_type is not ContentType.PERMIT:
        return
    permit = unpack(Permit, decode(signed.payload))
    PermitIssued.objects.using(caisse.using).create(
        terminal_id=permit.terminal,
        epoch=permit.epoch,
        version=permit.version,
        digest=signed.digest,
        content=body.content,
        issued_at=permit.issued_at,
        valid_until=permit.valid_until,
    )


@_apply.register
def _(body: acts.TerminalLost, caisse: Caisse, _row: ActRow) -> None:
    Terminal.objects.using(caisse.using).filter(id=body.terminal).update(
        status=TerminalStatus.LOST,
        lost_after_seq=body.last_seq,
        loss_window_cents=body.window_cents,
        lost_head=body.head,
    )


@_apply.register
def _(body: acts.TerminalRevoked, caisse: Caisse, _row: ActRow) -> None:
    terminals = Terminal.objects.using(caisse.using).filter(id=body.terminal)
    terminals.filter(status=TerminalStatus.ACTIVE).update(status=TerminalStatus.REVOKED)


@_apply.register
def _(body: conventions.ConventionSigned, caisse: Caisse, row: ActRow) -> None:
    Convention.objects.using(caisse.using).create(
        act=row,
        merchant=body.merchant,
        from_day=body.from_day,
        until_day=body.until_day,
        signed_on=body.signed_on,
        terms=body.terms,
    )


@_apply.register
def _(body: conventions.ConventionEnded, caisse: Caisse, row: ActRow) -> None:
    """One that was to begin later never covers a day."""
    signed = Convention.objects.using(caisse.using).filter(
        merchant=body.merchant, until_day__gt=body.until_day
    )
    ConventionEnd.objects.using(caisse.using).bulk_create(
        ConventionEnd(act=row, convention=one, until_day=max(body.until_day, one.from_day))
        for one in signed
    )


@_apply.register
def _(body: acts.RecoveryConfirmed, caisse: Caisse, row: ActRow) -> None:
    CardDecision.objects.using(caisse.using).create(
        act=row,
        card=card_of(caisse, body.uid, body.generation),
        kind=row.kind,
        tmc=body.tmc,
        amount_cents=body.amount_cents,
        terminal=body.terminal,
        seq=body.seq,
        merchant=body.merchant,
    )


@_apply.register
def _(body: acts.RecoveryReversed, caisse: Caisse, row: ActRow) -> None:
    card = card_of(caisse, body.uid, body.generation)
    CardDecision.objects.using(caisse.using).create(act=row, card=card, kind=row.kind, tmc=body.tmc)


@_apply.register
def _(body: acts.SpendReturned, caisse: Caisse, row: ActRow) -> None:
    CardDecision.objects.using(caisse.using).create(
        act=row,
        card=card_of(caisse, body.uid, body.generation),
        kind=row.kind,
        tmc=body.tmc,
        first_tmc=body.first_tmc or 0,
        amount_cents=body.amount_cents,
        reason=int(body.reason),
    )


@_apply.register
def _(body: acts.ClaimAccepted, caisse: Caisse, row: ActRow) -> None:
    ClaimDecision.objects.using(caisse.using).create(
        act=row,
        entry=body.entry,
        amount_cents=body.amount_cents,
        merchant=body.merchant,
        first_person=body.first_person,
        second_person=body.second_person,
    )


@_apply.register
def _(body: acts.ProofKeysPublished, caisse: Caisse, row: ActRow) -> None:
    card = card_of(caisse, body.uid, body.generation)
    PublishedKey.objects.using(caisse.using).bulk_create(
        PublishedKey(act=row, card=card, tmc=key.tmc) for key in body.keys
    )


@_apply.register
def _(body: acts.RuleSet, caisse: Caisse, row: ActRow) -> None:
    Rule.objects.using(caisse.using).update_or_create(
        name=body.name,
        from_day=body.from_day,
        defaults={
            "value": body.value,
            "voted_on": body.voted_on,
            "minutes": body.minutes,
            "set_by": _author(row),
        },
    )


@_apply.register
def _(body: membership.CommitmentMade, caisse: Caisse, row: ActRow) -> None:
    must(body.first_month.day == 1, "a commitment begins with a month")
    account, _ = Account.objects.using(caisse.using).get_or_create(number=body.account)
    Commitment.objects.using(caisse.using).create(
        number=body.number,
        act=row,
        account=account,
        monthly_cents=body.monthly_cents,
        first_month=body.first_month,
        months=body.months,
        persons=body.persons,
    )


@_apply.register
def _(body: membership.CommitmentChanged, caisse: Caisse, row: ActRow) -> None:
    must(body.from_month.day == 1, "a change begins with a month")
    commitment = Commitment.objects.using(caisse.using).filter(number=body.number).first()
    must(commitment is not None, "an act names a commitment that was made")
    assert commitment is not None  # noqa: S101 - what must() said, for the type checker
    CommitmentChange.objects.using(caisse.using).create(
        act=row,
        commitment=commitment,
        kind=int(body.kind),
        from_month=body.from_month,
        monthly_cents=body.monthly_cents or 0,
        persons=body.persons,
    )


@_apply.register
def _(body: acts.ContributionReceived, caisse: Caisse, row: ActRow) -> None:
    money_in.contribution_came(caisse, row, body)


@_apply.register
def _(body: till_box.CashCounted, caisse: Caisse, row: ActRow) -> None:
    money_in.box_counted(caisse, row, body, by=_author(row))


@_apply.register
def _(body: till_box.MoneyDeposited, caisse: Caisse, row: ActRow) -> None:
    money_in.money_deposited(caisse, row, body, by=_author(row))


@_apply.register
def _(body: acts.SettlementApproved, caisse: Caisse, row: ActRow) -> None:
    must(bool(body.lines), "a run pays somebody")
    run = Settlement.objects.using(caisse.using).create(
        name=body.settlement,
        act=row,
        drawn_up_by=body.drawn_up_by,
        approved_by=_author(row),
    )
    SettlementLine.objects.using(caisse.using).bulk_create(
        SettlementLine(
            settlement=run,
            merchant=line.merchant,
            amount_cents=line.amount_cents,
            total_cents=line.total_cents,
        )
        for line in body.lines
    )
    _post_run(caisse, run, row, out_of=Book.PAYABLE, into=Book.IN_PAYMENT)


@_apply.register
def _(body: acts.SettlementSent, caisse: Caisse, row: ActRow) -> None:
    """Money that left is still in payment, until the bank's statement shows it."""
    _step(caisse, body.settlement, row)


@_apply.register
def _(body: acts.SettlementConfirmed, caisse: Caisse, row: ActRow) -> None:
    run = _step(caisse, body.settlement, row)
    _post_run(caisse, run, row, out_of=Book.IN_PAYMENT, into=Book.PAID)


@_apply.register
def _(body: acts.SettlementRevoked, caisse: Caisse, row: ActRow) -> None:
    run = _step(caisse, body.settlement, row)
    _post_run(caisse, run, row, out_of=Book.IN_PAYMENT, into=Book.PAYABLE)


@_apply.register
def _(body: payouts.PayoutEvidenced, caisse: Caisse, row: ActRow) -> None:
    evidence = PayoutEvidence.objects.using(caisse.using).create(
        act=row,
        settlement=body.settlement,
        merchant=body.merchant,
        amount_cents=body.amount_cents,
        entered_by=body.entered_by,
        compared_by=_author(row),
    )
    PayoutProven.objects.using(caisse.using).create(
        settlement=body.settlement, merchant=body.merchant, evidence=evidence
    )
    lines = move(body.amount_cents, out_of=Book.PAYABLE, into=Book.PAID, merchant=body.merchant)
    _post_payout(caisse, body.settlement, row, lines)


@_apply.register
def _(body: payouts.PayoutReturned, caisse: Caisse, row: ActRow) -> None:
    PayoutReturn.objects.using(caisse.using).create(
        act=row,
        settlement=body.settlement,
        merchant=body.merchant,
        amount_cents=body.amount_cents,
        entered_by=body.entered_by,
        compared_by=_author(row),
    )
    lines = move(body.amount_cents, out_of=Book.PAID, into=Book.PAYABLE, merchant=body.merchant)
    _post_payout(caisse, body.settlement, row, lines)


@_apply.register
def _(body: Resolved, caisse: Caisse, row: ActRow) -> None:
    apply_resolved(caisse, row, body, by=_author(row))


def _author(row: ActRow) -> int:
    """Return the console user who signed for an act; the row is ours, and was verified."""
    return unpack(ActEnvelope, decode(parse(row.content).payload)).by


def _step(caisse: Caisse, name: str, row: ActRow) -> Settlement:
    run = Settlement.objects.using(caisse.using).filter(name=name).first()
    must(run is not None, "an act names a run that was approved")
    assert run is not None  # noqa: S101 - what must() said, for the type checker
    SettlementStep.objects.using(caisse.using).create(settlement=run, act=row, kind=row.kind)
    return run


def _post_run(caisse: Caisse, run: Settlement, row: ActRow, *, out_of: Book, into: Book) -> None:
    lines = SettlementLine.objects.using(caisse.using).filter(settlement=run)
    moved = [
        line
        for one in lines.order_by("merchant")
        for line in move(one.amount_cents, out_of=out_of, into=into, merchant=one.merchant)
    ]
    _post_payout(caisse, run.name, row, tuple(moved))


def _post_payout(caisse: Caisse, name: str, row: ActRow, lines: Lines) -> None:
    post(caisse, card=None, subject=f"{SETTLEMENT}{name}", lines=lines, cause=row.digest)
