"""`clafoutis-terminal archive`: hands a period out, so that it proves itself elsewhere."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from cardkit.clock import ClockTrust
from cardkit.entries import OperatorRole
from terminal.context import Context, Exit, pass_context, say

_DAY = click.DateTime(["%Y-%m-%d", "%d/%m/%Y"])


@click.command()
@click.option("--from", "first", type=_DAY, required=True, help="The first day.")
@click.option("--until", "last", type=_DAY, required=True, help="The last day, included.")
@click.argument("path", metavar="OUT.zip", type=click.Path(path_type=Path, dir_okay=False))
@pass_context
def archive(context: Context, first: datetime, last: datetime, path: Path) -> None:
    """Write the fiscal archive of some days to OUT.zip; `clafoutis-audit archive` checks it.

    Nothing is removed from the terminal.
    """
    from terminal.fiscal.archive import Archived, FiscalArchives
    from terminal.fiscal.contents import Period

    _ = context.words.gettext
    period = Period(first_day=first.date(), last_day=last.date())
    if not period.is_possible:
        raise click.UsageError(_("The first day comes after the last."))
    with context.till() as till:
        if till.clock.now().trust is not ClockTrust.UNTRUSTED:
            till.closures.make_up()
        written = FiscalArchives.of(till).write(
            period, path, operator=OperatorRole.PRODUCER, training=till.training
        )
    if not isinstance(written, Archived):
        say(_("The journal has no entry of these days. No archive was written."))
        sys.exit(Exit.DECLINED)
    click.echo(f"{written.first_seq}-{written.last_seq} {written.manifest_digest.hex()}")
