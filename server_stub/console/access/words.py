"""What the pages about access call roles, events and refusals."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from server_stub.models import AccessEventKind, ConsoleRole
from server_stub.services.console_people import NotClosed
from server_stub.services.invitations import NotInvited
from server_stub.services.roles import NotGranted
from server_stub.services.second_factor import NotReset

ROLES: Final[dict[str, Promise]] = {
    ConsoleRole.COORDINATOR: _("Coordination : membres, cartes, terminaux, paiements"),
    ConsoleRole.TREASURER: _("Trésorerie : membres, argent, livres"),
    ConsoleRole.COMMITTEE: _("Comité : règles, fonds, sommes, sans aucun nom"),
    ConsoleRole.MERCHANT: _("Producteur : ses ventes et ses versements, rien d’autre"),
    ConsoleRole.AUDITOR: _("Audit : livres et journal, sans rien pouvoir changer"),
    ConsoleRole.ADMINISTRATOR: _("Administration : ouvre et ferme les accès, rien d’autre"),
}
"""A role and what it opens, for whoever gives it."""

ROLE_NAMES: Final[dict[str, Promise]] = {
    ConsoleRole.COORDINATOR: _("Coordination"),
    ConsoleRole.TREASURER: _("Trésorerie"),
    ConsoleRole.COMMITTEE: _("Comité"),
    ConsoleRole.MERCHANT: _("Producteur"),
    ConsoleRole.AUDITOR: _("Audit"),
    ConsoleRole.ADMINISTRATOR: _("Administration"),
}

EVENTS: Final[dict[str, Promise]] = {
    AccessEventKind.PASSWORD_CHOSEN: _("a choisi un mot de passe avec un lien"),
    AccessEventKind.PASSWORD_CHANGED: _("mot de passe changé"),
    AccessEventKind.FACTOR_ADDED: _("second facteur ajouté"),
    AccessEventKind.FACTOR_REMOVED: _("second facteur retiré"),
    AccessEventKind.FACTORS_RESET: _("tous les seconds facteurs retirés"),
    AccessEventKind.SESSIONS_ENDED: _("sessions fermées partout"),
    AccessEventKind.CLOSED: _("accès fermé"),
    AccessEventKind.REOPENED: _("accès rouvert"),
}

REFUSALS: Final[dict[NotInvited | NotGranted | NotClosed | NotReset, Promise]] = {
    NotInvited.NAME_TAKEN: _("Quelqu’un entre déjà sous ce nom. Choisissez-en un autre."),
    NotInvited.NO_ROLE: _("Cochez au moins un rôle."),
    NotInvited.NO_USER: _("Cet accès est fermé : rouvrez-le d’abord."),
    NotInvited.OWN: _("Un autre administrateur doit faire ce lien : personne ne le fait pour soi."),
    NotGranted.NO_USER: _("Cet accès est fermé : rouvrez-le d’abord."),
    NotGranted.OWN_RIGHTS: _("Personne ne se donne de droits : demandez à un autre."),
    NotGranted.NO_MERCHANT: _("Le rôle de producteur demande un producteur, et lui seul."),
    NotGranted.NO_LENGTH: _("La fin doit venir après le début."),
    NotGranted.HAS_IT: _("Cette personne a déjà ce rôle."),
    NotGranted.NO_GRANT: _("Ce rôle n’est plus en cours : rien n’a été changé."),
    NotGranted.LAST_ADMINISTRATOR: _(
        "C’est le dernier administrateur : invitez-en un autre d’abord."
    ),
    NotClosed.OWN: _("Personne ne ferme son propre accès : demandez à un autre administrateur."),
    NotClosed.NO_USER: _("Rien à faire : cet accès est déjà ainsi."),
    NotClosed.LAST_ADMINISTRATOR: _(
        "C’est le dernier administrateur : invitez-en un autre d’abord."
    ),
    NotReset.OWN: _("Un autre administrateur doit le faire : c’est la règle des quatre yeux."),
    NotReset.NO_USER: _("Cette personne n’existe pas : rien n’a été changé."),
}
