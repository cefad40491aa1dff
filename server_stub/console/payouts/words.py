"""What is said of runs before and after a person signs; French here, English in the catalogue."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

STATE_TAGS: Final[dict[str, str]] = {
    "draft": "warn",
    "approved": "warn",
    "sent": "warn",
    "confirmed": "",
    "revoked": "off",
}
"""How a state looks."""

NEXT: Final[dict[str, Promise]] = {
    "draft": _(
        "Une autre personne que celle qui l’a préparé doit l’approuver. Rien n’a bougé encore."
    ),
    "approved": _(
        "Approuvé : ces sommes sont réservées. Marquez-le comme envoyé pour obtenir les fichiers."
    ),
    "sent": _(
        "Envoyé : donnez le fichier à la banque ou les papiers au trésorier, puis confirmez quand "
        "le relevé le montre en entier."
    ),
    "confirmed": _("Terminé : le relevé de la banque le montre."),
    "revoked": _("Annulé : les producteurs sont de nouveau dus de ces sommes."),
}
"""What comes next, by state."""

EFFECTS: Final[dict[str, Promise]] = {
    "send": _(
        "Les livres sont d’abord copiés, et la copie relue : si elle échoue, rien ne part. Puis le "
        "paiement est marqué comme envoyé, et ses fichiers peuvent être téléchargés. Vous les "
        "donnez vous-même à la banque : le service n’envoie rien."
    ),
    "confirm": _(
        "Les livres disent ces sommes payées. Ne confirmez que ce que le relevé de la banque "
        "montre en entier. Cela ne s’annule pas : un virement revenu se traite à part."
    ),
    "revoke": _(
        "Les producteurs sont de nouveau dus de ces sommes, et le prochain paiement les reprend. "
        "Ne l’annulez que si la banque ne l’a pas exécuté, et ne l’exécutera pas : sinon ils "
        "seraient payés deux fois."
    ),
}
"""What a deed does."""

VERBS: Final[dict[str, Promise]] = {
    "send": _("Copier les livres et marquer comme envoyé"),
    "confirm": _("Le relevé le montre en entier"),
    "revoke": _("Annuler ce paiement"),
}

DONE: Final[dict[str, Promise]] = {
    "send": _("Les livres sont copiés et le paiement est marqué comme envoyé."),
    "confirm": _("Le paiement est confirmé."),
    "revoke": _("Le paiement est annulé : ses sommes sont de nouveau dues."),
}

BACKUP_FAILED: Final = _(
    "La copie des livres a échoué : rien n’est envoyé et rien n’a changé. Vérifiez la place sur "
    "le disque du serveur, puis recommencez ; le détail est dans le journal du service."
)
PAPER_FAILED: Final = _(
    "Ce papier n’a pas pu être fait. Le paiement reste comme il est ; le détail est dans le "
    "journal du service."
)
NO_DEBTOR: Final = _(
    "Le compte de la caisse n’est pas réglé : demandez à qui entretient le serveur de donner "
    "CLAFOUTIS_DEBTOR_NAME et CLAFOUTIS_DEBTOR_IBAN. Rien n’a changé."
)

NO_DAY: Final = _("Dites quel jour la banque doit exécuter les virements. Rien n’a changé.")

LOCK_HELP: Final[dict[str, Promise]] = {
    "suspected": _(
        "Si la base a été remise à une copie : sur le serveur, clafoutis-server restored --by "
        "NOM. Sinon, ne touchez à rien et appelez qui entretient le service."
    ),
    "unfinished": _(
        "Faites communiquer tous les terminaux, puis reprenez le relevé de la banque à deux."
    ),
}
"""What to do while books are behind, by `services.behind.Lock`."""

FORMS: Final[dict[str, Promise]] = {
    "pain.001.001.09": _("Fichier de virements pour la banque (pain.001.001.09)"),
    "pain.001.001.03": _("Le même, ancienne version (pain.001.001.03)"),
    "etat-liquidatif.pdf": _("État liquidatif (PDF)"),
    "etat-liquidatif": _("État liquidatif (CSV)"),
    "bordereau.pdf": _("Bordereau de ventes (PDF)"),
    "bordereau.csv": _("Bordereau de ventes (CSV)"),
}

KEPT_STATES: Final[dict[str, Promise]] = {
    "held": _("retenue"),
    "waiting": _("en attente d’une preuve"),
    "provisional": _("à confirmer"),
}
