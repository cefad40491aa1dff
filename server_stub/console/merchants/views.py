"""The list of merchants, one of them, a new one, and the file of its sales."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from server_stub.console.declared import COORDINATOR, TREASURER
from server_stub.console.downloads import download
from server_stub.console.fleet_words import TROUBLES
from server_stub.console.links import link
from server_stub.console.merchant_words import KINDS
from server_stub.console.merchants.forms import DetailsForm, NewForm
from server_stub.console.merchants.words import NOT_KEPT
from server_stub.console.mine.words import PAYOUT_STEPS, sale_in_words
from server_stub.console.visit import Visit
from server_stub.console.words import REASONS, STATUSES
from server_stub.exports.merchant_list import merchant_list_csv
from server_stub.exports.merchant_sales import sales_csv
from server_stub.models import Deputy, Merchant, MerchantKind
from server_stub.services import conventions, details
from server_stub.services.bank_accounts_read import Account
from server_stub.services.fleet import TerminalState
from server_stub.services.merchant_sales import SALES_IN_A_FILE, payouts, proven
from server_stub.services.merchants_read import (
    MerchantSeen,
    find_merchant,
    merchant_rows,
    merchant_seen,
)

PAYOUTS_SHOWN = 6
ROWS_SHOWN = 200
"""A caisse has fifteen merchants, and a département perhaps a hundred: they stand on one page."""


def merchant_list(visit: Visit) -> HttpResponse:
    """Show every merchant with what it is owed and until when it may sell."""
    rows = merchant_rows(visit.caisse)
    if visit.request.GET.get("format") == "csv":
        return download(merchant_list_csv(rows), f"producteurs-{visit.today.isoformat()}.csv")
    return visit.page(
        "merchants/list.html",
        {
            "rows": [{"one": row, "kind": KINDS[row.merchant.kind]} for row in rows[:ROWS_SHOWN]],
            "may_act": visit.has(COORDINATOR),
        },
    )


def merchant_new(visit: Visit) -> HttpResponse:
    """Give a merchant a number; it sells nothing before a convention."""
    form = NewForm(visit.request.POST if visit.is_post else None)
    if visit.is_post and form.is_valid():
        kind = MerchantKind(form.cleaned_data["kind"])
        made = conventions.register(visit.caisse, form.cleaned_data["name"], kind=kind)
        words = _(
            "%(name)s a le numéro %(number)s. Signez sa convention : sans elle il ne vend rien."
        )
        told = {"name": made.name, "number": made.pk}
        return visit.done(words % told, "merchant", merchant=made.pk)
    return visit.page("merchants/new.html", {"form": form}, status=422 if visit.is_post else 200)


def merchant_page(visit: Visit, merchant: int) -> HttpResponse:
    """Show everything of one merchant."""
    sees_people = visit.has(COORDINATOR, TREASURER)
    seen = merchant_seen(visit.caisse, merchant, sees_people=sees_people)
    if seen is None:
        raise Http404
    paid = payouts(visit.caisse, merchant)[:PAYOUTS_SHOWN]
    return visit.page(
        "merchants/merchant.html",
        {
            "it": seen,
            "merchant": seen.merchant,
            "kind": KINDS[seen.merchant.kind],
            "conventions": [_convention(it, seen) for it in seen.conventions],
            "deputies": [{"one": it, "acts": _acts(it, seen)} for it in seen.deputies],
            "accounts": [_account(it, visit) for it in seen.accounts],
            "terminals": [_terminal(it) for it in seen.terminals],
            "held": [{"one": it, "why": REASONS.get(it.reason, it.reason)} for it in seen.held],
            "payouts": [
                {"one": it, "step": PAYOUT_STEPS[it.step], "address": link("payout", run=it.run)}
                for it in paid
            ],
            "findings": link("findings"),
            "sees_people": sees_people,
            "may_act": visit.has(COORDINATOR),
            "may_confirm": visit.has(TREASURER),
        },
    )


def merchant_sales(visit: Visit, merchant: int) -> HttpResponse:
    """Hand out a merchant's sales: when, where, how much and whether owed; no card's trace."""
    named(visit, merchant)
    sales = proven(visit.caisse, merchant, size=SALES_IN_A_FILE)
    return download(
        sales_csv(sales, sale_in_words), f"ventes-{merchant}-{visit.today.isoformat()}.csv"
    )


def merchant_details(visit: Visit, merchant: int) -> HttpResponse:
    """Keep what stands at the head of papers."""
    found = named(visit, merchant)
    seen = merchant_seen(visit.caisse, merchant, sees_people=True)
    before = None if seen is None else seen.details
    initial = {} if before is None else {"siret": before.siret, "address": before.address}
    form = DetailsForm(visit.request.POST if visit.is_post else None, initial=initial)
    if visit.is_post and form.is_valid():
        told = form.cleaned_data
        kept = details.keep_merchant(
            visit.caisse, merchant, siret=told["siret"], address=told["address"], by=visit.user
        )
        if not isinstance(kept, details.NotKept):
            return visit.done(_("C’est noté."), "merchant", merchant=merchant)
        form.add_error("siret", str(NOT_KEPT.get(kept, kept.value)))
    title = _("SIRET et adresse")
    return form_page(visit, found, form, title=title, verb=_("Enregistrer"))


def named(visit: Visit, merchant: int) -> Merchant:
    """Return a merchant; a page that is not there where there is none."""
    found = find_merchant(visit.caisse, merchant)
    if found is None:
        raise Http404
    return found


def form_page(
    visit: Visit,
    merchant: Merchant,
    form: forms.Form,
    *,
    title: str,
    verb: str,
    effect: tuple[str, ...] = (),
) -> HttpResponse:
    """Show a form on a merchant, with what will happen."""
    context = {"form": form, "merchant": merchant, "title": title, "verb": verb, "effect": effect}
    return visit.page("merchants/form.html", context, status=422 if visit.is_post else 200)


def _convention(signed: Any, seen: MerchantSeen) -> dict[str, object]:
    return {
        "one": signed,
        "never_began": signed.days.from_day >= signed.days.until_day,
        "is_now": signed.days.covers(seen.today),
        "is_over": signed.days.until_day <= seen.today,
        "categories": [
            {
                "name": it.name,
                "percent": None if it.coverage_bp is None else f"{it.coverage_bp / 100:g}",
                "products": ", ".join(it.products),
            }
            for it in signed.terms.categories
        ],
    }


def _acts(deputy: Deputy, seen: MerchantSeen) -> bool:
    begun = deputy.from_day <= seen.today
    return begun and (deputy.until_day is None or deputy.until_day > seen.today)


def _account(account: Account, visit: Visit) -> dict[str, object]:
    return {
        "one": account,
        "is_own": account.entered_by == visit.user,
        "is_cooling": account.usable_from is not None and account.usable_from > visit.caisse.now(),
    }


def _terminal(state: TerminalState) -> dict[str, object]:
    is_used = state.terminal.status == "active"
    return {
        "one": state,
        "troubles": [TROUBLES[it.value] for it in state.troubles],
        "status": None if is_used else STATUSES[state.terminal.status],
        "address": link("terminal", terminal=state.terminal.pk),
    }
