"""A run's lines as a table: what it pays, beside the run before; no account number in full."""

from __future__ import annotations

from django.utils.translation import gettext as _

from cardkit.clock import business_date
from cardkit.money import format_cents
from server_stub.exports.sheet import sheet
from server_stub.services.runs_seen import LineSeen, RunSeen


def run_csv(run: RunSeen) -> bytes:
    """Return a run as CSV, amounts in euros."""
    head = [
        _("Producteur n°"),
        _("Producteur"),
        _("Montant (€)"),
        _("Paiement précédent (€)"),
        _("Écart (€)"),
        _("Ventes"),
        _("Arrivées en retard (€)"),
        _("Pas encore payé (€)"),
        _("Compte utilisable"),
        _("Nouveau compte"),
    ]
    return sheet(
        [
            [run.name, business_date(run.at).isoformat(), format_cents(run.sum_cents)],
            [],
            head,
            *(_cells(line) for line in run.lines),
        ]
    )


def _cells(line: LineSeen) -> list[str]:
    yes, no = _("oui"), _("non")
    return [
        str(line.merchant),
        line.name,
        format_cents(line.amount_cents),
        format_cents(line.last_cents),
        format_cents(line.change_cents),
        str(line.sales),
        format_cents(line.late_cents),
        format_cents(line.kept_cents),
        yes if line.has_account else no,
        yes if line.is_account_new else no,
    ]
