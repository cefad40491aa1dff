"""A convention as the paper that a producer and the caisse sign, from what was agreed, or blank."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from server_stub.exports.labels import rate, usual_bp
from server_stub.exports.stationery import Stationery, day, number, printed_on, rule
from server_stub.models import Convention, Merchant
from server_stub.rules.scheme import RuleName
from server_stub.rules.siret import in_groups
from server_stub.services.caisse import Caisse
from server_stub.services.conventions import Signed
from server_stub.services.details import convention_number, merchant_details
from server_stub.services.rules_in_force import voted

TEMPLATE: Final = "convention.typ"


def convention_pdf(
    caisse: Caisse,
    stationery: Stationery,
    *,
    merchant: Merchant | None = None,
    signed: Signed | None = None,
) -> bytes:
    """Return the paper; what is not known is left to be written; raises PaperFailed."""
    data = {
        "merchant": _merchant(caisse, merchant),
        **_agreed(caisse, stationery, signed),
        "radius": ""
        if voted(caisse, RuleName.RADIUS_KM) is None
        else rule(caisse, RuleName.RADIUS_KM, stationery),
        "sale-max": rule(caisse, RuleName.SALE_MAX_CENTS, stationery),
        "paper-limit": rule(caisse, RuleName.PAPER_DAY_MAX_CENTS, stationery),
        "permit-weeks": str(int(number(caisse, RuleName.PERMIT_DAYS)) // 7),
        "cooling-days": number(caisse, RuleName.IBAN_COOLING_DAYS),
        "dispute-days": number(caisse, RuleName.DISPUTE_DAYS),
    }
    return printed_on(caisse, TEMPLATE, data, stationery)


def _merchant(caisse: Caisse, merchant: Merchant | None) -> dict[str, str]:
    if merchant is None:
        return {"name": "", "siret": "", "address": ""}
    details = merchant_details(caisse, merchant.id)
    return {
        "name": merchant.name,
        "siret": in_groups(details.siret),
        "address": ", ".join(details.address.splitlines()),
    }


def _agreed(caisse: Caisse, stationery: Stationery, signed: Signed | None) -> dict[str, object]:
    if signed is None:
        empty = ("number", "first-day", "last-day", "signed-on", "distance", "exception")
        return {**dict.fromkeys(empty, ""), "categories": []}
    usual, language = usual_bp(caisse), stationery.language
    rows = Convention.objects.using(caisse.using).filter(merchant=signed.row.merchant)
    return {
        "number": convention_number(signed.row, list(rows)),
        "first-day": day(signed.days.from_day, language),
        "last-day": day(signed.days.until_day - timedelta(days=1), language),
        "signed-on": day(signed.row.signed_on, language),
        "distance": f"{signed.terms.distance_km} km",
        "exception": signed.terms.exception_minutes,
        "categories": [
            {"name": it.name, "rate": rate(it, usual), "products": ", ".join(it.products)}
            for it in signed.terms.categories
        ],
    }
