"""What the pages on members' money say of means, states and refusals."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from cardkit.till_box import Means
from server_stub.console.payment_words import BOOKING, OUTCOMES, PAYMENTS, READING, WHY
from server_stub.services.bank_statements import OpenLine, Seen
from server_stub.services.dues_read import How

MEANS: Final[dict[int | None, Promise]] = {
    None: _("non précisé"),
    int(Means.TRANSFER): _("virement"),
    int(Means.STANDING_ORDER): _("virement permanent"),
    int(Means.CASH): _("espèces"),
    int(Means.CHEQUE): _("chèque"),
}

HOWS: Final[dict[How, tuple[Promise, str]]] = {
    How.LATE: (_("en retard"), "bad"),
    How.PART: (_("en partie"), "warn"),
    How.OPEN: (_("attendue"), "off"),
    How.PAID: (_("payée"), ""),
}

_HERE: Final[dict[str, Promise]] = {
    "SETTLED_ALREADY": _(
        "Cette ligne est déjà rangée. Pour revenir dessus, ouvrez-la parmi les lignes rangées."
    ),
    "NOTHING": _("Cette ligne ne correspond à rien de connu : dites de qui elle est."),
    "SEVERAL": _("Cette ligne correspond à plusieurs personnes : dites laquelle."),
    "UNKNOWN": _("Aucun profil de ce nom : créez-en un."),
}
"""What a page says in other words than a command."""


def payment_refusal(name: str, **facts: str) -> str:
    """Return why a payment is not taken, or money not handed in."""
    return str(PAYMENTS[name]) % facts


def booking_refusal(name: str) -> str:
    """Return why a line of the bank stays as it is."""
    return str(_HERE.get(name, BOOKING[name]))


def reading_refusal(name: str, line: int | None = None, words: str = "") -> str:
    """Return why a statement is not read, and that nothing of it was kept."""
    said = str(_HERE[name] if name == "UNKNOWN" else READING[name])
    if words:
        said = f"« {words} » : {said}"
    if line is not None:
        said = _now("Ligne %(line)s : %(said)s") % {"line": line, "said": said}
    return f"{said.rstrip('.')}. " + _now("Rien n’a été enregistré.")


def seems(of: Seen | OpenLine, whose: dict[int, tuple[int, str]]) -> tuple[str, str]:
    """Return what a line seems to be, empty where nothing is proposed, and why."""
    proposal = of.proposal
    why = str(WHY[proposal.why.name])
    if proposal.outcome is None:
        return "", why
    merchant = f"-M{proposal.merchant}" if proposal.merchant else ""
    facts = {
        "whose": whose.get(proposal.account, (0, _now("un compte sans nom")))[1],
        "run": f"{proposal.settlement}{merchant}",
    }
    return str(OUTCOMES[proposal.outcome.value]) % facts, why


def became(kind: str, name: str, run: str) -> str:
    """Return what somebody said that a line is."""
    return str(OUTCOMES[kind]) % {"whose": name or _now("un compte sans nom"), "run": run}
