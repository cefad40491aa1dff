"""What a person says that a line of the bank is: booked once, and taken back by a new entry."""

from __future__ import annotations

from datetime import date
from enum import Enum, unique
from typing import Final

from cardkit.acts import ContributionReceived
from cardkit.clock import business_date
from cardkit.errors import must
from cardkit.till_box import Means
from server_stub.models import (
    Account,
    ActRow,
    BankLine,
    BankLineOutcome,
    BankLineText,
    Contribution,
    DepositedCheque,
    PaymentMeans,
    SettlementLine,
)
from server_stub.rules.bank_match import Outcome, Proposal, Text, Why, entered_before
from server_stub.rules.bank_words import is_standing_order
from server_stub.rules.findings import FindingKind, FindingValue
from server_stub.rules.payments import taken_back
from server_stub.rules.settle import RunState, end_to_end_id
from server_stub.services import payments, settlement
from server_stub.services.bank_known import known, standing
from server_stub.services.bank_statements import proposal_of
from server_stub.services.behind import Lock, lock, proven
from server_stub.services.caisse import Caisse
from server_stub.services.findings import settle_findings
from server_stub.services.payments import Taken


@unique
class NotBooked(Enum):
    """Why a line stays as it is."""

    SETTLED_ALREADY = "somebody has said what it is"
    NOT_SETTLED = "nobody has said what it is"
    NOTHING = "it fits nothing that is known"
    SEVERAL = "it fits several: say which"
    AMOUNT_DIFFERS = "it names a payment of ours, but with another amount"
    UNKNOWN_RUN = "it names a run that the books do not have"
    NO_CREDIT = "no money came in by it"
    NOT_THIS_AMOUNT = "it is not the whole payment that is to be taken back"
    NOT_BANKED = "the payment that is to be taken back was never at the bank"
    TAKEN_BACK_ALREADY = "the payment was taken back already"
    SEEN_ALREADY = "another line shows this payment of the run"
    RUN_NOT_SENT = "the run was not sent yet"
    RUN_REVOKED = "the run was revoked, and yet it was executed"
    RUN_CONFIRMED = "the run is confirmed by it: that is not undone"
    OWED_AGAIN = "the merchant is owed again because of it: that is not undone"


_NO_PROPOSAL: Final = {
    Why.SEVERAL: NotBooked.SEVERAL,
    Why.AMOUNT_DIFFERS: NotBooked.AMOUNT_DIFFERS,
    Why.UNKNOWN_RUN: NotBooked.UNKNOWN_RUN,
}


def confirm(caisse: Caisse, line: BankLine, *, by: int) -> BankLineOutcome | NotBooked:
    """Say that a line is what it seems to be."""
    must(by > 0, "a person confirms a line")
    with caisse.alone():
        if _newest(caisse, line) is not None:
            return NotBooked.SETTLED_ALREADY
        found = proposal_of(caisse, line)
        match found.outcome:
            case None:
                return _NO_PROPOSAL.get(found.why, NotBooked.NOTHING)
            case Outcome.CONTRIBUTION:
                account = Account.objects.using(caisse.using).get(pk=found.account)
                return _contribution(caisse, line, account, by=by)
            case Outcome.PAYOUT:
                return _payout(caisse, line, found, by=by)
            case Outcome.RETURNED:
                return _returned(caisse, line, found, by=by)
        must(found.act is not None, "what came in before has an act")
        act = ActRow.objects.using(caisse.using).get(seq=found.act or 0)
        return _say(caisse, line, found.outcome, act=act, by=by)


def assign(
    caisse: Caisse, line: BankLine, account: Account, *, by: int
) -> BankLineOutcome | NotBooked:
    """Say whose contribution a line is, whatever it seems to be."""
    must(by > 0, "a person confirms a line")
    with caisse.alone():
        if _newest(caisse, line) is not None:
            return NotBooked.SETTLED_ALREADY
        if line.amount_cents < 0:
            return NotBooked.NO_CREDIT
        facts = known(caisse, [(line.day, line.amount_cents, Text("", ""))])
        act = entered_before(line.day, line.amount_cents, account.pk, facts)
        if act is None:
            return _contribution(caisse, line, account, by=by)
        row = ActRow.objects.using(caisse.using).get(seq=act)
        return _say(caisse, line, Outcome.ENTERED, act=row, by=by)


