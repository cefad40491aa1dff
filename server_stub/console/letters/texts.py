"""The words of letters: read, tried on somebody who does not exist, and saved."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server_stub.console.visit import Visit
from server_stub.models import LetterKind, LetterText
from server_stub.services import letter_texts
from server_stub.services.letter_facts import known
from server_stub.services.letter_texts import LANGUAGES, Words, objection_to
from server_stub.services.letter_values import example, named
from server_stub.services.paper_words import LETTERS, PLACEHOLDERS, wrong_in_words

_LAST: Final = 5
_NAMES: Final = {"fr": gettext_lazy("français"), "en": gettext_lazy("anglais")}


class TextForm(forms.Form):
    """Subject and text of a kind of letter."""

    subject = forms.CharField(label=gettext_lazy("Objet"), max_length=120)
    body = forms.CharField(
        label=gettext_lazy("Texte"),
        max_length=4000,
        widget=forms.Textarea({"rows": 18}),
        help_text=gettext_lazy(
            "Une ligne vide commence un paragraphe ; une ligne qui commence par un tiret est un "
            "point d’une liste."
        ),
    )


def letter_texts_page(visit: Visit) -> HttpResponse:
    """Show every kind, in each language, and who wrote its words."""
    rows = [
        {
            "kind": kind,
            "words": LETTERS[kind.value],
            "language": language,
            "said": said,
            "it": letter_texts.words_of(visit.caisse, kind, language),
        }
        for kind in LetterKind
        for language, said in _NAMES.items()
    ]
    return visit.page("letters/texts.html", {"rows": rows})


def letter_text(visit: Visit, kind: str) -> HttpResponse:
    """Show the words of a kind; try others, or put them in force."""
    sent = visit.request.POST if visit.is_post else visit.request.GET
    language = sent.get("in", "fr")
    if kind not in LetterKind.values or language not in LANGUAGES:
        raise Http404
    words = letter_texts.words_of(visit.caisse, LetterKind(kind), language)
    if not visit.is_post:
        form = TextForm(initial={"subject": words.subject, "body": words.body})
        return _page(visit, words, form)
    form = TextForm(visit.request.POST)
    if not form.is_valid():
        return _page(visit, words, form, status=422)
    subject, body = form.cleaned_data["subject"], form.cleaned_data["body"].replace("\r\n", "\n")
    wrong = objection_to(LetterKind(kind), subject, body)
    if wrong is not None:
        form.add_error(None, wrong_in_words(kind, wrong))
        return _page(visit, words, form, status=422)
    tried = Words(kind=words.kind, language=language, subject=subject, body=body)
    if "try" in visit.request.POST:
        return _page(visit, tried, form, is_tried=True)
    done = letter_texts.save_words(
        visit.caisse, words.kind, language, subject=subject, body=body, by=visit.user
    )
    if not isinstance(done, LetterText):
        form.add_error(None, wrong_in_words(kind, done))
        return _page(visit, words, form, status=422)
    told = _(
        "Enregistré : les prochains courriers diront ceci. Ceux qui sont partis ne changent pas."
    )
    return visit.done(told, "letter_texts")


def _page(
    visit: Visit, words: Words, form: TextForm, *, is_tried: bool = False, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "title": LETTERS[words.kind.value],
        "language": words.language,
        "language_name": _NAMES[words.language],
        "form": form,
        "is_tried": is_tried,
        "example": example(known(visit.caisse), words),
        "placeholders": [(it, PLACEHOLDERS[it]) for it in named(words.kind)],
        "history": letter_texts.history(visit.caisse, words.kind, words.language, count=_LAST),
    }
    return visit.page("letters/text.html", context, status=status)
