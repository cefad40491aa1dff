"""What one creditor is paid by one run and why: as CSV, and as what its paper prints.

No member, no card and no counter is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Final

from cardkit.clock import business_date
from cardkit.errors import must
from cardkit.money import format_cents
from server_stub.exports import french
from server_stub.exports.payout import Payee, Payout
from server_stub.exports.sheet import sheet
from server_stub.rules.facts import State
from server_stub.rules.siret import in_groups
from server_stub.rules.statement import DayRow, KeptRow, PayeeStatement, RunStatement, Totals

TEMPLATE: Final = "bordereau.typ"

_HEAD: Final = (
    "Jour",
    "Terminal",
    "Ventes",
    "Montant des ventes (€)",
    "Remboursements",
    "Montant remboursé (€)",
    "Rectifications (€)",
    "Net (€)",
    "Reçu depuis le paiement précédent",
)
_KEPT_HEAD: Final = ("Jour", "Terminal", "Ventes", "État", "Motif", "Montant (€)")

STATES: Final = {
    State.HELD: "retenue",
    State.WAITING: "en attente",
    State.PROVISIONAL: "retrouvée par les cartes",
}
_WITHOUT_REASON: Final = {
    State.WAITING: "seule la carte sait l’issue",
    State.PROVISIONAL: "à confirmer par une personne",
}
_OWED_AGAIN: Final = "ce qu’un paiement annulé, ou revenu de la banque, laisse dû."
_OWES: Final = (
    "des remboursements ont dépassé les ventes, ou une somme a été versée hors de ces livres."
)

Reasons = Mapping[str, object]
"""Why a sale is held, in words that `str` gives (`console.words.REASONS`)."""


def parts_of(payout: Payout, merchant: int) -> tuple[RunStatement, PayeeStatement, Payee]:
    """Return what a bordereau is made of; that the run pays the merchant was asked before."""
    statement = payout.statement
    payees = [one for one in payout.payees if one.merchant == merchant]
    part = None if statement is None else statement.of(merchant)
    must(part is not None and len(payees) == 1, "a bordereau is of a merchant that is paid")
    assert statement is not None  # noqa: S101 - what must() said, for the type checker
    assert part is not None  # noqa: S101 - see above
    return statement, part, payees[0]


def bordereau_csv(payout: Payout, merchant: int, *, debtor_name: str, reasons: Reasons) -> bytes:
    """Return it as CSV."""
    statement, part, payee = parts_of(payout, merchant)
    carried = [
        ["Report", "", "", "", "", "", "", format_cents(part.carried_cents)],
    ]
    amount = format_cents(part.amount_cents)
    return sheet(
        [
            ["Bordereau de ventes", payee.end_to_end_id],
            ["Organisme payeur", debtor_name],
            ["Créancier", payee.name, str(merchant)],
            ["SIRET", in_groups(payee.siret)],
            ["Convention", payee.convention],
            ["Titulaire du compte", payee.holder, payee.iban],
            ["Préparé le", french.minute(statement.counted_at)],
            ["Approuvé le", french.short_day(business_date(payout.approved_at))],
            [],
            _HEAD,
            *(carried if part.carried_cents else ()),
            *(_day_cells(row) for row in part.days),
            ["Total, report compris", "", *_counts(part.totals), amount],
            ["En toutes lettres", french.euros_in_words(part.amount_cents)],
            [],
            ["Ventes reportées, non comprises ci-dessus"],
            _KEPT_HEAD,
            *(_kept_cells(row, reasons) for row in part.kept),
            [],
            ["Règles en vigueur"],
            *([rule] for rule in statement.rules),
        ]
    )


def bordereau_data(
    payout: Payout, merchant: int, *, debtor_name: str, reasons: Reasons
) -> dict[str, object]:
    """Return what the template prints, every amount and day as text."""
    statement, part, payee = parts_of(payout, merchant)
    running = accumulate((row.sum_cents for row in part.days), initial=part.carried_cents)
    next(running)
    sums = part.totals
    return {
        "debtor": debtor_name,
        "reference": payee.end_to_end_id,
        **run_data(payout, statement),
        "payee": {
            "number": str(merchant),
            "name": payee.name,
            "siret": in_groups(payee.siret),
            "convention": payee.convention,
            "holder": payee.holder,
            "iban": french.account(payee.iban),
        },
        "rows": [_row_data(row, cents) for row, cents in zip(part.days, running, strict=True)],
        "has-corrections": any(row.corrected_cents for row in part.days),
        "has-late": any(row.is_late for row in part.days),
        "sums": {
            "sales": str(sums.sales),
            "sold": french.amount(sums.sold_cents),
            "refunds": _count(sums.refunds),
            "refunded": _amount(sums.refunded_cents),
            "corrected": _amount(sums.corrected_cents),
            "net": french.amount(sums.sum_cents),
        },
        "carried": _carried_data(part),
        "amount": french.euros(part.amount_cents),
        "amount-bare": french.amount(part.amount_cents),
        "amount-in-words": french.euros_in_words(part.amount_cents),
        "kept": [
            {
                "day": french.short_day(row.day),
                "terminal": str(row.terminal),
                "sales": str(row.sales),
                "state": STATES[row.state],
                "reason": reason_of(row, reasons),
                "amount": french.amount(row.amount_cents),
            }
            for row in part.kept
        ],
        "kept-sum": french.amount(sum(row.amount_cents for row in part.kept)),
    }


def run_data(payout: Payout, statement: RunStatement) -> dict[str, object]:
    """Return what every paper of a run says of it."""
    since = statement.counted_since
    return {
        "settlement": payout.settlement,
        "approved-on": french.short_day(business_date(payout.approved_at)),
        "counted-at": french.minute(statement.counted_at),
        "counted-since": None if since is None else french.minute(since),
        "rules": list(statement.rules),
    }


def reason_of(row: KeptRow, reasons: Reasons) -> str:
    """Return why sales are not paid yet, in words."""
    if not row.reason:
        return _WITHOUT_REASON.get(row.state, "")
    return str(reasons.get(row.reason, row.reason))


def _row_data(row: DayRow, running_cents: int) -> dict[str, object]:
    return {
        "day": french.short_day(row.day),
        "terminal": _place(row) or "–",
        "late": row.is_late,
        "sales": _count(row.sales),
        "sold": _amount(row.sold_cents),
        "refunds": _count(row.refunds),
        "refunded": _amount(row.refunded_cents),
        "corrected": _amount(row.corrected_cents),
        "net": french.amount(row.sum_cents),
        "running": french.amount(running_cents),
    }


def _carried_data(part: PayeeStatement) -> dict[str, str] | None:
    if not part.carried_cents:
        return None
    return {
        "sum": french.euros(part.carried_cents),
        "runs": ", ".join(part.carried_runs),
        "why": _OWED_AGAIN if part.carried_cents > 0 else _OWES,
    }


def _day_cells(row: DayRow) -> list[str]:
    return [
        row.day.isoformat(),
        _place(row),
        *_counts(row),
        format_cents(row.sum_cents),
        "oui" if row.is_late else "",
    ]


def _counts(row: Totals) -> list[str]:
    return [
        str(row.sales),
        format_cents(row.sold_cents),
        str(row.refunds),
        format_cents(row.refunded_cents),
        format_cents(row.corrected_cents),
    ]


def _kept_cells(row: KeptRow, reasons: Reasons) -> list[str]:
    return [
        row.day.isoformat(),
        str(row.terminal),
        str(row.sales),
        STATES[row.state],
        reason_of(row, reasons),
        format_cents(row.amount_cents),
    ]


def _place(row: DayRow) -> str:
    if row.terminal:
        return str(row.terminal)
    return "papier" if row.sales else ""


def _count(number: int) -> str:
    return str(number) if number else "–"


def _amount(cents: int) -> str:
    return french.amount(cents) if cents else "–"
