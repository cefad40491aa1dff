"""The list of those to remind, as a French spreadsheet reads it; with names, so it stays inside."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final

from cardkit.money import format_cents
from server_stub.exports.formulas import safe
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
_BOM: Final = "\ufeff"
"""Without it a French spreadsheet reads the accents wrong."""


def reminder_list(reminders: Iterable[Reminder]) -> bytes:
    """Return the list as CSV with semicolons and commas; no cell is a formula."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, delimiter=";", lineterminator="\r\n")
    rows.writerow(_HEAD)
    for one in reminders:
        rows.writerow(
            [
                safe(one.name),
                safe(one.reached_through),
                safe(one.address),
                safe(one.email),
                " ".join(f"{month:%m/%Y}" for month in one.months),
                format_cents(one.missing_cents),
                in_groups(one.payment_reference),
            ]
        )
    return (_BOM + text.getvalue()).encode("utf-8")
