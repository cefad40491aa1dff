"""`clafoutis-provision NOUN VERB`: stdout is what was made, stderr is the conversation."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import click

from cardkit.errors import ClafoutisError
from cardkit.logging import log_to_stderr
from provisioning.bench.command import bench_command
from provisioning.card_commands import card
from provisioning.hardening import keep_secrets_in
from provisioning.image_commands import image_command
from provisioning.key_commands import keys
from provisioning.language import _
from provisioning.release_commands import release
from provisioning.stick_commands import enrol_by_stick_command
from provisioning.talk import explain
from provisioning.terminal_commands import terminal
from provisioning.wiring import Wiring

_INTERRUPTED: Final = 130


@click.group(help=_("The workshop: keys, cards and terminals of a caisse."))
@click.option("-v", "--verbose", count=True, help=_("Say more; twice: what goes over the air."))
def cli(verbose: int) -> None:
    """Commands below this one find their `Wiring` in the context."""
    log_to_stderr(verbose, "cardkit", "provisioning")


for _command in (bench_command, keys, card, terminal, release):
    cli.add_command(_command)
terminal.add_command(image_command)
terminal.add_command(enrol_by_stick_command)


def run(arguments: Sequence[str], wiring: Wiring) -> int:
    """Run one command; answers the exit status. Only what nobody expected shows a traceback."""
    try:
        status: int = cli.main(
            args=list(arguments), prog_name="clafoutis-provision", obj=wiring, standalone_mode=False
        )
    except ClafoutisError as error:
        return explain(error)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo(_("Interrupted."), err=True)
        return _INTERRUPTED
    return status


def main() -> int:
    """What the console script calls."""
    keep_secrets_in()
    return run(sys.argv[1:], Wiring())
