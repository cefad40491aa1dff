"""Where a merchant is paid: one person enters, another confirms, and a change waits."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from server_stub.console.fields import as_number
from server_stub.console.merchants.forms import BankForm
from server_stub.console.merchants.views import form_page, named
from server_stub.console.merchants.words import NOT_TAKEN
from server_stub.console.visit import Visit
from server_stub.models import BankDetailsConfirmed
from server_stub.services import bank_details
from server_stub.services.bank_accounts_read import bank_accounts, find_account
from server_stub.services.bank_details import BankRefusal


def merchant_bank(visit: Visit, merchant: int) -> HttpResponse:
    """Put an account down; nothing is paid to it before somebody else confirms it."""
    found = named(visit, merchant)
    form = BankForm(visit.request.POST if visit.is_post else None)
    if visit.is_post and form.is_valid():
        told = form.cleaned_data
        done = bank_details.enter(
            visit.caisse, found, iban=told["iban"], holder=told["holder"], by=visit.user
        )
        if not isinstance(done, BankRefusal):
            words = _(
                "Le compte est enregistré. Rien n’y est versé avant qu’une autre personne, à la "
                "trésorerie, le confirme."
            )
            if bank_details.last_change(visit.caisse, merchant) is not None:
                words = f"{words} {_('Imprimez l’avis au producteur, et envoyez-le aujourd’hui.')}"
            return visit.done(words, "merchant", merchant=merchant)
        field = "holder" if done is BankRefusal.NO_HOLDER else "iban"
        form.add_error(field, str(NOT_TAKEN[done.name]))
    effect = (
        _("Le compte attend une deuxième personne, qui le compare avec le papier du producteur."),
        _("Un changement de compte attend encore le délai voté : le temps de s’en apercevoir."),
        _("D’ici là, les paiements vont au compte d’avant ; sans compte, ils restent dus."),
    )
    title, verb = _("Compte bancaire"), _("Enregistrer le compte")
    return form_page(visit, found, form, title=title, verb=verb, effect=effect)


def merchant_bank_confirm(visit: Visit, merchant: int) -> HttpResponse:
    """Compare an account with the merchant's own paper, and confirm it."""
    found = named(visit, merchant)
    waiting = [
        it for it in bank_accounts(visit.caisse, merchant, whole=True) if it.confirmed_at is None
    ]
    if not visit.is_post:
        context = {
            "merchant": found,
            "accounts": [{"one": it, "is_own": it.entered_by == visit.user} for it in waiting],
        }
        return visit.page("merchants/confirm.html", context)
    number = as_number(visit.request.POST.get("account", ""))
    account = None if number is None else find_account(visit.caisse, merchant, number)
    if account is None:
        words = _("Ce compte n’est pas celui de ce producteur. Rien n’a été confirmé.")
        return visit.refused(words, "merchant", merchant=merchant)
    done = bank_details.confirm(visit.caisse, account, by=visit.user)
    if isinstance(done, BankRefusal):
        return visit.refused(str(NOT_TAKEN[done.name]), "merchant", merchant=merchant)
    return visit.done(_confirmed(visit, done), "merchant", merchant=merchant)


def _confirmed(visit: Visit, done: BankDetailsConfirmed) -> str:
    if done.usable_from <= visit.caisse.now():
        return _("Le compte est confirmé : le prochain paiement y va.")
    words = _("Le compte est confirmé, et utilisable à partir du %(day)s.")
    return words % {"day": date_format(done.usable_from, "j F Y")}
