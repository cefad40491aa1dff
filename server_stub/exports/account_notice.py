"""The notice to a merchant whose account was changed, as a letter for a window envelope.

It goes to the address that the caisse knew before, so that a merchant in whose name somebody else
wrote hears of it, whatever the people in the office were told.
"""

from __future__ import annotations

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cardkit.clock import business_date
from server_stub.exports.letters import letters_pdf
from server_stub.exports.stationery import Stationery, day, lines
from server_stub.models import CaisseDetails, Merchant
from server_stub.rules.scheme import RuleName
from server_stub.services.bank_details import AccountChange
from server_stub.services.caisse import Caisse
from server_stub.services.details import merchant_details
from server_stub.services.rules_in_force import voted


def account_notice(
    caisse: Caisse,
    stationery: Stationery,
    merchant: Merchant,
    change: AccountChange,
    head: CaisseDetails,
) -> bytes:
    """Return the letter; whole account numbers do not stand in it; raises PaperFailed."""
    language = stationery.language
    with translation.override(language):
        content = {
            "language": language,
            "day": day(business_date(caisse.now()), language),
            "address": [merchant.name, *lines(merchant_details(caisse, merchant.pk).address)],
            "subject": _("Un autre compte bancaire a été enregistré pour vous"),
            "body": [
                {"lines": [it], "items": []}
                for it in (
                    _("Bonjour,"),
                    _what(change, merchant, language),
                    _when(caisse, change, language),
                    _("C’est bien vous qui l’avez demandé ? Vous n’avez rien à faire."),
                    _(
                        "Ce n’est pas vous ? Appelez tout de suite le %(telephone)s : quelqu’un"
                        " essaie peut-être de recevoir votre argent."
                    )
                    % {"telephone": head.telephone},
                )
            ],
            "signed": _("Bien à vous,"),
        }
    return letters_pdf(caisse, stationery, [content])


def _what(change: AccountChange, merchant: Merchant, language: str) -> str:
    return _(
        "Le %(day)s, un autre compte a été enregistré pour %(merchant)s : titulaire %(holder)s,"
        " IBAN qui finit par %(end)s. Celui d’avant finit par %(before)s."
    ) % {
        "day": day(business_date(change.account.entered_at), language),
        "merchant": merchant.name,
        "holder": change.account.holder,
        "end": change.account.iban[-4:],
        "before": change.before.iban[-4:],
    }


def _when(caisse: Caisse, change: AccountChange, language: str) -> str:
    if change.usable_from is not None:
        return _(
            "Une deuxième personne l’a confirmé. Ce que la caisse vous doit y est versé à partir"
            " du %(day)s."
        ) % {"day": day(business_date(change.usable_from), language)}
    days = voted(caisse, RuleName.IBAN_COOLING_DAYS)
    if not days:
        return _("Rien n’y est versé avant qu’une deuxième personne le confirme.")
    return ngettext(
        "Rien n’y est versé avant qu’une deuxième personne le confirme, puis encore %(days)s jour.",
        "Rien n’y est versé avant qu’une deuxième personne le confirme, puis encore %(days)s"
        " jours.",
        days,
    ) % {"days": days}
