"""What a bank's files look like: said once, over the first lines of one of them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from django.http import HttpResponse
from django.utils.translation import gettext as _

from server_stub.console.contributions.bank import BYTES_MAX, content_of, not_read
from server_stub.console.contributions.forms import ProfileColumnsForm, ProfileForm, SampleForm
from server_stub.console.contributions.words import reading_refusal
from server_stub.console.visit import Visit
from server_stub.services import bank_read, bank_statements
from server_stub.services.bank_read import FirstLines
from server_stub.services.bank_statements import Unread


def bank_profiles(visit: Visit) -> HttpResponse:
    """Show the banks whose files can be read."""
    rows = list(bank_read.profiles(visit.caisse).items())
    return visit.page("contributions/profiles.html", {"rows": rows})


def bank_profile_new(visit: Visit) -> HttpResponse:
    """Take a file of a bank, show how it begins, and keep what its columns are."""
    if not visit.is_post:
        return visit.page("contributions/profile_sample.html", {"form": SampleForm()})
    sent = SampleForm(visit.request.POST, visit.request.FILES)
    if "content" not in visit.request.POST and not sent.is_valid():
        return visit.page("contributions/profile_sample.html", {"form": sent}, status=422)
    is_new = "content" not in visit.request.POST
    content = sent.cleaned_data["file"].read(BYTES_MAX + 1) if is_new else content_of(visit)
    if is_new and content is not None and len(content) <= BYTES_MAX:
        camt = bank_read.save_camt(visit.caisse, content, by=visit.user)
        if camt is not None:
            return _of_camt(visit, camt)
    begins = None if content is None else bank_read.first_lines(content)
    if content is None or begins is None or len(content) > BYTES_MAX:
        sent = SampleForm()
        wrong = reading_refusal("TOO_LONG" if len(content or b"") > BYTES_MAX else "ENCODING")
        context = {"form": sent, "wrong": wrong}
        return visit.page("contributions/profile_sample.html", context, status=422)
    if is_new:
        return _ask(visit, content, begins)
    return _save(visit, content, begins)


def _of_camt(visit: Visit, made: tuple[str, int] | Unread) -> HttpResponse:
    """Nothing is to be said of a file that says itself what it holds."""
    if not isinstance(made, tuple):
        context = {"form": SampleForm(), "wrong": not_read(made)}
        return visit.page("contributions/profile_sample.html", context, status=422)
    words = _("Banque « %(name)s » enregistrée : ce fichier se lit, %(count)s lignes.")
    return visit.done(words % {"name": made[0], "count": made[1]}, "bank_import")


def _save(visit: Visit, content: bytes, begins: FirstLines) -> HttpResponse:
    form = ProfileForm(visit.request.POST)
    heading = form.cleaned_data.get("heading") if form.is_valid() else None
    columns = ProfileColumnsForm(
        visit.request.POST, heading=_heading(begins.rows, heading or begins.heading)
    )
    if not form.is_valid() or not columns.is_valid() or "again" in visit.request.POST:
        return _ask(visit, content, begins, form, columns, status=422)
    told = form.cleaned_data
    profile = bank_read.make_profile(told, told["heading"], columns.cleaned_data)
    lines = bank_read.try_profile(visit.caisse, profile, content)
    if not isinstance(lines, int):
        form.add_error(None, not_read(lines))
        return _ask(visit, content, begins, form, columns, status=422)
    refusal = bank_statements.save_profile(visit.caisse, told["name"], profile, by=visit.user)
    if refusal is not None:
        form.add_error(None, reading_refusal(refusal.name))
        return _ask(visit, content, begins, form, columns, status=422)
    words = _("Profil enregistré : ce fichier se lit, %(count)s lignes. Importez-le maintenant.")
    return visit.done(words % {"count": lines}, "bank_import")


def _ask(
    visit: Visit,
    content: bytes,
    begins: FirstLines,
    form: ProfileForm | None = None,
    columns: ProfileColumnsForm | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    heading = _heading(begins.rows, begins.heading)
    guessed = {
        "encoding": begins.encoding,
        "delimiter": "tab" if begins.delimiter == "\t" else begins.delimiter,
        "heading": begins.heading,
        "skip_last": 0,
    }
    context = {
        "form": form or ProfileForm(initial=guessed),
        "columns": columns
        or ProfileColumnsForm(initial=bank_read.guess_columns(heading), heading=heading),
        "rows": [(number, row) for number, row in enumerate(begins.rows, start=1)],
        "content": b64encode(content).decode("ascii"),
    }
    return visit.page("contributions/profile_new.html", context, status=status)


def _heading(rows: Sequence[tuple[str, ...]], number: int) -> tuple[str, ...]:
    return rows[number - 1] if 0 < number <= len(rows) else ()
