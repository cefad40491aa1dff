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

from cardkit.money import format_cents

NO_BREAK: Final = "\u00a0"

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
}

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
    "reason": _("motif"),
    "status": _("état"),
}

REASONS: Final[dict[str, Promise]] = {
    "not_genuine": _("aucune preuve"),
    "card_unknown": _("carte inconnue"),
    "two_proofs": _("deux preuves"),
    "documents_unknown": _("documents inconnus"),
    "refund_not_granted": _("s’appuie sur un remboursement non accordé"),
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
    "sale_not_payable": _("vente non payable"),
    "other_merchant": _("autre producteur"),
    "more_than_sale": _("plus que la vente"),
    "revoked": _("révoqué"),
    "lost": _("perdu"),
}

STATUSES: Final[dict[str, Promise]] = {
    "active": _("actif"),
    "revoked": _("révoqué"),
    "lost": _("perdu"),
}


def euros(amount_cents: int, language: str) -> str:
    """Show cents as euros the way a language writes them."""
    if language == "en":
        return "€" + format_cents(amount_cents, decimal_mark=".")
    return format_cents(amount_cents) + NO_BREAK + "€"


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
