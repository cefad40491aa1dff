"""What stands at the head of papers: how the caisse is reached, and merchants' official numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum, unique
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from cardkit.errors import must
from server_stub.models import CaisseDetails, Convention, Merchant, MerchantDetails
from server_stub.rules.siret import read_siret
from server_stub.services.caisse import Caisse

_ROOM: Final = {
    "name": 120,
    "address": 240,
    "place": 60,
    "email": 254,
    "hours": 120,
    "controller": 160,
}
_SHORT: Final = 40
"""Characters of everything else."""


@unique
class NotKept(Enum):
    """Why details are not kept; those before them stay."""

    NO_NAME = "a caisse has a name"
    NO_ADDRESS = "nobody could write to it"
    NO_PLACE = "a letter is written somewhere"
    NO_TELEPHONE = "nobody could tell of a lost card"
    NO_EMAIL = "this is no address of e-mail"
    NO_IBAN = "not an IBAN: a digit is wrong or missing"
    NO_SIRET = "not a SIRET: a digit is wrong or missing"
    NO_MERCHANT = "no such merchant"
    TOO_LONG = "more than fits at the head of a paper"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How the caisse is called and reached."""

    name: str
    address: str
    place: str
    telephone: str
    lost_card_telephone: str = ""
    email: str = ""
    hours: str = ""
    controller: str = ""


def details_of(caisse: Caisse) -> CaisseDetails | None:
    """Return how the caisse is reached; None: nobody has said it yet."""
    return CaisseDetails.objects.using(caisse.using).first()


def keep_details(
    caisse: Caisse, contact: Contact, *, iban: str | None = None, by: int
) -> CaisseDetails | NotKept:
    """Keep how the caisse is reached; the account of contributions stays where none is given."""
    must(by > 0, "a person says how the caisse is reached")
    told = {name: getattr(contact, name).strip() for name in Contact.__slots__}
    refusal = _objection(told)
    if refusal is not None:
        return refusal
    if iban is not None:
        account = _account(iban)
        if account is None:
            return NotKept.NO_IBAN
        told["iban"] = account
    row, _ = CaisseDetails.objects.using(caisse.using).update_or_create(
        only=True, defaults={**told, "saved_by": by, "saved_at": caisse.now()}
    )
    return row


def merchant_details(caisse: Caisse, merchant: int) -> MerchantDetails:
    """Return a merchant's number and address, empty where nobody has said them."""
    row = MerchantDetails.objects.using(caisse.using).filter(merchant=merchant).first()
    return row or MerchantDetails(merchant=merchant)


def keep_merchant(
    caisse: Caisse, merchant: int, *, siret: str | None = None, address: str | None = None, by: int
) -> MerchantDetails | NotKept:
    """Keep a merchant's number, address, or both; what is None stays, what is empty is erased."""
    must(by > 0, "a person says a merchant's number")
    told: dict[str, str] = {}
    if siret is not None:
        number = read_siret(siret) if siret.strip() else ""
        if number is None:
            return NotKept.NO_SIRET
        told["siret"] = number
    if address is not None:
        if len(address) > _ROOM["address"]:
            return NotKept.TOO_LONG
        told["address"] = address.strip()
    with caisse.alone():
        if not Merchant.objects.using(caisse.using).filter(id=merchant).exists():
            return NotKept.NO_MERCHANT
        row, _ = MerchantDetails.objects.using(caisse.using).update_or_create(
            merchant=merchant, defaults={**told, "saved_by": by, "saved_at": caisse.now()}
        )
        return row


def merchant_names(caisse: Caisse) -> list[tuple[int, str]]:
    """Return number and name of every merchant, by name."""
    rows = Merchant.objects.using(caisse.using).order_by("name", "id")
    return list(rows.values_list("id", "name"))


def convention_number(row: Convention, rows: list[Convention]) -> str:
    """Return what a convention is called on paper: merchant, and the how many-eth was signed."""
    order = sorted(rows, key=lambda it: (it.act_id or 0, it.pk))
    place = [it.pk for it in order].index(row.pk) + 1
    return f"C{row.merchant}-{place}"


def convention_on(caisse: Caisse, merchant: int, day: date) -> str:
    """Return the number of the convention that counts on a day, or the last before; "" for none."""
    rows = list(Convention.objects.using(caisse.using).filter(merchant=merchant))
    begun = [it for it in rows if it.from_day <= day]
    return convention_number(begun[-1], rows) if begun else ""


def _objection(told: dict[str, str]) -> NotKept | None:
    for name, refusal in (
        ("name", NotKept.NO_NAME),
        ("address", NotKept.NO_ADDRESS),
        ("place", NotKept.NO_PLACE),
        ("telephone", NotKept.NO_TELEPHONE),
    ):
        if not told[name]:
            return refusal
    if any(len(text) > _ROOM.get(name, _SHORT) for name, text in told.items()):
        return NotKept.TOO_LONG
    return NotKept.NO_EMAIL if told["email"] and not is_email(told["email"]) else None


def is_email(text: str) -> bool:
    """Say whether a mail could be sent there."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _account(iban: str) -> str | None:
    """Return an IBAN as it is kept; "" for none, None where a digit is wrong."""
    if not iban.strip():
        return ""
    try:
        return IBAN(iban).compact
    except SchwiftyException:
        return None
