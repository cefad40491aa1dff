"""What books told of payouts while they stood as they did; a correction makes it no less told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """From an act on, what of one payout to a merchant counts as having left."""

    act: int
    settlement: str
    is_evidence: bool
    """Entered from the bank's statement, and not by a run."""
    amount_cents: int
    """0: it was revoked, or taken back."""


def told(left: Iterable[Left], *, first_act: int, end_act: int | None) -> set[tuple[str, int]]:
    """Return run and total as books told them to terminals, as of the acts of one epoch.

    `end_act`: the act that ended the epoch; None while it lasts.
    """
    steps = sorted(left, key=lambda it: it.act)
    ends = [*(it.act for it in steps[1:]), None]
    standing: dict[tuple[str, bool], int] = {}
    found = set()
    for step, until in zip(steps, ends, strict=False):
        key = step.settlement, step.is_evidence
        standing.pop(key, None)
        if step.amount_cents:
            standing[key] = step.amount_cents
        begins_in_time = end_act is None or step.act < end_act
        lasts = until is None or until > first_act
        if standing and begins_in_time and lasts:
            newest, _ = list(standing)[-1]
            found.add((newest, sum(standing.values())))
    return found
