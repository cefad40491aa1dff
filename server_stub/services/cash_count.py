"""Counting the till box by how many lie there of each note and coin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cardkit.till_box import Piece
from server_stub.models import CashCount, MoneyDeposit
from server_stub.rules import cash_box as rules
from server_stub.services import cash_box
from server_stub.services.caisse import Caisse

VALUES_CENTS: Final = rules.VALUES_CENTS
_SHOWN: Final = 10


def count_pieces(caisse: Caisse, pieces: Mapping[int, int], *, by: int) -> CashCount:
    """Put on record how many there are of each value in cents."""
    told = tuple(
        Piece(value_cents=value, count=pieces[value]) for value in VALUES_CENTS if pieces.get(value)
    )
    return cash_box.count(caisse, told, by=by)


def last_counts(caisse: Caisse) -> list[CashCount]:
    """Return the last counts, the newest first."""
    return list(CashCount.objects.using(caisse.using).order_by("-act")[:_SHOWN])


def last_deposits(caisse: Caisse) -> list[MoneyDeposit]:
    """Return what was handed in last, the newest first."""
    return list(MoneyDeposit.objects.using(caisse.using).order_by("-act")[:_SHOWN])
