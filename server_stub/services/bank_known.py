"""What lines of the bank are held against: references, payers, dues, deposits, runs."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from cardkit.clock import business_date
from cardkit.till_box import Means
from server_stub.models import (
    Account,
    BankLineOutcome,
    BankLineText,
    Commitment,
    Contribution,
    MoneyDeposit,
    PaymentMeans,
    SettlementLine,
)
from server_stub.rules.allowances import months_from
from server_stub.rules.bank_match import Expected, Known, Outcome, Paid
from server_stub.rules.commitments import Commitment as RuleCommitment
from server_stub.rules.commitments import due_of
from server_stub.rules.payment_reference import payment_reference
from server_stub.rules.scheme import RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.entitled import as_rule
from server_stub.services.rules_in_force import value

_BY_BANK: Final = (int(Means.TRANSFER), int(Means.STANDING_ORDER))


def known(caisse: Caisse) -> Known:
    """Return all that a line may turn out to be, as the books are now."""
    held = _held_against(caisse)
    return Known(
        references=_references(caisse),
        payers=_payers(caisse),
        expected=_expected(caisse),
        entered=_entered(caisse, held),
        deposits=_deposits(caisse, held),
        runs=_runs(caisse),
    )


def newest_outcomes(caisse: Caisse) -> dict[int, BankLineOutcome]:
    """Return what was said last of each line."""
    rows = BankLineOutcome.objects.using(caisse.using).select_related("line").order_by("id")
    return {row.line_id: row for row in rows}


def _held_against(caisse: Caisse) -> set[int]:
    """Return the acts that a line of the bank was found to be, and still is."""
    return {
        row.act_id
        for row in newest_outcomes(caisse).values()
        if row.act_id is not None and row.kind != Outcome.UNDONE
    }


def _references(caisse: Caisse) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for account in Account.objects.using(caisse.using).all():
        found[payment_reference(bytes(account.number))].add(account.pk)
    for number, account_id in Commitment.objects.using(caisse.using).values_list(
        "number", "account_id"
    ):
        found[payment_reference(bytes(number))].add(account_id)
    return {reference: frozenset(accounts) for reference, accounts in found.items()}


def _payers(caisse: Caisse) -> dict[str, frozenset[int]]:
    """Return whose lines bore which payer; what was erased is not remembered."""
    accounts = dict(Contribution.objects.using(caisse.using).values_list("act_id", "account_id"))
    keys = dict(
        BankLineText.objects.using(caisse.using)
        .exclude(payer_key="")
        .values_list("line_id", "payer_key")
    )
    found: dict[str, set[int]] = defaultdict(set)
    for line_id, row in newest_outcomes(caisse).items():
        is_members = row.kind in {Outcome.CONTRIBUTION, Outcome.ENTERED}
        if is_members and line_id in keys and row.act_id in accounts:
            found[keys[line_id]].add(accounts[row.act_id])
    return {key: frozenset(ids) for key, ids in found.items()}


def _expected(caisse: Caisse) -> tuple[Expected, ...]:
    today = business_date(caisse.now())
    (month,) = months_from(today, count=1)
    grace_months = value(caisse, RuleName.GRACE_MONTHS)
    came = Contribution.objects.using(caisse.using).filter(
        paid_by__means__in=_BY_BANK, cancelled_by__isnull=True, paid_by__cancels__isnull=True
    )
    paid_on: dict[tuple[int, int], list[Contribution]] = defaultdict(list)
    for row in came:
        paid_on[row.account_id, row.amount_cents].append(row)
    promised: dict[int, list[RuleCommitment]] = defaultdict(list)
    rows = Commitment.objects.using(caisse.using).prefetch_related("changes")
    for commitment in rows.order_by("act"):
        promised[commitment.account_id].append(as_rule(commitment))
    found = []
    for account_id, commitments in promised.items():
        due = due_of(commitments, month, grace_months=grace_months)
        paid = paid_on.get((account_id, due.due_cents), ()) if due else ()
        if due and paid:
            found.append(Expected(account_id, due.due_cents, tuple(it.value_date for it in paid)))
    return tuple(found)


def _entered(caisse: Caisse, held: set[int]) -> tuple[Paid, ...]:
    rows = PaymentMeans.objects.using(caisse.using).filter(
        means__in=_BY_BANK, cancels__isnull=True, contribution__cancelled_by__isnull=True
    )
    return tuple(
        Paid(it.act_id, it.account_id, it.amount_cents, it.value_date)
        for it in (row.contribution for row in rows.select_related("contribution"))
        if it.act_id not in held
    )


def _deposits(caisse: Caisse, held: set[int]) -> tuple[Paid, ...]:
    return tuple(
        Paid(row.act_id, 0, row.amount_cents, row.day)
        for row in MoneyDeposit.objects.using(caisse.using).all()
        if row.act_id not in held
    )


def _runs(caisse: Caisse) -> dict[str, dict[int, int]]:
    runs: dict[str, dict[int, int]] = defaultdict(dict)
    lines = SettlementLine.objects.using(caisse.using).values_list(
        "settlement_id", "merchant", "amount_cents"
    )
    for name, merchant, cents in lines:
        runs[name][merchant] = cents
    return dict(runs)
