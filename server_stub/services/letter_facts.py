"""What letters are about: whom one is due to today, and what it says, by the books of the moment.

Read in a handful of queries however many members there are. A letter that waits is filled in when
it leaves, so that nobody is reminded of what they have paid meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from django.db.models import Exists, OuterRef

from cardkit.clock import business_date
from server_stub.models import (
    AllowanceIssued,
    CaisseDetails,
    Card,
    CardStatus,
    Departure,
    Letter,
    LetterKind,
    LetterState,
    Person,
)
from server_stub.rules.renewals import Renewal, Stage, first_month_of, renewal_of
from server_stub.rules.scheme import STARTING_VALUES, LateDues, LeavingCredit, RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.details import details_of
from server_stub.services.rules_in_force import dated
from server_stub.services.standings import Standing, standings

RECENT: Final = timedelta(days=62)
"""What is longer ago than this is no occasion for a letter any more."""
REMEMBERED: Final = timedelta(days=400)
"""No letter is about a month that is longer ago."""
BETWEEN_REMINDERS: Final = timedelta(days=14)
_RULES: Final = (
    RuleName.MONTHLY_CREDIT_CENTS,
    RuleName.COMMITMENT_MONTHS,
    RuleName.LEAVING_CREDIT,
    RuleName.LATE_DUES,
    RuleName.RENEWAL_WEEKS,
    RuleName.GRACE_MONTHS,
    RuleName.DUES_DAYS,
)
_LEFT: Final = frozenset({LetterState.PRINTED, LetterState.MAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """A letter that is due and not in the queue."""

    person: Person
    kind: LetterKind
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the books say today of everybody whom a letter may go to."""

    today: date
    people: Mapping[int, Person]
    """By account."""
    standings: Mapping[int, Standing]
    renewals: Mapping[int, Renewal]
    cards: Mapping[int, Card]
    """The newest card of each account that can buy."""
    newcomers: frozenset[int]
    """Accounts that were given their first credit lately."""
    left: Mapping[int, date]
    reminds: bool
    rules: Mapping[RuleName, int]
    details: CaisseDetails | None
    written: Mapping[tuple[int, str, str], Letter] = field(default_factory=dict)
    """What is in the queue or has left, by person, kind and occasion."""

    def rule(self, name: RuleName) -> int:
        """Return a rule's value, or what a new caisse would begin with."""
        return self.rules.get(name, STARTING_VALUES[name])


def known(caisse: Caisse) -> Known:
    """Read it all."""
    using, today = caisse.using, business_date(caisse.now())
    people = Person.objects.using(using).select_related("account").prefetch_related("helpers")
    by_account = {it.account_id: it for it in people}
    rules = _voted(caisse, today)
    can_promise = all(it in rules for it in (RuleName.GRACE_MONTHS, RuleName.DUES_DAYS))
    promised = standings(caisse) if can_promise else ()  # a new caisse has voted nothing yet
    found = {it.account.pk: it for it in promised if it.account.pk in by_account}
    cards = Card.objects.using(using).filter(account__in=by_account, status=CardStatus.ACTIVE)
    older = AllowanceIssued.objects.using(using).filter(
        card__account=OuterRef("account"), issued_at__lt=caisse.now() - RECENT
    )
    new = cards.filter(~Exists(older)).values_list("account", flat=True)
    left = Departure.objects.using(using).filter(account__in=by_account)
    return Known(
        today=today,
        people=by_account,
        standings=found,
        renewals=_renewals(rules, found, today),
        cards={it.account_id: it for it in cards.order_by("pk")},
        newcomers=frozenset(new),
        left=dict(left.values_list("account", "from_month")),
        reminds=rules.get(RuleName.LATE_DUES, LateDues.NOTHING) != LateDues.NOTHING,
        rules=rules,
        details=details_of(caisse),
        written=_written(caisse, today),
    )


def occasions(books: Known) -> list[Occasion]:
    """Return every letter that is due today and was never queued, in the order of kinds."""
    found = [
        it
        for person in books.people.values()
        for it in (*_of_card(books, person), *_of_dues(books, person), *_of_end(books, person))
        if (person.pk, it.kind.value, it.about) not in books.written
    ]
    order = list(LetterKind)
    return sorted(found, key=lambda it: (order.index(it.kind), it.person.name, it.person.pk))


