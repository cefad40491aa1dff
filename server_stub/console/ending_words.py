"""What is left to do before a caisse ends, in words: French here, English by catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from server_stub.services.amounts import euros
from server_stub.services.winding_up import Ending, Left, Matter

MATTERS: Final[dict[Matter, tuple[Promise, Promise | str]]] = {
    Matter.MEMBERS: (
        _("membres qui ne sont pas partis"),
        _("clafoutis-server member leave QUI --card back --by NOM --write"),
    ),
    Matter.CONVENTIONS: (
        _("conventions qui durent encore"),
        _("clafoutis-server merchant end NUMÉRO --last-day JOUR --by NOM"),
    ),
    Matter.ENTRIES: (
        _("écritures que des terminaux n’ont pas rendues"),
        _("clafoutis-server terminal missing : faites-les communiquer, ou déclarez-les perdus"),
    ),
    Matter.TERMINALS: (
        _("terminaux en service"),
        _("clafoutis-server terminal revoke NUMÉRO --by NOM, une fois tout rendu"),
    ),
    Matter.DECISIONS: (
        _("points, litiges ou bons papier à décider"),
        "clafoutis-server finding list, dispute list, carnet list",
    ),
    Matter.UNPROVEN: (
        _("retenu ou en attente d’une preuve"),
        _("clafoutis-server owed, puis finding list"),
    ),
    Matter.PAYABLE: (
        _("producteurs dont le compte n’est pas à zéro"),
        _("clafoutis-server settle draw-up --by NOM ; au-dessous de zéro, avec le producteur"),
    ),
    Matter.RUNS: (
        _("paiements en route"),
        "clafoutis-server settle list",
    ),
    Matter.TILL_BOX: (
        _("en caisse : espèces et chèques"),
        _("clafoutis-server cash deposit … --by NOM"),
    ),
}


def line(left: Left) -> str:
    """Say what is left of one matter, and what to do about it."""
    words, deed = MATTERS[left.matter]
    if left.is_over:
        return _now("fait     %(what)s : plus rien") % {"what": words}
    told = [str(left.count)] if left.count else []
    told += [euros(left.amount_cents)] if left.amount_cents else []
    return "\n".join(
        (
            _now("à faire  %(much)s : %(what)s") % {"much": ", ".join(told), "what": words},
            f"         → {deed}",
        )
    )


def rest(ending: Ending) -> Iterator[str]:
    """Say what keeps nobody from the end, and what comes after."""
    if ending.on_cards_cents:
        yield _now(
            "Reste sur des cartes : %(amount)s. Cela n’empêche rien : la règle votée dit quand ils"
            " reviennent au fonds."
        ) % {"amount": euros(ending.on_cards_cents)}
    if ending.is_over:
        yield _now(
            "Tout est fini. Archivez (wind-up archive), faites vérifier l’archive, puis effacez les"
            " %(count)s personnes (wind-up forget)."
        ) % {"count": ending.people}
