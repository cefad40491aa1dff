"""A list of people to import: shown row by row, and then taken in by one button.

The file travels with the page, and nothing of it is kept before that.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from server_stub.console.downloads import download
from server_stub.console.fields import as_number
from server_stub.console.people.forms import ColumnsForm, FileForm
from server_stub.console.people.words import FATES, READING, row_refusal
from server_stub.console.visit import Visit
from server_stub.exports.sheet import sheet
from server_stub.services import member_import
from server_stub.services.member_import import Fate, Looked, Preview, Unread

BYTES_MAX = member_import.FILE_BYTES_MAX
SHOWN = 200
"""Rows that need a look come first; a longer list is cut in the middle of what is fine."""


def member_import_page(visit: Visit) -> HttpResponse:
    """Take a file, show what it would do, and do it."""
    if not visit.is_post:
        return visit.page("people/import.html", {"form": FileForm()})
    content = _content(visit)
    if content is None:
        sent = FileForm(visit.request.POST, visit.request.FILES)
        sent.is_valid()
        return visit.page("people/import.html", {"form": sent}, status=422)
    first = member_import.look(visit.caisse, content)
    if not isinstance(first, Preview):
        return _not_read(visit, first)
    if "file" in visit.request.FILES:
        return _preview(visit, content, first, _form(first))
    form = ColumnsForm(visit.request.POST, heading=first.heading)
    if not form.is_valid():
        return _preview(visit, content, first, form, status=422)
    return _looked(visit, content, form)


def _looked(visit: Visit, content: bytes, form: ColumnsForm) -> HttpResponse:
    """Look again by the columns that were said; take the people in where that was asked."""
    columns, namesakes_too = form.columns(), bool(form.cleaned_data["namesakes_too"])
    expected = as_number(visit.request.POST.get("import", ""))
    if expected is None:
        seen = member_import.look(visit.caisse, content, columns, namesakes_too=namesakes_too)
    else:
        done = member_import.take_in(
            visit.caisse,
            content,
            columns,
            namesakes_too=namesakes_too,
            expected=expected,
            by=visit.user,
        )
        if isinstance(done, int):
            return visit.done(_imported(done), "members")
        seen = done
    if not isinstance(seen, Preview):
        return _not_read(visit, seen)
    return _preview(visit, content, seen, form, changed=expected is not None)


def member_template(_visit: Visit) -> HttpResponse:
    """Hand out a file to begin with."""
    return download(sheet(zip(*member_import.TEMPLATE, strict=True)), "modele-membres.csv")


def _content(visit: Visit) -> bytes | None:
    """Return the file: just sent, or as the page has it; None: there is none."""
    sent = visit.request.FILES.get("file")
    if sent is not None and not isinstance(sent, list):
        return bytes(sent.read(BYTES_MAX + 1))
    try:
        return b64decode(visit.request.POST.get("content", ""), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _form(seen: Preview) -> ColumnsForm:
    places = {column.value: str(place) for column, place in seen.columns.items()}
    return ColumnsForm(initial=places, heading=seen.heading)


def _preview(
    visit: Visit,
    content: bytes,
    seen: Preview,
    form: ColumnsForm,
    *,
    changed: bool = False,
    status: int = 200,
) -> HttpResponse:
    rows = sorted(seen.rows, key=lambda row: row.fate is Fate.NEW)
    context: Mapping[str, Any] = {
        "form": form,
        "content": b64encode(content).decode("ascii"),
        "rows": [_row(row) for row in rows[:SHOWN]],
        "more": max(0, len(rows) - SHOWN),
        "new": len(seen.new),
        "namesakes": 0 if seen.namesakes_too else seen.count(Fate.NAMESAKE),
        "here": seen.count(Fate.HERE_BY_NAME, Fate.HERE_BY_EMAIL, Fate.TWICE),
        "refused": seen.count(Fate.REFUSED),
        "changed": changed,
        "no_name": not ({"last_name", "first_name"} & {it.value for it in seen.columns}),
    }
    return visit.page("people/import_preview.html", context, status=status)


def _row(row: Looked) -> dict[str, object]:
    words, tag = FATES[row.fate]
    why = row_refusal(row.why, row.words) if row.fate is Fate.REFUSED else ""
    return {"one": row, "fate": words, "tag": tag, "why": why}


def _not_read(visit: Visit, seen: Unread) -> HttpResponse:
    said = str(READING[seen.why.value])
    if seen.line is not None:
        said = _("Ligne %(line)s : %(said)s") % {"line": seen.line, "said": said}
    words = f"{said} {_('Rien n’a été enregistré.')}"
    return visit.page("people/import.html", {"form": FileForm(), "wrong": words}, status=422)


def _imported(count: int) -> str:
    words = ngettext(
        "%(count)s personne importée sur la liste d’attente.",
        "%(count)s personnes importées sur la liste d’attente.",
        count,
    )
    return words % {"count": count}
