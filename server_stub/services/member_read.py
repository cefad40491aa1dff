"""One member as the office reads them: who it is, what was promised and paid, and the cards."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import Max, Sum

from cardkit.allowance import Allowance
from cardkit.clock import PARIS, business_date
from cardkit.membership import CommitmentChangeKind
from server_stub.models import (
    Admission,
    AllowanceIssued,
    Application,
    Card,
    CardStatus,
    Commitment,
    Contribution,
    Helper,
    Letter,
    PaymentMeans,
    Person,
    PostingLine,
)
from server_stub.rules.allowances import month_of, months_from
from server_stub.rules.commitments import due_of
from server_stub.rules.dues import MonthPaid, Payment, paid
from server_stub.rules.ledger import Book
from server_stub.rules.renewals import Renewal, renewal_of
from server_stub.rules.scheme import RuleName, of_month
from server_stub.services.books import LAPSED, MOVED
from server_stub.services.caisse import Caisse
from server_stub.services.documents import allowance_of
from server_stub.services.entitled import as_rule
from server_stub.services.membership import left_from
from server_stub.services.payments import reference_of
from server_stub.services.rules_in_force import dated

MONTHS_SHOWN: Final = 15
PAYMENTS_SHOWN: Final = 12
CARDS_SHOWN: Final = 6
LETTERS_SHOWN: Final = 6
_OF_A_LINE: Final = re.compile(r"B[0-9]+-[0-9]+")
_RULES: Final = (RuleName.GRACE_MONTHS, RuleName.DUES_DAYS, RuleName.RENEWAL_WEEKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthLine:
    """One month of a promise."""

    month: date
    paid: MonthPaid | None
    """None: the month is off, or ended."""
    is_grace: bool
    is_ahead: bool
    """It has not begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardLine:
    """A card with what is on it."""

    card: Card
    given_cents: int
    """By all of its months that are signed."""
    spent_cents: int
    """As far as sales are proven."""
    left_cents: int
    until: date | None
    """The last month whose credit is signed; None: none is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentLine:
    """Money that came in, or that was taken back."""

    contribution: Contribution
    means: int | None
    is_cancelled: bool
    has_quittance: bool

    @property
    def can_be_cancelled(self) -> bool:
        """Whether it is taken back as a payment; what a line of the bank made, its line undoes."""
        of_the_bank = _OF_A_LINE.fullmatch(self.contribution.reference)
        return not self.is_cancelled and self.contribution.amount_cents > 0 and not of_the_bank


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Everything that the page of a member says."""

    person: Person
    helpers: tuple[Helper, ...]
    wish: Application | None
    admission: Admission | None
    left_from: date | None
    promises: tuple[Commitment, ...]
    """The newest first."""
    renewal: Renewal | None
    months: tuple[MonthLine, ...]
    """The newest first."""
    late_cents: int
    surplus_cents: int
    payments: tuple[PaymentLine, ...]
    """The newest first."""
    cards: tuple[CardLine, ...]
    letters: tuple[Letter, ...]
    """The newest first."""
    reference: str
    """What the member puts on transfers."""

    @property
    def is_waiting(self) -> bool:
        """Whether no wave has admitted them."""
        return self.admission is None

    @property
    def can_change(self) -> bool:
        """Whether there is a promise that can be changed."""
        return bool(self.promises) and self.left_from is None


def find_person(caisse: Caisse, number: int) -> Person | None:
    """Return somebody by the number of their row; None: nobody, or forgotten."""
    rows = Person.objects.using(caisse.using).select_related("account", "application")
    return rows.filter(pk=number).first()


def member(caisse: Caisse, number: int) -> Member | None:
    """Return what the page of a member says; None: nobody has that number."""
    person = find_person(caisse, number)
    if person is None:
        return None
    account, today = person.account_id, business_date(caisse.now())
    rules = {name: of_month(dated(caisse, _RULES), name, today) or 0 for name in _RULES}
    rows = Commitment.objects.using(caisse.using).filter(account=account)
    promises = list(rows.prefetch_related("changes"))
    came = Contribution.objects.using(caisse.using).filter(account=account)
    received_cents = came.aggregate(sum=Sum("amount_cents"))["sum"] or 0
    months, late_cents, surplus_cents = _months(promises, received_cents, today, rules)
    return Member(
        person=person,
        helpers=tuple(Helper.objects.using(caisse.using).filter(person=person)),
        wish=getattr(person, "application", None),
        admission=Admission.objects.using(caisse.using)
        .filter(account=account)
        .select_related("wave")
        .first(),
        left_from=left_from(caisse, account),
        promises=tuple(reversed(promises)),
        renewal=renewal_of(
            tuple(as_rule(it) for it in promises),
            today,
            weeks_ahead=rules[RuleName.RENEWAL_WEEKS],
            grace_months=rules[RuleName.GRACE_MONTHS],
        ),
        months=months,
        late_cents=late_cents,
        surplus_cents=surplus_cents,
        payments=tuple(payment_lines(caisse, came.order_by("-act")[:PAYMENTS_SHOWN])),
        cards=tuple(_cards(caisse, account)),
        letters=tuple(
            Letter.objects.using(caisse.using).filter(person=person).order_by("-id")[:LETTERS_SHOWN]
        ),
        reference=reference_of(person.account),
    )


