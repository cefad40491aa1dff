"""Every paper that is printed on demand, by its name: blank, for a merchant, or for a member."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, StrEnum, unique
from typing import Final

from cardkit.clock import business_date
from server_stub.exports.account_notice import account_notice
from server_stub.exports.carnet_pdf import SLIPS_MAX, carnet_pdf
from server_stub.exports.convention_pdf import convention_pdf
from server_stub.exports.labels import labels
from server_stub.exports.member_statement import member_statement_pdf
from server_stub.exports.membership_form import membership_form
from server_stub.exports.notice import notice
from server_stub.exports.poster import poster
from server_stub.exports.pouch import pouches
from server_stub.exports.stationery import Stationery
from server_stub.models import Card, CardStatus, Carnet, Merchant, Person
from server_stub.services import conventions
from server_stub.services.bank_details import last_change
from server_stub.services.caisse import Caisse
from server_stub.services.conventions import Signed
from server_stub.services.details import details_of
from server_stub.services.member_statement import member_statement

COPIES_MAX: Final = 50
_STATEMENT_MONTHS: Final = 3


@unique
class Printed(StrEnum):
    """What can be printed; the value is what its file is called."""

    MEMBERSHIP = "bulletin-adhesion"
    NOTICE = "notice-information"
    CONVENTION = "convention"
    POUCHES = "pochettes"
    POSTER_A4 = "affiche-a4"
    POSTER_A3 = "affiche-a3"
    LABELS = "etiquettes"
    CARNET = "carnet"
    STATEMENT = "releve-membre"
    ACCOUNT_NOTICE = "avis-compte"


@unique
class NotMade(Enum):
    """Why nothing is printed."""

    NO_MERCHANT = "no such merchant, or one is needed"
    NO_CONVENTION = "nothing was signed with this merchant"
    NO_MEMBER = "no such member, or one is needed"
    NO_CARD = "no card of ours has this number"
    NO_SLIPS = "a carnet has a number and slips, not too many"
    TOO_MANY = "too many copies"
    NO_CHANGE = "this merchant's account was not changed"
    NO_DETAILS = "nobody has said how the caisse is reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants printed, and for whom."""

    kind: Printed
    stationery: Stationery = field(default_factory=Stationery)
    merchant: int | None = None
    person: int | None = None
    cards: tuple[str, ...] = ()
    """Numbers as they are printed."""
    carnet: int | None = None
    first_slip: int = 1
    last_slip: int = 0
    """0: those of the carnet that was handed out under this number."""
    copies: int = 1
    first_day: date | None = None
    """Of a statement; None: the first day of three months."""
    last_day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A paper, and what its file is called."""

    content: bytes
    name: str


def print_paper(caisse: Caisse, asked: Asked) -> Made | NotMade:
    """Make one paper; raises PaperFailed."""
    content = _MAKERS[asked.kind](caisse, asked)
    if isinstance(content, NotMade):
        return content
    number = asked.merchant or asked.person or asked.carnet
    return Made(content=content, name=f"{asked.kind}{f'-{number}' if number else ''}.pdf")


def _membership(caisse: Caisse, asked: Asked) -> bytes | NotMade:
    if asked.person is None:
        return membership_form(caisse, asked.stationery)
    person = _person(caisse, asked)
    if person is None:
        return NotMade.NO_MEMBER
    return membership_form(caisse, asked.stationery, person=person)


def _notice(caisse: Caisse, asked: Asked) -> bytes | NotMade:
    return notice(caisse, asked.stationery)


def _convention(caisse: Caisse, asked: Asked) -> bytes | NotMade:
    if asked.merchant is None:
        return convention_pdf(caisse, asked.stationery)
    merchant = _merchant(caisse, asked)
    if merchant is None:
        return NotMade.NO_MERCHANT
    signed = next(reversed(_that_count(caisse, merchant)), None)  # the last: it is to be signed
    return convention_pdf(caisse, asked.stationery, merchant=merchant, signed=signed)


def _pouches(caisse: Caisse, asked: Asked) -> bytes | NotMade:
    uids = []
    for number in asked.cards:
        uid = _uid(caisse, number)
        if uid is None:
            return NotMade.NO_CARD
        uids.append(uid)
    if asked.person is not None:
        person = _person(caisse, asked)
        if person is None:
            return NotMade.NO_MEMBER
        cards = Card.objects.using(caisse.using).filter(account=person.account_id)
        active = cards.filter(status=CardStatus.ACTIVE)
        uids += [bytes(it) for it in active.values_list("uid", flat=True)]
    return pouches(caisse, asked.stationery, uids=uids)


def _poster(caisse: Caisse, asked: Asked) -> bytes | NotMade:
    page = "a3" if asked.kind is Printed.POSTER_A3 else "a4"
    if asked.merchant is None:
        return poster(caisse, asked.stationery, page=page)
    merchant = _merchant(caisse, asked)
    if merchant is None:
        return NotMade.NO_MERCHANT
    signed = _signed(caisse, merchant)
    names = tuple(it.name for it in signed.terms.categories) if signed else ()
    return poster(caisse, asked.stationery, page=page, merchant=merchant.name, categories=names)


def _labels(caisse: Caisse, asked: Asked) -> bytes | NotMade:
    merchant = _merchant(caisse, asked)
    if merchant is None:
        return NotMade.NO_MERCHANT
    signed = _signed(caisse, merchant)
    if signed is None or not signed.terms.categories:
        return NotMade.NO_CONVENTION
    if not 0 < asked.copies <= COPIES_MAX:
        return NotMade.TOO_MANY
    return labels(caisse, asked.stationery, terms=signed.terms, copies=asked.copies)


def _carnet(caisse: Caisse, asked: Asked) -> bytes | NotMade:
    number, first, last, holder = asked.carnet, asked.first_slip, asked.last_slip, asked.merchant
    known = Carnet.objects.using(caisse.using).filter(number=number or 0).first()
    if known is not None:
        first, last, holder = known.first_slip, known.last_slip, known.merchant
    if number is None or not 0 < first <= last < first + SLIPS_MAX:
        return NotMade.NO_SLIPS
    row = Merchant.objects.using(caisse.using).filter(id=holder or 0).first()
    return carnet_pdf(
        caisse,
        asked.stationery,
        number=number,
        first_slip=first,
        last_slip=last,
        merchant=row.name if row else "",
    )


def _statement(caisse: Caisse, asked: Asked) -> bytes | NotMade:
    person = _person(caisse, asked)
    if person is None:
        return NotMade.NO_MEMBER
    last = asked.last_day or business_date(caisse.now())
    first = asked.first_day or _months_before(last, _STATEMENT_MONTHS - 1)
    statement = member_statement(caisse, person.account, first, last)
    return member_statement_pdf(caisse, asked.stationery, statement)


def _account_notice(caisse: Caisse, asked: Asked) -> bytes | NotMade:
    merchant = _merchant(caisse, asked)
    if merchant is None:
        return NotMade.NO_MERCHANT
    change = last_change(caisse, merchant.pk)
    if change is None:
        return NotMade.NO_CHANGE
    head = details_of(caisse)
    if head is None:
        return NotMade.NO_DETAILS
    return account_notice(caisse, asked.stationery, merchant, change, head)


_MAKERS: Final[Mapping[Printed, Callable[[Caisse, Asked], bytes | NotMade]]] = {
    Printed.MEMBERSHIP: _membership,
    Printed.NOTICE: _notice,
    Printed.CONVENTION: _convention,
    Printed.POUCHES: _pouches,
    Printed.POSTER_A4: _poster,
    Printed.POSTER_A3: _poster,
    Printed.LABELS: _labels,
    Printed.CARNET: _carnet,
    Printed.STATEMENT: _statement,
    Printed.ACCOUNT_NOTICE: _account_notice,
}


def _merchant(caisse: Caisse, asked: Asked) -> Merchant | None:
    return Merchant.objects.using(caisse.using).filter(id=asked.merchant or 0).first()


def _person(caisse: Caisse, asked: Asked) -> Person | None:
    people = Person.objects.using(caisse.using).select_related("account")
    return people.filter(pk=asked.person or 0).first()


def _uid(caisse: Caisse, number: str) -> bytes | None:
    try:
        uid = bytes.fromhex("".join(number.split()).replace(":", ""))
    except ValueError:
        return None
    return uid if Card.objects.using(caisse.using).filter(uid=uid).exists() else None


def _signed(caisse: Caisse, merchant: Merchant) -> Signed | None:
    """Return the convention of today, else the next one, else the last."""
    today = business_date(caisse.now())
    signed = _that_count(caisse, merchant)
    coming = [it for it in signed if today < it.days.until_day]
    return next(iter(coming), signed[-1] if signed else None)


def _that_count(caisse: Caisse, merchant: Merchant) -> list[Signed]:
    """Return the conventions that cover some day, in order."""
    signed = conventions.of(caisse, merchant.id)
    return [it for it in signed if it.days.from_day < it.days.until_day]


def _months_before(day: date, count: int) -> date:
    years, month = divmod(day.month - 1 - count, 12)
    return date(day.year + years, month + 1, 1)
