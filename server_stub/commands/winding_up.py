"""The commands for the end of an experiment: what is left to do, the archive, and forgetting."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from server_stub.commands.context import acting, opened, person_of

if TYPE_CHECKING:
    from server_stub.services.winding_up import Ending


@click.group("wind-up")
def wind_up() -> None:
    """End the experiment: see what is left to do, archive the books, forget people."""


@wind_up.command("plan")
def plan_command() -> None:
    """Show what is over and what is not, and what to do; status 1: something is not."""
    from server_stub.services.winding_up import ending

    if not _tell(ending(opened())):
        sys.exit(1)


@wind_up.command("archive")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="A folder that is not there yet.",
)
def archive_command(folder: Path) -> None:
    """Write what is kept for ten years; no member is named in it."""
    from django.utils.translation import gettext as _

    from server_stub.exports.ending_archive import SUMS, archive

    try:
        made = archive(opened(), folder)
    except FileExistsError:
        click.echo(_("%(path)s existe déjà, et n’a pas été touché.") % {"path": folder}, err=True)
        sys.exit(1)
    except (OSError, sqlite3.Error) as error:
        told = _("%(path)s n’a pas pu être écrit : %(error)s") % {"path": folder, "error": error}
        click.echo(told, err=True)
        sys.exit(1)
    told = _("%(count)s fichiers écrits. Empreinte, à recopier au procès-verbal :")
    click.echo(told % {"count": made.files})
    click.echo(f"    {SUMS}  {made.digest}")


@wind_up.command("forget")
@acting
@click.option("--write", is_flag=True, help="Do it; without, only say what would be done.")
def forget_command(by: str, *, write: bool) -> None:
    """Forget every person, for ever: names, addresses, deputies, notes. The books stay."""
    from django.utils.translation import gettext as _

    from server_stub.services.winding_up import Forgotten, ending, forget

    caisse = opened()
    person = person_of(caisse, by)
    now = ending(caisse)
    if not now.is_over:
        _tell(now)
        click.echo(_("Rien n’a été effacé : ces points restent."), err=True)
        sys.exit(1)
    if not write:
        click.echo(
            _("%(count)s personnes seraient effacées pour toujours. Pour le faire : --write")
            % {"count": now.people}
        )
        return
    done = forget(caisse, by=person)
    if not isinstance(done, Forgotten):
        _tell(done)
        sys.exit(1)
    click.echo(
        _("%(count)s personnes effacées. Détruisez les copies d’avant : elles les nomment encore.")
        % {"count": done.people}
    )


def _tell(now: Ending) -> bool:
    """Say each matter; returns whether all are over."""
    from server_stub.console.ending_words import line, rest

    for one in now.matters:
        click.echo(line(one))
    for words in rest(now):
        click.echo(words)
    return now.is_over
