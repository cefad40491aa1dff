"""The list of those to remind, as a French spreadsheet reads it; with names, so it stays inside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cardkit.money import format_cents
from server_stub.exports.sheet import sheet
from server_stub.rules.payment_reference import in_groups
from server_stub.services.late import Reminder

_HEAD: Final = (
    "Nom",
    "Par l’intermédiaire de",
    "Adresse",
    "Courriel",
    "Mois",
    "Reste dû (€)",
    "Référence de virement",
)


def reminder_list(reminders: Iterable[Reminder]) -> bytes:
    """Return the list as CSV with semicolons and commas; no cell is a formula."""
    return sheet([_HEAD, *(_row(one) for one in reminders)])


def _row(one: Reminder) -> tuple[str, ...]:
    return (
        one.name,
        one.reached_through,
        one.address,
        one.email,
        " ".join(f"{month:%m/%Y}" for month in one.months),
        format_cents(one.missing_cents),
        in_groups(one.payment_reference),
    )
