"""The commands that move money, copy the books, and take a restored service back into use."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from server_stub.commands.context import acting, opened, person_of

if TYPE_CHECKING:
    from server_stub.rules.settle import Refusal
    from server_stub.services.restore import Missing

    Done = TypeVar("Done")

_entered_by = click.option(
    "--entered-by", required=True, metavar="NAME", help="The first person, who entered it."
)
RUNS_LISTED = 50


@click.group()
def settle() -> None:
    """Pay merchants: one person draws a run up, another approves it."""


@settle.command("draw-up")
@acting
def draw_up(by: str) -> None:
    """Draft a run that pays what is owed now."""
    from server_stub.services import settlement

    caisse = opened()
    click.echo(_done(settlement.draw_up(caisse, by=person_of(caisse, by))).name)


@settle.command()
def drop() -> None:
    """Throw the draft away."""
    from server_stub.services import settlement

    settlement.drop(opened())


@settle.command()
@click.argument("name")
@acting
def approve(name: str, by: str) -> None:
    """Put a draft in force, as a second person."""
    from server_stub.services import settlement

    caisse = opened()
    _done(settlement.approve(caisse, name, by=person_of(caisse, by)))


@settle.command()
@click.argument("name")
@acting
@click.option(
    "--backup", required=True, type=click.Path(path_type=Path), help="A file that is made first."
)
def sent(name: str, by: str, backup: Path) -> None:
    """Copy the books, then say that a run leaves for the bank."""
    from server_stub.services import settlement
    from server_stub.services.backup import back_up

    caisse = opened()
    person = person_of(caisse, by)
    copy = partial(back_up, caisse, backup, holding=name)
    _done(settlement.mark_sent(caisse, name, by=person, backup=copy))


@settle.command()
@click.argument("name")
@acting
def confirm(name: str, by: str) -> None:
    """Say that the bank's statement shows the whole run."""
    from server_stub.services import settlement

    caisse = opened()
    _done(settlement.confirm(caisse, name, by=person_of(caisse, by)))


@settle.command()
@click.argument("name")
@acting
def revoke(name: str, by: str) -> None:
    """Take back a run that the bank has not executed."""
    from server_stub.services import settlement

    caisse = opened()
    _done(settlement.revoke(caisse, name, by=person_of(caisse, by)))


@settle.command("list")
def list_runs() -> None:
    """Show the runs, newest first."""
    from server_stub.console.table import runs_table
    from server_stub.services.settlement import runs

    for line in runs_table(runs(opened(), newest=RUNS_LISTED)):
        click.echo(line)


@settle.command()
@click.argument("name")
@click.argument("merchant", type=int)
@click.argument("amount_cents", type=int)
@_entered_by
@acting
def evidence(name: str, merchant: int, amount_cents: int, entered_by: str, by: str) -> None:
    """Enter a payout of the bank's statement that restored books have forgotten."""
    from server_stub.services import restore

    caisse = opened()
    done = restore.evidence(
        caisse,
        settlement=name,
        merchant=merchant,
        amount_cents=amount_cents,
        entered_by=person_of(caisse, entered_by),
        by=person_of(caisse, by),
    )
    _done(done)


@settle.command("take-back")
@click.argument("name")
@click.argument("merchant", type=int)
@_entered_by
@acting
def take_back(name: str, merchant: int, entered_by: str, by: str) -> None:
    """Take back wrong evidence of the statement, as two people; then enter the right one."""
    from django.utils.translation import gettext as _

    from server_stub.services import restore

    caisse = opened()
    done = restore.take_back(
        caisse,
        settlement=name,
        merchant=merchant,
        entered_by=person_of(caisse, entered_by),
        by=person_of(caisse, by),
    )
    _done(done)
    click.echo(
        _("Annulé. Entrez ce que le relevé montre (settle evidence), puis finissez."), err=True
    )


@settle.command()
@click.argument("name")
@click.argument("merchant", type=int)
@click.argument("amount_cents", type=int)
@_entered_by
@acting
def returned(name: str, merchant: int, amount_cents: int, entered_by: str, by: str) -> None:
    """Owe a merchant again what the bank or the accountant gave back of a confirmed run."""
    from server_stub.services import settlement

    caisse = opened()
    done = settlement.give_back(
        caisse,
        name,
        merchant,
        amount_cents,
        entered_by=person_of(caisse, entered_by),
        by=person_of(caisse, by),
    )
    _done(done)


@click.command()
@click.option("--to", required=True, type=click.Path(path_type=Path), help="A file that is new.")
def backup(to: Path) -> None:
    """Write a consistent copy of the books."""
    from django.utils.translation import gettext as _

    from server_stub.services.backup import back_up

    path = back_up(opened(), to)
    click.echo(_("Copie écrite et relue : %(path)s") % {"path": path}, err=True)


@click.command()
@acting
@click.option("--finish", is_flag=True, help="The whole statement of the bank is in the books.")
@click.option("--entered-by", metavar="NAME", help="With --finish: the first of two people.")
def restored(by: str, finish: bool, entered_by: str | None) -> None:
    """Say that the database was put back to a backup; later on, that all of it is told again."""
    from django.utils.translation import gettext as _

    from server_stub.services import restore

    caisse = opened()
    person = person_of(caisse, by)
    if not finish:
        epoch = restore.declare_restored(caisse, by=person)
        click.echo(
            _("Époque %(epoch)s. Rien n’est attribué ni payé avant la fin de la restauration.")
            % {"epoch": epoch},
            err=True,
        )
        return
    first = person_of(caisse, entered_by or "")
    for line in _waits_for(restore.missing(caisse)):
        click.echo(line, err=True)
    _done(restore.finish(caisse, entered_by=first, by=person))


def _waits_for(missing: Missing) -> Iterable[str]:
    from django.utils.translation import gettext as _

    for terminal in missing.terminals:
        yield _("Le terminal n° %(number)s n’a pas encore tout renvoyé.") % {"number": terminal}
    for name in missing.runs:
        yield _("Le relevé montre-t-il %(name)s ? Confirmez-le ou annulez-le.") % {"name": name}
    for told in missing.payouts:
        yield _("Un terminal connaît %(name)s, payé au producteur %(merchant)s.") % {
            "name": told.settlement,
            "merchant": told.merchant,
        }


def _done(result: Done | Refusal) -> Done:
    """Return what was done; a refusal is a sentence and status 1."""
    from server_stub.console.words import REFUSALS
    from server_stub.rules.settle import Refusal

    if isinstance(result, Refusal):
        click.echo(f"clafoutis-server: {REFUSALS[result.value]}", err=True)
        sys.exit(1)
    return result
