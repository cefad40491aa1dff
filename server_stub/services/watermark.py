"""How far every terminal has told: what nobody has claimed by then, nobody will.

A terminal that shows a directory made it its own before it wrote what it sends with it. When all
that may still tell have shown a directory in which a card has come to a counter, and owe no
entry, then every sale that any of them made on that card before is here. No clock is asked: a
delayed, repeated or carried request shows the directory that it was made with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Final

from server_stub.models import Card, DirectoryVersion, Finding, Terminal, TerminalStatus
from server_stub.rules.findings import FindingKind
from server_stub.rules.scheme import RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.documents import row_at
from server_stub.services.rules_in_force import voted

LIFE_IS_OVER: Final = 2**32
"""Beyond every counter: a later life of the card is in the directory."""


class Watermark:
    """How far these terminals have told, as they have shown by now; looked up when it is asked."""

    def __init__(self, caisse: Caisse, terminals: Sequence[Terminal]) -> None:
        self._caisse = caisse
        self._terminals = terminals

    @cached_property
    def of_all(self) -> DirectoryVersion | None:
        """The oldest directory that they have shown while they owed no entry, if each has."""
        return _oldest_shown(self._caisse, self._terminals)

    @cached_property
    def of_living(self) -> DirectoryVersion | None:
        """Without those that were declared lost, which tell nothing but by customers' cards."""
        return _oldest_shown(self._caisse, _living(self._terminals))

    @cached_property
    def patience(self) -> timedelta | None:
        """How long those cards are waited for; None while no such rule is voted."""
        days = voted(self._caisse, RuleName.RECOVERY_DAYS)
        return None if days is None else timedelta(days=days)


def is_told(caisse: Caisse, mark: Watermark, finding: Finding) -> bool:
    """Say whether nobody will tell of a gap any more: all have told, or the days are over."""
    gap = ended_gap(finding)
    if gap is None:
        return False
    card, tmc = gap
    if _told_tmc(caisse, mark.of_all, card) >= tmc:
        return True
    waited = mark.patience is not None and finding.opened_at + mark.patience <= caisse.now()
    return waited and _told_tmc(caisse, mark.of_living, card) >= tmc


def awaited(caisse: Caisse, finding: Finding) -> tuple[int, ...]:
    """Return the terminals that may still tell of a gap."""
    gap = ended_gap(finding)
    if gap is None:
        return ()
    card, tmc = gap
    terminals = _living(Terminal.objects.using(caisse.using).order_by("id"))
    return tuple(
        one.id for one in terminals if _told_tmc(caisse, _oldest_shown(caisse, [one]), card) < tmc
    )


def ended_gap(finding: Finding) -> tuple[Card, int] | None:
    """Return the card of a gap that waits, and the counter of the transaction that ends it."""
    if finding.kind != FindingKind.GAP.value or finding.card is None:
        return None
    return finding.card, int(finding.facts["last_tmc"]) + 1


def _living(terminals: Iterable[Terminal]) -> list[Terminal]:
    """All but those that a person has declared lost; a revoked one may come back and tell."""
    return [terminal for terminal in terminals if terminal.status != TerminalStatus.LOST]


def _oldest_shown(caisse: Caisse, terminals: Sequence[Terminal]) -> DirectoryVersion | None:
    if any(terminal.cursor_seq < terminal.head_seq for terminal in terminals):
        return None
    versions = DirectoryVersion.objects.using(caisse.using)
    if not terminals:
        return versions.last()
    epoch, version = min((one.directory_epoch, one.directory_version) for one in terminals)
    return versions.filter(epoch=epoch, version=version).first()


def _told_tmc(caisse: Caisse, shown: DirectoryVersion | None, card: Card) -> int:
    """How far a card had come in a directory: what it did before has been told."""
    row = row_at(caisse, shown, card.uid) if shown is not None else None
    if row is None or row.generation < card.generation:
        return 0
    return row.tmc if row.generation == card.generation else LIFE_IS_OVER
