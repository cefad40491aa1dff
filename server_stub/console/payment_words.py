"""Why members' money is not taken, read or booked: French here, English by catalogue."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PAYMENTS: Final[dict[str, Promise]] = {
    "NO_AMOUNT": _("Ce montant ne peut pas être encaissé."),
    "DAY_AHEAD": _("Cette date n’est pas encore passée."),
    "NO_CODE": _("La référence est un numéro ou un code, en capitales et chiffres, jamais un nom."),
    "ANOTHER_NUMBER": _(
        "Le carnet continue avec la quittance %(next)s : enregistrez d’abord celles qui manquent."
    ),
    "NO_SUCH_PAYMENT": _("Aucun encaissement, ou plusieurs, sous cette référence."),
    "NO_SUCH_ACCOUNT": _("Aucun compte, ou plusieurs, ne commence ainsi."),
    "NO_QUITTANCE": _("Seuls les espèces et les chèques ont une quittance."),
    "TAKEN_BACK_ALREADY": _("Cet encaissement est déjà annulé."),
    "NOTHING": _("Il n’y a rien à verser."),
    "MORE_THAN_HELD": _("Les livres ont moins que cela en caisse : comptez-la d’abord."),
}
"""Of `NotTaken` and `NotDeposited`."""

READING: Final[dict[str, Promise]] = {
    "UNKNOWN": _("Aucun profil de ce nom. Voyez : clafoutis-server statement profile list"),
    "NOT_SOUND": _(
        "Aucun relevé ne peut se lire ainsi : il faut une colonne de date, un libellé, et un "
        "montant signé ou bien un débit et un crédit."
    ),
    "TOO_LONG": _("Ce fichier est trop grand pour un relevé."),
    "EMPTY": _("Ce relevé ne contient aucune ligne."),
    "ENCODING": _("Ce fichier n’est pas dans l’encodage du profil."),
    "NOT_CSV": _("un guillemet n’est pas fermé, ou la ligne n’est pas celle d’un tableau."),
    "NO_COLUMN": _("la colonne du profil manque, ou s’y trouve deux fois"),
    "ANOTHER_ACCOUNT": _("Ce relevé n’est pas celui du compte du profil."),
    "TOO_SHORT": _("il manque la colonne"),
    "DAY": _("ce n’est pas une date de la forme du profil"),
    "DAY_AHEAD": _("cette date est trop loin dans l’avenir : jour et mois sont-ils inversés ?"),
    "AMOUNT": _("ce n’est pas un montant de la forme du profil"),
    "TWO_AMOUNTS": _("il faut un débit ou bien un crédit."),
    "BALANCE": _("ce n’est pas un solde de la forme du profil"),
    "NOT_XML": _("ce n’est pas un relevé camt.053 (XML) que l’on puisse lire."),
    "NOT_EUROS": _("ce montant n’est pas en euros"),
}
"""Of `Wrong` and `NoProfile`."""

BOOKING: Final[dict[str, Promise]] = {
    "SETTLED_ALREADY": _("Cette ligne est déjà traitée. Pour revenir dessus : statement undo"),
    "NOT_SETTLED": _("Cette ligne n’est pas encore traitée."),
    "NOTHING": _("Cette ligne ne correspond à rien de connu : dites à quel compte (--account)."),
    "SEVERAL": _("Cette ligne correspond à plusieurs comptes : dites lequel (--account)."),
    "AMOUNT_DIFFERS": _("Cette ligne nomme un paiement de la caisse, mais d’un autre montant."),
    "UNKNOWN_RUN": _(
        "Les livres ne connaissent pas ce paiement. Après une restauration, saisissez-le à deux : "
        "clafoutis-server settle evidence"
    ),
    "NO_CREDIT": _("Cette ligne n’apporte pas d’argent."),
    "NOT_THIS_AMOUNT": _("Le montant de la ligne n’est pas celui de l’encaissement."),
    "NOT_BANKED": _("Cet encaissement n’a jamais été versé à la banque."),
    "TAKEN_BACK_ALREADY": _("Cet encaissement est déjà annulé."),
    "SEEN_ALREADY": _(
        "Une autre ligne montre déjà ce virement : la banque l’a-t-elle fait deux fois ?"
    ),
    "RUN_NOT_SENT": _("Ce paiement n’est pas marqué comme envoyé."),
    "RUN_REVOKED": _(
        "Ce paiement avait été annulé, et la banque l’a fait. Saisissez-le à deux : "
        "clafoutis-server settle evidence"
    ),
    "RUN_CONFIRMED": _("Ce paiement est confirmé, et le reste."),
    "OWED_AGAIN": _("La somme est déjà de nouveau due au producteur : cela ne se défait pas."),
    "NO_LINE": _("Aucune ligne de ce nom."),
}
"""Of `NotBooked`."""

WHY: Final[dict[str, Promise]] = {
    "REFERENCE": _("référence exacte"),
    "KNOWN_PAYER": _("même payeur qu’une ligne confirmée"),
    "RHYTHM": _("montant dû, un mois après le même"),
    "DEPOSIT": _("montant d’un versement"),
    "END_TO_END_ID": _("référence du virement"),
    "RUN_NAME": _("nom et somme du paiement"),
    "CAME_BACK": _("référence du virement, qui revient"),
    "AMOUNT_DIFFERS": _("nomme un paiement, d’un autre montant"),
    "UNKNOWN_RUN": _("paiement inconnu des livres"),
    "SEVERAL": _("plusieurs possibles, à décider"),
    "NOTHING": _("rien de connu, à décider"),
}

OUTCOMES: Final[dict[str, Promise]] = {
    "contribution": _("cotisation de %(whose)s"),
    "entered": _("cotisation de %(whose)s, déjà saisie"),
    "taken_back": _("encaissement annulé"),
    "deposit": _("versement de la régie"),
    "payout": _("paiement %(run)s"),
    "returned": _("virement revenu %(run)s"),
    "aside": _("mise de côté"),
    "undone": _("à traiter de nouveau"),
}
