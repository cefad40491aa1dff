"""What facts are called on screen: French here, English in the catalogue."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import check_for_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from server_stub.services.amounts import euros

FINDINGS: Final[dict[str, Promise]] = {
    "gap": _("Transactions d’une carte qu’aucun terminal n’a encore racontées"),
    "not_genuine": _("Vente sans preuve d’une de nos cartes : retenue"),
    "card_unknown": _("Vente à une carte inconnue ici : retenue"),
    "held": _("Vente prouvée, mais hors de ce que le terminal pouvait accepter : retenue"),
    "two_proofs": _("Deux transactions différentes prouvées au même compteur"),
    "counter_went_down": _("Le compteur d’une carte a reculé"),
    "void_contradicted": _("Annoncée sans débit, mais la carte prouve le débit"),
    "two_outcomes": _("Deux issues annoncées pour une même vente"),
    "amount_differs": _("Montant annoncé différent du montant prouvé"),
    "token_wrong": _("Marque du terminal incorrecte sur une vente prouvée"),
    "enc_tmri_wrong": _("Réponse de la carte mal notée sur une vente prouvée"),
    "recovered": _("Vente d’un terminal perdu, retrouvée par les cartes : à confirmer"),
    "recovery_contradicted": _("Vente retrouvée que le journal perdu contredit"),
    "returned_and_green": _("Somme rendue au membre, puis due au producteur"),
    "refund_waits": _("Remboursement en attente"),
    "seq_fork": _("Deux écritures signées sous le même numéro"),
    "chain_broken": _("La chaîne du journal ne se suit plus"),
    "entries_missing": _("Il manque des écritures"),
    "unreadable": _("Document signé, conservé, mais illisible"),
    "terminal_not_active": _("Écritures reçues d’un terminal révoqué ou perdu"),
    "unclaimed": _("Dépense que personne ne réclame : rendue au membre"),
    "withheld": _(
        "Marque d’un terminal sur une carte, pour un numéro qui est autre chose dans son journal"
    ),
    "awaits_proof": _("Vente dont seule la carte sait l’issue"),
    "outcome_missing": _("Débit prouvé dont le terminal n’a pas dit l’issue"),
    "seen_ahead": _("Carte vue plus loin que tout ce qui est prouvé"),
    "card_branched": _("Transaction prouvée qui ne part pas de l’état prouvé avant elle"),
    "card_rolled_back": _(
        "Carte refusée : elle montrait un état plus ancien que le dernier prouvé"
    ),
    "card_forked": _("Carte refusée : elle montrait une autre preuve à un compteur déjà prouvé"),
    "replace_card": _("Le compteur d’une carte est presque épuisé"),
    "restored": _("Le journal repart d’un point antérieur, comme après une image restaurée"),
    "payout_returned": _("Virement à un producteur revenu sur le compte"),
    "disputed": _("Vente contestée, ou retenue par la caisse"),
    "paper_double": _("Bon de papier payé, et vente pareille racontée ensuite par un terminal"),
    "restore_suspected": _("Un terminal en sait plus que ces livres, comme après une restauration"),
}

ADVICE: Final[dict[str, Promise]] = {
    "gap": _(
        "Attendez que tous les terminaux aient envoyé : ce que personne ne réclame alors est "
        "rendu au membre."
    ),
    "unclaimed": _(
        "Rien à payer. Si cela se répète, amenez les cartes à une clé 1 plus récente à l’atelier."
    ),
    "withheld": _(
        "Demandez ce qui s’est passé à ce numéro : une vente interrompue peut laisser la même "
        "trace."
    ),
    "awaits_proof": _(
        "Rien à faire : le prochain passage de la carte, où que ce soit, dira si la vente a "
        "eu lieu."
    ),
    "outcome_missing": _(
        "Faites clore la journée et envoyer ; si le terminal ne revient pas, déclarez-le perdu."
    ),
    "seen_ahead": _(
        "Faites envoyer tous les terminaux ; si la carte ne peut plus payer ensuite, remplacez-la."
    ),
    "not_genuine": _(
        "Faites lire la carte à l’atelier. Payer sans preuve se décide à deux personnes."
    ),
    "card_unknown": _(
        "Vérifiez si cette caisse a émis la carte. Payer sans preuve se décide à deux personnes."
    ),
    "held": _("Regardez le motif avec le producteur. Payer quand même se décide à deux personnes."),
    "two_proofs": _(
        "Bloquez et remplacez la carte : son image existe deux fois. La vente retenue se "
        "décide à deux."
    ),
    "counter_went_down": _(
        "Bloquez et remplacez la carte : elle a vendu depuis une image plus ancienne d’elle-même."
    ),
    "card_branched": _(
        "Bloquez la carte et faites-la lire à l’atelier : une copie, ou une note fausse, "
        "l’explique."
    ),
    "card_rolled_back": _(
        "Faites lire la carte à l’atelier ; si elle montre encore un état ancien, remplacez-la."
    ),
    "card_forked": _(
        "Faites lire la carte à l’atelier ; si sa preuve n’est pas la bonne, bloquez et "
        "remplacez-la."
    ),
    "replace_card": _(
        "Remplacez la carte : son reste suit dès que tous les terminaux connaissent le blocage."
    ),
    "void_contradicted": _(
        "Demandez si la marchandise est partie. Sans décision, la somme est rendue au membre "
        "à la date dite."
    ),
    "two_outcomes": _(
        "Rien n’est payé deux fois : la preuve de la carte décide. Notez la version du terminal."
    ),
    "amount_differs": _(
        "Le montant prouvé est dû, l’autre non. Faites vérifier le terminal à l’atelier."
    ),
    "token_wrong": _(
        "La vente est due. Appairez de nouveau le terminal : sa clé de marque n’est pas la bonne."
    ),
    "enc_tmri_wrong": _(
        "La vente est due. Si cela se répète, faites vérifier le terminal à l’atelier."
    ),
    "recovered": _(
        "Comparez avec ce que le producteur a noté, puis confirmez : elle n’est due qu’ensuite."
    ),
    "recovery_contradicted": _(
        "Ne la payez pas : regardez à l’atelier ce que le journal retrouvé dit à ce numéro."
    ),
    "returned_and_green": _(
        "Demandez au producteur quand la vente a eu lieu : payée aussi, elle est une perte de "
        "la caisse."
    ),
    "refund_waits": _(
        "Regardez le motif : seule une vente prouvée et due se rembourse, jusqu’à son montant."
    ),
    "seq_fork": _("Faites lire le journal du terminal à l’atelier, puis appairez-le de nouveau."),
    "restored": _(
        "Appairez le terminal de nouveau, sous un nouveau numéro ; ses ventes prouvées "
        "restent dues."
    ),
    "chain_broken": _(
        "Faites envoyer de nouveau ; si cela reste, faites lire le journal du terminal à l’atelier."
    ),
    "entries_missing": _(
        "Faites envoyer de nouveau ; si elles manquent toujours, faites lire la carte SD à "
        "l’atelier."
    ),
    "unreadable": _(
        "Rien n’est perdu : mettez le service à jour, puis montrez ce document à qui l’entretient."
    ),
    "terminal_not_active": _(
        "Ses ventes prouvées sont dues. Décidez s’il est perdu ou s’il faut l’appairer de nouveau."
    ),
    "payout_returned": _(
        "Demandez au producteur son compte exact, saisissez-le et faites-le confirmer. Puis dites "
        "à deux que la somme lui est de nouveau due : le prochain paiement la verse."
    ),
    "disputed": _(
        "Attendez la réponse du producteur, puis décidez : rendre la somme, ou laisser la vente."
    ),
    "paper_double": _(
        "Comparez le bon avec la vente : si c’est la même, rendez le bon, à deux personnes."
    ),
    "restore_suspected": _(
        "Si la base a été restaurée, dites-le : clafoutis-server restored. Sinon, montrez ce "
        "point à qui entretient le service."
    ),
}
"""What a person may do about each: no more than one sentence, and nobody's fault."""

