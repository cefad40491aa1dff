"""What voted rules are called, and their values with units: French here, English by catalogue."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, npgettext

from server_stub.rules.scheme import CHOICES, RuleName
from server_stub.rules.voting import Unit, unit_of
from server_stub.services.amounts import NO_BREAK, euros

_SIGNS: Final = {Unit.KILOMETRES: "km", Unit.PERCENT: "%"}

LABELS: Final[dict[RuleName, Promise]] = {
    RuleName.MONTHLY_CREDIT_CENTS: _("Crédit par mois"),
    RuleName.MONTHS_AHEAD: _("Mois de crédit signés d’avance"),
    RuleName.SPENDABLE_DAYS: _("Durée pendant laquelle le crédit d’un mois peut être dépensé"),
    RuleName.DIRECTORY_DAYS: _("Durée de l’annuaire des cartes"),
    RuleName.PERMIT_DAYS: _("Durée du permis d’un terminal"),
    RuleName.SALE_MAX_CENTS: _("Plafond par vente"),
    RuleName.CARD_DAY_MAX_CENTS: _("Plafond par carte et par jour"),
    RuleName.CARD_DAY_STALE_MAX_CENTS: _(
        "Plafond par carte et par jour, terminal sans nouvelles récentes"
    ),
    RuleName.FRESH_DAYS: _("Durée pendant laquelle les nouvelles d’un terminal sont récentes"),
    RuleName.UNSENT_MAX_CENTS: _("Plafond des ventes qu’un terminal n’a pas envoyées"),
    RuleName.REFUND_DAYS: _("Délai pour rembourser une vente"),
    RuleName.CONTRADICTION_DAYS: _("Délai avant de rendre un débit que le terminal nie"),
    RuleName.RECOVERY_DAYS: _("Délai d’attente après la perte d’un terminal"),
    RuleName.CARD_FLOOR_CENTS: _("Reste au compteur sous lequel une carte est à remplacer"),
    RuleName.COMMITMENT_NEEDED: _("Le crédit demande un engagement"),
    RuleName.CONTRIBUTION_FLOOR_CENTS: _("Cotisation minimale par mois"),
    RuleName.CONTRIBUTION_STEP_CENTS: _("Pas de la cotisation"),
    RuleName.COMMITMENT_MONTHS: _("Durée d’un engagement"),
    RuleName.EXTRA_PERSON_CENTS: _("Crédit en plus par personne du foyer après la première"),
    RuleName.GRACE_MONTHS: _("Mois de grâce après un engagement"),
    RuleName.DUES_DAYS: _("Délai pour payer la cotisation du mois"),
    RuleName.RENEWAL_WEEKS: _("Renouvellement préparé avant la fin d’un engagement"),
    RuleName.RETENTION_DAYS: _("Durée de conservation d’un nom après le dernier contact"),
    RuleName.IBAN_COOLING_DAYS: _("Attente après un changement de compte bancaire"),
    RuleName.EQUILIBRIUM_FUND_CENTS: _("Fonds d’équilibre"),
    RuleName.CASH_BOX_MAX_CENTS: _("Encaisse maximale de la régie"),
    RuleName.LATE_DUES: _("Cotisation en retard"),
    RuleName.LATE_CREDIT_DAYS: _("Retard de cotisation avant de suspendre le crédit"),
    RuleName.ADMISSION_ORDER: _("Ordre d’admission de la liste d’attente"),
    RuleName.LEAVING_CREDIT: _("Crédit restant d’un membre qui part"),
    RuleName.COVERAGE_PERCENT: _("Part d’un produit éligible payée en crédit"),
    RuleName.COVERAGE_REDUCED_PERCENT: _("Part payée en crédit, catégorie réduite"),
    RuleName.COVERAGE_LOW_PERCENT: _("Part payée en crédit, catégorie faible"),
    RuleName.RADIUS_KM: _("Distance maximale d’un producteur"),
    RuleName.LOST_SALE_BORNE_BY: _("Vente sans preuve d’un terminal perdu : à la charge de"),
    RuleName.SINGLE_SIGNATURE_MAX_CENTS: _("Réclamation décidée par une seule personne jusqu’à"),
    RuleName.DISPUTE_DAYS: _("Délai du producteur pour répondre à une contestation"),
    RuleName.DISPUTE_HOLDS: _("Le montant contesté est retenu jusqu’à la décision"),
    RuleName.DISPUTE_UNANSWERED: _("Contestation restée sans réponse du producteur"),
    RuleName.DISPUTE_BORNE_BY: _("Somme rendue après une contestation : à la charge de"),
    RuleName.PAPER_DAY_MAX_CENTS: _("Plafond des bons de papier, par producteur et par jour"),
    RuleName.PAPER_ON_CREDIT: _("Un bon de papier est repris sur le crédit à venir du membre"),
    RuleName.PAPER_MONTH_MAX_CENTS: _("Part d’un mois de crédit que les bons peuvent reprendre"),
}

_ANSWERS: Final[dict[tuple[RuleName, str], Promise]] = {
    (RuleName.COMMITMENT_NEEDED, "NO"): _("non"),
    (RuleName.COMMITMENT_NEEDED, "YES"): _("oui"),
    (RuleName.ADMISSION_ORDER, "APPLICATION"): _("date de la demande"),
    (RuleName.ADMISSION_ORDER, "DRAW"): _("tirage au sort public"),
    (RuleName.LATE_DUES, "NOTHING"): _("sans conséquence"),
    (RuleName.LATE_DUES, "REMINDER"): _("relance"),
    (RuleName.LATE_DUES, "NO_CREDIT"): _("relance, puis pas de nouveau crédit"),
    (RuleName.LEAVING_CREDIT, "SPENDABLE"): _("reste utilisable jusqu’à sa date"),
    (RuleName.LEAVING_CREDIT, "LAPSES"): _("revient à la caisse"),
    (RuleName.LOST_SALE_BORNE_BY, "CAISSE"): _("la caisse"),
    (RuleName.LOST_SALE_BORNE_BY, "MERCHANT"): _("le producteur"),
    (RuleName.LOST_SALE_BORNE_BY, "HALF_EACH"): _("la caisse et le producteur, par moitié"),
    (RuleName.DISPUTE_HOLDS, "NO"): _("non"),
    (RuleName.DISPUTE_HOLDS, "YES"): _("oui"),
    (RuleName.DISPUTE_UNANSWERED, "REJECTED"): _("la vente reste due"),
    (RuleName.DISPUTE_UNANSWERED, "RETURNED"): _("la somme est rendue au membre"),
    (RuleName.DISPUTE_BORNE_BY, "MERCHANT"): _("le producteur, au paiement suivant"),
    (RuleName.DISPUTE_BORNE_BY, "FUND"): _("le fonds"),
    (RuleName.PAPER_ON_CREDIT, "NO"): _("non"),
    (RuleName.PAPER_ON_CREDIT, "YES"): _("oui"),
}


def label_of(name: RuleName) -> str:
    """Return what a rule is called."""
    return str(LABELS.get(name, name.value))


def value_in_words(name: RuleName, number: int) -> str:
    """Return a rule's value with its unit; an answer of no known number is shown as that number."""
    unit = unit_of(name)
    if unit is Unit.CHOICE:
        known = {int(it): it.name for it in CHOICES[name]}
        return str(_ANSWERS[name, known[number]]) if number in known else str(number)
    if unit is Unit.CENTS:
        return euros(number)
    return f"{number}{NO_BREAK}{_counted(unit, number)}".rstrip(NO_BREAK)


def form_in_words(name: RuleName) -> str:
    """Say how a rule's value is written."""
    unit = unit_of(name)
    if unit is Unit.CHOICE:
        answers = ", ".join(it.name.lower() for it in CHOICES[name])
        return _now("Attendu : une de ces réponses, %(answers)s.") % {"answers": answers}
    if unit is Unit.CENTS:
        return _now("Attendu : un montant en euros, par exemple 12,50.")
    if unit is Unit.PERCENT:
        return _now("Attendu : un pourcentage entier, de 0 à 100.")
    return _now("Attendu : un nombre entier.")


def day_in_words(day: date) -> str:
    """Return a day as people write it."""
    return date_format(day, "j F Y")


def _counted(unit: Unit, number: int) -> str:
    if unit is Unit.DAYS:
        return ngettext("jour", "jours", number)
    if unit is Unit.WEEKS:
        return ngettext("semaine", "semaines", number)
    if unit is Unit.MONTHS:
        return npgettext("durée", "mois", "mois", number)
    return _SIGNS.get(unit, "")
