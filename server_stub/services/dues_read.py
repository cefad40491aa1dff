"""Members' money as the office reads it: a month's dues, and payments one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum, unique
from typing import Final

from cardkit.clock import business_date
from server_stub.models import Contribution, Person
from server_stub.rules.allowances import months_from
from server_stub.rules.dues import MonthPaid
from server_stub.rules.late import days_late
from server_stub.rules.scheme import LateDues, RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.member_read import PaymentLine, payment_lines
from server_stub.services.members_read import PAGE_ROWS, cut
from server_stub.services.rule_words import label_of, value_in_words
from server_stub.services.rules_in_force import value, voted
from server_stub.services.standings import standings

_EARLIER_MONTHS: Final = 24


@unique
class How(StrEnum):
    """How far a month is paid; the most urgent first."""

    LATE = "late"
    PART = "part"
    OPEN = "open"
    """Nothing yet, and its days are not over."""
    PAID = "paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRow:
    """What one month asks of an account."""

    account: int
    person: int
    """0: forgotten."""
    name: str
    number: bytes
    how: How
    paid: MonthPaid
    days_late: int
    account_late_cents: int
    """Of all its months."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOfDues:
    """A month's dues: all sums, and as many rows as a page shows."""

    month: date
    due_cents: int
    paid_cents: int
    late_cents: int
    counts: dict[str, int]
    """By `How`, and `all`."""
    rows: tuple[DueRow, ...]
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRow:
    """A payment, and whose it is."""

    line: PaymentLine
    person: int
    name: str


def whose(caisse: Caisse, accounts: Iterable[int]) -> dict[int, tuple[int, str]]:
    """Return person and name of accounts; those that were forgotten are not in it."""
    rows = Person.objects.using(caisse.using).filter(account__in=list(accounts))
    return {account: (pk, name) for account, pk, name in rows.values_list("account", "id", "name")}


def month_of_dues(
    caisse: Caisse,
    month: date,
    how: How | None = None,
    *,
    after: int | None = None,
    most: int = PAGE_ROWS,
) -> MonthOfDues:
    """Return what a month that has begun asks of everybody; the late and the oldest first."""
    every = sorted(_rows(caisse, month), key=lambda it: (list(How).index(it.how), it.name.lower()))
    counts = Counter(it.how.value for it in every)
    shown = [it for it in every if how is None or it.how is how]
    page, following = cut(shown, [it.account for it in shown], after, most)
    return MonthOfDues(
        month=month,
        due_cents=sum(it.paid.due_cents for it in every),
        paid_cents=sum(it.paid.paid_cents for it in every),
        late_cents=sum(it.paid.missing_cents for it in every if it.paid.is_late),
        counts={"all": len(every)} | {it.value: counts[it.value] for it in How},
        rows=tuple(page),
        after=following,
    )


def months_to_show(caisse: Caisse) -> tuple[date, ...]:
    """Return the months that have begun and are of interest, the newest first."""
    this = business_date(caisse.now()).replace(day=1)
    first = _back(this, _EARLIER_MONTHS)
    return tuple(reversed(tuple(months_from(first, count=_EARLIER_MONTHS + 1))))


def payments_page(
    caisse: Caisse, *, after: int | None = None, most: int = PAGE_ROWS
) -> tuple[list[PaymentRow], int | None]:
    """Return payments, the newest first, and the act to go on after; None: there are no more."""
    rows = Contribution.objects.using(caisse.using).order_by("-act")
    wanted = rows if after is None else rows.filter(act__lt=after)
    found = list(wanted[: most + 1])
    shown = found[:most]
    names = whose(caisse, {it.account_id for it in shown})
    lines = [
        PaymentRow(
            line=line,
            person=names.get(line.contribution.account_id, (0, ""))[0],
            name=names.get(line.contribution.account_id, (0, ""))[1],
        )
        for line in payment_lines(caisse, shown)
    ]
    return lines, shown[-1].act_id if len(found) > most else None


def find_payment(caisse: Caisse, number: int) -> PaymentRow | None:
    """Return a payment by the number of its row; None: there is none."""
    rows = Contribution.objects.using(caisse.using).select_related("account").filter(pk=number)
    found = payment_lines(caisse, rows)
    if not found:
        return None
    names = whose(caisse, [found[0].contribution.account_id])
    person, name = names.get(found[0].contribution.account_id, (0, ""))
    return PaymentRow(line=found[0], person=person, name=name)


def missing_cents(caisse: Caisse, account: int) -> int:
    """Return what an account's months up to today still ask of it."""
    found = standings(caisse, [account])
    return sum(it.missing_cents for one in found for it in one.paid.months)


def lateness_in_words(caisse: Caisse) -> list[str]:
    """Return the voted rules that say what lateness leads to, each as one line."""
    names = (RuleName.DUES_DAYS, RuleName.LATE_DUES, RuleName.LATE_CREDIT_DAYS)
    numbers = {name: voted(caisse, name) for name in names}
    if numbers[RuleName.LATE_DUES] != LateDues.NO_CREDIT:
        del numbers[RuleName.LATE_CREDIT_DAYS]
    return [
        f"{label_of(name)} : {value_in_words(name, number)}"
        for name, number in numbers.items()
        if number is not None
    ]


def _rows(caisse: Caisse, month: date) -> list[DueRow]:
    today, days_given = business_date(caisse.now()), value(caisse, RuleName.DUES_DAYS)
    asked = [
        (one, told)
        for one in standings(caisse)
        if one.left_from is None or month < one.left_from
        for told in one.paid.months
        if told.month == month
    ]
    names = whose(caisse, (one.account.pk for one, _ in asked))
    return [
        DueRow(
            account=one.account.pk,
            person=names.get(one.account.pk, (0, ""))[0],
            name=names.get(one.account.pk, (0, ""))[1],
            number=bytes(one.account.number),
            how=_how(told),
            paid=told,
            days_late=days_late(month, today, days_given=days_given) if told.is_late else 0,
            account_late_cents=one.paid.late_cents,
        )
        for one, told in asked
    ]


def _how(told: MonthPaid) -> How:
    if told.missing_cents <= 0:
        return How.PAID
    if told.is_late:
        return How.LATE
    return How.PART if told.paid_cents else How.OPEN


def _back(month: date, count: int) -> date:
    years, earlier = divmod(month.month - 1 - count, 12)
    return date(month.year + years, earlier + 1, 1)
