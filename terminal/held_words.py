"""Why the caisse holds a sale back, in the words of its producer.

The service sends a name for each reason (docs/protocol.md, "The exchange"); a terminal that is
older than a name shows it as it came.
"""

from __future__ import annotations

from terminal.words import Words


def held_reason(words: Words, name: str) -> str:
    """Say one reason in a few words."""
    return _reasons(words).get(name, name)


def _reasons(words: Words) -> dict[str, str]:
    _ = words.gettext
    return {
        "not_genuine": _("no card proves it"),
        "card_unknown": _("card unknown to the caisse"),
        "two_proofs": _("two proofs of one sale"),
        "documents_unknown": _("papers unknown to the caisse"),
        "refund_not_granted": _("stands on a refund that was not granted"),
        "returned_before": _("given back to the member before"),
        "not_enough": _("beyond the card's credit"),
        "card_blocked": _("blocked card"),
        "card_rolled_back": _("card out of step"),
        "card_forked": _("copied card"),
        "card_exhausted": _("worn-out card"),
        "sale_cap": _("above the most of one sale"),
        "card_day_cap": _("above the day's most of a card"),
        "unsent_cap": _("above the most that may be unsent"),
        "permit_expired": _("after the permit's end"),
        "directory_expired": _("after the end of the list of cards"),
        "merchant_not_permitted": _("another merchant's terminal"),
        "convention_out_of_dates": _("outside the agreement's dates"),
        "beyond_loss_window": _("beyond the bound of a stolen terminal"),
    }
