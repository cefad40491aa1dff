"""A terminal that is revoked, or stolen: what that bounds, who is owed what, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, unique

from cardkit.acts import TerminalLost, TerminalRevoked
from cardkit.errors import must
from cardkit.permit import Permit
from server_stub.models import (
    DirectoryVersion,
    PermitIssued,
    Terminal,
    TerminalReport,
    TerminalStatus,
)
from server_stub.rules.window import bound_cents
from server_stub.services import acts, recover
from server_stub.services.caisse import Caisse
from server_stub.services.documents import permit_of
from server_stub.services.fleet import journal_of
from server_stub.services.owed import OwedTo, owed_to_merchants


@unique
class NotDone(Enum):
    """Why a terminal is not declared stolen, or revoked."""

    ALREADY_STOLEN = "it was declared stolen before"
    NOT_IN_USE = "it is not in use any more"
    CHANGED = "the bound is not the one that was shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What a theft is about, shown before anybody confirms it."""

    terminal: Terminal
    last_seq: int
    """Up to here its journal is held, and what it says is owed whatever happens."""
    unsent_entries: int
    """Known to exist, and not here."""
    window_cents: int
    """The most that what it has not sent can still move by itself."""
    sells_until: datetime | None
    """After this instant no till that keeps to its documents sells with what it may hold."""
    owed: tuple[OwedTo, ...]
    """The accounts of the merchants that it sold for, as they are now and stay."""


def exposure(caisse: Caisse, terminal: Terminal) -> Exposure:
    """Return what is at stake if a terminal was stolen."""
    permits = _may_hold(caisse, terminal)
    merchants = {grant.merchant for permit in permits for grant in permit.merchants}
    directory = DirectoryVersion.objects.using(caisse.using).order_by("valid_until").last()
    ends = [permit.valid_until for permit in permits]
    sells_until = min(max(ends), directory.valid_until) if ends and directory else None
    _, lacks = journal_of(caisse, terminal)
    return Exposure(
        terminal=terminal,
        last_seq=_last_seq(terminal),
        unsent_entries=sum(it.numbers.count for it in lacks),
        window_cents=bound_cents(permit.caps.unsent_max_cents for permit in permits),
        sells_until=sells_until,
        owed=tuple(one for one in owed_to_merchants(caisse) if one.account.merchant in merchants),
    )


def declare_stolen(
    caisse: Caisse, terminal: Terminal, *, window_cents: int, by: int
) -> Exposure | NotDone:
    """Revoke a terminal, declare it lost and open its loss window: all of it or nothing.

    `window_cents` is the bound that the person saw. What came before is owed as it was; what
    turns up later moves no more than the window by itself.
    """
    must(by > 0, "a person declares a theft")
    with caisse.alone():
        terminal.refresh_from_db(using=caisse.using)
        if terminal.loss_window_cents is not None:
            return NotDone.ALREADY_STOLEN
        before = exposure(caisse, terminal)
        if before.window_cents != window_cents:
            return NotDone.CHANGED
        if terminal.status == TerminalStatus.ACTIVE:
            acts.record(caisse, TerminalRevoked(terminal=terminal.id), by=by)
        is_lost = terminal.status == TerminalStatus.LOST
        head = terminal.lost_head if is_lost else recover.held_head(terminal)
        body = TerminalLost(
            terminal=terminal.id,
            last_seq=before.last_seq,
            window_cents=window_cents,
            head=None if head is None else bytes(head),
        )
        acts.record(caisse, body, by=by)
        terminal.refresh_from_db(using=caisse.using)
        recover.look_again(caisse)
        return exposure(caisse, terminal)


def revoke(caisse: Caisse, terminal: Terminal, *, by: int) -> NotDone | None:
    """Give a terminal nothing to sell with any more; what it tells counts all the same."""
    must(by > 0, "a person revokes a terminal")
    with caisse.alone():
        terminal.refresh_from_db(using=caisse.using)
        if terminal.status != TerminalStatus.ACTIVE:
            return NotDone.NOT_IN_USE
        acts.record(caisse, TerminalRevoked(terminal=terminal.id), by=by)
        terminal.refresh_from_db(using=caisse.using)
        return None


def _last_seq(terminal: Terminal) -> int:
    lost_after = terminal.lost_after_seq
    return terminal.cursor_seq if lost_after is None else lost_after


def _may_hold(caisse: Caisse, terminal: Terminal) -> Sequence[Permit]:
    """Return the permits that a terminal may sell by: what it said it holds, and all since."""
    issued = list(PermitIssued.objects.using(caisse.using).filter(terminal=terminal))
    report = TerminalReport.objects.using(caisse.using).filter(terminal=terminal).first()
    said = (report.permit_epoch, report.permit_version) if report else (0, 0)
    return [permit_of(row.content) for row in issued if (row.epoch, row.version) >= said]
