"""What the pages on merchants say: why nothing was signed, entered or confirmed."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from server_stub.services.convention_forms import NotRead
from server_stub.services.details import NotKept

NOT_SIGNED: Final[dict[str, Promise]] = {
    "NO_MERCHANT": _("Aucun producteur n’a ce numéro. Rien n’a été signé."),
    "NO_LENGTH": _("Cette convention finirait avant de commencer. Corrigez les dates."),
    "OVERLAPS": _(
        "Une autre convention couvre déjà un de ces jours. Cochez « remplace », ou commencez après "
        "sa fin. Rien n’a été signé."
    ),
    "TOO_FAR": _(
        "C’est plus loin que la distance votée. Écrivez le procès-verbal qui décide l’exception, "
        "ou demandez au comité."
    ),
    "NOT_SIGNED_YET": _("Le jour de la signature n’est pas encore venu."),
    "NO_CATEGORY": _("Dites au moins une catégorie de ce qui peut être vendu."),
    "NOTHING_TO_END": _("Aucune convention ne va au-delà de ce jour. Rien n’a été changé."),
    "BACKDATED": _(
        "Une convention ne finit pas dans le passé : ce qui a été vendu l’a été sous elle. Au plus "
        "tôt, son dernier jour est aujourd’hui, et la suivante commence demain."
    ),
}
"""By name of a `rules.conventions.NotSigned` or `NotEnded`."""

NOT_READ: Final[dict[NotRead, Promise]] = {
    NotRead.PERCENT: _("La part après « = » est un nombre entier de 0 à 100."),
    NotRead.TWICE: _("Une catégorie s’y trouve deux fois."),
    NotRead.TOO_LONG: _(
        "Un nom est trop long : 40 caractères pour une catégorie, 60 pour un produit, au plus 40 "
        "catégories et 200 produits chacune."
    ),
}

NOT_DEPUTED: Final[dict[str, Promise]] = {
    "NO_NAME": _("Il manque le nom."),
    "NO_MERCHANT": _("Aucun producteur n’a ce numéro."),
    "NO_LENGTH": _("Cette délégation finirait avant de commencer."),
    "NO_DEPUTY": _("Cette délégation n’est plus là : elle est peut-être déjà effacée."),
}

NOT_TAKEN: Final[dict[str, Promise]] = {
    "NO_IBAN": _("Ce n’est pas un IBAN : un chiffre manque ou est faux."),
    "NO_HOLDER": _("Il manque le nom du titulaire, comme la banque l’écrit."),
    "SAME_PERSON": _(
        "Vous avez saisi ce compte : une autre personne doit le confirmer. Il est gardé, et rien "
        "n’y est versé en attendant."
    ),
    "CONFIRMED_ALREADY": _("Ce compte est déjà confirmé. Rien n’a été changé."),
}
"""By name of a `services.bank_details.BankRefusal`."""

NOT_KEPT: Final[dict[NotKept, Promise]] = {
    NotKept.NO_SIRET: _("Ce n’est pas un SIRET : un chiffre manque ou est faux."),
    NotKept.TOO_LONG: _("C’est trop long pour l’en-tête d’un papier."),
    NotKept.NO_MERCHANT: _("Aucun producteur n’a ce numéro."),
}
