"""What the life of a member is called: French here, English in the catalogue."""

from __future__ import annotations

from enum import Enum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from server_stub.rules.renewals import Stage
from server_stub.rules.voting import NotVoted
from server_stub.services.commitments import NotPromised
from server_stub.services.exits import NotLeft
from server_stub.services.renewals import NotRenewed
from server_stub.services.waves import NotDrawn

STAGES: Final[dict[Stage, Promise]] = {
    Stage.TO_RENEW: _("à renouveler"),
    Stage.IN_GRACE: _("mois de grâce"),
    Stage.NOTHING: _("ne reçoit plus rien"),
}

REFUSALS: Final[dict[Enum, Promise]] = {
    NotVoted.NO_SUCH_RULE: _("Aucune règle n’a ce nom : « rule list » les montre."),
    NotVoted.NOT_A_VALUE: _("Ce n’est pas une valeur de cette règle."),
    NotVoted.CLOSED_PERIOD: _(
        "Cette date est dans une période close : crédits donnés et paiements approuvés restent "
        "ce qu’ils sont. Rien n’a été changé. La règle peut s’appliquer à partir du %(day)s."
    ),
    NotVoted.NO_MINUTES: _(
        "Indiquez le titre du vote dans le procès-verbal, en 120 caractères au plus."
    ),
    NotVoted.VOTED_LATER: _("Le jour du vote est dans l’avenir."),
    NotDrawn.NOBODY_WAITS: _("Personne n’est sur la liste d’attente."),
    NotDrawn.NO_PLACES: _("Une vague a au moins une place."),
    NotDrawn.SEED_NEEDED: _(
        "L’ordre voté est le tirage au sort : indiquez la graine publiée avec --seed, en 120 "
        "caractères au plus."
    ),
    NotDrawn.SEED_NOT_USED: _(
        "L’ordre voté est la date de la demande : une graine n’y change rien, enlevez --seed."
    ),
    NotDrawn.TOO_MANY: _("La liste d’attente est trop longue pour une vague."),
    NotDrawn.LIST_CHANGED: _(
        "La liste d’attente a changé depuis que vous l’avez vue. Personne n’a été admis : "
        "regardez-la de nouveau."
    ),
    NotPromised.BELOW_FLOOR: _("C’est moins que la cotisation minimale votée."),
    NotPromised.NOT_IN_STEPS: _("Ce n’est pas un multiple du pas voté."),
    NotPromised.NOT_A_MONTH: _("Indiquez un mois par son premier jour."),
    NotPromised.SPOKEN_FOR: _("Un autre engagement porte déjà sur ces mois."),
    NotPromised.NOT_OF_IT: _("L’engagement ne porte pas sur ce mois."),
    NotPromised.WAITING: _(
        "Cette personne est sur la liste d’attente : admettez d’abord sa vague."
    ),
    NotPromised.LEFT: _("Cette personne a quitté la caisse."),
    NotPromised.NOT_LOWER: _(
        "Avant la fin de l’engagement, un montant ne peut que baisser. Pour l’augmenter, attendez "
        "le renouvellement."
    ),
    NotPromised.SIGNED_ALREADY: _(
        "Le crédit de ce mois est déjà signé et reste au membre. Choisissez un mois plus tard."
    ),
    NotPromised.NO_HOUSEHOLD: _("Un foyer compte de une à cinquante personnes."),
    NotRenewed.NOTHING_TO_RENEW: _("Il n’y a rien à renouveler aujourd’hui."),
    NotRenewed.ASK_FIRST: _("montant baissé entre-temps : à demander à la personne"),
    NotLeft.NOT_A_MEMBER: _(
        "Cette personne est sur la liste d’attente. Pour l’en retirer, effacez-la."
    ),
    NotLeft.LEFT_ALREADY: _("Cette personne a déjà quitté la caisse."),
    NotLeft.CREDIT_SIGNED: _(
        "Le crédit de ce mois est déjà signé et reste au membre. Choisissez un mois plus tard."
    ),
    NotLeft.NOT_A_MONTH: _("Indiquez un mois par son premier jour."),
}
"""Why something is not done, as a sentence; `%(day)s` only where it stands."""


def refusal_in_words(why: Enum, **facts: str) -> str:
    """Return why something is not done."""
    return str(REFUSALS[why]) % facts if facts else str(REFUSALS[why])
