"""What the work list says: what was kept, whose cents, what happens by itself; French here."""

from __future__ import annotations

from typing import Final

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from cardkit.clock import business_date
from server_stub.rules.disputes import Stage
from server_stub.rules.findings import FindingKind
from server_stub.rules.paper import (
    CARD_UNKNOWN,
    NOT_INITIALLED,
    SAME_SALE,
    WAS_SELLING,
    NotPaid,
)
from server_stub.rules.worklist import ByItself, Deed, Whose, WorkItem
from server_stub.services.deciding import NotDone

_NOTHING_LOST: Final = _("Tout ce qui est signé est conservé ; rien n’est payé deux fois.")
_HELD: Final = _("La vente est conservée et retenue : ni payée, ni rendue.")
_PROVEN: Final = _("La vente que la carte prouve est conservée et due.")
_JOURNAL: Final = _("Toutes les écritures reçues sont conservées, dans chaque version.")
_CARD: Final = _("Rien n’a été débité ; ce que le terminal a vu est conservé.")
_LOCKED: Final = _("Les livres sont en retard sur ce qui a été payé : finissez la restauration.")

KEPT: Final[dict[FindingKind, Promise]] = {
    FindingKind.GAP: _("La somme est gardée en attente : ni payée, ni rendue."),
    FindingKind.UNCLAIMED: _("La somme est déjà rendue au membre."),
    FindingKind.WITHHELD: _("La somme est gardée en attente : ni payée, ni rendue."),
    FindingKind.AWAITS_PROOF: _("La vente est conservée ; elle n’est pas encore due."),
    FindingKind.OUTCOME_MISSING: _("Le débit est conservé en attente : ni payé, ni rendu."),
    FindingKind.SEEN_AHEAD: _CARD,
    FindingKind.NOT_GENUINE: _HELD,
    FindingKind.CARD_UNKNOWN: _HELD,
    FindingKind.HELD: _HELD,
    FindingKind.TWO_PROOFS: _HELD,
    FindingKind.COUNTER_WENT_DOWN: _PROVEN,
    FindingKind.CARD_BRANCHED: _PROVEN,
    FindingKind.CARD_ROLLED_BACK: _CARD,
    FindingKind.CARD_FORKED: _CARD,
    FindingKind.REPLACE_CARD: _("Tout est conservé ; le crédit du membre est entier."),
    FindingKind.VOID_CONTRADICTED: _("Le débit est conservé en attente : ni payé, ni rendu."),
    FindingKind.TWO_OUTCOMES: _PROVEN,
    FindingKind.AMOUNT_DIFFERS: _PROVEN,
    FindingKind.TOKEN_WRONG: _PROVEN,
    FindingKind.ENC_TMRI_WRONG: _PROVEN,
    FindingKind.RECOVERED: _("La vente est conservée ; elle attend que quelqu’un la confirme."),
    FindingKind.RECOVERY_CONTRADICTED: _("Les deux versions sont conservées ; rien n’est payé."),
    FindingKind.RETURNED_AND_GREEN: _("La somme est au membre ; la vente est conservée."),
    FindingKind.REFUND_WAITS: _("Le remboursement est conservé ; il n’est pas encore accordé."),
    FindingKind.SEQ_FORK: _JOURNAL,
    FindingKind.RESTORED: _JOURNAL,
    FindingKind.CHAIN_BROKEN: _JOURNAL,
    FindingKind.ENTRIES_MISSING: _JOURNAL,
    FindingKind.UNREADABLE: _JOURNAL,
    FindingKind.TERMINAL_NOT_ACTIVE: _NOTHING_LOST,
    FindingKind.DISPUTED: _("La vente et la contestation sont conservées ; le reste est dû."),
    FindingKind.PAPER_DOUBLE: _("Le bon et la vente sont conservés, et tous deux dus."),
    FindingKind.PAYOUT_RETURNED: _("Le retour est conservé ; le producteur n’a pas été payé."),
    FindingKind.RESTORE_SUSPECTED: _NOTHING_LOST,
}
"""What is safe, whatever is done next."""

WHOSE: Final[dict[Whose, Promise]] = {
    Whose.NOBODY: _("personne"),
    Whose.MERCHANT: _("le producteur"),
    Whose.MEMBER: _("le membre"),
    Whose.FUND: _("le fonds"),
    Whose.UNKNOWN: _("à voir"),
}

BY_ITSELF: Final[dict[ByItself, Promise]] = {
    ByItself.NOTHING: _("Rien ne se passe tout seul."),
    ByItself.STAYS_HELD: _("Reste retenu tant que personne ne décide."),
    ByItself.STAYS_PROVISIONAL: _("N’est pas payé tant que personne ne confirme."),
    ByItself.PAID: _("Est payé au prochain paiement."),
    ByItself.RETURNED_WHEN_TOLD: _(
        "Est rendu au membre dès que tous les terminaux ont tout envoyé."
    ),
    ByItself.RETURNED_ON_DAY: _("Est rendu au membre à la fin du délai voté."),
    ByItself.RULED_ON_DAY: _("Sans réponse du producteur, la règle votée décide."),
    ByItself.NEXT_TAP: _("Le prochain passage de la carte le dira."),
    ByItself.NEXT_SYNC: _("Le prochain envoi du terminal peut l’expliquer."),
    ByItself.WHEN_PROVEN: _("Est accordé dès que la vente est prouvée et due."),
    ByItself.LOCKED: _("Rien n’est attribué ni payé tant que ce point reste."),
}

