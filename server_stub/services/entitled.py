"""Which months give an account credit, and how much, by what was promised and what is voted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from django.db.models import Max

from cardkit.allowance import accept_allowance
from cardkit.clock import PARIS, business_date
from cardkit.membership import CommitmentChangeKind
from server_stub.models import AllowanceIssued, Contribution
from server_stub.models import Commitment as CommitmentRow
from server_stub.rules.allowances import month_of, months_from
from server_stub.rules.commitments import Change, Commitment, Due, due_of, dues
from server_stub.rules.dues import AccountPaid, Payment, paid
from server_stub.rules.late import is_credit_withheld
from server_stub.rules.scheme import DatedRule, LateDues, RuleName, of_month
from server_stub.services.caisse import Caisse
from server_stub.services.membership import is_waiting, left_from
from server_stub.services.rules_in_force import dated, value, voted

_OF_A_MONTH: Final = (
    RuleName.MONTHLY_CREDIT_CENTS,
    RuleName.COMMITMENT_NEEDED,
    RuleName.GRACE_MONTHS,
    RuleName.EXTRA_PERSON_CENTS,
)


def entitlements(
    caisse: Caisse, account_id: int, first: date, *, count: int
) -> Iterator[tuple[date, int]]:
    """Yield the months, of `count` in a row, that give an account credit, and its cents.

    Each month by the rules that are in force on its first day. Who waits for a wave, or has left,
    has none. A caisse that has never voted that credit needs a commitment gives it to every other
    account.

    Where it is voted that lateness holds credit back, none beyond what is signed is given while it
    does, and the months that were held back come once it does not. What is signed already is
    yielded all the same: a late member's allowance says what anybody's with that credit says.
    """
    if is_waiting(caisse, account_id):
        return
    earliest = _earliest(caisse, account_id, first)
    count += (first.year - earliest.year) * 12 + first.month - earliest.month
    ends = [it for it in (left_from(caisse, account_id), _held_from(caisse, account_id)) if it]
    rules, promised = dated(caisse, _OF_A_MONTH), commitments_of(caisse, account_id)
    for month in months_from(earliest, count=count):
        if any(month >= end for end in ends):
            return
        cents = _credit_cents(rules, promised, month)
        if cents is not None:
            yield month, cents


def is_withheld(caisse: Caisse, account_id: int) -> bool:
    """Say whether an account gets no new month because its contribution is late."""
    days_borne = days_borne_by_credit(caisse)
    if days_borne is None:
        return False
    return is_credit_withheld(
        standing_of(caisse, account_id),
        business_date(caisse.now()),
        days_given=value(caisse, RuleName.DUES_DAYS),
        days_borne=days_borne,
    )


def standing_of(caisse: Caisse, account_id: int) -> AccountPaid:
    """Return what an account owes and has paid up to today."""
    return paid_before(caisse, account_id, business_date(caisse.now()) + timedelta(days=1))


def paid_before(caisse: Caisse, account_id: int, day: date) -> AccountPaid:
    """Return how far each month that begins before a day is paid today, those ahead included."""
    today = business_date(caisse.now())
    grace_months = value(caisse, RuleName.GRACE_MONTHS)
    due = [it for it in dues_of(caisse, account_id, grace_months=grace_months) if it.month < day]
    rows = Contribution.objects.using(caisse.using).filter(account_id=account_id)
    payments = [Payment(amount_cents=it.amount_cents, value_date=it.value_date) for it in rows]
    return paid(due, payments, day=today, days_given=value(caisse, RuleName.DUES_DAYS))


def dues_of(caisse: Caisse, account_id: int, *, grace_months: int) -> list[Due]:
    """Return what every month of an account's commitments asks of it."""
    promised = commitments_of(caisse, account_id)
    if not promised:
        return []
    first = min(it.first_month for it in promised)
    last = max(it.after_last_month for it in promised)
    count = (last.year - first.year) * 12 + last.month - first.month + grace_months
    return list(dues(promised, first, count=count, grace_months=grace_months))


def commitments_of(caisse: Caisse, account_id: int) -> tuple[Commitment, ...]:
    """Return an account's commitments in the order in which they were signed."""
    rows = CommitmentRow.objects.using(caisse.using).filter(account_id=account_id)
    return tuple(as_rule(row) for row in rows.prefetch_related("changes"))


def as_rule(row: CommitmentRow) -> Commitment:
    """Return a commitment as the rules see it."""
    return Commitment(
        number=bytes(row.number),
        monthly_cents=row.monthly_cents,
        first_month=row.first_month,
        months=row.months,
        persons=row.persons,
        changes=tuple(
            Change(
                kind=CommitmentChangeKind(it.kind),
                from_month=it.from_month,
                monthly_cents=it.monthly_cents,
                persons=it.persons or 1,
            )
            for it in row.changes.all()
        ),
    )


def _credit_cents(
    rules: Sequence[DatedRule], promised: Sequence[Commitment], month: date
) -> int | None:
    credit_cents = of_month(rules, RuleName.MONTHLY_CREDIT_CENTS, month)
    if not of_month(rules, RuleName.COMMITMENT_NEEDED, month):
        return credit_cents
    grace_months = of_month(rules, RuleName.GRACE_MONTHS, month) or 0
    due = due_of(promised, month, grace_months=grace_months)
    if due is None or credit_cents is None:
        return None
    extra_cents = of_month(rules, RuleName.EXTRA_PERSON_CENTS, month) or 0
    return credit_cents + (due.persons - 1) * extra_cents


def days_borne_by_credit(caisse: Caisse) -> int | None:
    """Return after how many days lateness holds new credit back; None where it never does."""
    if voted(caisse, RuleName.LATE_DUES) != LateDues.NO_CREDIT:
        return None
    return voted(caisse, RuleName.LATE_CREDIT_DAYS) or 0


def _held_from(caisse: Caisse, account_id: int) -> date | None:
    """Return the first month that lateness holds back; None where it does not."""
    if not is_withheld(caisse, account_id):
        return None
    return _after_signed(caisse, account_id) or date.min


def _earliest(caisse: Caisse, account_id: int, first: date) -> date:
    """Return the first month that may still be signed: one before `first` only if held back."""
    if days_borne_by_credit(caisse) is None:
        return first
    return min(first, _after_signed(caisse, account_id) or first)


def _after_signed(caisse: Caisse, account_id: int) -> date | None:
    """Return the month after the last one that is signed; None where none is."""
    rows = AllowanceIssued.objects.using(caisse.using).filter(card__account_id=account_id)
    newest = rows.values("card").annotate(last=Max("id")).values("last")
    signed = [
        accept_allowance(row.content, caisse.ring.trust).steps[-1].from_at
        for row in AllowanceIssued.objects.using(caisse.using).filter(id__in=newest)
    ]
    if not signed:
        return None
    *_, following = months_from(month_of(max(signed), PARIS), count=2)
    return following
