"""`clafoutis-server jobs`: what the service does by itself, run by a timer or by hand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from datetime import datetime

    from server_stub.services.jobs import JobState

NAMES: Final = ("issue", "letters", "reconcile", "retention", "digest", "backup")
ANOTHER_RUNS: Final = 75
"""EX_TEMPFAIL of sysexits.h: the unit takes it as success, because the work is being done."""


@click.group()
def jobs() -> None:
    """Do what is due: copies of the books, monthly credit, money given back, the day's digest."""


@jobs.command("run")
@click.option("--only", type=click.Choice(NAMES), help="This one, due or not.")
def run_jobs(only: str | None) -> None:
    """Run what is due; status 1 when something went wrong, 75 while another process does it."""
    from django.conf import settings
    from django.utils.translation import gettext as _

    from server_stub.rules.jobs import Job
    from server_stub.services.jobs import AlreadyRunning, Outcome
    from server_stub.services.jobs import run_jobs as run
    from server_stub.wiring import caisse

    try:
        done = run(caisse(), settings.DATA_DIR, Job(only) if only else None)
    except AlreadyRunning:
        click.echo(_("Un autre processus y travaille déjà : rien n’a été fait ici."), err=True)
        sys.exit(ANOTHER_RUNS)
    for one in done:
        trouble = f" ({one.trouble})" if one.trouble else ""
        click.echo(f"{one.job}: {one.outcome} {one.count}{trouble}", err=True)
    if any(one.outcome is Outcome.FAILED for one in done):
        sys.exit(1)


@jobs.command("list")
def list_jobs() -> None:
    """Show each job's last run, how it ended, and when it is due."""
    from server_stub.services.jobs import job_states
    from server_stub.wiring import caisse

    for state in job_states(caisse()):
        click.echo(_line(state))


def _line(state: JobState) -> str:
    from django.utils.translation import gettext as _

    ended = state.outcome.value if state.outcome else _("interrompu")
    if state.began_at is None:
        ended = _("jamais")
    trouble = f" ({state.trouble})" if state.trouble else ""
    words = _("%(name)-10s %(ended)s%(trouble)s, commencé %(began)s, à faire dès %(due)s")
    return words % {
        "name": state.job.value,
        "ended": ended,
        "trouble": trouble,
        "began": _when(state.began_at),
        "due": _when(state.due_at),
    }


def _when(at: datetime | None) -> str:
    from cardkit.clock import PARIS

    return "-" if at is None else f"{at.astimezone(PARIS):%Y-%m-%d %H:%M}"
