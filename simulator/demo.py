"""`clafoutis-demo`: a market week of the Flers scheme on virtual hardware, in fast-forward.

`clafoutis-demo simulate` lives whole worlds in which everything goes wrong.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import click
from rich.console import Console

from simulator.market import service
from simulator.market.counter import open_counter
from simulator.world.command import simulate


@click.group(invoke_without_command=True)
@click.option("--script", is_flag=True, help="end by itself")
@click.option("--seed", default=2026, show_default=True, help="another week")
@click.pass_context
def main(context: click.Context, *, script: bool, seed: int) -> None:
    """Play a market week, reconcile it, show what is owed to whom.

    With a terminal at hand it then leaves a till to play with. The last line is one JSON object;
    the exit status is 0 only when every green sale is owed once and every cent is accounted for.
    """
    if context.invoked_subcommand is None:
        _play(script=script, seed=seed)


main.add_command(simulate)


def _play(*, script: bool, seed: int) -> None:
    """Play the week and end the program."""
    began = time.monotonic()
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="clafoutis-demo-") as folder, open_counter() as counter:
        console.print(f"[bold]Une semaine de marché à Flers[/], cartes par {counter.path}")
        service.prepare(Path(folder) / "service")
        # The week stands on Django's models, which can be imported only now.
        from simulator.market.story import Story  # noqa: PLC0415

        with Story.begun(Path(folder), counter, seed=seed, say=console.print) as story:
            story.live()
            report = story.report()
            report.show(console)
            if not script and sys.stdin.isatty() and sys.stdout.isatty():
                story.hand_over(console.print)
    click.echo(report.as_json(seconds=time.monotonic() - began))
    sys.exit(1 if report.violations else 0)


if __name__ == "__main__":
    main()
