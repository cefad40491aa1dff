"""clafoutis-server: the central service's commands."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import django
from django.db.utils import OperationalError, ProgrammingError

from cardkit.errors import ClafoutisError, KeyStoreError
from cardkit.memory import leave_no_core
from server_stub.commands import (
    administrator,
    bank,
    carnet,
    export,
    finding,
    fund,
    jobs,
    letters,
    member,
    merchant,
    money,
    paper,
    payment,
    pin,
    rule,
    statement,
    stick,
    terminal,
    winding_up,
)
from server_stub.commands.context import opened
from server_stub.plugins import Extensible

PORT = 8765
TIMEOUT_S = 120
"""A month of a busy stall in one exchange, on a slow machine."""
THREADS = 8
WORKERS = 1
"""Processes: nothing that matters is in their memory, but SQLite has one writer anyway."""


@click.group(cls=Extensible, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--language", type=click.Choice(["fr", "en"]), default="fr", help="Of what is said.")
def cli(language: str) -> None:
    """Verify, reconcile and settle what stalls send."""
    os.umask(0o077)  # what is kept here is nobody else's on this machine
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server_stub.settings")
    django.setup()
    from django.utils import translation

    translation.activate(language)


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=PORT, show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=WORKERS,
    show_default=True,
    help="Processes; more than one pays with PostgreSQL.",
)
def run(host: str, port: int, workers: int) -> None:
    """Serve terminals, the workshop and the console until interrupted."""
    from django.conf import settings
    from django.utils.translation import gettext as _

    from server_stub.static_files import collect
    from server_stub.wiring import caisse

    _say(_("Lecture des clés…"))
    name = caisse().name
    _say(_("Mise à jour de la base…"))
    _migrate()
    collect(settings.STATIC_DIR)
    _say(
        _("Caisse %(name)s : console et service sur %(url)s (Ctrl+C pour arrêter)")
        % {"name": name, "url": f"http://{host}:{port}/"}
    )
    command = [sys.executable, "-m", "gunicorn", "server_stub.wsgi:application"]
    options = {
        "bind": f"{host}:{port}",
        "config": "python:server_stub.serving",
        "worker-class": "gthread",
        "workers": workers,
        "threads": THREADS,
        "timeout": TIMEOUT_S,
        "log-level": "warning",
    }
    command += [f"--{name}={option}" for name, option in options.items()]
    os.execv(command[0], command)  # noqa: S606 - this process becomes gunicorn


@cli.command()
def migrate() -> None:
    """Create the tables, or bring them up to date."""
    from django.utils.translation import gettext as _

    _migrate()
    _say(_("La base est à jour."))


@cli.command()
def seed() -> None:
    """Make a small caisse to try things with; tells the console's password once."""
    from django.utils.translation import gettext as _

    from server_stub.services.seed import seed as make

    _migrate()
    made = make(opened())
    for shop in made.merchants:
        click.echo(_("Producteur %(id)s : %(name)s") % {"id": shop.id, "name": shop.name})
    for account in made.accounts:
        click.echo(_("Compte %(number)s") % {"number": account.number.hex()})
    if made.password is None:
        click.echo(_("La personne « %(user)s » existe déjà.") % {"user": made.user})
    else:
        click.echo(
            _("Console : %(user)s, mot de passe %(password)s (dit une seule fois)")
            % {"user": made.user, "password": made.password}
        )
        click.echo(_("Sans second facteur pendant trente jours : c’est pour essayer."))


@cli.command()
def owed() -> None:
    """Show what is owed to whom."""
    from server_stub.console.table import owed_table
    from server_stub.services.owed import owed_to_merchants

    for line in owed_table(owed_to_merchants(opened())):
        click.echo(line)


@cli.command("export-audit")
@click.option(
    "--to", "path", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE"
)
def export_audit(path: Path) -> None:
    """Write all that anybody needs to check this caisse with clafoutis-audit; no name is in it."""
    from django.utils.translation import gettext as _

    from server_stub.services.audit_export import export_audit as export

    try:
        export(opened(), path)
    except FileExistsError:
        _say(_("%(path)s existe déjà, et n’a pas été touché.") % {"path": path})
        sys.exit(1)
    except (OSError, sqlite3.Error) as error:
        _say(_("%(path)s n’a pas pu être écrit : %(error)s") % {"path": path, "error": error})
        sys.exit(1)
    _say(_("Écrit. À vérifier ailleurs, par exemple :"))
    _say(f"    clafoutis-audit {path}")


@cli.command()
@click.option("--check", is_flag=True, required=True, help="Compare, and change nothing.")
def rebuild(check: bool) -> None:  # noqa: ARG001 - says that nothing is written
    """Compute the books again from what was signed; status 1 and the rows that differ."""
    from django.utils.translation import gettext as _

    from server_stub.services.rebuild import differences

    found = differences(opened())
    for one in found:
        click.echo(f"{one.where}: {one.kept} ≠ {one.computed}")
    if found:
        sys.exit(1)
    _say(_("Les livres sont exactement ce que les écritures signées donnent."))


money.settle.add_command(bank.file_of_run)
money.settle.add_command(bank.papers_of_run)
for command in (
    administrator.administrator,
    bank.bank,
    export.export_ledger,
    export.trial_balance,
    carnet.carnet,
    finding.dispute,
    finding.finding,
    fund.fund,
    jobs.jobs,
    letters.letters,
    paper.paper,
    member.member,
    member.wave,
    merchant.merchants,
    money.settle,
    money.backup,
    money.restored,
    payment.cash,
    payment.contribution,
    statement.statement,
    pin.pin_code,
    rule.rule,
    stick.stick,
    terminal.terminals,
    winding_up.wind_up,
):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> Any:
    """Run a command; trouble of the world is one sentence and status 1."""
    leave_no_core()
    try:
        return cli(args=arguments, prog_name="clafoutis-server")
    except KeyStoreError as error:
        click.echo(f"clafoutis-server: {error}", err=True)
        _explain_keys()
        sys.exit(1)
    except ClafoutisError as error:
        click.echo(f"clafoutis-server: {error}", err=True)
        sys.exit(1)
    except (OperationalError, ProgrammingError) as error:
        click.echo(f"clafoutis-server: {error}", err=True)
        _explain_database()
        sys.exit(1)


def _migrate() -> None:
    from django.conf import settings
    from django.core.management import call_command

    settings.DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    call_command("migrate", verbosity=0, interactive=False)


def _explain_keys() -> None:
    from django.conf import settings
    from django.utils.translation import gettext as _

    _say(
        _("Sans ses clés, le service ne démarre pas, et rien n’a été changé. Installez-les avec :")
    )
    _say(f"    clafoutis-provision keys install --bundle service --into {settings.KEY_DIR}")


def _explain_database() -> None:
    from django.utils.translation import gettext as _

    _say(_("La base ne répond pas comme elle devrait, et rien n’a été changé. Si elle est neuve :"))
    _say("    clafoutis-server migrate")


def _say(words: str) -> None:
    click.echo(words, err=True)


if __name__ == "__main__":
    main()
