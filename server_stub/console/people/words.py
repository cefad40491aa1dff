"""What the pages on members say of states, roles and refusals."""

from __future__ import annotations

from enum import Enum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from server_stub.models import CardStatus, HelperRole
from server_stub.services.applications import NoWish
from server_stub.services.exits import CardIs
from server_stub.services.member_import import Fate
from server_stub.services.member_words import refusal_in_words
from server_stub.services.members_read import Filter, State
from server_stub.services.waves import NotDrawn

STATES: Final[dict[State, tuple[Promise, str]]] = {
    State.WAITING: (_("liste d’attente"), "off"),
    State.NO_PROMISE: (_("admis, sans engagement"), "warn"),
    State.ACTIVE: (_("actif"), ""),
    State.TO_RENEW: (_("à renouveler"), "warn"),
    State.IN_GRACE: (_("mois de grâce"), "warn"),
    State.NOTHING: (_("ne reçoit plus rien"), "bad"),
    State.LEFT: (_("parti"), "off"),
}
"""A state's words and the class of its tag."""

FILTERS: Final[dict[Filter, Promise]] = {
    Filter.EVERYBODY: _("Tout le monde"),
    Filter.WAITING: _("Liste d’attente"),
    Filter.ACTIVE: _("Actifs"),
    Filter.RENEW: _("À renouveler"),
    Filter.LATE: _("En retard"),
    Filter.LEFT: _("Partis"),
}

ROLES: Final[dict[HelperRole, Promise]] = {
    HelperRole.GUARDIAN: _("tuteur ou curateur"),
    HelperRole.RELATIVE: _("proche"),
    HelperRole.CARER: _("aide à domicile"),
    HelperRole.SOCIAL_WORKER: _("travailleur social ou association"),
    HelperRole.INTERPRETER: _("interprète"),
    HelperRole.OTHER: _("autre"),
}

CARDS: Final[dict[str, tuple[Promise, str]]] = {
    CardStatus.ISSUING: (_("en préparation"), "off"),
    CardStatus.ACTIVE: (_("en service"), ""),
    CardStatus.BLOCKED: (_("bloquée"), "bad"),
}

CARD_IS: Final[dict[CardIs, Promise]] = {
    CardIs.BACK: _("Rendue : elle est bloquée, et le reste revient à la caisse"),
    CardIs.LOST: _("Perdue : pareil"),
    CardIs.KEPT: _("Gardée : le membre dépense ce qui reste, si le comité l’a voté"),
}

FATES: Final[dict[Fate, tuple[Promise, str]]] = {
    Fate.NEW: (_("à importer"), ""),
    Fate.NAMESAKE: (_("homonyme à une autre adresse"), "warn"),
    Fate.HERE_BY_NAME: (_("déjà là : même nom, même adresse"), "off"),
    Fate.HERE_BY_EMAIL: (_("déjà là : même courriel"), "off"),
    Fate.TWICE: (_("deux fois dans ce fichier"), "off"),
    Fate.REFUSED: (_("refusée"), "bad"),
}

COLUMNS: Final[dict[str, Promise]] = {
    "last_name": _("Nom (ou nom complet)"),
    "first_name": _("Prénom"),
    "address": _("Adresse"),
    "postcode": _("Code postal"),
    "town": _("Commune"),
    "telephone": _("Téléphone"),
    "email": _("Courriel"),
    "applied_on": _("Date de la demande"),
    "amount": _("Montant par mois"),
    "persons": _("Personnes du foyer"),
}

READING: Final[dict[str, Promise]] = {
    "too_long": _("Ce fichier dépasse 512 Ko : coupez-le en deux."),
    "too_many": _("Ce fichier a plus de 1 000 lignes : coupez-le en deux."),
    "empty": _("Ce fichier est vide."),
    "not_text": _(
        "Ce n’est pas un fichier CSV. Dans le tableur : Enregistrer sous, « CSV (séparateur : "
        "point-virgule) » ou « CSV UTF-8 »."
    ),
    "not_csv": _("Un guillemet n’est pas fermé, ou la ligne n’est pas celle d’un tableau."),
    "column_twice": _("La même colonne est choisie deux fois."),
    "no_name": _("il manque le nom"),
    "too_long_cell": _("c’est trop long"),
    "day": _("ce n’est pas une date comme 03/11/2026"),
    "day_ahead": _("cette date n’est pas encore passée"),
    "amount": _("ce n’est pas un montant comme 25 ou 25,00 €"),
    "persons": _("ce n’est pas un nombre de personnes, de 1 à 50"),
    "email": _("ce n’est pas une adresse de courriel"),
}
"""Why a file or one of its rows is not read."""

WISHES: Final[dict[NoWish, Promise]] = {
    NoWish.BELOW_FLOOR: _("C’est moins que la cotisation minimale votée."),
    NoWish.NOT_IN_STEPS: _("Ce n’est pas un multiple du pas voté."),
}

_HERE: Final[dict[Enum, Promise]] = {
    NotDrawn.SEED_NEEDED: _(
        "L’ordre voté est le tirage au sort : écrivez la graine publiée, à la lettre près."
    ),
    NotDrawn.SEED_NOT_USED: _(
        "L’ordre voté est la date de la demande : une graine n’y change rien, laissez-la vide."
    ),
}
"""What a page says in other words than a command."""


def refusal(why: Enum) -> str:
    """Return why something is not done."""
    if isinstance(why, NoWish):
        return str(WISHES[why])
    return str(_HERE[why]) if why in _HERE else refusal_in_words(why)


def row_refusal(why: object, words: str) -> str:
    """Return why a row of a list is not taken, with the words that are wrong."""
    said = str(WISHES[why]) if isinstance(why, NoWish) else str(READING[str(why)])
    return f"« {words} » : {said}" if words else said
