"""A member's statement as PDF: what was paid, what was spent and where, and what is left."""

from __future__ import annotations

from typing import Final

from cardkit.till_box import Means
from server_stub.exports import french
from server_stub.exports.stationery import Stationery, day, lines, month, printed_on
from server_stub.rules.dues import MonthPaid
from server_stub.services.amounts import euros
from server_stub.services.caisse import Caisse
from server_stub.services.card_numbers import printed
from server_stub.services.member_statement import (
    CardPart,
    MemberStatement,
    Moved,
    Movement,
    PaidIn,
)

TEMPLATE: Final = "releve.typ"

_MOVED: Final = {
    "fr": {
        Moved.MONTH: "Allocation du mois",
        Moved.GIVEN_BACK: "Rendu sur la carte",
        Moved.SALE: "Achat",
        Moved.UNEXPLAINED: "Débit dont aucun terminal n’a encore parlé",
        Moved.TO_NEW_CARD: "Passé sur la nouvelle carte",
        Moved.LAPSED: "Revenu à la caisse",
        Moved.PAPER: "Bon papier, repris sur une allocation à venir",
    },
    "en": {
        Moved.MONTH: "Credit of the month",
        Moved.GIVEN_BACK: "Given back to the card",
        Moved.SALE: "Purchase",
        Moved.UNEXPLAINED: "Debit that no terminal has told of yet",
        Moved.TO_NEW_CARD: "Moved to the new card",
        Moved.LAPSED: "Back with the caisse",
        Moved.PAPER: "Paper slip, held back of credit to come",
    },
}
_MEANS: Final = {
    "fr": {
        Means.TRANSFER: "Virement",
        Means.STANDING_ORDER: "Virement permanent",
        Means.CASH: "Espèces",
        Means.CHEQUE: "Chèque",
    },
    "en": {
        Means.TRANSFER: "Transfer",
        Means.STANDING_ORDER: "Standing order",
        Means.CASH: "Cash",
        Means.CHEQUE: "Cheque",
    },
}
_DUE: Final = {
    "fr": "{month} : {due} promis, {paid} payés",
    "en": "{month}: {due} promised, {paid} paid",
}


def member_statement_pdf(
    caisse: Caisse, stationery: Stationery, statement: MemberStatement
) -> bytes:
    """Return a statement; raises PaperFailed."""
    language = stationery.language
    data = {
        "name": statement.name,
        "address": lines(statement.address),
        "period": f"{_short(statement.first)} – {_short(statement.last)}",
        "contributions": [_paid_in(it, language) for it in statement.paid_in],
        "dues": [_due(it, language) for it in statement.dues],
        "cards": [_card(it, language) for it in statement.cards],
    }
    return printed_on(caisse, TEMPLATE, data, stationery)


def _paid_in(one: PaidIn, language: str) -> dict[str, str]:
    means = _MEANS[language].get(one.means, "") if one.means is not None else ""
    return {
        "day": day(one.day, language),
        "what": " ".join(it for it in (means, one.reference) if it),
        "amount": _signed(one.amount_cents, language),
    }


def _due(one: MonthPaid, language: str) -> str:
    return _DUE[language].format(
        month=month(one.month, language).capitalize(),
        due=euros(one.due_cents, language),
        paid=euros(one.paid_cents, language),
    )


def _card(part: CardPart, language: str) -> dict[str, object]:
    return {
        "number": printed(part.uid),
        "rows": [_row(it, language) for it in part.movements],
        "left": _signed(part.left_cents, language),
    }


def _row(one: Movement, language: str) -> dict[str, str]:
    what = _MOVED[language][one.what]
    return {
        "day": day(one.day, language),
        "what": f"{what}, {one.place}" if one.place else what,
        "amount": _signed(one.amount_cents, language),
    }


def _signed(amount_cents: int, language: str) -> str:
    return french.euros(amount_cents) if language == "fr" else euros(amount_cents, language)


def _short(on: object) -> str:
    return f"{on:%d/%m/%Y}"
