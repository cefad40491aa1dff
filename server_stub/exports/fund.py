"""The fund's projection as CSV: where it begins, each month, and the committee's number."""

from __future__ import annotations

from datetime import date
from typing import Final

from cardkit.clock import business_date
from cardkit.money import format_cents
from server_stub.exports.sheet import sheet
from server_stub.services.caisse import Caisse
from server_stub.services.fund import Forecast

_OUTLOOKS: Final = ("prudent", "attendu", "optimiste")


def fund_csv(caisse: Caisse, made: Forecast) -> bytes:
    """Return the starting point, every month under each outlook, and the committee's number."""
    state = made.state
    return sheet(
        [
            ["Fonds", caisse.name, business_date(caisse.now()).isoformat()],
            ["Disponible (€)", format_cents(state.cash_cents)],
            ["Dû aux producteurs (€)", format_cents(state.owed_cents)],
            ["Crédit encore à dépenser (€)", format_cents(state.outstanding_cents)],
            ["Cotisations en retard (€)", format_cents(state.late_cents)],
            [],
            ["Mois", "Membres", *_heads("Reçu"), *_heads("Donné"), *_heads("Fonds")],
            *(_month(made, number, month) for number, month in enumerate(made.months)),
            [],
            [
                f"Membres de plus à {format_cents(made.floor_cents)} €",
                "",
                *(str(number) for number in made.admissible),
            ],
        ]
    )


def _heads(what: str) -> list[str]:
    return [f"{what} {outlook} (€)" for outlook in _OUTLOOKS]


def _month(made: Forecast, number: int, month: date) -> list[str]:
    lines = [band[number] for band in made.bands]
    return [
        f"{month:%Y-%m}",
        str(lines[0].members),
        *(format_cents(line.received_cents) for line in lines),
        *(format_cents(line.given_cents) for line in lines),
        *(format_cents(line.worth_cents) for line in lines),
    ]
