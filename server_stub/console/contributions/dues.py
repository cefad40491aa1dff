"""Dues of a month, and what is late."""

from __future__ import annotations

from django.http import HttpResponse

from server_stub.console.contributions.forms import month_of
from server_stub.console.contributions.words import HOWS
from server_stub.console.downloads import download
from server_stub.console.fields import number_in
from server_stub.console.visit import Visit
from server_stub.exports.dues import dues_list, late_list
from server_stub.exports.reminders import reminder_list
from server_stub.services import dues_read
from server_stub.services.dues_read import How
from server_stub.services.late import late_accounts, reminders
from server_stub.services.members_read import PAGE_ROWS, cut

_ALL = 1_000_000


def contributions(visit: Visit) -> HttpResponse:
    """Show what a month asks of everybody, and how far it is paid."""
    months = dues_read.months_to_show(visit.caisse)
    month = month_of(visit.request.GET.get("month", ""), months)
    asked = visit.request.GET.get("show", "")
    how = How(asked) if asked in set(How) else None
    if visit.request.GET.get("format") == "csv":
        told = dues_read.month_of_dues(visit.caisse, month, how, most=_ALL)
        said = {it: str(words) for it, (words, _tag) in HOWS.items()}
        return download(dues_list(told.rows, said), f"cotisations-{month:%Y-%m}.csv")
    told = dues_read.month_of_dues(visit.caisse, month, how, after=number_in(visit, "after"))
    return visit.page(
        "contributions/dues.html",
        {
            "told": told,
            "rows": [{"one": row, "how": HOWS[row.how]} for row in told.rows],
            "months": months,
            "tabs": [
                (it.value, words, told.counts[it.value], it is how)
                for it, (words, _tag) in HOWS.items()
            ],
            "how": "" if how is None else how.value,
        },
    )


def late(visit: Visit) -> HttpResponse:
    """Show whose contributions are late, by age, and what that leads to."""
    asked = visit.request.GET.get("format", "")
    if asked == "reminders":
        found = reminders(visit.caisse)
        return download(reminder_list(found), f"relances-{visit.today.isoformat()}.csv")
    rows = late_accounts(visit.caisse)
    if asked == "csv":
        names = dues_read.whose(visit.caisse, (row.account.pk for row in rows))
        return download(late_list(rows, names), f"retards-{visit.today.isoformat()}.csv")
    page, after = cut(rows, [row.account.pk for row in rows], number_in(visit, "after"), PAGE_ROWS)
    names = dues_read.whose(visit.caisse, (row.account.pk for row in page))
    return visit.page(
        "contributions/late.html",
        {
            "rows": [
                {
                    "one": row,
                    "person": names.get(row.account.pk, (0, ""))[0],
                    "name": names.get(row.account.pk, (0, ""))[1],
                    "ages": list(row.by_age.values()),
                }
                for row in page
            ],
            "after": after,
            "count": len(rows),
            "late_cents": sum(row.missing_cents for row in rows),
            "withheld": sum(row.is_withheld for row in rows),
            "rules": dues_read.lateness_in_words(visit.caisse),
        },
    )
