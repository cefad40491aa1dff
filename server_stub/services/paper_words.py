"""What papers and letters are called, and why none is made: French here, English by catalogue."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from server_stub.rules.letters import Objection, Wrong, placeholders

LETTERS: Final[dict[str, Promise]] = {
    "welcome": _("Bienvenue"),
    "dues_call": _("Appel de cotisation"),
    "reminder": _("Relance"),
    "second_reminder": _("Deuxième relance"),
    "renewal": _("Renouvellement"),
    "commitment_end": _("Fin d’engagement"),
}
"""By value of a `LetterKind`."""

WHEN: Final[dict[str, Promise]] = {
    "welcome": _("une carte vient d’être remise"),
    "dues_call": _("la cotisation du mois n’est pas encore payée"),
    "reminder": _("une cotisation est en retard"),
    "second_reminder": _("deux semaines après la relance, toujours en retard"),
    "renewal": _("l’engagement finit bientôt"),
    "commitment_end": _("l’engagement est fini, ou la personne part"),
}
"""Whom a kind is due to."""

PLACEHOLDERS: Final[dict[str, Promise]] = {
    "nom": _("le nom de la personne"),
    "jour": _("la date du jour"),
    "caisse": _("le nom de la caisse"),
    "adresse": _("l’adresse de la caisse"),
    "telephone": _("le téléphone de la caisse"),
    "courriel": _("le courriel de la caisse"),
    "horaires": _("les horaires de la caisse"),
    "carte": _("le numéro de la carte"),
    "perdue": _("le téléphone à appeler quand une carte est perdue"),
    "allocation": _("l’allocation du mois"),
    "mois": _("le ou les mois à payer"),
    "montant": _("la somme à payer, ou versée chaque mois"),
    "reference": _("la référence à mettre sur un virement"),
    "payer": _("comment payer, en une phrase"),
    "fin": _("le dernier mois de l’engagement, ou le premier mois sans"),
    "suite": _("le premier mois du prochain engagement"),
    "duree": _("la durée d’un engagement"),
    "reste": _("ce que devient le reste sur la carte, en une phrase"),
}

STATES: Final[dict[str, Promise]] = {
    "queued": _("à envoyer"),
    "mailing": _("courriel en cours"),
    "printed": _("imprimé"),
    "mailed": _("envoyé par courriel"),
    "dropped": _("retiré"),
}

TROUBLES: Final[dict[str, Promise]] = {
    "unreachable": _("serveur de courriel injoignable"),
    "refused": _("courriel refusé : à imprimer"),
    "unsure": _("peut-être envoyé par courriel : à imprimer, jamais renvoyé par courriel"),
    "no_address": _("plus d’adresse de courriel : à imprimer"),
}

NOT_PRINTED: Final[dict[str, Promise]] = {
    "NO_DETAILS": _(
        "Dites d’abord comment joindre la caisse : son nom, son adresse et son téléphone sont en "
        "tête de chaque courrier. Rien n’a été imprimé, les courriers attendent."
    ),
    "NOTHING": _("Aucun courrier n’attend d’être imprimé."),
    "NOT_QUEUED": _("Ce courrier est déjà parti, ou a été retiré. Rien n’a été changé."),
    "NO_LETTER": _("Aucun courrier parti n’a ce numéro."),
}
"""By name of a `services.letters.NotPrinted`."""

NOT_KEPT: Final[dict[str, Promise]] = {
    "NO_NAME": _("Il manque le nom de la caisse."),
    "NO_ADDRESS": _("Il manque l’adresse de la caisse."),
    "NO_PLACE": _("Il manque la ville où les courriers sont écrits."),
    "NO_TELEPHONE": _("Il manque le téléphone de la caisse."),
    "NO_EMAIL": _("Ce n’est pas une adresse de courriel."),
    "NO_IBAN": _("Ce n’est pas un IBAN : un chiffre est faux ou manque. L’ancien reste."),
    "NO_SIRET": _("Ce n’est pas un SIRET : quatorze chiffres, dont un est faux ou manque."),
    "NO_MERCHANT": _("Aucun producteur n’a ce numéro."),
    "TOO_LONG": _("C’est trop long pour l’en-tête d’un papier."),
}
"""By name of a `services.details.NotKept`."""

NOT_MADE: Final[dict[str, Promise]] = {
    "NO_MERCHANT": _("Il faut le numéro d’un producteur, et aucun n’a celui-ci."),
    "NO_CONVENTION": _("Aucune convention n’est signée avec ce producteur : pas de produits."),
    "NO_MEMBER": _("Il faut le numéro d’un membre, et aucun n’a celui-ci."),
    "NO_CARD": _("Aucune carte de la caisse n’a ce numéro."),
    "NO_SLIPS": _("Un carnet a un numéro et des bons, du premier au dernier, 400 au plus."),
    "TOO_MANY": _("De 1 à 50 exemplaires."),
    "NO_CHANGE": _("Le compte de ce producteur n’a pas changé : il n’y a rien à lui annoncer."),
    "NO_DETAILS": _(
        "Dites d’abord comment joindre la caisse : l’avis porte le numéro à appeler. Rien n’a été "
        "imprimé."
    ),
}
"""By name of an `exports.printed.NotMade`."""

PAPERS: Final[dict[str, Promise]] = {
    "bulletin-adhesion": _("Bulletin d’adhésion et engagement"),
    "notice-information": _("Notice : ce que la caisse sait de vous"),
    "convention": _("Convention avec un producteur"),
    "pochettes": _("Pochettes de carte"),
    "affiche-a4": _("Affiche « Ici, on accepte la carte », A4"),
    "affiche-a3": _("Affiche « Ici, on accepte la carte », A3"),
    "etiquettes": _("Étiquettes de rayon"),
    "carnet": _("Carnet papier"),
    "releve-membre": _("Relevé d’un membre"),
    "avis-compte": _("Avis de changement de compte, à un producteur"),
}
"""By value of an `exports.printed.Printed`."""


def wrong_in_words(kind: str, objection: Objection) -> str:
    """Return what is wrong with a text as a sentence, and what to do."""
    if objection.wrong is Wrong.UNKNOWN_PLACEHOLDER:
        return _now(
            "Ce courrier ne connaît pas %(unknown)s. Il connaît : %(known)s. "
            "Rien n’a été enregistré."
        ) % {
            "unknown": ", ".join(f"{{{it}}}" for it in objection.words),
            "known": ", ".join(f"{{{it}}}" for it in placeholders(kind)),
        }
    return str(_WRONG[objection.wrong])


_WRONG: Final[dict[Wrong, Promise]] = {
    Wrong.EMPTY: _("Il faut un objet et un texte. Rien n’a été enregistré."),
    Wrong.TOO_LONG: _(
        "C’est trop long : 120 caractères pour l’objet, 4 000 pour le texte. Rien n’a été "
        "enregistré."
    ),
    Wrong.SUBJECT_OF_LINES: _("L’objet tient sur une ligne. Rien n’a été enregistré."),
    Wrong.LONE_BRACE: _(
        "Une accolade { ou } est seule. Elles ne servent qu’autour d’un mot que le courrier "
        "connaît, comme {nom}. Rien n’a été enregistré."
    ),
}
