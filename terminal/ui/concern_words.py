"""What is said of a concern: what it is, since or until when, and what to do."""

from __future__ import annotations

from terminal.situation import Concern, Warned
from terminal.words import Words


def concern_sentence(words: Words, warned: Warned) -> str:
    """Say a concern in one sentence."""
    _ = words.gettext
    sentences = {
        Concern.PERMIT_EXPIRED: _("The permit ended on {day}: connect, then sell on."),
        Concern.PERMIT_ENDS: _("The permit ends on {day}: connect before."),
        Concern.DIRECTORY_MISSING: _("No list of cards yet: connect once."),
        Concern.DIRECTORY_EXPIRED: _("The list of cards ended on {day}: connect, then sell on."),
        Concern.DIRECTORY_ENDS: _("The list of cards ends on {day}: connect before."),
        Concern.DIRECTORY_STALE: _("The list of cards is old: cards may pay less a day. Connect."),
        Concern.UNSENT_FULL: _("Too much is waiting to be sent: connect, then sell on."),
        Concern.UNSENT_HIGH: _("{amount} can still be sold before you have to connect."),
        Concern.CLOCK_UNTRUSTED: _("Nothing vouches for the clock: set day and hour in the menu."),
    }
    day = "" if warned.at is None else words.day(warned.at)
    return sentences[warned.concern].format(day=day, amount=words.euros(warned.cents))
