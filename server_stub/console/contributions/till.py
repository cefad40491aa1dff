"""The régie's till box: what it should hold, counting it, handing it in."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _

from server_stub.console.contributions.forms import CountForm, DepositForm
from server_stub.console.contributions.words import payment_refusal
from server_stub.console.visit import Visit
from server_stub.models import CashCount
from server_stub.services import cash_box, cash_count
from server_stub.services.amounts import euros
from server_stub.services.cash_box import NotDeposited


def cash_box_page(visit: Visit) -> HttpResponse:
    """Show what the books say that the box holds, and what was done with it last."""
    return visit.page(
        "contributions/box.html",
        {
            "box": cash_box.box(visit.caisse),
            "counts": cash_count.last_counts(visit.caisse),
            "deposits": cash_count.last_deposits(visit.caisse),
        },
    )


def cash_count_page(visit: Visit) -> HttpResponse:
    """Count the box; what is off becomes a difference that stays."""
    form = CountForm(visit.request.POST if visit.is_post else None)
    if not visit.is_post or not form.is_valid():
        status = 422 if visit.is_post else 200
        context = {"form": form, "box": cash_box.box(visit.caisse)}
        return visit.page("contributions/count.html", context, status=status)
    done = cash_count.count_pieces(visit.caisse, form.pieces(), by=visit.user)
    return visit.done(_counted(done), "cash_box")


def cash_deposit(visit: Visit) -> HttpResponse:
    """Hand cash or cheques in."""
    held = cash_box.box(visit.caisse)
    if not visit.is_post:
        form = DepositForm(initial={"day": visit.today, "what": "cash"})
        return visit.page("contributions/deposit.html", {"form": form, "box": held})
    form = DepositForm(visit.request.POST)
    if form.is_valid():
        told = form.cleaned_data
        reference = told["reference"].strip()
        if told["what"] == "cheques":
            done = cash_box.hand_in_cheques(
                visit.caisse, day=told["day"], reference=reference, by=visit.user
            )
        else:
            done = cash_box.hand_in_cash(
                visit.caisse,
                told["amount_cents"],
                day=told["day"],
                reference=reference,
                by=visit.user,
            )
        if not isinstance(done, NotDeposited):
            words = _("Versé : %(sum)s") % {"sum": euros(done.amount_cents)}
            return visit.done(words, "cash_box")
        form.add_error(None, payment_refusal(done.name))
    context = {"form": form, "box": held}
    return visit.page("contributions/deposit.html", context, status=422)


def _counted(done: CashCount) -> str:
    facts = {
        "counted": euros(done.counted_cents),
        "booked": euros(done.booked_cents),
        "off": euros(abs(done.counted_cents - done.booked_cents)),
    }
    if done.counted_cents < done.booked_cents:
        return _("Compté %(counted)s, attendu %(booked)s : déficit de %(off)s.") % facts
    if done.counted_cents > done.booked_cents:
        return _("Compté %(counted)s, attendu %(booked)s : excédent de %(off)s.") % facts
    return _("Compté %(counted)s : le compte est bon.") % facts
