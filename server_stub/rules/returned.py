"""Money that acts have given back, laid against the money that waits.

An act names transactions, and what was found out about them later may divide them otherwise: a
late sale claims its own part of a gap. What is left of the act covers what still waits there; the
rest went to the member beside what is owed now, and is the caisse's loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from server_stub.rules.facts import Returned

Span = tuple[int, int]
"""First and last counter of transactions in a row."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Money of one transaction, or of a gap, that is nobody's yet."""

    span: Span
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Allotment:
    """Which waiting money was given back, and what was given back beside it."""

    given_cents: Mapping[Span, int]
    beyond_cents: Mapping[str, int]
    """By subject of the act."""

    def left_cents(self, waiting: Waiting) -> int:
        """Return what of this money is still to be given back."""
        return waiting.amount_cents - self.given_cents.get(waiting.span, 0)


def allot(returned: Iterable[Returned], waiting: Iterable[Waiting]) -> Allotment:
    """Lay acts against waiting money; the act that names the fewest transactions comes first."""
    pieces = sorted(waiting, key=lambda one: one.span)
    given: dict[Span, int] = {}
    beyond: dict[str, int] = {}
    for act in sorted(returned, key=_narrow_first):
        rest_cents = act.amount_cents
        for piece in pieces:
            first_tmc, last_tmc = piece.span
            if last_tmc < act.first_tmc or act.last_tmc < first_tmc:
                continue
            part_cents = min(rest_cents, piece.amount_cents - given.get(piece.span, 0))
            given[piece.span] = given.get(piece.span, 0) + part_cents
            rest_cents -= part_cents
        if rest_cents:
            beyond[act.subject] = rest_cents
    return Allotment(given, beyond)


def _narrow_first(act: Returned) -> tuple[int, int]:
    return act.last_tmc - act.first_tmc, act.first_tmc
