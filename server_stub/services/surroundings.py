"""What bears on every card's money: terminals, how far they have told, and voted rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from django.db.models import Q

from server_stub.models import PermitIssued, StoredEntry, Terminal, TerminalStatus
from server_stub.rules.facts import Lost, Teller
from server_stub.rules.scheme import RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.card_keys import token_keys
from server_stub.services.documents import permit_of
from server_stub.services.rules_in_force import voted
from server_stub.services.watermark import Watermark


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What bears on every card."""

    lost: Mapping[int, Lost]
    """The terminals that were declared lost, with what makes their traces readable."""
    tellers: Mapping[int, Teller]
    watermark: Watermark
    floor_cents: int
    patience: timedelta | None
    """How long a contradiction waits for a person; None while no such rule is voted."""


def surroundings(caisse: Caisse) -> Surroundings:
    """Return what bears on every card, as it is now."""
    terminals = list(Terminal.objects.using(caisse.using).order_by("id"))
    keys = token_keys(caisse)
    known = [terminal for terminal in terminals if terminal.id in keys]
    days = voted(caisse, RuleName.CONTRADICTION_DAYS)
    return Surroundings(
        lost=_lost(caisse, [one for one in known if one.status == TerminalStatus.LOST], keys),
        tellers={
            terminal.id: Teller(
                terminal=terminal.id, up_to_seq=terminal.cursor_seq, token_key=keys[terminal.id]
            )
            for terminal in known
            if terminal.status != TerminalStatus.LOST
        },
        watermark=Watermark(caisse, terminals),
        floor_cents=voted(caisse, RuleName.CARD_FLOOR_CENTS) or 0,
        patience=None if days is None else timedelta(days=days),
    )


def _lost(
    caisse: Caisse, terminals: Sequence[Terminal], keys: Mapping[int, bytes]
) -> dict[int, Lost]:
    if not terminals:
        return {}
    told = _told_after(caisse, terminals)
    merchants = _merchants(caisse, terminals)
    return {
        terminal.id: Lost(
            terminal=terminal.id,
            last_seq=terminal.lost_after_seq or 0,
            token_key=keys[terminal.id],
            merchant=next(iter(merchants[terminal.id]))
            if len(merchants[terminal.id]) == 1
            else None,
            told_seqs=frozenset(told[terminal.id]),
        )
        for terminal in terminals
    }


def _told_after(caisse: Caisse, terminals: Sequence[Terminal]) -> dict[int, set[int]]:
    """Return the numbers of the entries that came after all that lost terminals were to tell."""
    later = Q()
    for terminal in terminals:
        later |= Q(terminal=terminal.id, seq__gt=terminal.lost_after_seq or 0)
    told: dict[int, set[int]] = defaultdict(set)
    entries = StoredEntry.objects.using(caisse.using).filter(later).order_by()
    for terminal_id, seq in entries.values_list("terminal_id", "seq"):
        told[terminal_id].add(seq)
    return told


def _merchants(caisse: Caisse, terminals: Sequence[Terminal]) -> dict[int, set[int]]:
    """Return for whom terminals ever could sell, loans included."""
    permits = PermitIssued.objects.using(caisse.using).filter(
        terminal__in=[terminal.id for terminal in terminals]
    )
    merchants: dict[int, set[int]] = defaultdict(set)
    for terminal_id, content in permits.order_by().values_list("terminal_id", "content"):
        merchants[terminal_id].update(_permitted(bytes(content)))
    return merchants


@lru_cache(maxsize=4_096)
def _permitted(content: bytes) -> tuple[int, ...]:
    return tuple(grant.merchant for grant in permit_of(content).merchants)
