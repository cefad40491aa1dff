"""Finds a person, a card, a stall or a sale from any fragment of what is known of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from django.db import connections
from django.db.models import CharField, F, Func, Q, Value

from server_stub.models import Card, Claim, Finding, Merchant, Person, Settlement, Terminal
from server_stub.services.caisse import Caisse

SHOWN: Final = 10
"""Of each kind: whoever finds more types more."""
WORDS_MAX: Final = 60
_HEX: Final = re.compile(r"[0-9A-Fa-f]{3,14}")
_PLACE: Final = re.compile(r"(\d{1,10})\s*[/#-]\s*(\d{1,18})")
_NUMBER: Final = re.compile(r"(?:n°|#)?\s*(\d{1,10})")


@unique
class Kind(StrEnum):
    """What was found."""

    PERSON = "person"
    CARD = "card"
    MERCHANT = "merchant"
    TERMINAL = "terminal"
    SALE = "sale"
    FINDING = "finding"
    RUN = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One thing."""

    kind: Kind
    key: str
    """What its page's address ends with."""
    words: str
    """Its name, for whoever may see it."""


def search(caisse: Caisse, words: str, *, sees_people: bool) -> tuple[Found, ...]:
    """Return what some words may mean, ten of each kind at most; people only for who sees them."""
    printable = "".join(it if it.isprintable() else " " for it in words)
    wanted = " ".join(printable.split())[:WORDS_MAX]
    if not wanted:
        return ()
    return (
        *(_people(caisse, wanted) if sees_people else ()),
        *_cards(caisse, wanted),
        *_merchants(caisse, wanted),
        *_by_number(caisse, wanted),
        *_sales(caisse, wanted),
        *_runs(caisse, wanted),
    )


def _people(caisse: Caisse, wanted: str) -> Iterator[Found]:
    """Every word somewhere in the name, the address, the telephone or the e-mail."""
    rows = Person.objects.using(caisse.using)
    for word in wanted.split():
        rows = rows.filter(
            Q(name__icontains=word)
            | Q(email__icontains=word)
            | Q(telephone__contains=word)
            | Q(address__icontains=word)
        )
    for row in rows[:SHOWN]:
        yield Found(kind=Kind.PERSON, key=str(row.pk), words=row.name)


def _cards(caisse: Caisse, wanted: str) -> Iterator[Found]:
    fragment = wanted.replace(" ", "").replace(":", "").upper()
    if not _HEX.fullmatch(fragment):
        return
    rows = Card.objects.using(caisse.using).annotate(printed=_hex(caisse))
    for uid in rows.filter(printed__contains=fragment).values_list("uid", flat=True)[:SHOWN]:
        number = bytes(uid).hex().upper()
        yield Found(kind=Kind.CARD, key=number, words=number)


def _hex(caisse: Caisse) -> Func:
    """A card's number as it is printed, in the words of the database."""
    if connections[caisse.using].vendor == "postgresql":
        encoded = Func(F("uid"), Value("hex"), function="encode", output_field=CharField())
        return Func(encoded, function="upper", output_field=CharField())
    return Func(F("uid"), function="hex", output_field=CharField())


def _merchants(caisse: Caisse, wanted: str) -> Iterator[Found]:
    for row in Merchant.objects.using(caisse.using).filter(name__icontains=wanted)[:SHOWN]:
        yield Found(kind=Kind.MERCHANT, key=str(row.pk), words=row.name)


def _by_number(caisse: Caisse, wanted: str) -> Iterator[Found]:
    match = _NUMBER.fullmatch(wanted)
    if match is None:
        return
    number = int(match[1])
    if Terminal.objects.using(caisse.using).filter(id=number).exists():
        yield Found(kind=Kind.TERMINAL, key=str(number), words=str(number))
    for row in Merchant.objects.using(caisse.using).filter(id=number):
        yield Found(kind=Kind.MERCHANT, key=str(number), words=row.name)
    if Finding.objects.using(caisse.using).filter(id=number, closed_at__isnull=True).exists():
        yield Found(kind=Kind.FINDING, key=str(number), words=str(number))


def _sales(caisse: Caisse, wanted: str) -> Iterator[Found]:
    """By the place that a receipt prints: the terminal, and the number in its journal."""
    match = _PLACE.fullmatch(wanted)
    if match is None or int(match[2]) >= 2**63:
        return
    rows = Claim.objects.using(caisse.using).filter(terminal_id=int(match[1]), seq=int(match[2]))
    for row in rows.select_related("card")[:SHOWN]:
        card = "" if row.card is None else row.card.uid.hex().upper()
        yield Found(kind=Kind.SALE, key=card, words=f"{row.terminal_id}/{row.seq}")


def _runs(caisse: Caisse, wanted: str) -> Iterator[Found]:
    for row in Settlement.objects.using(caisse.using).filter(name__iexact=wanted)[:SHOWN]:
        yield Found(kind=Kind.RUN, key=row.name, words=row.name)