FACTS: Final[dict[str, Promise]] = {
    "amount_cents": _("montant"),
    "said_cents": _("annoncé"),
    "sum_cents": _("somme"),
    "before_cents": _("avant"),
    "after_cents": _("après"),
    "tmc": _("compteur"),
    "first_tmc": _("du compteur"),
    "last_tmc": _("au compteur"),
    "seq": _("n°"),
    "first_seq": _("du n°"),
    "last_seq": _("au n°"),
    "marks": _("marques attendues (terminal/n°)"),
    "up_to_seq": _("journal reçu jusqu’au n°"),
    "left_cents": _("reste au compteur"),
    "source": _("d’après"),
    "carnet": _("carnet n°"),
    "answer_by": _("réponse attendue avant la fin du"),
    "reason": _("motif"),
    "status": _("état"),
    "shown_by": _("montré par le terminal n°"),
    "shown": _("ce qu’il montre"),
    "shown_number": _("valeur"),
}

REASONS: Final[dict[str, Promise]] = {
    "not_genuine": _("aucune preuve"),
    "card_unknown": _("carte inconnue"),
    "two_proofs": _("deux preuves"),
    "documents_unknown": _("documents inconnus"),
    "open_at_terminal": _("le terminal attend que la carte revienne"),
    "proof_not_seen": _("le terminal n’a pas vu la réponse de la carte"),
    "void": _("annulée au terminal"),
    "void_contradicted": _("annulée au terminal, débitée par la carte"),
    "never_green": _("le terminal n’a jamais affiché vert"),
    "recovered": _("retrouvée par les cartes"),
    "same_transaction": _("payée par une autre écriture"),
    "refund_not_granted": _("s’appuie sur un remboursement non accordé"),
    "claim_refused": _("refusée par décision"),
    "sale_not_proven": _("vente sans preuve"),
    "already_returned": _("déjà rendue"),
    "returned_before": _("déjà rendue au membre"),
    "not_enough": _("crédit insuffisant"),
    "card_blocked": _("carte bloquée"),
    "card_rolled_back": _("carte en retard"),
    "card_forked": _("carte dédoublée"),
    "card_exhausted": _("carte à remplacer"),
    "sale_cap": _("plafond par vente"),
    "card_day_cap": _("plafond par jour"),
    "unsent_cap": _("plafond non envoyé"),
    "permit_expired": _("permis expiré"),
    "directory_expired": _("annuaire expiré"),
    "merchant_not_permitted": _("producteur non permis"),
    "convention_out_of_dates": _("hors convention"),
    "beyond_loss_window": _("au-delà du plafond d’un terminal volé"),
    "sale_not_payable": _("vente non payable"),
    "other_merchant": _("autre producteur"),
    "more_than_sale": _("plus que la vente"),
    "proven": _("la preuve de la carte"),
    "sighted": _("ce qu’un terminal a vu"),
    "revoked": _("révoqué"),
    "lost": _("perdu"),
    "epoch": _("une époque plus récente"),
    "directory": _("un annuaire plus récent"),
    "permit": _("un permis plus récent"),
    "acknowledged": _("des écritures déjà reçues"),
    "settlement": _("un paiement"),
}

