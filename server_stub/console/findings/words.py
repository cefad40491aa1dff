"""What each deed about a point does, before it is done; French here, English in the catalogue."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

OWED_AGAIN: Final = _(
    "La somme revenue est de nouveau due au producteur, et part avec le prochain paiement. Le "
    "paiement d’origine reste ce qu’il était. Cela ne se défait pas."
)
"""What paying does of a payout that the bank gave back."""

EFFECTS: Final[dict[str, Promise]] = {
    "accept": _(
        "Rien ne bouge. Le point quitte la liste, et y revient si ses faits changent. Cela peut "
        "être annulé."
    ),
    "hold": _(
        "Ce qui est dû pour cette vente est retenu jusqu’à ce que des personnes décident : ni "
        "payé, ni rendu. Le producteur le voit sur ses ventes. Cela peut être annulé."
    ),
    "pay": _(
        "La vente devient due au producteur, et part avec le prochain paiement. Si la somme "
        "avait déjà été rendue, c’est le fonds qui la porte."
    ),
    "return": _(
        "La somme est rendue au membre : sa carte la reçoit à son prochain passage. Un crédit "
        "rendu n’est jamais repris."
    ),
    "write-merchant": _(
        "Rien ne bouge. Il est noté aujourd’hui que vous avez écrit au producteur."
    ),
    "write-member": _("Rien ne bouge. Il est noté aujourd’hui que vous avez écrit au membre."),
    "block": _(
        "La carte est bloquée : chaque terminal le sait dès qu’il communique. Jusque-là elle "
        "peut encore payer ce qu’elle a. Ce qu’elle a payé reste dû. Cela peut être annulé."
    ),
    "revoke": _(
        "Le terminal ne reçoit plus de quoi vendre, et s’arrête à la fin de son permis. Ce qu’il "
        "raconte compte toujours. Cela peut être annulé."
    ),
}
"""By `rules.worklist.Deed`."""

SLIP_RETURNED: Final = _(
    "Le bon papier n’est plus dû au producteur ; la vente du terminal le reste. Cela peut être "
    "annulé."
)
"""What giving back a doubled slip does."""

DISPUTE_DEEDS: Final[dict[str, Promise]] = {
    "charged": _("rendre au membre, à la charge du producteur"),
    "borne": _("rendre au membre, à la charge du fonds"),
    "rejected": _("laisser la vente telle quelle"),
}
"""What was proposed about a dispute (`cardkit.resolutions.DisputeOutcome`)."""

WAITING: Final[dict[str, Promise]] = {
    "finding": _("Point à regarder"),
    "dispute": _("Litige"),
    "act": _("Annulation de l’acte n°"),
    "evidence": _("Versement du relevé"),
    "restore": _("Fin de la restauration"),
}
"""What waits for a second person."""
