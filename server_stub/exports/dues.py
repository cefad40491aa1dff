"""Dues, lateness and payments as a French spreadsheet reads them; with names: for the office."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cardkit.money import format_cents
from server_stub.exports.sheet import sheet
from server_stub.services.dues_read import DueRow, How, PaymentRow
from server_stub.services.late import Late


def dues_list(rows: Iterable[DueRow], hows: Mapping[How, str]) -> bytes:
    """Return what a month asks of everybody as CSV; `hows` says each state in words."""
    head = ("Nom", "Compte", "Mois", "Dû (€)", "Payé (€)", "Manque (€)", "État", "Jours de retard")
    return sheet(
        [
            head,
            *(
                (
                    row.name,
                    row.number.hex(),
                    f"{row.paid.month:%m/%Y}",
                    format_cents(row.paid.due_cents),
                    format_cents(row.paid.paid_cents),
                    format_cents(row.paid.missing_cents),
                    hows[row.how],
                    str(row.days_late),
                )
                for row in rows
            ),
        ]
    )


def late_list(rows: Iterable[Late], names: Mapping[int, tuple[int, str]]) -> bytes:
    """Return what is late as CSV, by its age in days."""
    ages = ("30 jours au plus (€)", "60 jours (€)", "90 jours (€)", "plus de 90 jours (€)")
    return sheet(
        [
            ("Nom", "Compte", "Mois", *ages, "Total (€)", "Allocation suspendue"),
            *(
                (
                    names.get(row.account.pk, (0, ""))[1],
                    bytes(row.account.number).hex(),
                    " ".join(f"{month:%m/%Y}" for month in row.months),
                    *(format_cents(cents) for cents in row.by_age.values()),
                    format_cents(row.missing_cents),
                    "oui" if row.is_withheld else "non",
                )
                for row in rows
            ),
        ]
    )


def payment_list(rows: Iterable[PaymentRow], means: Mapping[int | None, str]) -> bytes:
    """Return payments as CSV, the newest first; `means` says by what each came in words."""
    return sheet(
        [
            ("Jour", "Nom", "Somme (€)", "Moyen", "Quittance ou référence", "Annulé"),
            *(
                (
                    f"{row.line.contribution.value_date:%d/%m/%Y}",
                    row.name,
                    format_cents(row.line.contribution.amount_cents),
                    means[row.line.means],
                    row.line.contribution.reference,
                    "oui" if row.line.is_cancelled else "non",
                )
                for row in rows
            ),
        ]
    )
