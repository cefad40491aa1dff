"""A merchant's pages; the guard has seen to it that `merchant` is the visitor's own."""

from __future__ import annotations

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from server_stub.console.downloads import download
from server_stub.console.mine.words import PAYOUT_STEPS, sale_in_words
from server_stub.console.visit import Visit
from server_stub.exports.merchant_sales import sales_csv
from server_stub.services.bank_details import recent_change
from server_stub.services.details import details_of
from server_stub.services.merchant_sales import (
    SALES_IN_A_FILE,
    SALES_SHOWN,
    Sale,
    bordereau,
    named,
    not_paid,
    payouts,
    proven,
)
from server_stub.services.owed import merchant_accounts


def my_merchants(visit: Visit) -> HttpResponse:
    """Lead to the one merchant that somebody has, or let them choose."""
    own = named(visit.caisse, visit.holdings.merchants)
    if len(own) == 1:
        return HttpResponseRedirect(reverse("my_sales", kwargs={"merchant": own[0].pk}))
    return visit.page("mine/choose.html", {"merchants": own})


def my_sales(visit: Visit, merchant: int) -> HttpResponse:
    """Show what is owed, what is held and why, and the last sales."""
    if visit.request.GET.get("format") == "csv":
        sales = proven(visit.caisse, merchant, size=SALES_IN_A_FILE)
        name = f"ventes-{merchant}-{visit.today.isoformat()}.csv"
        return download(sales_csv(sales, sale_in_words), name)
    before = _number(visit.request.GET.get("after", ""))
    sales = proven(visit.caisse, merchant, before=before)
    return visit.page(
        "mine/sales.html",
        {
            "merchant": _named(visit, merchant),
            "account": merchant_accounts(visit.caisse, frozenset({merchant}))[0],
            "kept": [_in_words(sale) for sale in not_paid(visit.caisse, merchant)],
            "sales": [_in_words(sale) for sale in sales],
            "after": sales[-1].key if len(sales) == SALES_SHOWN else None,
            "is_first_page": before is None,
            "change": recent_change(visit.caisse, merchant),
            "head": details_of(visit.caisse),
        },
    )


def my_payouts(visit: Visit, merchant: int) -> HttpResponse:
    """Show when and how much was paid, with the paper of each payout."""
    paid = payouts(visit.caisse, merchant)
    return visit.page(
        "mine/payouts.html",
        {
            "merchant": _named(visit, merchant),
            "payouts": [{"one": one, "step": PAYOUT_STEPS[one.step]} for one in paid],
        },
    )


def my_paper(visit: Visit, merchant: int, run: str) -> HttpResponse:
    """Hand out the paper of a payout as it left."""
    kept = bordereau(visit.caisse, merchant, run)
    if kept is None:
        raise Http404
    return download(kept, f"bordereau-{run}-{merchant}.pdf")


def _named(visit: Visit, merchant: int) -> object:
    found = named(visit.caisse, [merchant])
    if not found:
        raise Http404
    return found[0]


def _in_words(sale: Sale) -> dict[str, object]:
    state, reason = sale_in_words(sale)
    return {"one": sale, "state": state, "reason": reason, "is_due": sale.state == "payable"}


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
