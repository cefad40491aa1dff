"""The work list, one point, and the deeds: each says first what it will do."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server_stub.console.decided import answered
from server_stub.console.declared import COORDINATOR, TREASURER
from server_stub.console.fields import as_number, number_in
from server_stub.console.findings.words import (
    DISPUTE_DEEDS,
    EFFECTS,
    OWED_AGAIN,
    SLIP_RETURNED,
    WAITING,
)
from server_stub.console.links import link
from server_stub.console.log.words import in_words
from server_stub.console.visit import Visit
from server_stub.console.words import ADVICE, FINDINGS, LOCKS, facts_in_words
from server_stub.services import resolve
from server_stub.services.behind import lock
from server_stub.services.deciding import NotDone
from server_stub.services.resolve import Work
from server_stub.services.work_read import (
    Point,
    PointSeen,
    TheDeed,
    Waiting,
    Wanted,
    do,
    find_deed,
    point,
    points,
    waiting_for_second,
)
from server_stub.services.work_words import DEEDS, KEPT, NOT_DONE, WHOSE, by_itself_in_words

_NO_CARD_MAX = 14


class Filter(forms.Form):
    """Which points are shown; empty: all of them."""

    kind = forms.ChoiceField(label=gettext_lazy("Genre"), required=False)
    terminal = forms.IntegerField(
        label=gettext_lazy("Terminal n°"), required=False, min_value=1, max_value=2**32
    )
    card = forms.CharField(
        label=gettext_lazy("Carte (début du numéro)"), required=False, max_length=_NO_CARD_MAX
    )

    def offer(self, kinds: tuple[str, ...]) -> None:
        """Say which kinds there are to choose from."""
        named = [(kind, str(FINDINGS.get(kind, kind))) for kind in kinds]
        kind = self.fields["kind"]
        if isinstance(kind, forms.ChoiceField):
            kind.choices = [("", _("Tous")), *named]


class Note(forms.Form):
    """What somebody found out."""

    text = forms.CharField(
        label=gettext_lazy("Note"),
        help_text=gettext_lazy("Pas de nom de membre. Elle est gardée à côté du journal."),
        max_length=resolve.TEXT_MAX,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ForWhom(forms.Form):
    """For whom a recovered sale is paid, where the terminal served several."""

    merchant = forms.TypedChoiceField(label=gettext_lazy("Pour quel producteur"), coerce=int)

    def __init__(self, merchants: tuple[tuple[int, str], ...], data: Any = None) -> None:
        super().__init__(data)
        field = self.fields["merchant"]
        if isinstance(field, forms.ChoiceField):
            field.choices = list(merchants)


def findings(visit: Visit) -> HttpResponse:
    """Show the list, by age and money, and what waits for a second person."""
    asked = visit.request.GET
    wanted = Wanted(
        kind=asked.get("kind", "") if asked.get("kind", "") in FINDINGS else "",
        terminal=as_number(asked.get("terminal", "")),
        card="".join(asked.get("card", "").split())[:_NO_CARD_MAX],
    )
    after = number_in(visit, "after")
    page = points(visit.caisse, wanted, after=after)
    form = Filter(initial={"kind": wanted.kind, "terminal": wanted.terminal, "card": wanted.card})
    form.offer(page.kinds)
    query = asked.copy()
    query.pop("after", None)
    locked = lock(visit.caisse)
    return visit.page(
        "findings/list.html",
        {
            "points": [_row(one) for one in page.points],
            "page": page,
            "form": form,
            "is_filtered": wanted != Wanted(),
            "is_first_page": after is None,
            "query": query.urlencode(),
            "waiting": [_waiting(visit, one) for one in waiting_for_second(visit.caisse)],
            "lock": None if locked is None else LOCKS[locked.value],
        },
    )


def finding(visit: Visit, finding: int) -> HttpResponse:
    """Show one point: what happened, what was kept, what it costs whom, and what can be done."""
    one = _found(visit, finding)
    return visit.page("findings/finding.html", _told(visit, one, Note()))


def note(visit: Visit, finding: int) -> HttpResponse:
    """Keep what somebody found out about a point."""
    form = Note(visit.request.POST)
    if not form.is_valid():
        return visit.page(
            "findings/finding.html", _told(visit, _found(visit, finding), form), status=422
        )
    found = resolve.find(visit.caisse, finding)
    if isinstance(found, NotDone):
        return visit.refused(str(NOT_DONE[found]), "findings")
    done = resolve.note(visit.caisse, found, form.cleaned_data["text"], by=visit.user)
    return answered(visit, done, "finding", finding=finding)


def act_on(visit: Visit, finding: int, kind: str) -> HttpResponse:
    """Say what a deed will do; then do it, or keep it for a second person."""
    deed, one = find_deed(kind), _found(visit, finding)
    if deed is None:
        raise Http404
    if one.work is None or deed not in one.work.deeds:
        return visit.refused(str(NOT_DONE[NotDone.NOT_FOR_THIS]), "finding", finding=finding)
    form = None
    if deed is TheDeed.PAY and one.merchants:
        form = ForWhom(one.merchants, visit.request.POST if visit.is_post else None)
    if visit.is_post and (form is None or form.is_valid()):
        merchant = None if form is None else form.cleaned_data["merchant"]
        done = do(visit.caisse, finding, deed, merchant=merchant, by=visit.user)
        return answered(visit, done, "finding", finding=finding)
    told = _told(visit, one, Note())
    told |= {"deed": _deed(one.work, deed), "whom": form}
    return visit.page("findings/do.html", told, status=422 if visit.is_post else 200)


def _found(visit: Visit, number: int) -> PointSeen:
    found = point(visit.caisse, number)
    if found is None:
        raise Http404
    return found


def _row(one: Point) -> dict[str, object]:
    work = one.work
    return {
        "number": one.number,
        "title": FINDINGS.get(work.finding.kind.value, work.finding.kind.value),
        "work": work,
        "whose": WHOSE[work.whose],
        "by_itself": by_itself_in_words(work),
    }


def _told(visit: Visit, one: PointSeen, form: Note) -> dict[str, object]:
    row, work = one.finding, one.work
    may_act = visit.has(COORDINATOR, TREASURER)
    language = visit.request.LANGUAGE_CODE
    card = None if row.card is None else bytes(row.card.uid).hex().upper()
    proposal = one.proposal
    return {
        "one": one,
        "title": FINDINGS.get(row.kind, row.kind),
        "advice": ADVICE.get(row.kind, ""),
        "facts": facts_in_words(row.facts, language),
        "work": work,
        "kept": None if work is None else KEPT[work.finding.kind],
        "whose": None if work is None else WHOSE[work.whose],
        "by_itself": None if work is None else by_itself_in_words(work),
        "deeds": [_deed(work, deed) for deed in work.deeds] if work and may_act else [],
        "acts": [in_words(act, sees_texts=may_act) for act in one.acts],
        "card": card,
        "card_address": link("card", card=card) if card and may_act else None,
        "terminal_address": (
            link("terminal", terminal=row.terminal_id) if row.terminal_id and may_act else None
        ),
        "dispute": row.key if row.kind == "disputed" else None,
        "proposal": proposal,
        "proposal_words": None if proposal is None else _proposed(str(proposal.content[0])),
        "is_own_proposal": proposal is not None and proposal.by == visit.user,
        "form": form,
        "may_act": may_act,
    }


_PARTICULAR: Final = {
    ("paper_double", TheDeed.RETURN): SLIP_RETURNED,
    ("payout_returned", TheDeed.PAY): OWED_AGAIN,
}
"""Deeds that do something else about one kind of finding."""


def _deed(work: Work, deed: TheDeed) -> dict[str, object]:
    particular = _PARTICULAR.get((work.finding.kind.value, deed))
    return {
        "kind": deed.value,
        "words": DEEDS[deed],
        "effect": EFFECTS[deed.value] if particular is None else particular,
        "takes_two": deed in work.two_people,
        "moves_money": deed in {TheDeed.PAY, TheDeed.RETURN},
    }


def _proposed(deed: str) -> str:
    known = find_deed(deed)
    return str(DEEDS[known]) if known else str(DISPUTE_DEEDS.get(deed.lower(), deed))


def _waiting(visit: Visit, one: Waiting) -> dict[str, object]:
    address = {
        "finding": link("finding", finding=one.finding) if one.finding else None,
        "dispute": link("dispute", dispute=one.key),
        "act": link("act", act=one.key),
        "evidence": link("restore"),
        "restore": link("restore"),
    }.get(one.what)
    named = FINDINGS.get(one.kind, "") if one.what == "finding" else ""
    place = one.key if one.what == "act" else (one.kind if one.what == "evidence" else "")
    return {
        "one": one,
        "words": f"{WAITING.get(one.what, one.what)} {place}".strip(),
        "named": named,
        "deed": _proposed(one.deed) if one.what in {"finding", "dispute"} else "",
        "address": address,
        "is_own": one.by == visit.user,
    }