RUN_STATES: Final[dict[str, Promise]] = {
    "draft": _("à approuver"),
    "approved": _("approuvé"),
    "sent": _("envoyé"),
    "confirmed": _("confirmé"),
    "revoked": _("annulé"),
}

LOCKS: Final[dict[str, Promise]] = {
    "suspected": _(
        "Livres en retard : restauration à déclarer. Rien n’est attribué ni payé tant que "
        "personne ne l’a dit."
    ),
    "unfinished": _(
        "Livres restaurés : rien n’est attribué ni payé tant que le relevé de la banque n’y "
        "est pas entier."
    ),
}

REFUSALS: Final[dict[str, Promise]] = {
    "locked": _("Les livres sont en retard sur ce qui a été payé : finissez la restauration."),
    "another_draft": _("Un autre paiement attend d’être approuvé ou abandonné."),
    "nothing_owed": _("Rien n’est dû."),
    "no_such_run": _("Aucun paiement de ce nom."),
    "same_person": _("Il faut deux personnes différentes."),
    "draft_changed": _("Ce n’est plus ce qui a été préparé : abandonnez-le, puis recommencez."),
    "no_longer_owed": _("La dette a changé depuis : abandonnez-le, puis recommencez."),
    "not_in_that_state": _("Ce paiement n’en est pas là."),
    "not_restored": _("Aucune restauration n’est en cours."),
    "not_a_payout": _("Il faut un nom de paiement, un producteur connu et un montant."),
    "known_already": _(
        "Ce paiement est déjà dans les livres. Repris du relevé par erreur ? Annulez d’abord son "
        "acte, à deux (settle take-back)."
    ),
    "not_evidenced": _("Aucun versement de ce paiement à ce producteur n’est repris du relevé."),
    "came_back": _("Ce versement est revenu et de nouveau dû : il ne peut plus être annulé."),
    "missing": _("La restauration attend encore :"),
}
"""Why money does not move (`rules.settle.Refusal`)."""

