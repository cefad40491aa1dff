"""The poster of a stall or shop: here the card is accepted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from server_stub.exports.stationery import Stationery, printed_on
from server_stub.services.caisse import Caisse

TEMPLATE: Final = "affiche.typ"
FORMATS: Final = ("a4", "a3")


def poster(
    caisse: Caisse,
    stationery: Stationery,
    *,
    page: str = "a4",
    merchant: str = "",
    categories: Sequence[str] = (),
) -> bytes:
    """Return a poster, with a merchant's name and what the card buys there; raises PaperFailed."""
    data = {"format": page, "merchant": merchant, "categories": list(categories)}
    return printed_on(caisse, TEMPLATE, data, stationery)
