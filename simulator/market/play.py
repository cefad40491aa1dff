"""After the week: a till to play with, and the console's door.

Django has to be prepared (`simulator.market.service`) before this module is imported.
"""

from __future__ import annotations

from typing import Final

from cardkit.errors import must
from server_stub.services.seed import console_user
from simulator.market.screen import LAID_BY, show
from simulator.market.week import Tell, Week

PLAYED: Final = "moulin"


def play(week: Week, say: Tell) -> None:
    """Open the console to the player, and give a till into the player's hands."""
    password = console_user(week.caisse.caisse, "coordinatrice")
    must(password is not None, "nobody was there before")
    stall = week.stalls[PLAYED]
    must(not stall.burnt, "the till to play with has not burnt")
    say("")
    say(f"La console de la caisse : {week.caisse.url}   coordinatrice / {password}")
    say(
        f"Le terminal de {stall.shop.name} est à vous. F1 à F{LAID_BY} posent la carte d'un membre,"
    )
    say("F11 la reprend, F12 finit ; le reste est sur l'écran (Entrée pour commencer).")
    input()
    show(week, stall)
    stall.sync()
    week.caisse.issue_month()
