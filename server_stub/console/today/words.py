"""What the home page says of what waits, of the month and of the service's own work."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from server_stub.services.today import Need, Task

NEEDS: Final[dict[Need, Promise]] = {
    Need.LOCKED: _("Les livres ont été restaurés : rien n’est émis ni payé avant la fin"),
    Need.SECOND_PERSON: ngettext_lazy(
        "%(count)s décision attend une deuxième personne",
        "%(count)s décisions attendent une deuxième personne",
        "count",
    ),
    Need.RUN_TO_APPROVE: _("Le paiement %(name)s attend l’accord d’une autre personne"),
    Need.RUN_TO_SEND: _("Le paiement %(name)s est approuvé : il reste à l’envoyer"),
    Need.RUN_TO_CONFIRM: _("Le paiement %(name)s est envoyé : confirmez quand la banque l’a fait"),
    Need.BANK_DETAILS: ngettext_lazy(
        "%(count)s coordonnée bancaire à confirmer par une autre personne",
        "%(count)s coordonnées bancaires à confirmer par une autre personne",
        "count",
    ),
    Need.FINDINGS: ngettext_lazy(
        "%(count)s point à regarder", "%(count)s points à regarder", "count"
    ),
    Need.DISPUTES: ngettext_lazy(
        "%(count)s litige en cours", "%(count)s litiges en cours", "count"
    ),
    Need.PAPER_SLIPS: ngettext_lazy(
        "%(count)s bon papier attend une deuxième personne",
        "%(count)s bons papier attendent une deuxième personne",
        "count",
    ),
    Need.BANK_LINES: ngettext_lazy(
        "%(count)s ligne de relevé à ranger", "%(count)s lignes de relevé à ranger", "count"
    ),
    Need.TERMINAL_TO_PAIR: ngettext_lazy(
        "%(count)s terminal demande à être appairé",
        "%(count)s terminaux demandent à être appairés",
        "count",
    ),
    Need.TERMINALS_SILENT: ngettext_lazy(
        "%(count)s terminal silencieux depuis une semaine",
        "%(count)s terminaux silencieux depuis une semaine",
        "count",
    ),
    Need.LETTERS: ngettext_lazy(
        "%(count)s courrier à imprimer ou à envoyer",
        "%(count)s courriers à imprimer ou à envoyer",
        "count",
    ),
    Need.JOB_FAILED: _("Le travail « %(name)s » n’a pas abouti"),
    Need.WAITING_LIST: ngettext_lazy(
        "%(count)s personne sur la liste d’attente",
        "%(count)s personnes sur la liste d’attente",
        "count",
    ),
}

WHERE: Final[dict[Need, str]] = {
    Need.LOCKED: "payouts",
    Need.SECOND_PERSON: "findings",
    Need.RUN_TO_APPROVE: "payout",
    Need.RUN_TO_SEND: "payout",
    Need.RUN_TO_CONFIRM: "payout",
    Need.BANK_DETAILS: "merchants",
    Need.FINDINGS: "findings",
    Need.DISPUTES: "disputes",
    Need.PAPER_SLIPS: "slips",
    Need.BANK_LINES: "bank_lines",
    Need.TERMINAL_TO_PAIR: "terminals",
    Need.TERMINALS_SILENT: "terminals",
    Need.LETTERS: "letters",
    Need.WAITING_LIST: "wave",
}
"""The page that helps with it."""

TASKS: Final[dict[Task, Promise]] = {
    Task.BACKUP: _("Copie des livres"),
    Task.ISSUE: _("Allocations signées pour les cartes"),
    Task.BANK_STATEMENT: _("Relevé de banque du mois importé"),
    Task.CASH_COUNT: _("Caisse comptée ce mois-ci"),
    Task.PAYOUT: _("Producteurs payés depuis moins d’une semaine"),
    Task.ALL_SENT: _("Tous les terminaux ont envoyé leur mois"),
    Task.RENEWALS: _("Engagements renouvelés à temps"),
}

TASKS_WHERE: Final[dict[Task, str]] = {
    Task.BANK_STATEMENT: "bank_lines",
    Task.CASH_COUNT: "cash_box",
    Task.PAYOUT: "payouts",
    Task.ALL_SENT: "terminals",
    Task.RENEWALS: "renewals",
}

JOBS: Final[dict[str, Promise]] = {
    "backup": _("copie des livres"),
    "reconcile": _("sommes rendues aux membres à leur date"),
    "issue": _("allocations du mois"),
    "letters": _("courriels, et lettres de bienvenue à imprimer"),
    "digest": _("empreinte du jour"),
    "figures": _("chiffres publics"),
    "retention": _("oubli des personnes parties depuis deux ans"),
}
