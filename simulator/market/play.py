"""After the week: a till to play with, and the console's door.

Django has to be prepared (`simulator.market.service`) before this module is imported.
"""

from __future__ import annotations

import secrets
from typing import Final

from django.contrib.auth.models import User

from cardkit.card.connection import CardConnection
from cardkit.errors import must
from cardkit.reader.beep import Beep
from simulator.market.counter import NOTICE_S
from simulator.market.week import Tell, Week
from terminal.line_mode import LineMode
from terminal.words import Words

PLAYED: Final = "moulin"


class HandWithCards:
    """A reader that asks whose card is laid on it."""

    def __init__(self, week: Week) -> None:
        self._week = week
        self._counter = week.counter

    @property
    def name(self) -> str:
        """What a person would call this reader."""
        return self._counter.reader.name

    @property
    def beep(self) -> Beep:
        """As quiet as the counter's."""
        return self._counter.reader.beep

    def wait_for_card(self, timeout_s: float) -> CardConnection | None:
        """Ask for a member's number and lay that card down; anything else lays none."""
        cards = self._week.caisse.cards
        answer = _typed(f"    carte de quel membre (1 à {len(cards)}) ? ")
        number = int(answer) if answer and answer.isdecimal() else 0
        if number not in cards:
            return None
        self._counter.place.put(cards[number])
        return self._counter.reader.wait_for_card(timeout_s)

    def wait_for_removal(self, timeout_s: float) -> bool:
        """Take the card away."""
        self._counter.place.take()
        return self._counter.reader.wait_for_removal(min(timeout_s, NOTICE_S))

    def close(self) -> None:
        """Leave the counter as it is: the week closes it."""


def play(week: Week, say: Tell) -> None:
    """Open the console to the player, and give a till into the player's hands."""
    password = secrets.token_urlsafe(9)
    User.objects.create_user("coordinatrice", password=password)
    stall = week.stalls[PLAYED]
    must(not stall.burnt, "the till to play with has not burnt")
    say("")
    say(f"La console de la caisse : {week.caisse.url}   coordinatrice / {password}")
    say(f"La caisse enregistreuse de {stall.shop.name} est à vous (« quitter » pour finir).")
    LineMode(
        stall.till,
        HandWithCards(week),
        merchant=stall.merchant,
        words=Words.of_environment(),
        read_line=lambda: _typed("> "),
        write=say,
    ).run()
    stall.sync()
    week.caisse.issue_month()


def _typed(prompt: str) -> str | None:
    try:
        return input(prompt)
    except (EOFError, KeyboardInterrupt):
        return None