def take_back(
    caisse: Caisse, line: BankLine, contribution: Contribution, *, by: int
) -> BankLineOutcome | NotBooked:
    """Say that a line takes a whole contribution back, such as a cheque that was not covered."""
    must(by > 0, "a person confirms a line")
    with caisse.alone():
        if _newest(caisse, line) is not None:
            return NotBooked.SETTLED_ALREADY
        if line.amount_cents != -contribution.amount_cents:
            return NotBooked.NOT_THIS_AMOUNT
        if not _is_banked(caisse, contribution):
            return NotBooked.NOT_BANKED
        taken = payments.take_back(caisse, contribution, day=_day(caisse, line), by=by)
        if not isinstance(taken, Taken):
            return NotBooked.TAKEN_BACK_ALREADY
        return _say(caisse, line, Outcome.TAKEN_BACK, act=taken.contribution.act, by=by)


def set_aside(caisse: Caisse, line: BankLine, *, by: int) -> BankLineOutcome | NotBooked:
    """Say that a line is of no member and no merchant, such as a fee or a subsidy."""
    must(by > 0, "a person confirms a line")
    with caisse.alone():
        if _newest(caisse, line) is not None:
            return NotBooked.SETTLED_ALREADY
        return _say(caisse, line, Outcome.ASIDE, by=by)


def undo(caisse: Caisse, line: BankLine, *, by: int) -> BankLineOutcome | NotBooked:
    """Open a line again that was found to be the wrong thing; what it booked is reversed."""
    must(by > 0, "a person undoes a line")
    with caisse.alone():
        last = _newest(caisse, line)
        if last is None:
            return NotBooked.NOT_SETTLED
        if last.kind == Outcome.PAYOUT:
            state = settlement.state_of(caisse, last.settlement)
            if state is RunState.CONFIRMED:
                return NotBooked.RUN_CONFIRMED
        act = None
        if last.kind in {Outcome.CONTRIBUTION, Outcome.TAKEN_BACK}:
            act = _reversed(caisse, line, last, by=by)
            if act is None:
                return NotBooked.TAKEN_BACK_ALREADY
        if last.kind == Outcome.RETURNED:
            if settlement.is_owed_again(caisse, last.settlement, last.merchant):
                return NotBooked.OWED_AGAIN
            settle_findings(
                caisse, (), settlement.returns_open(caisse, last.settlement, last.merchant)
            )
        return _say(caisse, line, Outcome.UNDONE, act=act, by=by)


def _contribution(caisse: Caisse, line: BankLine, account: Account, *, by: int) -> BankLineOutcome:
    text = BankLineText.objects.using(caisse.using).filter(line=line).first()
    is_standing = text is not None and is_standing_order(text.label)
    body = ContributionReceived(
        account=bytes(account.number),
        amount_cents=line.amount_cents,
        value_date=line.day,
        reference=line.reference,
        means=Means.STANDING_ORDER if is_standing else Means.TRANSFER,
    )
    taken = payments.record(caisse, body, by=by)
    return _say(caisse, line, Outcome.CONTRIBUTION, act=taken.contribution.act, by=by)


def _payout(
    caisse: Caisse, line: BankLine, found: Proposal, *, by: int
) -> BankLineOutcome | NotBooked:
    """Say that the bank paid; once it has paid the whole run, the run is confirmed."""
    name = found.settlement
    state = settlement.state_of(caisse, name)
    restored = lock(caisse) is Lock.UNFINISHED and state is RunState.APPROVED
    if state in {None, RunState.REVOKED}:
        return _evidenced(caisse, line, found, by=by)
    if state is RunState.APPROVED and not restored:
        return NotBooked.RUN_NOT_SENT
    lines = SettlementLine.objects.using(caisse.using).filter(settlement=name)
    merchants = set(lines.values_list("merchant", flat=True))
    shown = _shown(caisse, name, merchants)
    wanted = {found.merchant} if found.merchant else merchants
    if shown & wanted:
        return NotBooked.SEEN_ALREADY
    act = None
    if shown | wanted == merchants and state is not RunState.CONFIRMED:
        confirmed = settlement.confirm(caisse, name, by=by)
        act = confirmed if isinstance(confirmed, ActRow) else None
        must(act is not None, "a run that was sent can be confirmed")
    return _say(caisse, line, Outcome.PAYOUT, act=act, found=found, by=by)


