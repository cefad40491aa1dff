"""The paper carnet as PDF: numbered slips with a stub each, for days without a terminal."""

from __future__ import annotations

from typing import Final

from server_stub.exports.stationery import Stationery, printed_on, rule
from server_stub.rules.scheme import RuleName
from server_stub.services.caisse import Caisse

TEMPLATE: Final = "carnet.typ"
SLIPS_MAX: Final = 400

_LIMITS: Final = {
    "fr": (
        "Au plus {card} par carte et par jour, et {stall} de bons par jour pour un stand."
        " Le bon est lu par deux personnes de la caisse, puis payé au producteur."
    ),
    "en": (
        "At most {card} a card and day, and {stall} of slips a day for one stall."
        " Two people of the caisse read the slip, then the producer is paid."
    ),
}


def carnet_pdf(
    caisse: Caisse,
    stationery: Stationery,
    *,
    number: int,
    first_slip: int,
    last_slip: int,
    merchant: str = "",
) -> bytes:
    """Return the slips of a carnet, four on a page; raises PaperFailed."""
    limits = _LIMITS[stationery.language].format(
        card=rule(caisse, RuleName.CARD_DAY_MAX_CENTS, stationery),
        stall=rule(caisse, RuleName.PAPER_DAY_MAX_CENTS, stationery),
    )
    data = {
        "carnet": str(number),
        "slips": [str(it) for it in range(first_slip, last_slip + 1)],
        "merchant": merchant,
        "limits": limits,
    }
    return printed_on(caisse, TEMPLATE, data, stationery)
