"""One card as people read it: whose, what it may spend, what it spent, and what can be done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db.models import F, Q

from cardkit.allowance import Allowance
from cardkit.clock import PARIS
from cardkit.decide import Reason
from server_stub.models import Card, CardStatus, DirectoryVersion, Person, Sighting
from server_stub.rules.allowances import month_of
from server_stub.rules.ledger import Book
from server_stub.services import blocks, issue
from server_stub.services.books import LAPSED, MOVED, net_of
from server_stub.services.caisse import Caisse

MONTHS_SHOWN: Final = 12
SIGHTINGS_SHOWN: Final = 10
_HEX_DIGITS: Final = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What one month gives."""

    month: date
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A card that a stall refused, or that showed more than is proven."""

    at: datetime
    terminal: int
    tmc: int
    refused: str
    """Name of a `cardkit.decide.Reason` in small letters; empty: it was not refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSeen:
    """Everything that the page of one life of a card says."""

    card: Card
    lives: tuple[Card, ...]
    """The other lives of the same card, the newest first."""
    is_last_life: bool
    holder: Person | None
    """None where nobody is known, or whoever asks sees no names."""
    given_cents: int
    """By all that was signed."""
    left_cents: int
    """Of it, less what is proven spent and what was moved or has lapsed."""
    spendable_until: datetime | None
    months: tuple[Month, ...]
    """The newest first."""
    bound_cents: int
    """The most that stalls which have not heard of a block can still sell to it."""
    behind: tuple[int, ...]
    """Terminals that have not shown that they hold the block, or have not sent all."""
    successor: Card | None
    """A newer card of the account that buys: what is left of this one goes there."""
    may_free: bool
    sightings: tuple[Seen, ...]
    """The newest first."""

    @property
    def is_active(self) -> bool:
        """Whether it buys."""
        return self.card.status == CardStatus.ACTIVE

    @property
    def is_blocked(self) -> bool:
        """Whether stalls refuse it."""
        return self.card.status == CardStatus.BLOCKED

    @property
    def may_move(self) -> bool:
        """Whether what is left can go to the card that replaces it."""
        return self.is_blocked and self.successor is not None and self.left_cents > 0


def uid_of(text: str) -> bytes | None:
    """Return a card's number as it stands in an address; None: it is none."""
    digits = "".join(text.split())
    if len(digits) != _HEX_DIGITS:
        return None
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return None


def find_life(caisse: Caisse, uid: bytes, generation: int | None = None) -> Card | None:
    """Return one life of a card; by default the last that was born, else the one to come."""
    lives = Card.objects.using(caisse.using).filter(uid=uid).select_related("account")
    if generation is not None:
        return lives.filter(generation=generation).first()
    last_born = lives.exclude(status=CardStatus.ISSUING).order_by("generation").last()
    return last_born or lives.order_by("generation").last()


def card_seen(
    caisse: Caisse, uid: bytes, generation: int | None = None, *, sees_people: bool
) -> CardSeen | None:
    """Return what the page of a card says; None: this caisse has no such card."""
    card = find_life(caisse, uid, generation)
    if card is None:
        return None
    others = Card.objects.using(caisse.using).filter(uid=uid).exclude(pk=card.pk)
    lives = tuple(others.order_by("-generation"))
    is_last = not any(
        it.generation > card.generation and it.status != CardStatus.ISSUING for it in lives
    )
    held = issue.held_allowance(caisse, card)
    is_blocked = card.status == CardStatus.BLOCKED
    behind = blocks.not_past_block(caisse, card) if is_blocked else ()
    taken_cents = _taken_cents(caisse, card)
    people = Person.objects.using(caisse.using).filter(account=card.account_id)
    return CardSeen(
        card=card,
        lives=lives,
        is_last_life=is_last,
        holder=people.first() if sees_people else None,
        given_cents=0 if held is None else held.steps[-1].cumulative_cents,
        left_cents=_left_cents(held, taken_cents, card),
        spendable_until=None if held is None else held.spendable_until,
        months=tuple(_months(held)),
        bound_cents=0 if is_blocked and not behind else _bound_cents(caisse, held, card),
        behind=behind,
        successor=_successor(caisse, card),
        may_free=is_blocked and is_last and not taken_cents,
        sightings=_sightings(caisse, card),
    )


def _left_cents(held: Allowance | None, taken_cents: int, card: Card) -> int:
    if held is None:
        return 0
    return held.steps[-1].cumulative_cents + taken_cents - card.proven_spent_cents


def _bound_cents(caisse: Caisse, held: Allowance | None, card: Card) -> int:
    """No till sells after the last directory that it may hold has ended: months after that wait."""
    ends = DirectoryVersion.objects.using(caisse.using).order_by("-id").values_list("valid_until")
    last = ends.first()
    if held is None or last is None:
        return 0
    return max(0, held.cumulative_cents(last[0]) - card.proven_spent_cents)


def _taken_cents(caisse: Caisse, card: Card) -> int:
    """What was moved to another card or has lapsed, below zero."""
    return sum(
        net_of(caisse, card, subject).get((Book.CREDIT, 0), 0) for subject in (MOVED, LAPSED)
    )


def _months(held: Allowance | None) -> Iterable[Month]:
    if held is None:
        return
    before = [0, *(step.cumulative_cents for step in held.steps)]
    for step, cents in reversed(list(zip(held.steps, before, strict=False))):
        yield Month(month=month_of(step.from_at, PARIS), amount_cents=step.cumulative_cents - cents)


def _successor(caisse: Caisse, card: Card) -> Card | None:
    others = Card.objects.using(caisse.using).filter(
        account=card.account_id, status=CardStatus.ACTIVE
    )
    return others.exclude(pk=card.pk).order_by("pk").last()


def _sightings(caisse: Caisse, card: Card) -> tuple[Seen, ...]:
    rows = Sighting.objects.using(caisse.using).filter(card=card)
    wanted = rows.filter(Q(refused__isnull=False) | Q(tmc__gt=card.proven_tmc))
    newest = wanted.annotate(at=F("entry__at"), place=F("entry__terminal")).order_by("-tmc", "-id")
    return tuple(
        Seen(
            at=at,
            terminal=terminal,
            tmc=tmc,
            refused="" if refused is None else Reason(refused).name.lower(),
        )
        for at, terminal, tmc, refused in newest.values_list("at", "place", "tmc", "refused")[
            :SIGHTINGS_SHOWN
        ]
    )
