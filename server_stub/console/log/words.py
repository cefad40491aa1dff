"""What acts are called and what they say, with nobody's name; French here, English by catalogue."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from server_stub.console.words import FINDINGS
from server_stub.services.acts_read import ActSeen, Shown
from server_stub.services.amounts import euros

KINDS: Final[dict[str, Promise]] = {
    "EPOCH_RAISED": _("Restauration déclarée"),
    "DOCUMENT_HELD": _("Document mis en vigueur"),
    "CARD_ISSUED": _("Carte remise"),
    "CARD_STATUS_SET": _("Carte bloquée ou débloquée"),
    "ALLOWANCE_ISSUED": _("Allocation signée"),
    "TERMINAL_LOST": _("Terminal déclaré perdu"),
    "CONTRIBUTION_RECEIVED": _("Cotisation encaissée"),
    "RECOVERY_CONFIRMED": _("Vente retrouvée, confirmée"),
    "RECOVERY_REVERSED": _("Vente retrouvée, contredite par le journal"),
    "SPEND_RETURNED": _("Somme rendue au membre"),
    "CLAIM_ACCEPTED": _("Vente retenue, payée par décision"),
    "RULE_SET": _("Règle votée"),
    "CREDIT_MOVED": _("Crédit passé à une autre carte"),
    "CARD_REKEYED": _("Carte passée à une clé plus récente"),
    "SETTLEMENT_APPROVED": _("Paiement approuvé"),
    "SETTLEMENT_SENT": _("Paiement envoyé"),
    "SETTLEMENT_CONFIRMED": _("Paiement confirmé par la banque"),
    "SETTLEMENT_REVOKED": _("Paiement annulé"),
    "PAYOUT_EVIDENCED": _("Versement repris du relevé de la banque"),
    "PAYOUT_RETURNED": _("Virement revenu : de nouveau dû"),
    "PROOF_KEYS_PUBLISHED": _("Clés de preuve publiées"),
    "RESTORE_FINISHED": _("Restauration terminée"),
    "DIGEST_SIGNED": _("Empreinte du jour signée"),
    "COMMITMENT_MADE": _("Engagement pris"),
    "COMMITMENT_CHANGED": _("Engagement baissé"),
    "WAVE_ADMITTED": _("Vague admise"),
    "CREDIT_LAPSED": _("Crédit revenu à la caisse"),
    "MEMBER_LEFT": _("Départ d’un membre"),
    "CASH_COUNTED": _("Caisse comptée"),
    "MONEY_DEPOSITED": _("Versement à la banque"),
    "CONVENTION_SIGNED": _("Convention signée"),
    "CONVENTION_ENDED": _("Convention terminée"),
    "TERMINAL_REVOKED": _("Terminal révoqué"),
    "DISPUTE_OPENED": _("Litige ouvert"),
    "DISPUTE_ANSWERED": _("Réponse du producteur à un litige"),
    "DISPUTE_DECIDED": _("Litige décidé"),
    "PAPER_ACCEPTED": _("Bon papier accepté"),
    "CREDIT_WITHHELD": _("Crédit retenu pour un bon papier"),
    "FINDING_HANDLED": _("Point traité"),
    "ACT_REVERSED": _("Acte annulé"),
}
"""By name of a `cardkit.acts.ActKind`."""

FIELDS: Final[dict[str, Promise]] = {
    "account": _("compte de membre"),
    "amount": _("montant"),
    "answer": _("réponse"),
    "answer_by": _("réponse avant la fin du"),
    "bearer": _("à la charge de"),
    "cancels": _("annule l’acte n°"),
    "carnet": _("carnet n°"),
    "candidates": _("candidats"),
    "cheques": _("chèques"),
    "content": _("document signé"),
    "first_month": _("premier mois"),
    "from_month": _("à partir du mois"),
    "monthly": _("par mois"),
    "months": _("nombre de mois"),
    "order": _("ordre"),
    "persons": _("personnes"),
    "pieces": _("pièces et billets"),
    "places": _("places"),
    "seed": _("graine du tirage"),
    "signed_on": _("signé le"),
    "terms": _("conditions"),
    "until_day": _("jusqu’au"),
    "wave": _("vague n°"),
    "booked": _("attendu d’après les livres"),
    "day": _("jour"),
    "digest": _("empreinte"),
    "doubts": _("réserves"),
    "drawn_up_by": _("préparé par (n°)"),
    "entered_by": _("première personne (n°)"),
    "entry": _("écriture"),
    "epoch": _("époque"),
    "finding": _("point"),
    "first_person": _("première personne (n°)"),
    "first_tmc": _("du compteur"),
    "from_day": _("à partir du"),
    "generation": _("vie de la carte"),
    "handling": _("traitement"),
    "is_held": _("retenu"),
    "kind": _("genre"),
    "key": _("repère"),
    "last_seq": _("jusqu’à l’écriture n°"),
    "lines": _("lignes"),
    "means": _("moyen"),
    "merchant": _("producteur n°"),
    "minutes": _("procès-verbal"),
    "month": _("mois"),
    "name": _("règle"),
    "number": _("numéro"),
    "outcome": _("décision"),
    "reason": _("motif"),
    "reference": _("référence"),
    "second_person": _("deuxième personne (n°)"),
    "seq": _("n°"),
    "settlement": _("paiement"),
    "slip": _("bon n°"),
    "status": _("état"),
    "terminal": _("terminal n°"),
    "tmc": _("compteur"),
    "total": _("total versé depuis le début"),
    "uid": _("carte"),
    "value": _("valeur"),
    "value_date": _("date de valeur"),
    "voted_on": _("voté le"),
    "window": _("plafond de perte"),
}
"""By the name of a field of an act's body, without its unit."""

