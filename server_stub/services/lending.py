"""Whom a terminal sells for: for good, or lent for a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from enum import Enum, unique

from cardkit.clock import PARIS, business_date
from cardkit.errors import must
from cardkit.permit import MERCHANTS_MAX
from server_stub.models import Merchant, PermitIssued, Terminal, TerminalStatus
from server_stub.rules.allowances import midnight
from server_stub.services import conventions, issue
from server_stub.services.behind import Lock, lock
from server_stub.services.caisse import Caisse


@unique
class NotPermitted(Enum):
    """Why a terminal is not given another permit."""

    NOT_IN_USE = "the terminal was revoked or lost"
    NO_MERCHANT = "no such merchant, or none at all"
    TOO_MANY = "more merchants than a permit holds"
    NO_CONVENTION = "a merchant has no convention that day"
    NOT_A_DAY = "a loan is for today or tomorrow"
    BEHIND = "the books are behind what terminals hold"


def assign(
    caisse: Caisse, terminal: Terminal, merchants: Sequence[int], *, by: int
) -> PermitIssued | NotPermitted:
    """Let a terminal sell for these merchants from its next exchange on; ends a loan."""
    must(by > 0, "a person assigns a terminal")
    with caisse.alone():
        wanted = sorted(set(merchants))
        why_not = _objection(caisse, terminal, wanted)
        if why_not is not None:
            return why_not
        return issue.issue_permit(caisse, terminal, merchants=wanted, by=by)


def lend(
    caisse: Caisse,
    terminal: Terminal,
    *,
    by: int,
    day: date | None = None,
    merchants: Sequence[int] = (),
) -> PermitIssued | NotPermitted:
    """Lend a terminal until the end of a day, today by default, to any merchant of that day.

    It ends by itself: the till sells nothing after midnight, and its next exchange brings the
    permit that it had before. `merchants` narrows it down.
    """
    must(by > 0, "a person lends a terminal")
    with caisse.alone():
        today = business_date(caisse.now())
        on = day or today
        if not today <= on <= today + timedelta(days=1):
            return NotPermitted.NOT_A_DAY
        covered = [merchant.id for merchant in conventions.covered(caisse, on)]
        wanted = sorted(set(merchants)) or covered
        why_not = _objection(caisse, terminal, wanted)
        if why_not is not None:
            return why_not
        if not set(wanted) <= set(covered):
            return NotPermitted.NO_CONVENTION
        last_second = midnight(on + timedelta(days=1), PARIS) - timedelta(seconds=1)
        return issue.issue_permit(caisse, terminal, merchants=wanted, lent_until=last_second, by=by)


def _objection(caisse: Caisse, terminal: Terminal, wanted: list[int]) -> NotPermitted | None:
    terminal.refresh_from_db(using=caisse.using)
    if terminal.status != TerminalStatus.ACTIVE:
        return NotPermitted.NOT_IN_USE
    if lock(caisse) is Lock.SUSPECTED:
        return NotPermitted.BEHIND
    if len(wanted) > MERCHANTS_MAX:
        return NotPermitted.TOO_MANY
    known = Merchant.objects.using(caisse.using).filter(id__in=wanted).count()
    return None if wanted and known == len(wanted) else NotPermitted.NO_MERCHANT
