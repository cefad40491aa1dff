"""`clafoutis-server demo-data`: a caisse with a past, to try the service with."""

# ruff: noqa: PLC0415 - Django is set up by the group, and no model may be imported before

from __future__ import annotations

import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from cardkit.clock import SystemClock, business_date
from cardkit.errors import KeyStoreError
from cardkit.money import format_cents

if TYPE_CHECKING:
    from simulator.life.life import MonthTold
    from simulator.life.making import Made
    from simulator.life.plan import Plan

MONTHS_MAX: Final = 36
MEMBERS_MIN, MEMBERS_MAX = 3, 1_000
PRODUCERS_MAX: Final = 15
_DAY: Final = "%Y-%m-%d"
_MONTHS: Final = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)


@click.command("demo-data")
@click.option("--months", type=click.IntRange(1, MONTHS_MAX), default=18, show_default=True)
@click.option(
    "--members", type=click.IntRange(MEMBERS_MIN, MEMBERS_MAX), default=100, show_default=True
)
@click.option("--producers", type=click.IntRange(1, PRODUCERS_MAX), default=15, show_default=True)
@click.option("--seed", default=2026, show_default=True, help="Another life.")
@click.option(
    "--until", type=click.DateTime([_DAY]), default=None, help="Its last day; today unless given."
)
def demo_data(months: int, members: int, producers: int, seed: int, until: datetime | None) -> None:
    """Live a caisse into an empty database: members, sales, runs, and what went wrong.

    Everything is made by the service's own code from what virtual cards and real tills say; the
    same options give the same books. Its keys are known to everybody: it is for trying things.
    """
    from simulator.life.plan import Plan

    last = business_date(SystemClock().now().at) if until is None else until.date()
    plan = Plan(until=last, months=months, members=members, producers=producers, seed=seed)
    _refuse_what_is_in_use(plan)
    began = time.monotonic()
    _say(f"{months} mois, {members} membres, {producers} producteurs : de quelques secondes à")
    _say("quelques minutes. Rien n’est gardé avant la fin ; Ctrl+C abandonne tout.")
    try:
        made = _make(plan)
    except KeyboardInterrupt:
        _say("\nAbandonné. La base est vide, comme avant.")
        sys.exit(1)
    _conclude(made, seconds=time.monotonic() - began)


def _refuse_what_is_in_use(plan: Plan) -> None:
    """Make the tables, and go on only where nothing is in them and no other keys are installed."""
    from django.conf import settings
    from django.core.management import call_command

    from cardkit.keyfiles import PUBLIC_NAME, read_public
    from simulator.life.digest import is_empty
    from simulator.life.making import demo_keys

    settings.DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    has_keys = (settings.KEY_DIR / PUBLIC_NAME).exists()
    if has_keys and read_public(settings.KEY_DIR) != demo_keys(plan).public:
        _refuse("Ce service a déjà les clés d’une caisse. Rien n’a été changé.")
    call_command("migrate", verbosity=0, interactive=False)
    if not is_empty():
        _refuse("La base n’est pas vide. Rien n’y a été changé.")


def _make(plan: Plan) -> Made:
    from simulator.life.making import make

    return make(plan, tell=_tell)


def _conclude(made: Made, *, seconds: float) -> None:
    from django.conf import settings

    from cardkit.keyfiles import PUBLIC_NAME
    from provisioning.keystore import install_service_keys
    from simulator.life.digest import digest_of

    if not (settings.KEY_DIR / PUBLIC_NAME).exists():
        try:
            install_service_keys(made.keys.public, made.keys.service, settings.KEY_DIR)
        except KeyStoreError as error:
            _refuse(f"Les livres sont écrits, mais pas les clés : {error}")
    _say(f"{made.sales} ventes, {format_cents(made.sales_cents)} €, en {seconds:.0f} s.")
    _say(f"Empreinte de la base : {digest_of(made.caisse)[:16]}")
    _say("Les clés de cette caisse sont connues de tous : rien de vrai ne doit y entrer.")
    for name, password in made.passwords.items():
        click.echo(f"{name}\t{password}")
    _say("Voilà qui peut entrer dans la console, avec son mot de passe (dit une seule fois),")
    _say("et sans second facteur pendant trente jours : c’est pour essayer.")
    _say("    clafoutis-server run")


def _tell(month: MonthTold) -> None:
    name = f"{_MONTHS[month.month.month - 1]} {month.month.year}"
    _say(
        f"{name:15}{month.members:4} membres {month.sales:5} ventes"
        f" {format_cents(month.sales_cents):>10} €"
    )


def _refuse(words: str) -> None:
    _say(f"clafoutis-server: {words}")
    _say("Pour des données de démonstration, choisissez un autre dossier :")
    _say("    CLAFOUTIS_SERVER_DATA=./demo clafoutis-server demo-data")
    sys.exit(1)


def _say(words: str) -> None:
    click.echo(words, err=True)
