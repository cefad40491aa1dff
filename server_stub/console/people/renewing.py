"""The renewal campaign: whom to ask, who has answered, and those who keep their amount."""

from __future__ import annotations

from collections import Counter

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from server_stub.console.downloads import download
from server_stub.console.fields import number_in
from server_stub.console.people.words import STATES
from server_stub.console.visit import Visit
from server_stub.exports.members import renewal_list
from server_stub.services import renewals
from server_stub.services.members_read import PAGE_ROWS, State, cut
from server_stub.services.renewals import RenewalRow

ANSWERED_SHOWN = 12


def campaign(visit: Visit) -> HttpResponse:
    """Show the campaign; renew everybody who keeps the same amount."""
    if visit.is_post:
        plans = renewals.renew_same(visit.caisse, by=visit.user)
        done = sum(plan.refusal is None for plan in plans)
        if not done:
            words = _("Personne n’a été renouvelé : il n’y a que des personnes à qui demander.")
            return visit.refused(words, "renewals")
        words = ngettext(
            "%(count)s engagement renouvelé au même montant.",
            "%(count)s engagements renouvelés au même montant.",
            done,
        )
        return visit.done(words % {"count": done}, "renewals")
    rows = renewals.campaign(visit.caisse)
    if visit.request.GET.get("format") == "csv":
        said = {it.value: str(words) for it, (words, _tag) in STATES.items()}
        return download(renewal_list(rows, said), f"renouvellements-{visit.today.isoformat()}.csv")
    counts = Counter(row.renewal.stage.value for row in rows)
    page, after = cut(rows, [row.account.pk for row in rows], number_in(visit, "after"), PAGE_ROWS)
    answered = renewals.answered(visit.caisse)
    return visit.page(
        "people/renewals.html",
        {
            "rows": [_row(row) for row in page],
            "after": after,
            "counts": {it.value: counts[it.value] for it in State},
            "answered": answered[:ANSWERED_SHOWN],
            "answered_count": len(answered),
            "same": sum(_keeps(row) for row in rows),
        },
    )


def _row(row: RenewalRow) -> dict[str, object]:
    words, tag = STATES[State(row.renewal.stage.value)]
    return {"one": row, "state": words, "tag": tag}


def _keeps(row: RenewalRow) -> bool:
    return row.renewal.stage.value != State.NOTHING and not row.renewal.was_lowered
