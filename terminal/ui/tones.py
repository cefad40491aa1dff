"""Which refusals are red: those that are the card's own; all others keep their dignity."""

from __future__ import annotations

from typing import Final

from cardkit.decide import Reason

_RED: Final = frozenset(
    {Reason.CARD_BLOCKED, Reason.CARD_ROLLED_BACK, Reason.CARD_FORKED, Reason.CARD_EXHAUSTED}
)
_TERMINALS: Final = frozenset(
    {
        Reason.UNSENT_CAP,
        Reason.PERMIT_EXPIRED,
        Reason.DIRECTORY_EXPIRED,
        Reason.MERCHANT_NOT_PERMITTED,
        Reason.CONVENTION_OUT_OF_DATES,
    }
)


def is_the_terminals(reason: Reason) -> bool:
    """Say whether a refusal is the terminal's own: another card would not help."""
    return reason in _TERMINALS


def is_red_reason(reason: Reason) -> bool:
    """Say whether a refusal is shown in red, with its sound."""
    return reason in _RED


def tone(reason: Reason) -> str:
    """Return the style of a page that tells a refusal."""
    return "refused" if reason in _RED else "neutral"
