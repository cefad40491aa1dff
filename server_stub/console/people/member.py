"""One member: who it is, who helps, what is known, and being forgotten."""

from __future__ import annotations

import json

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from server_stub.console.contributions.words import MEANS
from server_stub.console.downloads import download
from server_stub.console.fields import as_number
from server_stub.console.people.forms import ContactForm, EditForm, HelperForm
from server_stub.console.people.words import CARDS, ROLES, STATES, refusal
from server_stub.console.visit import Visit
from server_stub.models import HelperRole, Person
from server_stub.services import applications, people
from server_stub.services.member_read import Member, find_person, member
from server_stub.services.members_read import State
from server_stub.services.paper_words import LETTERS
from server_stub.services.paper_words import STATES as LETTER_STATES


def found(visit: Visit, number: int) -> Person:
    """Return a member, or end with a page that says that there is none."""
    person = find_person(visit.caisse, number)
    if person is None:
        raise Http404
    return person


def member_page(visit: Visit, person: int) -> HttpResponse:
    """Show everything that the office needs of one member."""
    told = member(visit.caisse, person)
    if told is None:
        raise Http404
    words, tag = STATES[_state(told)]
    return visit.page(
        "people/member.html",
        {
            "it": told,
            "state": words,
            "tag": tag,
            "helpers": [(one, ROLES[HelperRole(one.role)]) for one in told.helpers],
            "cards": [(one, *CARDS[one.card.status]) for one in told.cards],
            "letters": [(one, LETTERS[one.kind], LETTER_STATES[one.state]) for one in told.letters],
            "payments": [(one, MEANS[one.means]) for one in told.payments],
        },
    )


def member_edit(visit: Visit, person: int) -> HttpResponse:
    """Change who somebody is and how they are reached; and what they would like to pay."""
    row = found(visit, person)
    wish = getattr(row, "application", None)
    asked = ContactForm if applications.has_promised(visit.caisse, row) else EditForm
    if not visit.is_post:
        initial = {
            **{name: getattr(row, name) for name in ContactForm.base_fields},
            "monthly_cents": None if wish is None else wish.monthly_cents,
            "persons": 1 if wish is None else wish.persons,
        }
        return _form(visit, row, asked(initial=initial))
    form = asked(visit.request.POST)
    if not form.is_valid():
        return _form(visit, row, form, status=422)
    told = form.cleaned_data
    why = applications.not_wished(visit.caisse, told.get("monthly_cents"))
    if why is not None:
        form.add_error("monthly_cents", refusal(why))
        return _form(visit, row, form, status=422)
    contact = {name: told[name] for name in ContactForm.base_fields}
    applications.change(visit.caisse, row, **contact)
    if isinstance(form, EditForm):
        cents, persons = told["monthly_cents"], told["persons"]
        applications.wish(visit.caisse, row, monthly_cents=cents, persons=persons)
    return visit.done(_("C’est enregistré."), "member", person=person)


def member_helper(visit: Visit, person: int) -> HttpResponse:
    """Put down somebody who helps, or forget one."""
    row = found(visit, person)
    if not visit.is_post:
        return _form(visit, row, HelperForm(), title=_("Une personne qui aide"))
    gone = as_number(visit.request.POST.get("gone", ""))
    if gone is not None:
        helper = row.helpers.filter(pk=gone).first()
        if helper is None:
            return visit.refused(_("Cette personne n’est déjà plus là."), "member", person=person)
        people.remove_helper(visit.caisse, helper)
        return visit.done(_("C’est effacé."), "member", person=person)
    form = HelperForm(visit.request.POST)
    if not form.is_valid():
        return _form(visit, row, form, title=_("Une personne qui aide"), status=422)
    told = form.cleaned_data
    people.add_helper(
        visit.caisse,
        row,
        told["name"],
        role=HelperRole(told["role"]),
        telephone=told["telephone"],
        email=told["email"],
    )
    return visit.done(_("C’est enregistré."), "member", person=person)


def member_touch(visit: Visit, person: int) -> HttpResponse:
    """Say that somebody was in touch today."""
    people.in_touch(visit.caisse, found(visit, person))
    words = _("Noté : un nom est gardé le temps voté après le dernier contact.")
    return visit.done(words, "member", person=person)


def member_data(visit: Visit, person: int) -> HttpResponse:
    """Hand out all that is known of a member, for the member."""
    told = people.all_about(visit.caisse, found(visit, person))
    content = json.dumps(told, ensure_ascii=False, indent=1).encode()
    return download(content, f"donnees-{told['account'][:8]}.json")


def member_erase(visit: Visit, person: int) -> HttpResponse:
    """Say what being forgotten means; then forget."""
    row = found(visit, person)
    if not visit.is_post:
        told = member(visit.caisse, person)
        return visit.page("people/erase.html", {"it": told})
    name = row.name
    people.erase(visit.caisse, row, by=visit.user)
    words = _("%(name)s est effacé(e) d’ici. Les livres sont restés ce qu’ils étaient.")
    return visit.done(words % {"name": name}, "members")


def _form(
    visit: Visit,
    row: Person,
    form: ContactForm | HelperForm,
    *,
    title: str | None = None,
    status: int = 200,
) -> HttpResponse:
    words = title or _("Identité")
    context = {"form": form, "person": row, "title": words, "verb": _("Enregistrer")}
    return visit.page("people/form.html", context, status=status)


def _state(told: Member) -> State:
    if told.left_from is not None:
        return State.LEFT
    if not told.promises:
        return State.WAITING if told.is_waiting else State.NO_PROMISE
    return State.ACTIVE if told.renewal is None else State(told.renewal.stage.value)
