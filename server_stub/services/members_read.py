"""The list of members as the office reads it: whoever is looked for, and how each one stands.

However long the caisse has lived: names are erased in time, and only the accounts that are shown
are read closely, unless the question is who is late or has to renew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum, unique
from typing import Final, TypeVar

from cardkit.clock import business_date
from server_stub.models import Card, CardStatus, Person
from server_stub.rules.allowances import months_from
from server_stub.rules.commitments import Commitment, due_of
from server_stub.rules.names import folded
from server_stub.rules.payment_reference import payment_reference
from server_stub.rules.renewals import Renewal, renewal_of
from server_stub.rules.scheme import RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import voted
from server_stub.services.standings import Standing, standings

PAGE_ROWS: Final = 50
_ALL: Final = 1_000_000
_HEX_MIN: Final = 4
"""Characters of a number that are looked for among numbers, and not only among names."""
_HEX: Final = frozenset("0123456789abcdef")
T = TypeVar("T")


@unique
class Filter(StrEnum):
    """Which members are shown."""

    EVERYBODY = "all"
    WAITING = "waiting"
    ACTIVE = "active"
    RENEW = "renew"
    LATE = "late"
    LEFT = "left"


@unique
class State(StrEnum):
    """How far somebody is on the way from the waiting list to the exit."""

    WAITING = "waiting"
    NO_PROMISE = "no_promise"
    ACTIVE = "active"
    TO_RENEW = "to_renew"
    IN_GRACE = "in_grace"
    NOTHING = "nothing"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """One line of the list."""

    person: int
    account: int
    number: bytes
    """The account's."""
    name: str
    applied_on: date
    state: State
    monthly_cents: int | None
    """As of this month, lowered or not; None: nothing is promised."""
    until: date | None
    """The first month that is not promised."""
    late_cents: int
    cards: tuple[bytes, ...]
    """Those that buy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberList:
    """As many members as one page shows."""

    rows: tuple[MemberRow, ...]
    after: int | None
    """The person after whom the list goes on; None: it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Somebody who was looked for."""

    person: int
    account: int
    number: bytes
    name: str
    applied_on: date
    is_admitted: bool
    has_left: bool


def members(
    caisse: Caisse,
    wanted: Filter = Filter.EVERYBODY,
    words: str = "",
    *,
    after: int | None = None,
    most: int = PAGE_ROWS,
) -> MemberList:
    """Return who is asked for: by a bit of the name, of the account's number or of a card's.

    By name; the waiting list by day of application. `after`: the person that the last page ended
    with.
    """
    found = [it for it in _found(caisse, words) if _is_of(it, wanted)]
    if wanted in {Filter.RENEW, Filter.LATE}:
        shown = _standing_rows(caisse, found)
        kept = [row for row in shown if _needs(row, wanted)]
        page, following = cut(kept, [row.person for row in kept], after, most)
        return MemberList(rows=tuple(page), after=following)
    if wanted is Filter.WAITING:
        found.sort(key=lambda it: (it.applied_on, it.person))
    names, following = cut(found, [it.person for it in found], after, most)
    return MemberList(rows=tuple(_standing_rows(caisse, names)), after=following)


def every_member(caisse: Caisse, wanted: Filter, words: str = "") -> tuple[MemberRow, ...]:
    """Return the whole list, for a file."""
    return members(caisse, wanted, words, most=_ALL).rows


def cut(
    rows: Sequence[T], keys: Sequence[int], after: int | None, most: int
) -> tuple[Sequence[T], int | None]:
    """Return the rows behind a key, and the key to go on from; from the top where it is gone."""
    first = keys.index(after) + 1 if after in keys else 0
    page = rows[first : first + most]
    return page, keys[first + most - 1] if first + most < len(rows) else None


def find_people(caisse: Caisse, words: str, *, most: int) -> list[Found]:
    """Return whom a bit of a name, of a number or a payment reference may mean; two queries."""
    return list(_found(caisse, words)[:most]) if words.strip() else []


def _found(caisse: Caisse, words: str) -> list[Found]:
    rows = Person.objects.using(caisse.using).values_list(
        *("id", "account", "account__number", "name", "applied_on"),
        *("account__admission", "account__departure"),
    )
    people = [
        Found(
            person=person,
            account=account,
            number=bytes(number),
            name=name,
            applied_on=applied_on,
            is_admitted=admission is not None,
            has_left=departure is not None,
        )
        for person, account, number, name, applied_on, admission, departure in rows
    ]
    asked = folded(words)
    if asked:
        fragment = words.replace(" ", "").lower()
        by_card = _accounts_of_cards(caisse, fragment)
        people = [it for it in people if it.account in by_card or _fits(it, asked, fragment)]
    return sorted(people, key=lambda it: (folded(it.name), it.person))


def _fits(name: Found, asked: str, fragment: str) -> bool:
    if all(word in folded(name.name) for word in asked.split()):
        return True
    if _is_number(fragment) and fragment in name.number.hex():
        return True
    return fragment.upper() == payment_reference(name.number)


def _accounts_of_cards(caisse: Caisse, fragment: str) -> frozenset[int]:
    if not _is_number(fragment):
        return frozenset()
    cards = Card.objects.using(caisse.using).values_list("account", "uid")
    return frozenset(account for account, uid in cards if fragment in bytes(uid).hex())


def _is_number(fragment: str) -> bool:
    return len(fragment) >= _HEX_MIN and set(fragment) <= _HEX


def _is_of(name: Found, wanted: Filter) -> bool:
    match wanted:
        case Filter.WAITING:
            return not name.is_admitted and not name.has_left
        case Filter.LEFT:
            return name.has_left
        case Filter.ACTIVE:
            return name.is_admitted and not name.has_left
        case Filter.RENEW:
            return not name.has_left
    return True


def _needs(row: MemberRow, wanted: Filter) -> bool:
    if wanted is Filter.LATE:
        return row.late_cents > 0
    return row.state in {State.TO_RENEW, State.IN_GRACE, State.NOTHING}


def _standing_rows(caisse: Caisse, names: Iterable[Found]) -> list[MemberRow]:
    people = list(names)
    accounts = [it.account for it in people]
    stands = {one.account.pk: one for one in standings(caisse, accounts)}
    cards = _cards(caisse, accounts)
    today = business_date(caisse.now())
    weeks_ahead = voted(caisse, RuleName.RENEWAL_WEEKS) or 0
    grace_months = voted(caisse, RuleName.GRACE_MONTHS) or 0
    rows = []
    for it in people:
        stand = stands.get(it.account)
        promised = () if stand is None else stand.commitments
        renewal = renewal_of(promised, today, weeks_ahead=weeks_ahead, grace_months=grace_months)
        rows.append(_row(it, stand, renewal, cards.get(it.account, ()), today))
    return rows


def _row(
    name: Found,
    stand: Standing | None,
    renewal: Renewal | None,
    cards: tuple[bytes, ...],
    today: date,
) -> MemberRow:
    newest = None if stand is None else max(stand.commitments, key=lambda it: it.after_last_month)
    ended_on = None if newest is None else newest.ended_on
    return MemberRow(
        person=name.person,
        account=name.account,
        number=name.number,
        name=name.name,
        applied_on=name.applied_on,
        state=_state(name, stand, renewal),
        monthly_cents=None if newest is None or ended_on else _monthly_cents(newest, today),
        until=None if newest is None else ended_on or newest.after_last_month,
        late_cents=0 if stand is None else stand.paid.late_cents,
        cards=cards,
    )


def _monthly_cents(promise: Commitment, today: date) -> int:
    """Return what a promise asks of this month, or of the nearest one that it speaks of."""
    months = tuple(months_from(promise.first_month, count=promise.months))
    begun = [it for it in months if it <= today]
    due = due_of([promise], begun[-1] if begun else months[0], grace_months=0)
    return promise.monthly_cents if due is None else due.due_cents


def _state(name: Found, stand: Standing | None, renewal: Renewal | None) -> State:
    if name.has_left:
        return State.LEFT
    if stand is None:
        return State.NO_PROMISE if name.is_admitted else State.WAITING
    return State.ACTIVE if renewal is None else State(renewal.stage.value)


def _cards(caisse: Caisse, accounts: Collection[int]) -> dict[int, tuple[bytes, ...]]:
    held: dict[int, tuple[bytes, ...]] = {}
    rows = Card.objects.using(caisse.using).filter(account__in=accounts, status=CardStatus.ACTIVE)
    for account, uid in rows.order_by("id").values_list("account", "uid"):
        held[account] = (*held.get(account, ()), bytes(uid))
    return held
