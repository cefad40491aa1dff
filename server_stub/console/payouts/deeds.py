"""What people do about a run: each page says first what will happen, then one verb does it."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import gettext as _

from cardkit.errors import BackupFailed
from server_stub.console.payouts.views import found, locked_in_words
from server_stub.console.payouts.words import BACKUP_FAILED, DONE, EFFECTS, VERBS
from server_stub.console.visit import Visit
from server_stub.console.words import REFUSALS, RUN_STATES
from server_stub.services import settlement
from server_stub.services.backup import back_up
from server_stub.services.owed import owed_to_merchants
from server_stub.services.payouts_read import NotMoved, draft_name

logger = logging.getLogger(__name__)

_FROM = {"send": {"approved"}, "confirm": {"sent", "approved"}, "revoke": {"approved", "sent"}}


def draw_up(visit: Visit) -> HttpResponse:
    """Show what would be paid and what would not; then draft it."""
    if visit.is_post:
        made = settlement.draw_up(visit.caisse, by=visit.user)
        if isinstance(made, NotMoved):
            return visit.refused(str(REFUSALS[made.value]), "payouts")
        words = _("Le paiement %(name)s est préparé ; une autre personne doit l’approuver.")
        return visit.done(words % {"name": made.name}, "payout", run=made.name)
    owed = list(owed_to_merchants(visit.caisse))
    paid = [it for it in owed if it.account.payable_cents > 0]
    return visit.page(
        "payouts/draw_up.html",
        {
            "paid": paid,
            "sum_cents": sum(it.account.payable_cents for it in paid),
            "kept": [
                it
                for it in owed
                if it.account.held_cents
                or it.account.waiting_cents
                or it.account.provisional_cents
                or it.account.payable_cents < 0
            ],
            "draft": draft_name(visit.caisse),
            **locked_in_words(visit),
        },
    )


def approve(visit: Visit, run: str) -> HttpResponse:
    """Show a draft on a phone: the sum, what changed, new accounts; then one verb."""
    if visit.is_post:
        return _approved(visit, run)
    seen = found(visit, run)
    return visit.page(
        "payouts/approve.html",
        {
            "run": seen,
            "state": RUN_STATES[seen.state],
            "is_own": seen.drawn_up_by == visit.user,
            **locked_in_words(visit),
        },
    )


def drop(visit: Visit, run: str) -> HttpResponse:
    """Throw a draft away."""
    if draft_name(visit.caisse) != run:
        return visit.refused(str(REFUSALS["no_such_run"]), "payouts")
    settlement.drop(visit.caisse)
    return visit.done(_("Le brouillon est abandonné. Rien n’a été payé."), "payouts")


def send(visit: Visit, run: str) -> HttpResponse:
    """Copy the books, then say that a run leaves for the bank."""
    if not visit.is_post:
        return _asked(visit, run, "send")
    copy = partial(back_up, visit.caisse, _copy_of(visit, run), holding=run)
    try:
        done = settlement.mark_sent(visit.caisse, run, by=visit.user, backup=copy)
    except BackupFailed as error:
        logger.error("a run was not sent: the books could not be copied", extra={"why": str(error)})
        return visit.refused(str(BACKUP_FAILED), "payout", run=run)
    return _told(visit, run, "send", done)


def confirm(visit: Visit, run: str) -> HttpResponse:
    """Say that the bank's statement shows the whole run."""
    if not visit.is_post:
        return _asked(visit, run, "confirm")
    return _told(visit, run, "confirm", settlement.confirm(visit.caisse, run, by=visit.user))


def revoke(visit: Visit, run: str) -> HttpResponse:
    """Take back a run that the bank has not executed."""
    if not visit.is_post:
        return _asked(visit, run, "revoke")
    return _told(visit, run, "revoke", settlement.revoke(visit.caisse, run, by=visit.user))


def _approved(visit: Visit, run: str) -> HttpResponse:
    try:
        shown = bytes.fromhex(visit.request.POST.get("seen", ""))
    except ValueError:
        shown = b""
    done = settlement.approve(visit.caisse, run, by=visit.user, seen=shown)
    if isinstance(done, NotMoved):
        refused = str(REFUSALS[done.value])
        if draft_name(visit.caisse) == run:
            return visit.refused(refused, "payout_approve", run=run)
        return visit.refused(refused, "payouts")
    words = _("Le paiement %(name)s est approuvé : rien de lui ne change plus.")
    return visit.done(words % {"name": run}, "payout", run=run)


def _asked(visit: Visit, run: str, deed: str) -> HttpResponse:
    seen = found(visit, run)
    if seen.state not in _FROM[deed]:
        return visit.refused(str(REFUSALS["not_in_that_state"]), "payout", run=run)
    return visit.page(
        "payouts/deed.html",
        {
            "run": seen,
            "deed": deed,
            "verb": VERBS[deed],
            "effect": EFFECTS[deed],
            **locked_in_words(visit),
        },
    )


def _told(visit: Visit, run: str, deed: str, done: object) -> HttpResponse:
    if isinstance(done, NotMoved):
        name, where = ("payouts", {}) if done is NotMoved.NO_SUCH_RUN else ("payout", {"run": run})
        return visit.refused(str(REFUSALS[done.value]), name, **where)
    return visit.done(str(DONE[deed]), "payout", run=run)


def _copy_of(visit: Visit, run: str) -> Path:
    """Where the copy that holds a run is kept: beside the day's copies, and never thrown away."""
    name = f"sent-{run}-{visit.caisse.now():%Y%m%dT%H%M%SZ}.copy"
    return Path(settings.DATA_DIR) / "backups" / name