DEEDS: Final[dict[Deed, Promise]] = {
    Deed.ACCEPT: _("accepter tel quel"),
    Deed.HOLD: _("retenir la vente"),
    Deed.PAY: _("payer"),
    Deed.RETURN: _("rendre au membre"),
    Deed.WRITE_MERCHANT: _("écrire au producteur"),
    Deed.WRITE_MEMBER: _("écrire au membre"),
    Deed.BLOCK: _("bloquer la carte"),
    Deed.REVOKE: _("révoquer le terminal"),
}

STAGES: Final[dict[Stage, Promise]] = {
    Stage.ASKED: _("producteur interrogé"),
    Stage.AGREED: _("producteur d’accord"),
    Stage.CONTESTED: _("producteur en désaccord"),
    Stage.HELD: _("retenue par la caisse"),
    Stage.REOPENED: _("rouverte"),
    Stage.CHARGED: _("rendue, à la charge du producteur"),
    Stage.BORNE: _("rendue, à la charge du fonds"),
    Stage.REJECTED: _("rejetée"),
    Stage.WITHDRAWN: _("retirée"),
}

NOT_DONE: Final[dict[NotDone, Promise]] = {
    NotDone.NO_SUCH_FINDING: _("Aucun point ouvert n’a ce numéro."),
    NotDone.NOT_FOR_THIS: _("Ce n’est pas possible pour ce genre de point."),
    NotDone.NO_PROOF: _(
        "Aucune carte ne l’a prouvé. Pour payer sans preuve, saisissez un bon du carnet, à deux."
    ),
    NotDone.NO_CARD: _("Aucune carte n’est concernée."),
    NotDone.NO_TERMINAL: _("Aucun terminal n’est concerné."),
    NotDone.ALREADY: _("C’est déjà fait."),
    NotDone.NOT_PAYABLE: _("Rien n’est dû pour cette vente en ce moment."),
    NotDone.MORE_THAN_LEFT: _("Il reste moins que cela de cette vente."),
    NotDone.NO_MERCHANT: _("Le terminal servait plusieurs producteurs : dites lequel."),
    NotDone.NO_SUCH_DISPUTE: _("Aucune contestation n’a ce numéro."),
    NotDone.DECIDED: _("Cette contestation est close."),
    NotDone.NO_SUCH_ACT: _("Aucun acte n’a ce numéro."),
    NotDone.NOT_REVERSIBLE: _(
        "Cet acte ne peut pas être annulé : un crédit signé n’est jamais repris."
    ),
    NotDone.REVERSED_ALREADY: _("Cet acte est déjà annulé."),
    NotDone.CAME_BACK: _("Ce versement est revenu et de nouveau dû : il ne peut plus être annulé."),
    NotDone.LOCKED: _LOCKED,
}

NOT_PAID: Final[dict[NotPaid, Promise]] = {
    NotPaid.NO_SUCH_CARNET: _("Aucun carnet, ou aucun producteur, n’a ce numéro."),
    NotPaid.NOT_IN_CARNET: _("Ce carnet n’a pas de bon de ce numéro."),
    NotPaid.CARNET_KNOWN: _("Ce carnet a déjà été remis."),
    NotPaid.KNOWN_ALREADY: _("Ce bon a déjà été saisi."),
    NotPaid.NOT_A_SLIP: _("Il faut un montant, et un jour depuis la remise du carnet."),
    NotPaid.NOT_ENTERED: _("Ce bon n’a pas été saisi."),
    NotPaid.PAID_ALREADY: _("Ce bon est déjà dû : annulez d’abord l’acte qui l’a accepté."),
    NotPaid.SAME_PERSON: _("Il faut deux personnes différentes."),
    NotPaid.NOT_THE_SAME: _("Vous n’avez pas lu le même montant : reprenez le bon ensemble."),
    NotPaid.DOUBTFUL: _("Quelque chose s’oppose à ce bon. Rien n’est payé :"),
    NotPaid.OVER_CEILING: _("Le plafond voté des bons de ce producteur ce jour-là est atteint."),
    NotPaid.LOCKED: _LOCKED,
}

DOUBTS: Final[dict[int, Promise]] = {
    SAME_SALE: _("un terminal raconte une vente à la même carte, du même montant, ce jour-là"),
    WAS_SELLING: _("le terminal du producteur a vendu ce jour-là"),
    NOT_INITIALLED: _("le bon n’est pas paraphé par le membre"),
    CARD_UNKNOWN: _("le numéro de carte n’est pas de cette caisse"),
}


def by_itself_in_words(item: WorkItem) -> str:
    """Say what happens if nobody does anything, and when."""
    said = str(BY_ITSELF[item.by_itself])
    if item.due_at is None:
        return said
    day = date_format(business_date(item.due_at), "j F Y")
    return f"{said} {_now('Le %(day)s.') % {'day': day}}"


def doubts_in_words(bits: int) -> list[str]:
    """Say everything that speaks against a slip."""
    return [str(words) for bit, words in DOUBTS.items() if bits & bit]


def stage_in_words(stage: str) -> str:
    """Say how far a dispute has come."""
    return str(STAGES[Stage(stage)])