def payment_lines(caisse: Caisse, rows: Iterable[Contribution]) -> list[PaymentLine]:
    """Return contributions with how they came in, in their order; two queries."""
    shown = list(rows)
    told = PaymentMeans.objects.using(caisse.using)
    means = told.in_bulk([it.pk for it in shown])
    cancelled = set(told.filter(cancels__in=shown).values_list("cancels", flat=True))
    return [
        PaymentLine(
            contribution=it,
            means=means[it.pk].means if it.pk in means else None,
            is_cancelled=it.pk in cancelled,
            has_quittance=it.pk in means and means[it.pk].quittance_number is not None,
        )
        for it in shown
    ]


def _months(
    promises: list[Commitment], received_cents: int, today: date, rules: dict[RuleName, int]
) -> tuple[tuple[MonthLine, ...], int, int]:
    """Return the months, what is late of them, and what was paid ahead; both in cents."""
    if not promises:
        return (), 0, received_cents
    promised, grace_months = [as_rule(it) for it in promises], rules[RuleName.GRACE_MONTHS]
    first = min(it.first_month for it in promised)
    last = max(it.after_last_month for it in promised)
    count = (last.year - first.year) * 12 + last.month - first.month + grace_months
    asked = {
        month: due_of(promised, month, grace_months=grace_months)
        for month in months_from(first, count=count)
    }
    due = [it for it in asked.values() if it is not None]
    came = [Payment(amount_cents=received_cents, value_date=today)]
    told = paid(due, came, day=today, days_given=rules[RuleName.DUES_DAYS])
    by_month = {it.month: it for it in told.months}
    lines = [
        MonthLine(
            month=month,
            paid=by_month.get(month),
            is_grace=one is not None and one.is_grace,
            is_ahead=month > today,
        )
        for month, one in asked.items()
        if (one is not None and not (one.is_grace and month > today)) or _is_off(promises, month)
    ]
    return tuple(reversed(lines[-MONTHS_SHOWN:])), told.late_cents, told.surplus_cents


def _is_off(promises: list[Commitment], month: date) -> bool:
    return any(
        change.kind == CommitmentChangeKind.MONTH_OFF and change.from_month == month
        for it in promises
        for change in it.changes.all()
    )


def _cards(caisse: Caisse, account: int) -> list[CardLine]:
    """Return the newest cards of an account with what is on each; three queries."""
    rows = Card.objects.using(caisse.using).filter(account=account)
    cards = list(rows.exclude(status=CardStatus.ISSUING).order_by("-id")[:CARDS_SHOWN])
    issued = AllowanceIssued.objects.using(caisse.using).filter(card__in=cards)
    newest = issued.order_by().values("card").annotate(last=Max("id")).values("last")
    held = {
        row.card_id: allowance_of(bytes(row.content), caisse.ring.trust)
        for row in AllowanceIssued.objects.using(caisse.using).filter(id__in=newest)
    }
    gone = PostingLine.objects.using(caisse.using).filter(
        posting__card__in=cards, posting__subject__in=(MOVED, LAPSED), account=Book.CREDIT.value
    )
    taken = dict(gone.order_by().values_list("posting__card").annotate(Sum("amount_cents")))
    return [_card_line(it, held.get(it.pk), taken.get(it.pk, 0)) for it in cards]


def _card_line(card: Card, held: Allowance | None, taken_cents: int) -> CardLine:
    given_cents = 0 if held is None else held.steps[-1].cumulative_cents
    return CardLine(
        card=card,
        given_cents=given_cents,
        spent_cents=card.proven_spent_cents,
        left_cents=0 if held is None else given_cents + taken_cents - card.proven_spent_cents,
        until=None if held is None else month_of(held.steps[-1].from_at, PARIS),
    )
