"""Lost cards: blocked at once, replaced without a cent being spendable twice."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.acts import CardStatusSet
from cardkit.directory import CardStatus as RowStatus
from cardkit.directory import read_row
from cardkit.errors import must
from server_stub.models import (
    AllowanceIssued,
    Card,
    CardStatus,
    DirectoryRow,
    DirectoryVersion,
    Terminal,
    TerminalStatus,
)
from server_stub.rules.ledger import Book
from server_stub.services import acts, issue
from server_stub.services.books import LAPSED, MOVED, net_of
from server_stub.services.caisse import Caisse
from server_stub.services.cards import reconcile_cards


@dataclass(frozen=True, slots=True)
class NotYet:
    """These terminals may still sell to the old card, or hold sales to it."""

    terminals: tuple[int, ...]


def block_card(caisse: Caisse, card: Card, *, by: int = 0) -> None:
    """Block a card: every stall learns it with its next directory, and never why."""
    _set(caisse, card, RowStatus.BLOCKED, by)


def free_card(caisse: Caisse, card: Card, *, by: int = 0) -> None:
    """Let a card buy again, as when it was found before its credit was moved."""
    gone = net_of(caisse, card, MOVED) or net_of(caisse, card, LAPSED)
    must(not gone, "a card whose credit was moved, or has lapsed, stays blocked")
    _set(caisse, card, RowStatus.ACTIVE, by)


def replace_card(caisse: Caisse, old: Card, new: Card, *, by: int = 0) -> AllowanceIssued | None:
    """Block the old card and let the new one begin with the months not signed for the old."""
    must(old.account_id == new.account_id, "a card is replaced by one of its account")
    with caisse.alone():
        if old.status != CardStatus.BLOCKED:
            block_card(caisse, old, by=by)
        return issue.issue_allowance(caisse, new)


def move_remainder(caisse: Caisse, old: Card, new: Card) -> AllowanceIssued | NotYet | None:
    """Give the new card what the old one has left, once nobody can sell to the old one.

    None when nothing is left. What the old card is given back later is moved by calling it again.
    """
    must(old.account_id == new.account_id, "a remainder stays in its account")
    with caisse.alone():
        behind = not_past_block(caisse, old)
        if behind:
            return NotYet(behind)
        old.refresh_from_db(using=caisse.using)
        cents = left_cents(caisse, old)
        if cents <= 0:
            return None
        given = issue.move_credit(caisse, old, new, cents)
        reconcile_cards(caisse, [old.id])
        return given


def not_past_block(caisse: Caisse, card: Card) -> tuple[int, ...]:
    """Return the terminals that have not shown that they hold a card's block and sent all else."""
    since = _closed_since(caisse, card)
    terminals = Terminal.objects.using(caisse.using).exclude(status=TerminalStatus.LOST)
    return tuple(
        terminal.id
        for terminal in terminals
        if since is None
        or terminal.cursor_seq < terminal.head_seq
        or (terminal.directory_epoch, terminal.directory_version) < (since.epoch, since.version)
    )


def _closed_since(caisse: Caisse, card: Card) -> DirectoryVersion | None:
    """The directory since which this life of the card buys nothing: blocked, or followed."""
    since = None
    rows = DirectoryRow.objects.using(caisse.using).filter(uid=card.uid).order_by("directory")
    for row in rows.select_related("directory"):
        said = read_row(row.encoded)
        blocked = said.generation == card.generation and said.status is RowStatus.BLOCKED
        closed = blocked or said.generation > card.generation
        since = (since or row.directory) if closed else None
    return since


def left_cents(caisse: Caisse, card: Card) -> int:
    """Return what was given to a card, less what it has spent and what was taken away."""
    held = issue.held_allowance(caisse, card)
    if held is None:
        return 0
    taken_cents = sum(
        net_of(caisse, card, subject).get((Book.CREDIT, 0), 0) for subject in (MOVED, LAPSED)
    )
    return held.steps[-1].cumulative_cents + taken_cents - card.proven_spent_cents


def _set(caisse: Caisse, card: Card, status: RowStatus, by: int) -> None:
    acts.record(
        caisse, CardStatusSet(uid=card.uid, generation=card.generation, status=status), by=by
    )
    card.refresh_from_db(using=caisse.using)
    reconcile_cards(caisse, [card.id])
