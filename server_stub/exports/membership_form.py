"""The form by which somebody joins and promises; no income is asked."""

from __future__ import annotations

from typing import Final

from server_stub.exports.stationery import Stationery, number, printed_on, rule
from server_stub.models import Person
from server_stub.rules.scheme import RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import voted_or_proposed

TEMPLATE: Final = "bulletin.typ"


def membership_form(
    caisse: Caisse, stationery: Stationery, *, person: Person | None = None
) -> bytes:
    """Return the form, blank or for somebody on the waiting list; raises PaperFailed."""
    extra = voted_or_proposed(caisse, RuleName.EXTRA_PERSON_CENTS)
    data = {
        "member": {
            "name": person.name if person else "",
            "address": ", ".join(person.address.split("\n")) if person else "",
            "telephone": person.telephone if person else "",
            "email": person.email if person else "",
            "helpers": ", ".join(it.name for it in person.helpers.all()) if person else "",
        },
        "months": number(caisse, RuleName.COMMITMENT_MONTHS),
        "floor": rule(caisse, RuleName.CONTRIBUTION_FLOOR_CENTS, stationery),
        "step": rule(caisse, RuleName.CONTRIBUTION_STEP_CENTS, stationery),
        "credit": rule(caisse, RuleName.MONTHLY_CREDIT_CENTS, stationery),
        "counts-persons": extra > 0,
        "extra": rule(caisse, RuleName.EXTRA_PERSON_CENTS, stationery) if extra else "",
        "dues-days": str(voted_or_proposed(caisse, RuleName.DUES_DAYS) + 1),
    }
    return printed_on(caisse, TEMPLATE, data, stationery)
