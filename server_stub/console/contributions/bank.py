"""The bank's statements: a file that is looked at and kept, and lines that a person names."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from server_stub.console.contributions.forms import BackForm, StatementForm
from server_stub.console.contributions.words import (
    became,
    booking_refusal,
    payment_refusal,
    reading_refusal,
    seems,
)
from server_stub.console.fields import as_number, number_in
from server_stub.console.visit import Visit
from server_stub.models import BankLineOutcome
from server_stub.services import bank_booking, bank_read, bank_statements, dues_read, payments
from server_stub.services.bank_booking import NotBooked
from server_stub.services.bank_read import Line
from server_stub.services.bank_statements import Look, NoProfile, Unread
from server_stub.services.member_read import find_person
from server_stub.services.members_read import find_people
from server_stub.services.payments import NotTaken

BYTES_MAX = 2_000_000
"""Of a file that travels with its page, within the bound of a form; a year of a busy account."""
SHOWN = 50
_FOUND = 12


def bank_lines(visit: Visit) -> HttpResponse:
    """Show lines that wait for a person, and accept what they seem to be."""
    if visit.is_post:
        return _accept(visit)
    lines, after = bank_read.waiting_lines(visit.caisse, after=number_in(visit, "after"))
    names = dues_read.whose(visit.caisse, (one.open.proposal.account for one in lines))
    return visit.page(
        "contributions/bank.html",
        {
            "rows": [_waiting(one, names) for one in lines],
            "after": after,
            "sure": sum(one.is_sure for one in lines),
            "profiles": list(bank_read.profiles(visit.caisse)),
            "last": bank_read.last_kept(visit.caisse),
        },
    )


def bank_settled(visit: Visit) -> HttpResponse:
    """Show lines of which somebody has said what they are."""
    lines, after = bank_read.settled_lines(visit.caisse, after=number_in(visit, "after"))
    return visit.page(
        "contributions/settled.html", {"rows": _settled(visit, lines), "after": after}
    )


def bank_line(visit: Visit, line: int) -> HttpResponse:
    """Say whose one line is, or that it is of nobody here."""
    one = _line(visit, line)
    if visit.is_post:
        return _say(visit, one)
    words = visit.request.GET.get("q", "")[:60].strip()
    names = dues_read.whose(visit.caisse, [one.open.proposal.account])
    return visit.page(
        "contributions/line.html",
        {
            "row": _waiting(one, names),
            "said": _settled(visit, [one])[0] if one.outcome else None,
            "asked": words,
            "found": find_people(visit.caisse, words, most=_FOUND),
            "back": BackForm(),
        },
    )


def bank_line_back(visit: Visit, line: int) -> HttpResponse:
    """Take back a payment by a line, or open a line again that was named wrongly."""
    one = _line(visit, line)
    row = one.open.line
    if "undo" in visit.request.POST:
        done = bank_booking.undo(visit.caisse, row, by=visit.user)
        return _told(visit, done, line, _("La ligne est de nouveau à ranger."))
    found = payments.find(visit.caisse, visit.request.POST.get("reference", "").strip())
    if isinstance(found, NotTaken):
        return visit.refused(payment_refusal(found.name), "bank_line", line=line)
    back = bank_booking.take_back(visit.caisse, row, found, by=visit.user)
    return _told(visit, back, line, _("L’encaissement est annulé par cette ligne."))


def bank_import(visit: Visit) -> HttpResponse:
    """Look at a file; keep its new lines."""
    names = list(bank_read.profiles(visit.caisse))
    if not visit.is_post:
        page = {"form": StatementForm(names=names), "names": names}
        return visit.page("contributions/statement.html", page)
    if "content" in visit.request.POST:
        return _keep(visit)
    form = StatementForm(visit.request.POST, visit.request.FILES, names=names)
    if form.is_valid():
        name, content = form.cleaned_data["profile"], form.cleaned_data["file"].read(BYTES_MAX + 1)
        if len(content) > BYTES_MAX:
            form.add_error("file", reading_refusal("TOO_LONG"))
        else:
            seen = bank_statements.look(visit.caisse, name, content)
            if isinstance(seen, Look):
                return _looked(visit, name, content, seen)
            form.add_error(None, not_read(seen))
    page = {"form": form, "names": names}
    return visit.page("contributions/statement.html", page, status=422)


def not_read(refusal: Unread) -> str:
    """Return why a statement is not read."""
    if isinstance(refusal, NoProfile):
        return reading_refusal(refusal.name)
    return reading_refusal(refusal.why.name, refusal.line, refusal.words)


def content_of(visit: Visit) -> bytes | None:
    """Return the file that travels with a page; None: it is none."""
    try:
        return b64decode(visit.request.POST.get("content", ""), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _looked(visit: Visit, name: str, content: bytes, seen: Look) -> HttpResponse:
    new = [it for it in seen.seen if not it.is_kept]
    accounts = dues_read.whose(visit.caisse, (it.proposal.account for it in new[:SHOWN]))
    rows = []
    for it in new[:SHOWN]:
        told, why = seems(it, accounts)
        rows.append({"one": it.line, "told": told, "why": why})
    return visit.page(
        "contributions/statement_preview.html",
        {
            "profile": name,
            "content": b64encode(content).decode("ascii"),
            "rows": rows,
            "new": len(new),
            "more": max(0, len(new) - SHOWN),
            "kept": len(seen.seen) - len(new),
            "empty_lines": seen.empty_lines,
            "breaks": ", ".join(map(str, seen.breaks[:10])),
        },
    )


def _keep(visit: Visit) -> HttpResponse:
    content, name = content_of(visit), visit.request.POST.get("profile", "")
    if content is None:
        return visit.refused(reading_refusal("EMPTY"), "bank_import")
    kept = bank_statements.keep(visit.caisse, name, content, by=visit.user)
    if not isinstance(kept, int):
        return visit.refused(not_read(kept), "bank_import")
    if not kept:
        return visit.done(_("Toutes ces lignes étaient déjà là."), "bank_lines")
    words = ngettext(
        "%(count)s ligne gardée. Elle n’est pas encore comptabilisée : dites ce qu’elle est.",
        "%(count)s lignes gardées. Aucune n’est encore comptabilisée : dites ce qu’elles sont.",
        kept,
    )
    return visit.done(words % {"count": kept}, "bank_lines")


def _accept(visit: Visit) -> HttpResponse:
    number = as_number(visit.request.POST.get("line", ""))
    if number is not None:
        one = _line(visit, number)
        done = bank_booking.confirm(visit.caisse, one.open.line, by=visit.user)
        if isinstance(done, NotBooked):
            return visit.refused(booking_refusal(done.name), "bank_line", line=number)
        words = _("La ligne %(reference)s est comptabilisée.")
        return visit.done(words % {"reference": one.open.line.reference}, "bank_lines")
    booked, left = bank_read.confirm_sure(visit.caisse, by=visit.user)
    words = ngettext(
        "%(count)s ligne sûre comptabilisée.", "%(count)s lignes sûres comptabilisées.", booked
    ) % {"count": booked}
    if left:
        words += " " + _("Restées telles quelles : %(count)s, à ouvrir une par une.") % {
            "count": left
        }
    return visit.done(words, "bank_lines")


def _say(visit: Visit, one: Line) -> HttpResponse:
    row = one.open.line
    if "aside" in visit.request.POST:
        done = bank_booking.set_aside(visit.caisse, row, by=visit.user)
        return _told(visit, done, row.pk, _("La ligne est mise de côté."))
    number = as_number(visit.request.POST.get("person", ""))
    person = None if number is None else find_person(visit.caisse, number)
    if person is None:
        words = _("Cette personne n’est plus dans la liste. Rien n’a été enregistré.")
        return visit.refused(words, "bank_line", line=row.pk)
    done = bank_booking.assign(visit.caisse, row, person.account, by=visit.user)
    words = _("C’est la cotisation de %(name)s.") % {"name": person.name}
    return _told(visit, done, row.pk, words)


def _told(visit: Visit, done: BankLineOutcome | NotBooked, line: int, words: str) -> HttpResponse:
    if isinstance(done, NotBooked):
        return visit.refused(booking_refusal(done.name), "bank_line", line=line)
    return visit.done(words, "bank_lines")


def _line(visit: Visit, number: int) -> Line:
    found = bank_read.find_line(visit.caisse, number)
    if found is None:
        raise Http404
    return found


def _waiting(one: Line, names: dict[int, tuple[int, str]]) -> dict[str, object]:
    told, why = seems(one.open, names)
    return {"one": one, "told": told, "why": why}


def _settled(visit: Visit, lines: list[Line]) -> list[dict[str, object]]:
    whose = bank_read.whose_lines(visit.caisse, lines)
    names = dues_read.whose(visit.caisse, whose.values())
    rows: list[dict[str, object]] = []
    for one in lines:
        if one.outcome is None:
            continue
        name = names.get(whose.get(one.open.line.pk, 0), (0, ""))[1]
        run = one.outcome.settlement
        rows.append({"one": one, "told": became(one.outcome.kind, name, run)})
    return rows