ANSWERS: Final[dict[str, Promise]] = {
    "yes": _("oui"),
    "no": _("non"),
    "active": _("actif"),
    "blocked": _("bloquée"),
    "accepted": _("accepté tel quel"),
    "noted": _("noté"),
    "wrote_to_merchant": _("écrit au producteur"),
    "wrote_to_member": _("écrit au membre"),
    "agrees": _("d’accord"),
    "contests": _("en désaccord"),
    "charged": _("rendu, à la charge du producteur"),
    "borne": _("rendu, à la charge du fonds"),
    "rejected": _("la vente reste due"),
    "shown": _("par ce que chacun a montré"),
    "agreed": _("d’un commun accord"),
    "unanswered": _("sans réponse à temps"),
    "withdrawn": _("retiré"),
    "not_bought": _("le membre dit n’avoir pas acheté"),
    "wrong_amount": _("le membre dit que c’était moins"),
    "doubted": _("la caisse en doute"),
    "claim_refused": _("vente retenue, non payée"),
    "intent_never_green": _("jamais acceptée"),
    "unclaimed": _("que personne ne réclame"),
    "void_contradicted": _("que le terminal nie"),
    "credit": _("le crédit à venir du membre"),
    "fund": _("le fonds"),
    "cash": _("espèces"),
    "cheque": _("chèque"),
    "transfer": _("virement"),
    "standing_order": _("virement permanent"),
}
"""What the choices of acts say."""

_HIDDEN: Final = frozenset({"facts", "tmv", "enc_tmri", "head", "profile", "key_version"})
"""Of use to programs alone."""
_CENTS: Final = "_cents"


def kind_in_words(act: ActSeen) -> str:
    """Return what an act is called."""
    return str(KINDS[act.kind_name]) if act.kind_name in KINDS else _now("Acte d’un genre inconnu")


def author_in_words(act: ActSeen) -> str:
    """Return who did it: a console name, or the service itself."""
    if act.author:
        return act.author
    return _now("le service") if not act.is_of_a_person else _now("n° %(by)s") % {"by": act.by}


def in_words(act: ActSeen, *, sees_texts: bool = False) -> dict[str, object]:
    """Return an act as templates show it; what people wrote is for those who see members."""
    return {
        "one": act if sees_texts else replace(act, text=""),
        "kind": kind_in_words(act),
        "author": author_in_words(act),
        "facts": facts_of(act),
    }


def facts_of(act: ActSeen) -> list[tuple[str, str]]:
    """Return what an act says, each with its name; what is empty is left out."""
    return [
        (str(FIELDS.get(name.removesuffix(_CENTS), name)), _value(name, value))
        for name, value in act.fields
        if value is not None and value != "" and name not in _HIDDEN
    ]


def _value(name: str, value: Shown) -> str:
    if name.endswith(_CENTS) and isinstance(value, int):
        return euros(value)
    if isinstance(value, date):
        return date_format(value, "j F Y")
    if isinstance(value, str):
        return str(ANSWERS[value] if value in ANSWERS else FINDINGS.get(value, value))
    return str(value)
