"""A quittance with its stub as PDF; what it says is `exports.quittance`'s, the name on one half."""

from __future__ import annotations

from typing import Final

from num2words import num2words

from cardkit.till_box import Means
from server_stub.exports import french
from server_stub.exports.stationery import Stationery, day, printed_on
from server_stub.services.amounts import euros
from server_stub.services.caisse import Caisse
from server_stub.services.payments import Quittance

TEMPLATE: Final = "quittance.typ"
_MEANS: Final = {
    "fr": {Means.CASH: "espèces", Means.CHEQUE: "chèque"},
    "en": {Means.CASH: "cash", Means.CHEQUE: "a cheque"},
}


def quittance_pdf(caisse: Caisse, stationery: Stationery, quittance: Quittance) -> bytes:
    """Return what is handed over and what is kept; raises PaperFailed."""
    language = stationery.language
    data = {
        "reference": quittance.reference,
        "duplicate": quittance.is_duplicate,
        "cancelled": quittance.cancelled_by,
        "name": quittance.name,
        "amount": euros(quittance.amount_cents, language),
        "words": in_words(quittance.amount_cents, language),
        "means": _MEANS[language][quittance.means],
        "day": day(quittance.value_date, language),
    }
    return printed_on(caisse, TEMPLATE, data, stationery)


def in_words(amount_cents: int, language: str) -> str:
    """Return a sum that nobody adds a digit to."""
    if language == "fr":
        return french.euros_in_words(amount_cents)
    whole, cents = divmod(amount_cents, 100)
    said = f"{num2words(whole)} euro{'' if whole == 1 else 's'}"
    return f"{said} and {num2words(cents)} cent{'' if cents == 1 else 's'}" if cents else said
