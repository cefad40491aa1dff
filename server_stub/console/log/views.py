"""The log in order, one act, and its undoing: always a new act, never an edit."""

from __future__ import annotations

from django import forms
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server_stub.console.decided import answered
from server_stub.console.declared import COORDINATOR, TREASURER
from server_stub.console.downloads import download
from server_stub.console.fields import as_number, number_in
from server_stub.console.log.words import KINDS, in_words
from server_stub.console.visit import Visit
from server_stub.exports.acts_csv import acts_csv
from server_stub.services.acts_read import SHEET_ROWS, act_of, authors, kinds, log_page
from server_stub.services.deciding import NotDone
from server_stub.services.reverse import take_back, takes_two_back
from server_stub.services.work_words import NOT_DONE


class Filter(forms.Form):
    """Which acts are shown; empty: all of them."""

    kind = forms.ChoiceField(label=gettext_lazy("Genre"), required=False)
    by = forms.ChoiceField(label=gettext_lazy("Par"), required=False)

    def offer(self, people: list[tuple[int, str]]) -> None:
        """Say which kinds and which people there are to choose from."""
        named = sorted((str(KINDS.get(name, name)), number) for number, name in kinds())
        of = {
            "kind": [(str(number), words) for words, number in named],
            "by": [("0", _("le service")), *((str(number), name) for number, name in people)],
        }
        for name, choices in of.items():
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = [("", _("Tous")), *choices]


def log(visit: Visit) -> HttpResponse:
    """Show acts, newest first, or hand them out as a table."""
    asked = visit.request.GET
    kind, author = as_number(asked.get("kind", "")), as_number(asked.get("by", ""))
    after = number_in(visit, "after")
    as_csv = asked.get("format") == "csv"
    page = log_page(
        visit.caisse,
        after=after,
        kind=kind,
        author=author,
        **({"most": SHEET_ROWS} if as_csv else {}),
    )
    sees = visit.has(COORDINATOR, TREASURER)
    shown = [in_words(act, sees_texts=sees) for act in page.acts]
    if as_csv:
        return download(acts_csv(shown), f"journal-{visit.today.isoformat()}.csv")
    form = Filter(initial={"kind": kind, "by": author})
    form.offer(authors(visit.caisse))
    query = asked.copy()
    query.pop("after", None)
    return visit.page(
        "log/log.html",
        {
            "acts": shown,
            "after": page.after,
            "form": form,
            "is_filtered": kind is not None or author is not None,
            "is_first_page": after is None,
            "query": query.urlencode(),
            "sheet_rows": SHEET_ROWS,
        },
    )


def act(visit: Visit, act: int) -> HttpResponse:
    """Show one act, and whether it can be taken back."""
    found = act_of(visit.caisse, act)
    if found is None:
        raise Http404
    may_act = visit.has(COORDINATOR, TREASURER)
    takes_two = takes_two_back(visit.caisse, act) if may_act else NotDone.NOT_REVERSIBLE
    return visit.page(
        "log/act.html",
        {
            "act": in_words(found, sees_texts=may_act),
            "may_undo": not isinstance(takes_two, NotDone),
        },
    )


def undo(visit: Visit, act: int) -> HttpResponse:
    """Say what taking an act back does; then do it, or keep it for a second person."""
    found = act_of(visit.caisse, act)
    if found is None:
        raise Http404
    if visit.is_post:
        return answered(visit, take_back(visit.caisse, act, by=visit.user), "act", act=act)
    takes_two = takes_two_back(visit.caisse, act)
    if isinstance(takes_two, NotDone):
        return visit.refused(str(NOT_DONE[takes_two]), "act", act=act)
    return visit.page(
        "log/undo.html", {"act": in_words(found, sees_texts=True), "takes_two": takes_two}
    )
