"""A run as a public accountant takes it: one creditor a line, and the sum at the end.

Where a CCAS carries the caisse, payments go through the trésorier: what the ordonnateur hands
over is an état liquidatif (décret 2012-1246, art. 11 and 30; décret 2016-33 for the pieces).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from cardkit.clock import business_date
from cardkit.errors import must
from cardkit.money import format_cents
from server_stub.exports import french
from server_stub.exports.bordereau import run_data
from server_stub.exports.payout import Payee, Payout
from server_stub.exports.sheet import sheet
from server_stub.rules.siret import in_groups

TEMPLATE: Final = "etat-liquidatif.typ"

_HEAD: Final = (
    "N°",
    "Créancier",
    "Titulaire du compte",
    "IBAN",
    "Référence",
    "Montant (€)",
    "SIRET",
    "Convention",
)


def etat_liquidatif(payout: Payout, *, debtor_name: str) -> bytes:
    """Return the statement as CSV."""
    return sheet(
        [
            ["État liquidatif", payout.settlement],
            ["Ordonnateur", debtor_name],
            ["Approuvé le", business_date(payout.approved_at).strftime("%d/%m/%Y")],
            [],
            _HEAD,
            *_lines(payout.payees),
            ["", "Total", "", "", "", format_cents(payout.sum_cents)],
            ["", "En toutes lettres", french.euros_in_words(payout.sum_cents)],
        ]
    )


def etat_data(payout: Payout, *, debtor_name: str) -> dict[str, object]:
    """Return what the template prints; that the run has a statement was asked before."""
    must(payout.statement is not None, "a paper is of a run with a statement")
    assert payout.statement is not None  # noqa: S101 - what must() said, for the type checker
    running = accumulate(payee.amount_cents for payee in payout.payees)
    return {
        "debtor": debtor_name,
        **run_data(payout, payout.statement),
        "year": str(business_date(payout.approved_at).year),
        "rows": [
            {
                "number": str(number),
                "merchant": str(payee.merchant),
                "name": payee.name,
                "siret": in_groups(payee.siret),
                "convention": payee.convention,
                "holder": payee.holder,
                "iban": french.account(payee.iban),
                "end-to-end-id": payee.end_to_end_id,
                "amount": french.amount(payee.amount_cents),
                "running": french.amount(cents),
            }
            for number, (payee, cents) in enumerate(
                zip(payout.payees, running, strict=True), start=1
            )
        ],
        "sum": french.euros(payout.sum_cents),
        "sum-bare": french.amount(payout.sum_cents),
        "sum-in-words": french.euros_in_words(payout.sum_cents),
    }


def _lines(payees: tuple[Payee, ...]) -> Iterator[tuple[str, ...]]:
    for number, payee in enumerate(payees, start=1):
        yield (
            str(number),
            payee.name,
            payee.holder,
            payee.iban,
            payee.end_to_end_id,
            format_cents(payee.amount_cents),
            in_groups(payee.siret),
            payee.convention,
        )
