"""A run as a public accountant takes it: one creditor a line, and the sum at the end.

Where a CCAS carries the caisse, payments go through the trésorier: what the ordonnateur hands
over is an état liquidatif (décret 2012-1246, art. 11 and 30; décret 2016-33 for the pieces).
"""

from __future__ import annotations

import csv
import io
from typing import Final

from cardkit.clock import PARIS
from cardkit.money import format_cents
from server_stub.exports.formulas import safe
from server_stub.exports.payout import Payout

_HEAD: Final = ("N°", "Créancier", "Titulaire du compte", "IBAN", "Référence", "Montant (€)")
_BOM: Final = "\ufeff"
"""Without it a French spreadsheet reads the accents wrong."""


def etat_liquidatif(payout: Payout, *, debtor_name: str) -> bytes:
    """Return the statement as CSV with semicolons and commas, as French spreadsheets read it."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, delimiter=";", lineterminator="\r\n")
    day = payout.approved_at.astimezone(PARIS).strftime("%d/%m/%Y")
    rows.writerow(["État liquidatif", safe(payout.settlement)])
    rows.writerow(["Ordonnateur", safe(debtor_name)])
    rows.writerow(["Approuvé le", day])
    rows.writerow([])
    rows.writerow(_HEAD)
    for number, payee in enumerate(payout.payees, start=1):
        rows.writerow(
            [
                str(number),
                safe(payee.name),
                safe(payee.holder),
                payee.iban,
                safe(payee.end_to_end_id),
                format_cents(payee.amount_cents),
            ]
        )
    rows.writerow(["", "Total", "", "", "", format_cents(payout.sum_cents)])
    return (_BOM + text.getvalue()).encode("utf-8")
