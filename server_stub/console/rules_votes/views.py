"""The rules in force, one rule's history, and a vote: looked at first, then put on record."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cardkit.acts import MINUTES_CHARACTERS_MAX
from server_stub.console.declared import AUDITOR, COORDINATOR, TREASURER
from server_stub.console.downloads import download
from server_stub.console.forms import DayField
from server_stub.console.visit import Visit
from server_stub.exports.rules_csv import rules_csv
from server_stub.services.member_words import refusal_in_words
from server_stub.services.rule_words import day_in_words
from server_stub.services.rules_read import (
    NotPut,
    RuleSeen,
    as_it_would_read,
    rule_seen,
    rules_seen,
)
from server_stub.services.votes import open_from
from server_stub.services.votes import vote as put_on_record

_WRITTEN_MAX = 30


class VoteForm(forms.Form):
    """What was voted, from when it counts, and where it stands in the minutes."""

    value = forms.CharField(label=gettext_lazy("Nouvelle valeur"), max_length=_WRITTEN_MAX)
    from_day = DayField(label=gettext_lazy("S’applique à partir du"))
    voted_on = DayField(label=gettext_lazy("Votée le"))
    minutes = forms.CharField(
        label=gettext_lazy("Titre du vote dans le procès-verbal"),
        help_text=gettext_lazy("Pas de nom de personne : il est imprimé et publié."),
        max_length=MINUTES_CHARACTERS_MAX,
    )

    def __init__(self, rule: RuleSeen, data: Any = None, **told: Any) -> None:
        super().__init__(data, **told)
        self.rule = rule
        field = self.fields["value"]
        field.help_text = rule.form
        if rule.answers:
            field.widget = forms.TextInput(attrs={"autocapitalize": "none"})

    def clean_value(self) -> str:
        """Refuse what this rule can't have."""
        written = str(self.cleaned_data["value"])
        if as_it_would_read(self.rule.name, written) is None:
            raise forms.ValidationError(f"{_said(NotPut.NOT_A_VALUE)} {self.rule.form}")
        return written


def rules(visit: Visit) -> HttpResponse:
    """Show every rule: its value, since when, and the vote that made it."""
    seen = rules_seen(visit.caisse)
    if visit.request.GET.get("format") == "csv":
        return download(rules_csv(seen), f"regles-{visit.today.isoformat()}.csv")
    return visit.page(
        "rules_votes/rules.html",
        {"rules": seen, "may_act": visit.has(COORDINATOR, TREASURER)},
    )


def rule(visit: Visit, rule: str) -> HttpResponse:
    """Show one rule with all that was ever voted on it."""
    return visit.page(
        "rules_votes/rule.html",
        {
            "rule": _found(visit, rule),
            "may_act": visit.has(COORDINATOR, TREASURER),
            "sees_authors": visit.has(COORDINATOR, TREASURER, AUDITOR),
        },
    )


def vote(visit: Visit, rule: str) -> HttpResponse:
    """Let a vote be written, show what it will change, and put it on record."""
    found = _found(visit, rule)
    if visit.is_post:
        return _voted(visit, found)
    asked = visit.request.GET
    is_written = "value" in asked
    form = (
        VoteForm(found, asked) if is_written else VoteForm(found, initial={"voted_on": visit.today})
    )
    is_looked_at = is_written and form.is_valid()
    return visit.page(
        "rules_votes/vote.html",
        {
            "rule": found,
            "form": form,
            "is_looked_at": is_looked_at,
            "new": as_it_would_read(found.name, form.cleaned_data["value"])
            if is_looked_at
            else None,
            "told": form.cleaned_data if is_looked_at else {},
        },
    )


def _voted(visit: Visit, found: RuleSeen) -> HttpResponse:
    form = VoteForm(found, visit.request.POST)
    if form.is_valid():
        told = form.cleaned_data
        made = put_on_record(
            visit.caisse,
            found.name,
            told["value"],
            from_day=told["from_day"],
            voted_on=told["voted_on"],
            minutes=told["minutes"],
            by=visit.user,
        )
        if not isinstance(made, NotPut):
            return visit.done(_("Le vote est au registre, signé."), "rule", rule=found.name)
        day = day_in_words(open_from(visit.caisse))
        form.add_error(None, _said(made, day=day))
    context = {"rule": found, "form": form, "is_looked_at": False}
    return visit.page("rules_votes/vote.html", context, status=422)


def _said(why: NotPut, *, day: str = "") -> str:
    return refusal_in_words(why, day=day) if day else refusal_in_words(why)


def _found(visit: Visit, name: str) -> RuleSeen:
    found = rule_seen(visit.caisse, name)
    if found is None:
        raise Http404
    return found
