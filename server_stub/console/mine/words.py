"""What a merchant is told of a sale's state and of a payout."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from server_stub.console.words import REASONS
from server_stub.services.merchant_sales import Sale

SALE_STATES: Final[dict[str, Promise]] = {
    "payable": _("due"),
    "held": _("retenue"),
    "waiting": _("en attente d’une preuve"),
    "provisional": _("retrouvée, à confirmer par la caisse"),
    "returned": _("rendue au membre"),
    "nothing": _("sans suite"),
}
PAYOUT_STEPS: Final[dict[str, Promise]] = {
    "approved": _("approuvé, pas encore envoyé"),
    "sent": _("envoyé à la banque"),
    "confirmed": _("versé"),
    "returned": _("revenu de la banque : de nouveau dû"),
    "revoked": _("annulé : le montant reste dû"),
}


def sale_in_words(sale: Sale) -> tuple[str, str]:
    """Return a sale's state and the reason of it, in words."""
    reason = str(REASONS.get(sale.reason, sale.reason)) if sale.reason else ""
    return str(SALE_STATES.get(sale.state, sale.state)), reason
