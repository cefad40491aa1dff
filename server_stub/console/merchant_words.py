"""What is said of merchants and their conventions: French here, English in the catalogue."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

KINDS: Final[dict[str, Promise]] = {
    "producer": _("producteur"),
    "grocery": _("épicerie"),
}

NOT_SIGNED: Final[dict[str, Promise]] = {
    "NO_MERCHANT": _("Aucun producteur n’a ce numéro."),
    "NO_LENGTH": _("Cette convention finirait avant de commencer."),
    "OVERLAPS": _(
        "Une autre convention de ce producteur couvre déjà un de ces jours. Pour la remplacer :"
        " clafoutis-server merchant change."
    ),
    "TOO_FAR": _(
        "C’est plus loin que ce qui est voté. Une exception demande le procès-verbal qui la"
        " décide : --exception-minutes."
    ),
    "NOT_SIGNED_YET": _("Le jour de la signature n’est pas encore venu."),
    "NO_CATEGORY": _("Dites au moins une catégorie de ce qui peut être vendu : --category."),
    "NOTHING_TO_END": _("Aucune convention de ce producteur ne va au-delà de ce jour."),
    "BACKDATED": _(
        "Une convention ne finit pas dans le passé : ce qui a été vendu l’a été sous elle."
    ),
}
"""By name of a `rules.conventions.NotSigned` or `NotEnded`."""

NOT_DEPUTED: Final[dict[str, Promise]] = {
    "NO_NAME": _("Il manque le nom."),
    "NO_MERCHANT": _("Aucun producteur n’a ce numéro."),
    "NO_LENGTH": _("Cette délégation finirait avant de commencer."),
    "NO_DEPUTY": _("Aucune délégation n’a ce numéro."),
}
"""By name of a `services.deputies.NotDeputed`."""
