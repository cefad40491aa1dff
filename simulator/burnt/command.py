"""`python -m simulator burnt`: figures for how much of a burnt day the cards bring back."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import click

from simulator.burnt.share import Share, table
from simulator.market import service

DAYS_MAX: Final = 4
"""Beyond that somebody's card runs dry, and the figures would be about that."""


@click.command()
@click.option("--cards", type=click.IntRange(1, 1000), default=30, show_default=True)
@click.option(
    "--days",
    type=click.IntRange(1, DAYS_MAX),
    default=1,
    show_default=True,
    help="How long the terminal had not sent.",
)
@click.option("--seed", default=2026, show_default=True, help="Of the first world.")
@click.option("--worlds", type=click.IntRange(1), default=3, show_default=True)
def burnt(*, cards: int, days: int, seed: int, worlds: int) -> None:
    """Burn a terminal with its sales in it, and count what later taps bring back.

    Four stalls with real tills, the real service, 2.5 taps of each card a day; the same seed
    gives the same table.
    """
    with tempfile.TemporaryDirectory(prefix="clafoutis-burnt-") as folder:
        service.prepare(Path(folder) / "service")
        # A world stands on Django's models, which can be imported only now.
        from simulator.burnt.world import (  # noqa: PLC0415
            LATER_TAPS_MAX,
            Customers,
            Plan,
            empty_database,
            live,
        )

        rows: list[tuple[str, list[Share]]] = []
        for customers in Customers:
            sums = [Share.of(())] * (LATER_TAPS_MAX + 1)
            for number in range(worlds):
                plan = Plan(cards=cards, days=days, seed=seed + number, customers=customers)
                home = Path(folder) / f"{customers}-{number}"
                with empty_database() as using:
                    shares = live(plan, home, using=using)
                sums = [total + share for total, share in zip(sums, shares, strict=True)]
            rows.append((customers.value, sums))
    for line in table(rows):
        click.echo(line)
