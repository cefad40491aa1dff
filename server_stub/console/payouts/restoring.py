"""Restored books: what is still missing, and the bank's statement entered by two people."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server_stub.console.declared import COORDINATOR, TREASURER
from server_stub.console.fields import EurosField
from server_stub.console.payouts.words import LOCK_HELP
from server_stub.console.visit import Visit
from server_stub.console.words import LOCKS, REFUSALS
from server_stub.services import restore_two
from server_stub.services.acts_read import user_names
from server_stub.services.deciding import NeedsSecond
from server_stub.services.payouts_read import NotMoved
from server_stub.services.restore_two import Answer, restore_seen

_NAME_MAX = 35


class Evidence(forms.Form):
    """A payout that the bank's statement shows and the books have forgotten."""

    settlement = forms.CharField(
        label=gettext_lazy("Paiement"),
        help_text=gettext_lazy("Comme le relevé le nomme, par exemple R1-0004."),
        max_length=_NAME_MAX,
    )
    merchant = forms.TypedChoiceField(label=gettext_lazy("Producteur"), coerce=int)
    amount = EurosField(label=gettext_lazy("Montant (€)"))

    def offer(self, merchants: tuple[tuple[int, str], ...]) -> None:
        """Say who may have been paid."""
        field = self.fields["merchant"]
        if isinstance(field, forms.ChoiceField):
            field.choices = list(merchants)


def restore(visit: Visit) -> HttpResponse:
    """Show how far the restore has come, and what to do."""
    return visit.page("payouts/restore.html", _told(visit, Evidence()))


def evidence(visit: Visit) -> HttpResponse:
    """Enter a payout of the bank's statement; nothing is signed before a second person does too."""
    form = Evidence(visit.request.POST if visit.is_post else None)
    told = _told(visit, form)
    if not visit.is_post or not form.is_valid():
        status = 422 if visit.is_post else 200
        return visit.page("payouts/restore.html", told, status=status)
    done = restore_two.evidence(
        visit.caisse,
        settlement=form.cleaned_data["settlement"].strip(),
        merchant=form.cleaned_data["merchant"],
        amount_cents=form.cleaned_data["amount"],
        by=visit.user,
    )
    return _answered(visit, done)


def finish(visit: Visit) -> HttpResponse:
    """Let money move again, as two."""
    if not visit.is_post:
        return restore(visit)
    return _answered(visit, restore_two.finish(visit.caisse, by=visit.user))


def _answered(visit: Visit, done: Answer) -> HttpResponse:
    if isinstance(done, NotMoved):
        return visit.refused(str(REFUSALS[done.value]), "restore")
    if isinstance(done, NeedsSecond):
        words = _("C’est gardé. Une deuxième personne doit saisir la même chose, relevé en main.")
        return visit.done(words, "restore")
    words = _("C’est fait et signé : acte n° %(act)s.") % {"act": done.act}
    return visit.done(words, "restore")


def _told(visit: Visit, form: Evidence) -> dict[str, object]:
    seen = restore_seen(visit.caisse)
    form.offer(seen.merchants)
    names = user_names(visit.caisse, {it.by for it in seen.proposals})
    return {
        "seen": seen,
        "lock": None if seen.lock is None else LOCKS[seen.lock.value],
        "help": None if seen.lock is None else LOCK_HELP[seen.lock.value],
        "is_unfinished": seen.missing is not None,
        "proposals": [
            {
                "what": it.subject.removeprefix(restore_two.EVIDENCE),
                "cents": it.content[0] if it.subject != restore_two.FINISH else None,
                "author": names.get(it.by, ""),
                "is_own": it.by == visit.user,
            }
            for it in seen.proposals
        ],
        "form": form,
        "may_act": visit.has(COORDINATOR, TREASURER),
    }
