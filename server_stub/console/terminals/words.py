"""What the pages on terminals say: why nothing was done, and why a file was left alone."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from server_stub.services.pin_code import NoCode
from server_stub.services.stick import Left

NOT_PERMITTED: Final[dict[str, Promise]] = {
    "NOT_IN_USE": _(
        "Ce terminal a été retiré ou déclaré perdu : il ne reçoit plus de permis. Appairez-en un "
        "autre."
    ),
    "NO_MERCHANT": _("Choisissez au moins un producteur. Rien n’a été changé."),
    "TOO_MANY": _("C’est plus de producteurs qu’un permis n’en contient : choisissez-les."),
    "NO_CONVENTION": _(
        "Un de ces producteurs n’a pas de convention ce jour-là. Signez-la d’abord, ou ne le "
        "choisissez pas. Rien n’a été prêté."
    ),
    "NOT_A_DAY": _("Un prêt est pour aujourd’hui ou demain. Rien n’a été prêté."),
    "BEHIND": _(
        "Les livres sont en retard sur les terminaux : finissez la restauration d’abord. Rien n’a "
        "été changé."
    ),
}
"""By name of a `services.lending.NotPermitted`."""

NOT_DONE: Final[dict[str, Promise]] = {
    "ALREADY_STOLEN": _("Ce terminal est déjà déclaré volé ; rien n’a été changé."),
    "NOT_IN_USE": _("Ce terminal n’est déjà plus en service ; rien n’a été changé."),
    "CHANGED": _(
        "Le plafond a changé depuis que la page l’a montré ; rien n’a été fait. Regardez le "
        "nouveau, puis recommencez."
    ),
}
"""By name of a `services.theft.NotDone`."""

LEFT: Final[dict[Left, Promise]] = {
    Left.ANOTHER_CAISSE: _("n’est pas d’un terminal de cette caisse"),
    Left.UNKNOWN_TERMINAL: _("terminal inconnu ici"),
    Left.NOT_GENUINE: _("pas signé par ce terminal"),
}

NO_CODE: Final[dict[NoCode, Promise]] = {
    NoCode.NOT_DIGITS: _("Ce sont les six chiffres affichés par le terminal qu’il faut."),
    NoCode.NO_TERMINAL: _("Il n’y a pas ce terminal ici."),
}
