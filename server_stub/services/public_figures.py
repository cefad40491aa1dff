"""The caisse in figures, for everybody: counted once a day, and no cell of fewer than five people.

A sum of few people says what one of them did; so does a total beside all its parts but one. Where
a cell is hidden, so is the one that it could be computed from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final, Self

from django.db.models import Count, Sum
from django.db.models.functions import TruncMonth

from cardkit.clock import PARIS, business_date
from server_stub.models import (
    Admission,
    Commitment,
    Contribution,
    PaperClaim,
    PostingLine,
    PublicFigures,
)
from server_stub.rules.allowances import midnight, months_from
from server_stub.rules.ledger import Book
from server_stub.rules.scheme import RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.conventions import covered
from server_stub.services.fund import can_project, what_if
from server_stub.services.rules_in_force import voted

PEOPLE_MIN: Final = 5
MONTHS_SHOWN: Final = 12
AHEAD_YEARS: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One month; None where a sum would be of fewer than five people."""

    month: date
    contributed_cents: int | None
    spent_cents: int | None
    paid_to_merchants_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All that the public page shows, beside the rules."""

    day: date
    members: int | None
    """None: fewer than five."""
    above: int | None
    """Members who promise the allowance or more; hidden with the next when either is small."""
    below: int | None
    merchants: int
    months: tuple[Month, ...]
    worth_cents: int
    """Of the fund, once all that is owed is paid."""
    ahead: tuple[tuple[date, int, int, int], ...]
    """Month by month: cautious, expected, hopeful."""
    paper_claims: int
    paper_cents: int
    """Of slips that two people decided to pay: no card made those."""

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        kept = asdict(self)
        kept["day"] = self.day.isoformat()
        kept["months"] = [{**asdict(one), "month": one.month.isoformat()} for one in self.months]
        kept["ahead"] = [[month.isoformat(), *cents] for month, *cents in self.ahead]
        return kept

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Self:
        """Return what was kept."""
        months = (
            Month(**{**one, "month": date.fromisoformat(one["month"])}) for one in kept["months"]
        )
        ahead = ((date.fromisoformat(it[0]), it[1], it[2], it[3]) for it in kept["ahead"])
        return cls(
            **{
                **kept,
                "day": date.fromisoformat(kept["day"]),
                "months": tuple(months),
                "ahead": tuple(ahead),
            }
        )


def count(caisse: Caisse) -> Figures | None:
    """Count today's figures and keep them; None in a caisse that has not voted its rules yet."""
    if not can_project(caisse):
        return None
    figures = _counted(caisse)
    PublicFigures.objects.using(caisse.using).update_or_create(
        only=True, defaults={"day": figures.day, "content": figures.as_json()}
    )
    return figures


def newest(caisse: Caisse) -> Figures | None:
    """Return the figures that were counted last."""
    kept = PublicFigures.objects.using(caisse.using).first()
    return None if kept is None else Figures.from_json(kept.content)


def _counted(caisse: Caisse) -> Figures:
    today = business_date(caisse.now())
    members = Admission.objects.using(caisse.using).filter(account__departure__isnull=True).count()
    above, below = _promises(caisse, today)
    ahead = what_if(caisse, today.replace(year=today.year + AHEAD_YEARS, day=1))
    slips = PaperClaim.objects.using(caisse.using)
    paper = slips.aggregate(n=Count("pk"), cents=Sum("amount_cents"))
    return Figures(
        day=today,
        members=members if members >= PEOPLE_MIN else None,
        above=above,
        below=below,
        merchants=len(covered(caisse, today)),
        months=_months(caisse, today),
        worth_cents=ahead.state.worth_cents,
        ahead=tuple(
            (lines[0].month, lines[0].worth_cents, lines[1].worth_cents, lines[2].worth_cents)
            for lines in zip(*ahead.bands, strict=True)
            if members >= PEOPLE_MIN
        ),
        paper_claims=paper["n"],
        paper_cents=paper["cents"] or 0,
    )


def _promises(caisse: Caisse, today: date) -> tuple[int | None, int | None]:
    """Return how many promise the allowance or more, and how many less; both or neither."""
    credit_cents = voted(caisse, RuleName.MONTHLY_CREDIT_CENTS) or 0
    rows = Commitment.objects.using(caisse.using).filter(
        account__departure__isnull=True, first_month__lte=today
    )
    newest_of = dict(rows.order_by("act").values_list("account", "monthly_cents"))
    above = sum(cents >= credit_cents for cents in newest_of.values())
    below = len(newest_of) - above
    return (above, below) if min(above, below) >= PEOPLE_MIN else (None, None)


def _months(caisse: Caisse, today: date) -> tuple[Month, ...]:
    first = _months_before(today, MONTHS_SHOWN)
    contributed, spent, paid = (
        _contributed(caisse, first),
        _lines(caisse, first, Book.SPENT),
        _lines(caisse, first, Book.PAID),
    )
    return tuple(
        Month(
            month=month,
            contributed_cents=_hidden(contributed.get(month)),
            spent_cents=_hidden(spent.get(month)),
            paid_to_merchants_cents=paid.get(month, (0, 0))[1],
        )
        for month in months_from(first, count=MONTHS_SHOWN)
    )


def _months_before(today: date, count: int) -> date:
    """Return the first of `count` months that end with this one."""
    months = today.year * 12 + today.month - count
    return date(months // 12, months % 12 + 1, 1)


def _hidden(cell: tuple[int, int] | None) -> int | None:
    """Return a cell's sum where enough people are behind it, or nobody is."""
    people, cents = cell or (0, 0)
    return cents if people == 0 or people >= PEOPLE_MIN else None


def _contributed(caisse: Caisse, first: date) -> dict[date, tuple[int, int]]:
    rows = Contribution.objects.using(caisse.using).filter(value_date__gte=first).order_by()
    sums = (
        rows.annotate(month=TruncMonth("value_date"))
        .values("month")
        .annotate(people=Count("account", distinct=True), cents=Sum("amount_cents"))
    )
    return _by_month(sums)


def _lines(caisse: Caisse, first: date, book: Book) -> dict[date, tuple[int, int]]:
    """Return the cards behind a book's lines of each month, and their sum, never below zero."""
    rows = PostingLine.objects.using(caisse.using).filter(
        account=book.value, posting__at__gte=midnight(first, PARIS)
    )
    sums = (
        rows.order_by()
        .annotate(month=TruncMonth("posting__at", tzinfo=PARIS))
        .values("month")
        .annotate(people=Count("posting__card", distinct=True), cents=Sum("amount_cents"))
    )
    return _by_month(sums)


def _by_month(sums: Iterable[Mapping[str, Any]]) -> dict[date, tuple[int, int]]:
    return {
        date(row["month"].year, row["month"].month, 1): (row["people"], abs(row["cents"]))
        for row in sums
    }
