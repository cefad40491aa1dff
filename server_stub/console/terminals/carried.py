"""What is carried to a terminal by hand: the answer to a stick, and the code of a forgotten PIN."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _

from cardkit.stick import ANSWER, REQUEST_BYTES_MAX
from server_stub.console.downloads import download
from server_stub.console.terminals.forms import PinForm, StickForm, several
from server_stub.console.terminals.views import find, told
from server_stub.console.terminals.words import LEFT, NO_CODE
from server_stub.console.visit import Visit
from server_stub.services.merchants_read import acting_for
from server_stub.services.pin_code import NoCode, pin_code
from server_stub.services.stick import take_in


def terminal_stick(visit: Visit, terminal: int) -> HttpResponse:
    """Take in what a terminal left on a stick, and hand out the answer that goes back on it."""
    seen = find(visit, terminal)
    form = StickForm(visit.request.POST or None, visit.request.FILES or None)
    if visit.is_post and form.is_valid():
        sent = visit.request.FILES.getlist("requests")
        done = take_in(visit.caisse, seen.terminal, several(sent, bytes_max=REQUEST_BYTES_MAX))
        if done.answer is not None:
            return download(done.answer, ANSWER)
        why = [f"{name} : {LEFT[left]}" for name, left in done.left]
        form.add_error("requests", [_("Rien n’a pu être pris, et rien n’a été changé."), *why])
    context = {**told(visit, seen), "form": form, "answer": ANSWER}
    return visit.page("terminals/stick.html", context, status=422 if visit.is_post else 200)


def terminal_pin(visit: Visit, terminal: int) -> HttpResponse:
    """Answer the digits of a forgotten PIN; the answer moves no money and is kept nowhere."""
    seen = find(visit, terminal)
    form = PinForm(visit.request.POST if visit.is_post else None)
    code = None
    if visit.is_post and form.is_valid():
        answer = pin_code(visit.caisse, terminal, form.cleaned_data["digits"])
        if isinstance(answer, NoCode):
            form.add_error("digits", str(NO_CODE[answer]))
        else:
            code = answer
    permit = seen.state.permit
    numbers = () if permit is None else tuple(grant.merchant for grant in permit.merchants)
    context = {
        **told(visit, seen),
        "form": form,
        "code": code,
        "callers": acting_for(visit.caisse, numbers),
    }
    failed = visit.is_post and code is None
    return visit.page("terminals/pin.html", context, status=422 if failed else 200)
