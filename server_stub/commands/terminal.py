"""The commands for terminals: how they are, what is missing, loans, and a theft."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn

import click

from server_stub.commands.context import acting, opened, person_of

if TYPE_CHECKING:
    from server_stub.models import Terminal
    from server_stub.services.caisse import Caisse

_yes = click.option("--yes", is_flag=True, help="What is shown was read; ask nothing.")
_number = click.argument("number", type=int)


@click.group("terminal")
def terminals() -> None:
    """See how terminals are; lend, revoke, and declare one lost or stolen."""


@terminals.command("list")
def list_terminals() -> None:
    """Show every terminal, and what is the matter with it."""
    from server_stub.console.fleet_table import fleet_table
    from server_stub.services.fleet import fleet

    for line in fleet_table(fleet(opened())):
        click.echo(line)


@terminals.command()
@_number
def show(number: int) -> None:
    """Show all that is known of terminal NUMBER."""
    from server_stub.console.fleet_table import terminal_lines
    from server_stub.services.fleet import state_of

    caisse = opened()
    for line in terminal_lines(state_of(caisse, _terminal(caisse, number))):
        click.echo(line)


@terminals.command()
@click.argument("number", type=int, required=False)
def missing(number: int | None) -> None:
    """Name the entries that exist and are not here, of one terminal or of all; status 1: some."""
    from django.utils.translation import gettext as _

    from server_stub.console.fleet_table import missing_lines
    from server_stub.services.fleet import fleet, state_of

    caisse = opened()
    states = fleet(caisse) if number is None else (state_of(caisse, _terminal(caisse, number)),)
    lines = [line for state in states for line in missing_lines(state)]
    for line in lines:
        click.echo(line)
    if lines:
        sys.exit(1)
    click.echo(_("Rien ne manque."), err=True)


@terminals.command()
@_number
@_yes
@acting
def stolen(number: int, by: str, yes: bool) -> None:
    """Declare terminal NUMBER stolen: shows the bound first, then does all of it at once."""
    from django.utils.translation import gettext as _

    from server_stub.console.fleet_table import exposure_lines, next_steps
    from server_stub.services import theft

    caisse = opened()
    person, terminal = person_of(caisse, by), _terminal(caisse, number)
    shown = theft.exposure(caisse, terminal)
    for line in exposure_lines(shown):
        click.echo(line)
    if not yes:
        click.confirm(_("Déclarer ce terminal volé ? On ne peut pas le reprendre."), abort=True)
    done = theft.declare_stolen(caisse, terminal, window_cents=shown.window_cents, by=person)
    if isinstance(done, theft.NotDone):
        _refuse(done.name)
    for line in next_steps(number):
        click.echo(line)


@terminals.command()
@_number
@_yes
@acting
def lost(number: int, by: str, yes: bool) -> None:
    """Declare that terminal NUMBER burnt or drowned: its sales come back from the cards."""
    from django.utils.translation import gettext as _

    from server_stub.services import recover

    caisse = opened()
    person, terminal = person_of(caisse, by), _terminal(caisse, number)
    if not yes:
        click.confirm(_("Déclarer ce terminal perdu ? On ne peut pas le reprendre."), abort=True)
    found = recover.declare_lost(caisse, terminal, by=person)
    click.echo(_("Ventes retrouvées par les cartes, à confirmer : %(count)s") % {"count": found})


@terminals.command()
@_number
@acting
def revoke(number: int, by: str) -> None:
    """Give terminal NUMBER nothing to sell with any more; what it tells still counts."""
    from server_stub.services import theft

    caisse = opened()
    person = person_of(caisse, by)
    refused = theft.revoke(caisse, _terminal(caisse, number), by=person)
    if refused is not None:
        _refuse(refused.name)


@terminals.command()
@_number
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Today by default, or tomorrow.")
@click.option("--merchant", "merchants", type=int, multiple=True, help="All of them by default.")
@acting
def loan(*, number: int, on: datetime | None, merchants: tuple[int, ...], by: str) -> None:
    """Lend terminal NUMBER until midnight to any merchant: it ends by itself."""
    from django.utils.translation import gettext as _

    from server_stub.services import lending

    caisse = opened()
    done = lending.lend(
        caisse,
        _terminal(caisse, number),
        day=on.date() if on else None,
        merchants=merchants,
        by=person_of(caisse, by),
    )
    if isinstance(done, lending.NotPermitted):
        _refuse_permit(done.name)
    click.echo(_("Prêté. Faites-le communiquer une fois avant de partir au marché."), err=True)


@terminals.command("merchants")
@_number
@click.argument("merchants", type=int, nargs=-1, required=True)
@acting
def assign(number: int, merchants: tuple[int, ...], by: str) -> None:
    """Let terminal NUMBER sell for these MERCHANTS from its next exchange on."""
    from server_stub.services import lending

    caisse = opened()
    person = person_of(caisse, by)
    done = lending.assign(caisse, _terminal(caisse, number), merchants, by=person)
    if isinstance(done, lending.NotPermitted):
        _refuse_permit(done.name)


def _terminal(caisse: Caisse, number: int) -> Terminal:
    from server_stub.models import Terminal

    found = Terminal.objects.using(caisse.using).filter(id=number).first()
    if found is None:
        _refuse("NO_TERMINAL")
    return found


def _refuse(why: str) -> NoReturn:
    from server_stub.console.fleet_words import NOT_DONE

    click.echo(f"clafoutis-server: {NOT_DONE[why]}", err=True)
    sys.exit(1)


def _refuse_permit(why: str) -> NoReturn:
    from server_stub.console.fleet_words import NOT_PERMITTED

    click.echo(f"clafoutis-server: {NOT_PERMITTED[why]}", err=True)
    sys.exit(1)
