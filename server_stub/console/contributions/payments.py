"""Payments: taken by hand, listed, printed, and taken back."""

from __future__ import annotations

from typing import Final

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from cardkit.till_box import Means
from server_stub.console.contributions.forms import TakeForm
from server_stub.console.contributions.words import MEANS, payment_refusal
from server_stub.console.downloads import download
from server_stub.console.fields import as_number, number_in
from server_stub.console.letters.queue import stationery
from server_stub.console.people.member import found
from server_stub.console.people.members import WORDS_MAX
from server_stub.console.visit import Visit
from server_stub.exports.dues import payment_list
from server_stub.exports.quittance_pdf import quittance_pdf
from server_stub.services import dues_read, payments
from server_stub.services.amounts import euros
from server_stub.services.cash_box import box
from server_stub.services.dues_read import PaymentRow
from server_stub.services.members_read import Filter, members
from server_stub.services.payments import Quittance, Taken

_FOUND: Final = 12
_LAST: Final = 8
_IN_A_FILE: Final = 20_000


def payment_new(visit: Visit) -> HttpResponse:
    """Look for who pays: a bit of the name is enough; and show what was taken last."""
    words = visit.request.GET.get("q", "")[:WORDS_MAX].strip()
    rows = members(visit.caisse, Filter.ACTIVE, words, most=_FOUND).rows if words else ()
    last, _after = dues_read.payments_page(visit.caisse, most=_LAST)
    return visit.page(
        "contributions/take_from.html",
        {"asked": words, "found": rows, "last": [_shown(row) for row in last]},
    )


def payment_take(visit: Visit, person: int) -> HttpResponse:
    """Take a payment of one member."""
    row = found(visit, person)
    missing_cents = dues_read.missing_cents(visit.caisse, row.account_id)
    if not visit.is_post:
        initial = {
            "amount_cents": missing_cents or None,
            "means": int(Means.CASH),
            "day": visit.today,
        }
        context = {"form": TakeForm(initial=initial), "person": row, "missing": missing_cents}
        return visit.page("contributions/take.html", context)
    form = TakeForm(visit.request.POST)
    if form.is_valid():
        told = form.cleaned_data
        done = payments.take(
            visit.caisse,
            row.account,
            told["amount_cents"],
            means=told["means"],
            value_date=told["day"],
            reference=told["reference"].strip(),
            number=told["number"] if told["means"] is not Means.TRANSFER else None,
            by=visit.user,
        )
        if isinstance(done, Taken):
            return visit.done(_taken(visit, done, row.name), "payment_new")
        year, following = payments.next_quittance(visit.caisse)
        form.add_error(None, payment_refusal(done.name, next=f"Q{year}-{following:05}"))
    context = {"form": form, "person": row, "missing": missing_cents}
    return visit.page("contributions/take.html", context, status=422)


def payment_list_page(visit: Visit) -> HttpResponse:
    """Show payments, the newest first."""
    if visit.request.GET.get("format") == "csv":
        rows, _after = dues_read.payments_page(visit.caisse, most=_IN_A_FILE)
        said = {means: str(words) for means, words in MEANS.items()}
        name = f"encaissements-{visit.today.isoformat()}.csv"
        return download(payment_list(rows, said), name)
    rows, after = dues_read.payments_page(visit.caisse, after=number_in(visit, "after"))
    context = {"rows": [_shown(row) for row in rows], "after": after}
    return visit.page("contributions/payments.html", context)


def payment_cancel(visit: Visit) -> HttpResponse:
    """Show what taking a payment back means; then take it back by an entry of its own."""
    sent = visit.request.POST if visit.is_post else visit.request.GET
    if "payment" not in sent:
        return visit.refused(_("Choisissez l’encaissement à annuler dans la liste."), "payments")
    row = _row(visit, sent["payment"])
    if not visit.is_post:
        return visit.page("contributions/cancel.html", _shown(row))
    done = payments.take_back(visit.caisse, row.line.contribution, day=visit.today, by=visit.user)
    if not isinstance(done, Taken):
        return visit.refused(payment_refusal(done.name), "payments")
    words = _("Annulé par l’écriture %(reference)s. Le premier encaissement reste lisible.")
    return visit.done(words % {"reference": done.contribution.reference}, "payments")


def quittance(visit: Visit) -> HttpResponse:
    """Print a quittance with its stub, and keep that it was printed: a second is a duplicate."""
    row = _row(visit, visit.request.POST.get("payment", ""))
    with visit.caisse.alone():  # what can't be made was not printed
        done = payments.print_quittance(visit.caisse, row.line.contribution, by=visit.user)
        if not isinstance(done, Quittance):
            return visit.refused(payment_refusal(done.name), "payments")
        content = quittance_pdf(visit.caisse, stationery(), done)
    return download(content, f"quittance-{done.reference}.pdf")


def _row(visit: Visit, number: str) -> PaymentRow:
    pk = as_number(number)
    row = None if pk is None else dues_read.find_payment(visit.caisse, pk)
    if row is None:
        raise Http404
    return row


def _shown(row: PaymentRow) -> dict[str, object]:
    return {"one": row, "means": MEANS[row.line.means]}


def _taken(visit: Visit, done: Taken, name: str) -> str:
    facts = {
        "amount": euros(done.contribution.amount_cents),
        "name": name,
        "reference": done.contribution.reference,
    }
    words = _("Encaissé : %(amount)s de %(name)s, quittance %(reference)s.") % facts
    if not done.contribution.reference.startswith("Q"):
        words = _("Encaissé : %(amount)s de %(name)s, virement %(reference)s.") % facts
    held = box(visit.caisse)
    if held.is_too_full:
        told = {"held": euros(held.cash_cents), "most": euros(held.cash_max_cents or 0)}
        words += (
            " " + _("Attention : %(held)s en caisse, au-delà des %(most)s votés. Versez.") % told
        )
    return words
