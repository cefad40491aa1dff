"""What disputes and slips are told in; French here, English in the catalogue."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

KINDS: Final[dict[str, Promise]] = {
    "not_bought": _("le membre dit n’avoir pas acheté cela"),
    "wrong_amount": _("le membre dit que c’était moins"),
    "doubted": _("la caisse en doute, et retient la vente"),
}

DECISIONS: Final[dict[str, Promise]] = {
    "return": _("rendre au membre"),
    "reject": _("laisser la vente telle quelle"),
}

EFFECTS: Final[dict[str, Promise]] = {
    "return": _(
        "La somme contestée est rendue au membre : sa carte la reçoit à son prochain passage. "
        "La règle votée dit qui la porte, le producteur ou le fonds. Un crédit rendu n’est "
        "jamais repris."
    ),
    "reject": _(
        "La vente reste due au producteur, et part avec le prochain paiement. Cela peut être "
        "annulé : le litige est alors rouvert."
    ),
}

BECAUSE: Final[dict[str, Promise]] = {
    "shown": _("par ce que chacun a montré"),
    "agreed": _("d’un commun accord"),
    "withdrawn": _("la contestation est retirée"),
}

STATES: Final[dict[str, Promise]] = {
    "payable": _("due ou payée"),
    "held": _("retenue"),
    "waiting": _("en attente"),
    "provisional": _("à confirmer"),
    "returned": _("rendue au membre"),
    "nothing": _("sans suite"),
}
"""How a proven sale stands."""
