"""What the caisse's desk does, each as a process of its own: found the caisse, read its books.

    python -m simulator.town.desk found FOLDER TILLS CARDS
    python -m simulator.town.desk books FOLDER

The environment says which database and keys. Whoever lives in the town knows no Django.
"""

from __future__ import annotations

import json
import pickle
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import django
from django.core.management import call_command

from cardkit.clock import SystemClock
from provisioning.keystore import install_service_keys, new_keys

if TYPE_CHECKING:
    from server_stub.services.caisse import Caisse

STEP_MAX_CENTS: Final = 500_00
_CERTIFIED_BEFORE: Final = timedelta(days=30)


@click.group()
def desk() -> None:
    """Work at the desk."""
    django.setup()


@desk.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("tills", type=int)
@click.argument("cards", type=int)
def found(folder: Path, tills: int, cards: int) -> None:
    """Found a caisse: keys, tables, tills in FOLDER/1, /2 …, and cards in FOLDER/cards."""
    from django.conf import settings

    from cardkit.acts import RuleSet
    from server_stub.rules.scheme import RuleName
    from server_stub.services import acts
    from simulator.burnt.caisse import LONG_AGO, BareCaisse
    from simulator.clock import ManualClock

    now = SystemClock().now().at
    keys = new_keys("flers", now=now - _CERTIFIED_BEFORE, step_max_cents=STEP_MAX_CENTS)
    install_service_keys(keys.public, keys.service, settings.KEY_DIR)
    call_command("migrate", verbosity=0, interactive=False)
    clock = ManualClock(now - timedelta(minutes=10))
    bare = BareCaisse.found(keys, clock)
    clock.pass_time(timedelta(minutes=1))
    for name in (
        RuleName.MONTHLY_CREDIT_CENTS,
        RuleName.CARD_DAY_MAX_CENTS,
        RuleName.UNSENT_MAX_CENTS,
    ):
        generous = RuleSet(name=name, value=STEP_MAX_CENTS, from_day=LONG_AGO.date())
        acts.record(bare.caisse, generous)
    plastic = [bare.issue_card() for _ in range(cards)]
    for number in range(1, tills + 1):
        bare.enrol(number, folder / str(number)).close()
    (folder / "cards").write_bytes(pickle.dumps(plastic))


@desk.command()
def books() -> None:
    """Say what is owed, and where the rest of the money is, as one JSON object."""
    from server_stub.models import CardTransaction
    from server_stub.rules.facts import State
    from server_stub.services.books import balances

    caisse = _caisse()
    rows = CardTransaction.objects.select_related("card")
    owed = rows.filter(state=State.PAYABLE.value)
    sums: dict[str, int] = {}
    for (book, _), cents in balances(caisse).items():
        sums[book.value] = sums.get(book.value, 0) + cents
    told = {
        "owed": [
            [row.card.uid.hex(), row.tmc, row.terminal, row.seq, row.amount_cents] for row in owed
        ],
        "states": [[row.terminal, row.seq, row.state, row.reason] for row in rows],
        "sums": sums,
    }
    click.echo(json.dumps(told))


def _caisse() -> Caisse:
    from server_stub.wiring import caisse

    return caisse()


if __name__ == "__main__":
    desk()
