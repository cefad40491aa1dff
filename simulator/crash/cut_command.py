"""`python -m simulator cut`: power cuts of a real ext4, until the budget is over."""

from __future__ import annotations

import random
import time
from typing import Final

import click

from simulator.crash.ext4 import Worker, live, recovered, why_not
from simulator.crash.report import Report
from simulator.crash.scratch import scratch_folder

CUTS_AT_LEAST: Final = 12
"""Of each worker."""
NOT_HERE: Final = "ext4_impossible"


@click.command()
@click.option(
    "--budget", type=click.FloatRange(0), default=20.0, show_default=True, help="Seconds."
)
@click.option("--seed", default=1, show_default=True, help="Of moments and lost sectors.")
def cut(*, budget: float, seed: int) -> None:
    """Cut the power of a real file system under a till, and under a careless journal beside it."""
    report = Report()
    cut_for(report, budget_s=budget, seed=seed)
    report.end()


def cut_for(report: Report, *, budget_s: float, seed: int) -> None:
    """Cut for so long; where that is not possible, say why and count nothing."""
    ends_at, chance = time.monotonic() + budget_s, random.Random(f"ext4 {seed}")
    with scratch_folder() as folder:
        reason = why_not(folder / "trial")
        if reason is not None:
            click.echo(f"not possible here: {reason}", err=True)
            report.count(NOT_HERE)
            return
        days = [live(worker, folder / "day") for worker in Worker]
        number = 0
        while number < CUTS_AT_LEAST or time.monotonic() < ends_at:
            number += 1
            for day in days:
                logged = chance.randint(day.promises[0].logged, len(day.log))
                found = recovered(day.image(logged, chance), day.worker, folder / "image")
                lost = found < day.promised(logged)
                report.count("ext4_cuts")
                if day.worker is Worker.TILL and lost:
                    report.accuse(
                        f"seed {seed}, cut {number} after {logged} of the log: {found} entries,"
                        f" promised {day.promised(logged)}"
                    )
                elif lost:
                    report.count("normal_lost")
    if not report.counters["normal_lost"]:
        report.accuse("a journal with synchronous NORMAL lost nothing: this rung has no teeth")
