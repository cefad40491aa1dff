"""What the pages on cards say."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from server_stub.services.card_deeds import NotDone
from server_stub.services.cards_read import Filter

FILTERS: Final[dict[Filter, Promise]] = {
    Filter.ALL: _("Toutes"),
    Filter.ACTIVE: _("Actives"),
    Filter.BLOCKED: _("Bloquées"),
    Filter.ISSUING: _("En préparation"),
}

NOT_DONE: Final[dict[NotDone, Promise]] = {
    NotDone.NO_CARD: _("Cette caisse n’a pas cette carte. Rien n’a été changé."),
    NotDone.NOT_ACTIVE: _("Cette carte n’achète déjà plus rien. Rien n’a été changé."),
    NotDone.NOT_BLOCKED: _("Cette carte n’est pas bloquée. Rien n’a été changé."),
    NotDone.EMPTIED: _(
        "Le reste de cette carte est déjà parti sur une autre carte, ou revenu à la caisse : elle "
        "reste bloquée. Donnez une nouvelle carte au membre."
    ),
    NotDone.FOLLOWED: _(
        "L’atelier a refait cette carte depuis : c’est sa nouvelle vie qui compte. Rien n’a été "
        "changé."
    ),
    NotDone.NO_NEW_CARD: _(
        "Ce compte n’a pas encore d’autre carte active. Faites-la faire à l’atelier, puis revenez."
    ),
    NotDone.NOTHING_LEFT: _("Il ne reste rien sur cette carte. Rien n’a été changé."),
    NotDone.LOCKED: _(
        "Les livres sont en retard sur les terminaux : rien n’est attribué avant la fin de la "
        "restauration. Le reste est gardé."
    ),
    NotDone.NOT_YET: _(
        "Des terminaux n’ont pas encore communiqué depuis le blocage : ils pourraient encore "
        "vendre à l’ancienne carte. Le reste est gardé, faites-les communiquer."
    ),
}
"""Why nothing was done about a card, what was kept, and what to do."""
