"""What lines of the bank are held against: references, payers, dues, deposits, runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final, TypeVar

from django.db.models import Exists, OuterRef, QuerySet

from cardkit.clock import business_date
from cardkit.till_box import Means
from server_stub.models import (
    Account,
    BankLineOutcome,
    Commitment,
    Contribution,
    MoneyDeposit,
    SettlementLine,
)
from server_stub.rules.allowances import months_from
from server_stub.rules.bank_match import Expected, Known, Outcome, Paid, Sought, Text, sought
from server_stub.rules.commitments import Commitment as RuleCommitment
from server_stub.rules.commitments import due_of
from server_stub.rules.payment_reference import payment_reference
from server_stub.rules.scheme import RuleName
from server_stub.services.behind import proven
from server_stub.services.caisse import Caisse
from server_stub.services.entitled import as_rule
from server_stub.services.rules_in_force import value

T = TypeVar("T")

_BY_BANK: Final = (int(Means.TRANSFER), int(Means.STANDING_ORDER))
_MEMBERS: Final = (Outcome.CONTRIBUTION.value, Outcome.ENTERED.value)
_PART: Final = 500
"""What one query names, of a statement of years."""


def known(caisse: Caisse, lines: Iterable[tuple[date, int, Text]]) -> Known:
    """Return all that these lines may turn out to be, as the books are now."""
    wanted = sought(lines)
    if wanted is None:
        return Known()
    return Known(
        references=_references(caisse),
        payers=_payers(caisse, wanted),
        expected=_expected(caisse, wanted),
        entered=_not_held(caisse, _entered(caisse, wanted)),
        deposits=_not_held(caisse, _deposits(caisse, wanted)),
        runs=_runs(caisse, wanted),
    )


def newest(caisse: Caisse) -> QuerySet[BankLineOutcome]:
    """Return what was said last of each line."""
    rows = BankLineOutcome.objects.using(caisse.using)
    return rows.exclude(Exists(rows.filter(line=OuterRef("line"), pk__gt=OuterRef("pk"))))


def standing(caisse: Caisse) -> QuerySet[BankLineOutcome]:
    """Return what was said last of each line, and still counts."""
    return newest(caisse).exclude(kind=Outcome.UNDONE.value)


def in_parts(values: Iterable[T]) -> Iterator[list[T]]:
    """Yield values in parts that one query can name."""
    wanted = list(values)
    for start in range(0, len(wanted), _PART):
        yield wanted[start : start + _PART]


def _not_held(caisse: Caisse, paid: Sequence[Paid]) -> tuple[Paid, ...]:
    """Return what no line of the bank was found to be, or no longer is."""
    held: set[int | None] = set()
    for acts in in_parts(it.act for it in paid):
        held.update(standing(caisse).filter(act__in=acts).values_list("act", flat=True))
    return tuple(it for it in paid if it.act not in held)


def _references(caisse: Caisse) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for account in Account.objects.using(caisse.using).all():
        found[payment_reference(bytes(account.number))].add(account.pk)
    for number, account_id in Commitment.objects.using(caisse.using).values_list(
        "number", "account_id"
    ):
        found[payment_reference(bytes(number))].add(account_id)
    return {reference: frozenset(accounts) for reference, accounts in found.items()}


def _payers(caisse: Caisse, wanted: Sought) -> dict[str, frozenset[int]]:
    """Return whose lines bore which payer; what was erased is not remembered."""
    found: dict[str, set[int]] = defaultdict(set)
    members = standing(caisse).filter(kind__in=_MEMBERS).order_by()
    for keys in in_parts(wanted.payer_keys):
        rows = members.filter(line__text__payer_key__in=keys).values_list(
            "line__text__payer_key", "act__contribution__account"
        )
        for key, account_id in rows.distinct():
            found[key].add(account_id)
    return {key: frozenset(ids) for key, ids in found.items()}


def _expected(caisse: Caisse, wanted: Sought) -> tuple[Expected, ...]:
    """Return whose dues came a month before any of these lines, in the amount of one of them."""
    (month,) = months_from(business_date(caisse.now()), count=1)
    grace_months = value(caisse, RuleName.GRACE_MONTHS)
    came = Contribution.objects.using(caisse.using).filter(
        value_date__range=wanted.rhythm_days,
        paid_by__means__in=_BY_BANK,
        cancelled_by__isnull=True,
        paid_by__cancels__isnull=True,
    )
    paid_on: dict[int, list[tuple[int, date]]] = defaultdict(list)
    for account_id, cents, day in came.values_list("account", "amount_cents", "value_date"):
        if cents in wanted.amounts_cents:
            paid_on[account_id].append((cents, day))
    found = []
    for account_id, promised in _promised(caisse, paid_on).items():
        due = due_of(promised, month, grace_months=grace_months)
        days = [day for cents, day in paid_on[account_id] if due and cents == due.due_cents]
        if due and days:
            found.append(Expected(account_id, due.due_cents, tuple(days)))
    return tuple(found)


def _promised(caisse: Caisse, accounts: Iterable[int]) -> dict[int, list[RuleCommitment]]:
    promised: dict[int, list[RuleCommitment]] = defaultdict(list)
    for some in in_parts(accounts):
        rows = Commitment.objects.using(caisse.using).filter(account__in=some)
        for commitment in rows.prefetch_related("changes").order_by("act"):
            promised[commitment.account_id].append(as_rule(commitment))
    return promised


def _entered(caisse: Caisse, wanted: Sought) -> tuple[Paid, ...]:
    rows = Contribution.objects.using(caisse.using).filter(
        value_date__range=wanted.entered_days,
        paid_by__means__in=_BY_BANK,
        paid_by__cancels__isnull=True,
        cancelled_by__isnull=True,
    )
    return tuple(
        Paid(it.act_id, it.account_id, it.amount_cents, it.value_date)
        for it in rows
        if it.amount_cents in wanted.amounts_cents
    )


def _deposits(caisse: Caisse, wanted: Sought) -> tuple[Paid, ...]:
    rows = MoneyDeposit.objects.using(caisse.using).filter(day__range=wanted.deposit_days)
    return tuple(
        Paid(row.act_id, 0, row.amount_cents, row.day)
        for row in rows
        if row.amount_cents in wanted.amounts_cents
    )


def _runs(caisse: Caisse, wanted: Sought) -> dict[str, dict[int, int]]:
    runs: dict[str, dict[int, int]] = defaultdict(dict)
    for names in in_parts(wanted.settlements):
        lines = SettlementLine.objects.using(caisse.using).filter(settlement__in=names)
        for name, merchant, cents in lines.values_list("settlement_id", "merchant", "amount_cents"):
            runs[name][merchant] = cents
        evidence = proven(caisse).filter(settlement__in=names)
        for name, merchant, cents in evidence.values_list("settlement", "merchant", "amount_cents"):
            runs[name][merchant] = cents  # of a run that was revoked, what the bank did pay
    return dict(runs)