BANK_REFUSALS: Final[dict[str, Promise]] = {
    "NO_IBAN": _("Ce n’est pas un IBAN : un chiffre manque ou est faux."),
    "NO_HOLDER": _("Il manque le nom du titulaire."),
    "SAME_PERSON": _("Il faut deux personnes différentes."),
    "CONFIRMED_ALREADY": _("Ce compte est déjà confirmé."),
    "NOTHING_ENTERED": _("Aucun compte n’a été saisi pour ce producteur."),
    "NO_MERCHANT": _("Aucun producteur n’a le numéro %(merchant)s."),
    "NO_SUCH_RUN": _("Aucun paiement de ce nom."),
    "NOT_SENT": _("Marquez-le d’abord comme envoyé : les livres sont copiés à ce moment-là."),
    "REVOKED": _("Ce paiement a été annulé."),
    "ANOTHER_CONTENT": _("Un autre fichier est déjà parti sous ce nom."),
    "NO_STATEMENT": _(
        "Ce paiement a été approuvé avant que les motifs soient gardés : il n’a pas de bordereau."
    ),
    "NOT_A_PAYEE": _("Ce paiement ne verse rien à ce producteur."),
    "NOT_WRITTEN": _("%(path)s n’a pas pu être écrit : %(error)s"),
    "NO_ACCOUNT": _("Pas de compte confirmé pour le producteur n° %(merchants)s."),
}
"""Why a bank account, or a file for a bank, is not taken or made."""

STATUSES: Final[dict[str, Promise]] = {
    "active": _("actif"),
    "revoked": _("révoqué"),
    "lost": _("perdu"),
}


def facts_in_words(facts: dict[str, int | str], language: str) -> str:
    """Return a finding's facts as one line; long contents stay in the database."""
    shown = []
    for name, fact in facts.items():
        if name not in FACTS:
            continue
        text = str(REASONS.get(fact, fact)) if isinstance(fact, str) else str(fact)
        if name.endswith("_cents") and isinstance(fact, int):
            text = euros(fact, language)
        shown.append(f"{FACTS[name]} {text}")
    return ", ".join(shown)


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Remember the language that was asked for, and show the console in it."""
    language = str(request.POST.get("language", ""))
    response = HttpResponseRedirect(reverse("console"))
    if language in dict(settings.LANGUAGES) and check_for_language(language):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Strict",
        )
    return response
