"""Pouches for cards, four on a sheet: the card's number, and whom to call when it is lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from server_stub.exports.stationery import Stationery, printed_on
from server_stub.services.caisse import Caisse
from server_stub.services.card_numbers import printed

TEMPLATE: Final = "pochette.typ"
A_SHEET: Final = 4


def pouches(caisse: Caisse, stationery: Stationery, *, uids: Sequence[bytes] = ()) -> bytes:
    """Return pouches of these cards, or a sheet to be written on; raises PaperFailed."""
    numbers = [printed(it) for it in uids] or [""] * A_SHEET
    return printed_on(caisse, TEMPLATE, {"numbers": numbers}, stationery)