def is_moot(books: Known, letter: Letter) -> bool:
    """Say whether the books no longer give a reason for a letter that waits."""
    person = letter.person
    found = (*_of_card(books, person), *_of_dues(books, person), *_of_end(books, person))
    return (letter.kind, letter.about) not in {(it.kind.value, it.about) for it in found}


def can_buy(books: Known, person: Person) -> Card | None:
    """Return a person's newest card that buys."""
    return books.cards.get(person.account_id)


def follows(books: Known, person: Person) -> date | None:
    """Return the month that a renewal would begin with."""
    renewal = books.renewals.get(person.account_id)
    return None if renewal is None else first_month_of(renewal, books.today)


def lapses(books: Known) -> bool:
    """Say whether a leaver's credit is the caisse's again, as was voted."""
    return books.rule(RuleName.LEAVING_CREDIT) == LeavingCredit.LAPSES


def _of_card(books: Known, person: Person) -> Iterator[Occasion]:
    if person.account_id in books.newcomers and person.account_id in books.cards:
        yield Occasion(person=person, kind=LetterKind.WELCOME, about="card")


def _of_dues(books: Known, person: Person) -> Iterator[Occasion]:
    standing = books.standings.get(person.account_id)
    if standing is None:
        return
    for month in standing.paid.months:
        if month.month == books.today.replace(day=1) and month.missing_cents and not month.is_late:
            yield Occasion(person=person, kind=LetterKind.DUES_CALL, about=month.month.isoformat())
    horizon = books.today - REMEMBERED
    late = [
        it.month.isoformat() for it in standing.paid.months if it.is_late and it.month > horizon
    ]
    if not late or not books.reminds:
        return
    first = books.written.get((person.pk, LetterKind.REMINDER.value, late[0]))
    if first is None or first.state == LetterState.QUEUED:
        yield Occasion(person=person, kind=LetterKind.REMINDER, about=late[0])
    elif _left_long_ago(books, first):
        yield Occasion(person=person, kind=LetterKind.SECOND_REMINDER, about=late[0])


def _left_long_ago(books: Known, letter: Letter) -> bool:
    if letter.state not in _LEFT or letter.done_at is None:
        return False
    return books.today - business_date(letter.done_at) >= BETWEEN_REMINDERS


def _of_end(books: Known, person: Person) -> Iterator[Occasion]:
    left = books.left.get(person.account_id)
    if left is not None:
        if books.today - left <= RECENT:
            yield Occasion(person=person, kind=LetterKind.COMMITMENT_END, about=left.isoformat())
        return
    renewal = books.renewals.get(person.account_id)
    if renewal is None:
        return
    about = renewal.after_last_month.isoformat()
    if renewal.stage is not Stage.NOTHING:
        yield Occasion(person=person, kind=LetterKind.RENEWAL, about=about)
    elif books.today - renewal.nothing_from <= RECENT:
        yield Occasion(person=person, kind=LetterKind.COMMITMENT_END, about=about)


def _voted(caisse: Caisse, today: date) -> dict[RuleName, int]:
    """Return the rules that letters speak of or hang on, as far as they were voted."""
    rules = sorted(dated(caisse, _RULES), key=lambda it: it.from_day)
    return {it.name: it.value for it in rules if it.from_day <= today}


def _renewals(
    rules: Mapping[RuleName, int], found: Mapping[int, Standing], today: date
) -> dict[int, Renewal]:
    weeks, grace = rules.get(RuleName.RENEWAL_WEEKS, 0), rules.get(RuleName.GRACE_MONTHS, 0)
    told = {
        account: renewal_of(it.commitments, today, weeks_ahead=weeks, grace_months=grace)
        for account, it in found.items()
        if it.left_from is None
    }
    return {account: renewal for account, renewal in told.items() if renewal is not None}


def _written(caisse: Caisse, today: date) -> dict[tuple[int, str, str], Letter]:
    """Return letters about months that may still be written of, and those about no month."""
    since = (today - REMEMBERED).isoformat()
    rows = Letter.objects.using(caisse.using).defer("content").filter(about__gte=since)
    return {(it.person_id, it.kind, it.about): it for it in rows}
