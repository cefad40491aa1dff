"""A merchant with a convention, as every world needs them."""

from __future__ import annotations

from datetime import datetime

from cardkit.clock import PARIS
from cardkit.errors import must
from server_stub.models import Convention, Merchant
from server_stub.rules.conventions import Category, Span, Terms
from server_stub.services import conventions
from server_stub.services.caisse import Caisse

TERMS = Terms(distance_km=12, categories=(Category(name="Produits de la ferme"),))


def sign_up(
    caisse: Caisse, number: int, name: str, *, convention_from: datetime, convention_until: datetime
) -> Merchant:
    """Make a merchant and sign a convention for the days between two instants."""
    merchant = Merchant.objects.using(caisse.using).create(id=number, name=name)
    begins = convention_from.astimezone(PARIS).date()
    days = Span(begins, convention_until.astimezone(PARIS).date())
    made = conventions.sign(caisse, number, days, TERMS, signed_on=begins)
    must(isinstance(made, Convention), f"a convention of {number} is signed")
    return merchant