def _evidenced(
    caisse: Caisse, line: BankLine, found: Proposal, *, by: int
) -> BankLineOutcome | NotBooked:
    """Say that the bank paid what two people entered of a run that is forgotten or revoked."""
    name = found.settlement
    acts = dict(proven(caisse).filter(settlement=name).values_list("merchant", "act"))
    lines = SettlementLine.objects.using(caisse.using).filter(settlement=name)
    merchants = acts.keys() | set(lines.values_list("merchant", flat=True))
    wanted = {found.merchant} if found.merchant else merchants
    if not wanted <= acts.keys():
        return NotBooked.RUN_REVOKED
    if _shown(caisse, name, merchants) & wanted:
        return NotBooked.SEEN_ALREADY
    row = ActRow.objects.using(caisse.using).filter(seq=acts.get(found.merchant, 0)).first()
    return _say(caisse, line, Outcome.PAYOUT, act=row, found=found, by=by)


def _shown(caisse: Caisse, name: str, merchants: set[int]) -> set[int]:
    """Return the merchants of a run whose payment some line shows."""
    rows = standing(caisse).filter(kind=Outcome.PAYOUT.value, settlement=name)
    return {it.merchant for it in rows if it.merchant} or (merchants if rows else set())


def _returned(
    caisse: Caisse, line: BankLine, found: Proposal, *, by: int
) -> BankLineOutcome | NotBooked:
    """Say that a merchant's money came back; what is done about it, people decide."""
    if settlement.is_owed_again(caisse, found.settlement, found.merchant):
        return NotBooked.SEEN_ALREADY
    value = FindingValue(
        FindingKind.PAYOUT_RETURNED,
        end_to_end_id(found.settlement, found.merchant),
        facts={
            "settlement": found.settlement,
            "merchant": found.merchant,
            "amount_cents": line.amount_cents,
            "line": line.reference,
        },
    )
    settle_findings(
        caisse, [value], settlement.returns_open(caisse, found.settlement, found.merchant)
    )
    return _say(caisse, line, Outcome.RETURNED, found=found, by=by)


def _reversed(caisse: Caisse, line: BankLine, last: BankLineOutcome, *, by: int) -> ActRow | None:
    contribution = Contribution.objects.using(caisse.using).get(act=last.act_id)
    if last.kind == Outcome.CONTRIBUTION:
        taken = payments.take_back(caisse, contribution, day=_day(caisse, line), by=by)
        return taken.contribution.act if isinstance(taken, Taken) else None
    body = ContributionReceived(
        account=bytes(contribution.account.number),
        amount_cents=-contribution.amount_cents,
        value_date=_day(caisse, line),
        reference=taken_back(contribution.reference),
        means=Means.TRANSFER,
        cancels=contribution.act_id,
    )
    return payments.record(caisse, body, by=by).contribution.act


def _is_banked(caisse: Caisse, contribution: Contribution) -> bool:
    told = PaymentMeans.objects.using(caisse.using).filter(contribution=contribution).first()
    if told is None or told.means in {Means.TRANSFER, Means.STANDING_ORDER}:
        return True
    deposited = DepositedCheque.objects.using(caisse.using).filter(contribution=contribution)
    return told.means == Means.CHEQUE and deposited.exists()


def _newest(caisse: Caisse, line: BankLine) -> BankLineOutcome | None:
    last = BankLineOutcome.objects.using(caisse.using).filter(line=line).order_by("id").last()
    return None if last is None or last.kind == Outcome.UNDONE else last


def _say(
    caisse: Caisse,
    line: BankLine,
    kind: Outcome,
    *,
    act: ActRow | None = None,
    found: Proposal | None = None,
    by: int,
) -> BankLineOutcome:
    return BankLineOutcome.objects.using(caisse.using).create(
        line=line,
        kind=kind.value,
        act=act,
        settlement=found.settlement if found else "",
        merchant=found.merchant if found else 0,
        at=caisse.now(),
        by=by,
    )


def _day(caisse: Caisse, line: BankLine) -> date:
    """The line's own day, but for one that the bank has dated ahead."""
    return min(line.day, business_date(caisse.now()))
