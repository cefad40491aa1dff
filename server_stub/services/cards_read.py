"""Cards as people look for them: the list, and who of the admitted has none yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from typing import Any, Final

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from server_stub.models import Account, AllowanceIssued, Card, CardStatus, Person
from server_stub.rules.names import folded
from server_stub.services.caisse import Caisse

PAGE_ROWS: Final = 50
_ALL: Final = 1_000_000
_FRAGMENT_MIN: Final = 3
"""Characters of a number that are looked for among numbers, and not only among names."""
_HEX: Final = frozenset("0123456789abcdef")


@unique
class Filter(StrEnum):
    """Which cards are shown."""

    ALL = "all"
    ACTIVE = "active"
    BLOCKED = "blocked"
    ISSUING = "issuing"
    """Keys were handed out and the workshop has not finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRow:
    """One line of the list: the last life of a card."""

    key: int
    """Where the next page begins."""
    uid: bytes
    status: str
    account: bytes
    holder: str
    """Empty where nobody is known, or whoever asks sees no names."""
    left_cents: int | None
    """Of a card that buys: all that was signed for it, less what is proven spent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardList:
    """As many cards as one page shows, the last one made first."""

    rows: tuple[CardRow, ...]
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutCard:
    """Somebody admitted who can't buy: no card was made, or the last one is blocked."""

    account: int
    number: bytes
    name: str
    """Empty where it was erased, or whoever asks sees no names."""
    person: int | None
    admitted_at: datetime
    had_one: bool
    """A card was blocked before: this one replaces it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueList:
    """Who waits for a card, by account, and where the next page begins."""

    rows: tuple[WithoutCard, ...]
    after: int | None


def cards(
    caisse: Caisse,
    wanted: Filter = Filter.ALL,
    words: str = "",
    *,
    sees_people: bool,
    after: int | None = None,
) -> CardList:
    """Return cards by a bit of their number, of the account's, or of the holder's name.

    Names are neither shown nor looked for where `sees_people` is false.
    """
    found = _lives(caisse, wanted)
    if words.strip():
        found = found.filter(pk__in=_named(caisse, words, sees_people=sees_people))
    if after is not None:
        found = found.filter(pk__lt=after)
    issued = AllowanceIssued.objects.using(caisse.using).filter(card=OuterRef("pk"))
    newest = issued.order_by("-epoch", "-version").values("cumulative_cents")
    rows = list(
        found.annotate(given=Subquery(newest[:1]))
        .select_related("account")
        .order_by("-pk")[: PAGE_ROWS + 1]
    )
    page = rows[:PAGE_ROWS]
    names = _names(caisse, [it.account_id for it in page]) if sees_people else {}
    return CardList(
        rows=tuple(_row(it, names.get(it.account_id, "")) for it in page),
        after=page[-1].pk if len(rows) > PAGE_ROWS else None,
    )


def without_card(
    caisse: Caisse, *, sees_people: bool, after: int | None = None, most: int = PAGE_ROWS
) -> IssueList:
    """Return who was admitted, has not left, and has no card that buys."""
    mine = Card.objects.using(caisse.using).filter(account=OuterRef("pk"))
    accounts = Account.objects.using(caisse.using).filter(
        ~Exists(mine.filter(status=CardStatus.ACTIVE)),
        admission__isnull=False,
        departure__isnull=True,
    )
    if after is not None:
        accounts = accounts.filter(pk__gt=after)
    told: Any = accounts.select_related("admission__wave__act", "person").annotate(
        had_one=Exists(mine.filter(status=CardStatus.BLOCKED))
    )
    found = list(told.order_by("pk")[: most + 1])
    rows = tuple(_waiting(it, sees_people=sees_people) for it in found[:most])
    return IssueList(rows=rows, after=rows[-1].account if len(found) > most else None)


def everybody_without_card(caisse: Caisse) -> tuple[bytes, ...]:
    """Return the account numbers of all who wait for a card, for the workshop: no name."""
    rows = without_card(caisse, sees_people=False, most=_ALL).rows
    return tuple(row.number for row in rows)


def _lives(caisse: Caisse, wanted: Filter) -> QuerySet[Any]:
    """The last life of every card; of those that wait for their birth, that one."""
    lives = Card.objects.using(caisse.using)
    if wanted is Filter.ISSUING:
        return lives.filter(status=CardStatus.ISSUING)
    born = lives.exclude(status=CardStatus.ISSUING)
    later = born.filter(uid=OuterRef("uid"), generation__gt=OuterRef("generation"))
    last = born.filter(~Exists(later))
    return last if wanted is Filter.ALL else last.filter(status=wanted.value)


def _named(caisse: Caisse, words: str, *, sees_people: bool) -> list[int]:
    """Return the cards that a bit of a number or of a name may mean."""
    fragment = "".join(words.split()).replace(":", "").lower()
    is_number = len(fragment) >= _FRAGMENT_MIN and set(fragment) <= _HEX
    asked, accounts = folded(words).split(), set[int]()
    if sees_people and asked:
        people = Person.objects.using(caisse.using).values_list("account", "name")
        accounts = {number for number, name in people if all(it in folded(name) for it in asked)}
    known = Card.objects.using(caisse.using).values_list("pk", "uid", "account", "account__number")
    return [
        card
        for card, uid, account, number in known
        if account in accounts
        or (is_number and (fragment in bytes(uid).hex() or fragment in bytes(number).hex()))
    ]


def _names(caisse: Caisse, accounts: list[int]) -> dict[int, str]:
    people = Person.objects.using(caisse.using).filter(account__in=accounts)
    return dict(people.values_list("account", "name"))


def _row(card: Any, holder: str) -> CardRow:
    is_used = card.status == CardStatus.ACTIVE
    return CardRow(
        key=card.pk,
        uid=bytes(card.uid),
        status=card.status,
        account=bytes(card.account.number),
        holder=holder,
        left_cents=(card.given or 0) - card.proven_spent_cents if is_used else None,
    )


def _waiting(account: Any, *, sees_people: bool) -> WithoutCard:
    person = getattr(account, "person", None) if sees_people else None
    return WithoutCard(
        account=account.pk,
        number=bytes(account.number),
        name="" if person is None else person.name,
        person=None if person is None else person.pk,
        admitted_at=account.admission.wave.act.at,
        had_one=account.had_one,
    )
