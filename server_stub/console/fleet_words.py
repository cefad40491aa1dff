"""What is said of terminals: French here, English in the catalogue."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TROUBLES: Final[dict[str, Promise]] = {
    "entries_missing": _("il manque des écritures"),
    "permit_ended": _("permis terminé : il ne vend plus"),
    "permit_ends": _("permis bientôt terminé : faites-le communiquer"),
    "never_heard": _("n’a jamais communiqué"),
    "silent": _("silencieux depuis trop longtemps"),
    "unsent": _("n’a pas tout envoyé"),
    "clock_untrusted": _("horloge pas sûre"),
    "undervoltage": _("alimentation trop faible"),
    "disk_low": _("carte SD presque pleine"),
    "disk_slow": _("carte SD lente : remplacez-la"),
    "hot": _("trop chaud"),
}
"""By `rules.fleet.Trouble`."""

EVIDENCE: Final[dict[str, Promise]] = {
    "later_entries": _("des écritures suivantes sont là"),
    "told": _("le terminal a dit qu’elles existent"),
    "cards": _("une carte porte sa marque pour un tel numéro"),
}
"""By `rules.missing.Evidence`."""

CLOCKS: Final[dict[str, Promise]] = {
    "UNTRUSTED": _("pas sûre"),
    "DECLARED": _("déclarée à l’ouverture"),
    "RTC": _("horloge intégrée"),
    "SYNCHRONISED": _("à l’heure du réseau"),
}
"""By name of a `cardkit.clock.ClockTrust`."""

NOT_PERMITTED: Final[dict[str, Promise]] = {
    "NOT_IN_USE": _("Ce terminal a été retiré ou déclaré perdu : appairez-en un autre."),
    "NO_MERCHANT": _("Un de ces producteurs n’existe pas, ou il n’y en a aucun."),
    "TOO_MANY": _("C’est plus de producteurs qu’un permis n’en contient : nommez-les."),
    "NO_CONVENTION": _("Un de ces producteurs n’a pas de convention ce jour-là."),
    "NOT_A_DAY": _("Un prêt est pour aujourd’hui ou demain."),
    "BEHIND": _("Les livres sont en retard sur les terminaux : finissez la restauration."),
}
"""By name of a `services.lending.NotPermitted`."""

NOT_DONE: Final[dict[str, Promise]] = {
    "ALREADY_STOLEN": _("Ce terminal est déjà déclaré volé ; rien n’a été changé."),
    "NOT_IN_USE": _("Ce terminal n’est déjà plus en service ; rien n’a été changé."),
    "CHANGED": _("Le plafond a changé entre-temps ; rien n’a été fait. Recommencez."),
    "NO_TERMINAL": _("Il n’y a pas ce terminal ici."),
}
"""By name of a `services.theft.NotDone`."""
