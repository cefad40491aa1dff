"""After the week: a till to play with, and the console's door.

Django has to be prepared (`simulator.market.service`) before this module is imported.
"""

from __future__ import annotations

import secrets
from typing import Final

from django.contrib.auth.models import User

from cardkit.errors import must
from simulator.market.screen import LAID_BY, show
from simulator.market.week import Tell, Week

PLAYED: Final = "moulin"


def play(week: Week, say: Tell) -> None:
    """Open the console to the player, and give a till into the player's hands."""
    password = secrets.token_urlsafe(9)
    User.objects.create_user("coordinatrice", password=password)
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
