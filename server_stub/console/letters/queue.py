"""Letters that are due, that wait, and that left."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cardkit.errors import PaperFailed
from server_stub.console.downloads import download
from server_stub.console.fields import number_in
from server_stub.console.visit import Visit
from server_stub.exports.letters import PrintedLetters, print_again, print_letters
from server_stub.exports.stationery import Stationery
from server_stub.models import Letter, LetterKind, LetterState
from server_stub.services import letters
from server_stub.services.details import details_of
from server_stub.services.letters import NotPrinted
from server_stub.services.paper_words import LETTERS, NOT_PRINTED, STATES, TROUBLES, WHEN

A_PAGE: Final = 50
BROKEN: Final = gettext_lazy(
    "Le modèle de ce papier ne passe pas. Rien n’a été imprimé et rien n’a changé. Retirez votre "
    "modèle du dossier « papers » du serveur : celui d’origine reprend sa place."
)


def letters_page(visit: Visit) -> HttpResponse:
    """Show what is due by kind, what waits, and one button that prints it."""
    piles = letters.piles(visit.caisse)
    rows = letters.waiting(visit.caisse, count=A_PAGE + 1, after=number_in(visit, "after") or 0)
    return visit.page(
        "letters/letters.html",
        {
            "piles": [
                {"it": it, "words": LETTERS[it.kind.value], "when": WHEN[it.kind.value]}
                for it in piles
            ],
            "to_print": sum(it.to_print for it in piles),
            "to_mail": sum(it.to_mail for it in piles),
            "rows": [_shown(it) for it in rows[:A_PAGE]],
            "after": rows[A_PAGE - 1].pk if rows[A_PAGE:] else None,
            "has_head": details_of(visit.caisse) is not None,
            "mails": settings.MAIL_IS_SET_UP,
        },
    )


def letters_prepare(visit: Visit) -> HttpResponse:
    """Put every letter of a kind that is due into the queue."""
    count = letters.prepare(
        visit.caisse,
        _kind(visit.request.POST.get("kind", "")),
        on_paper=visit.request.POST.get("on_paper") == "1",
        by=visit.user,
    )
    words = ngettext("%(count)s courrier préparé.", "%(count)s courriers préparés.", count)
    return visit.done(words % {"count": count}, "letters")


def letters_print(visit: Visit) -> HttpResponse:
    """Hand out all that waits as one PDF; it has left then, and can be printed again from there."""
    chosen = visit.request.POST.get("kind", "")
    kind = _kind(chosen) if chosen else None
    try:
        done = print_letters(visit.caisse, stationery(), kind, by=visit.user)
    except PaperFailed:
        return visit.refused(str(BROKEN), "letters")
    if isinstance(done, NotPrinted):
        return visit.refused(str(NOT_PRINTED[done.name]), "letters")
    return _file(visit, done)


def letters_sent(visit: Visit) -> HttpResponse:
    """Show what left, the newest first."""
    rows = letters.gone(visit.caisse, count=A_PAGE + 1, before=number_in(visit, "before"))
    before = rows[A_PAGE - 1].pk if rows[A_PAGE:] else None
    context = {"rows": [_shown(it) for it in rows[:A_PAGE]], "before": before}
    return visit.page("letters/sent.html", context)


def letter_page(visit: Visit, letter: int) -> HttpResponse:
    """Show one letter as it left."""
    row = letters.find(visit.caisse, letter)
    if row is None:
        raise Http404
    return visit.page("letters/letter.html", {**_shown(row), "content": row.content})


def letter_again(visit: Visit, letter: int) -> HttpResponse:
    """Hand out a letter as it left, with those that were printed with it."""
    done = print_again(visit.caisse, stationery(), letter)
    if isinstance(done, NotPrinted):
        raise Http404
    return _file(visit, done)


def letter_drop(visit: Visit, letter: int) -> HttpResponse:
    """Decide that a letter is not sent."""
    refused = letters.drop(visit.caisse, letter, by=visit.user)
    if refused is not None:
        return visit.refused(str(NOT_PRINTED[refused.name]), "letters")
    return visit.done(_("Retiré : ce courrier ne partira pas, et ne sera plus proposé."), "letters")


def letter_on_paper(visit: Visit, letter: int) -> HttpResponse:
    """Let a letter go by paper instead of by mail."""
    refused = letters.on_paper(visit.caisse, letter)
    if refused is not None:
        return visit.refused(str(NOT_PRINTED[refused.name]), "letters")
    return visit.done(_("Ce courrier sera imprimé."), "letters")


def stationery(language: str = "fr") -> Stationery:
    """Return how papers are made here: the caisse's own templates win."""
    return Stationery(language=language, own=settings.DATA_DIR / "papers")


def _file(visit: Visit, done: PrintedLetters) -> HttpResponse:
    return download(done.content, f"courriers-{visit.today.isoformat()}.pdf")


def _kind(value: str) -> LetterKind:
    if value not in LetterKind.values:
        raise Http404
    return LetterKind(value)


def _shown(letter: Letter) -> dict[str, object]:
    return {
        "it": letter,
        "words": LETTERS[letter.kind],
        "state": STATES[letter.state],
        "trouble": TROUBLES.get(letter.trouble, letter.trouble),
        "has_left": letter.state in {LetterState.PRINTED, LetterState.MAILED},
    }
