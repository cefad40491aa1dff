"""`python -m simulator town`: one town after another, each with scenes drawn from its seed."""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import click

from simulator.town.scenes import SCENES
from simulator.town.town import town

_SCENES_A_TOWN = 4


@click.command("town")
@click.option("--budget", type=float, default=30.0, show_default=True, help="Seconds.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--database-url", default=None, help="PostgreSQL instead of SQLite; emptied by you.")
def town_command(*, budget: float, seed: int, database_url: str | None) -> None:
    """Break a town of real processes, heal it, and hold its books against its cards.

    The last line is one JSON object; the exit status is 1 when something is owed wrongly.
    """
    counts: Counter[str] = Counter()
    began, violations = time.monotonic(), 0
    while counts["towns"] == 0 or time.monotonic() - began < budget:
        number = seed + counts["towns"]
        chance = random.Random(f"scenes {number}")
        scenes = [chance.choice(SCENES) for _ in range(_SCENES_A_TOWN)]
        with (
            tempfile.TemporaryDirectory(prefix="clafoutis-town-") as folder,
            town(Path(folder), seed=number, database_url=database_url) as it,
        ):
            for scene in scenes:
                scene(it)
            wrong = it.heal() + it.judge()
            counts.update(it.counts)
            counts["greens"] += sum(len(stall.greens) for stall in it.stalls)
            counts["line_faults"] += sum(it.proxy.struck.values())
        counts["towns"] += 1
        violations += len(wrong)
        for one in wrong:
            names = ", ".join(scene.__name__ for scene in scenes)
            click.echo(f"town {number} ({names}): {one}")
        click.echo(f"town {number}: {sum(counts.values())} things so far", err=True)
        if database_url is not None:
            break
    click.echo(json.dumps({**counts, "violations": violations}))
    sys.exit(1 if violations else 0)
