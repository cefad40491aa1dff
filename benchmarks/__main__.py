"""`python -m benchmarks NAME`: a table on stdout, and as its last line one JSON object."""

from __future__ import annotations

import json
from pathlib import Path

import click

from benchmarks.report import lines
from benchmarks.sale import SALES, SIZES, WARM_UP, Plan, measure
from benchmarks.service import service
from benchmarks.ui import UiPlan, measure_ui


@click.group()
def cli() -> None:
    """Measure this machine."""


@cli.command()
@click.option("--size", "sizes", type=click.IntRange(2), multiple=True, help="Cards; repeatable.")
@click.option("--sales", type=click.IntRange(1), default=SALES, show_default=True)
@click.option("--warm-up", type=click.IntRange(0), default=WARM_UP, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def sale(sizes: tuple[int, ...], sales: int, warm_up: int, folder: Path | None) -> None:
    """Measure one sale, and the same with a full directory and journal."""
    sizes = tuple(dict.fromkeys(sizes)) or SIZES
    if min(sizes) <= sales + warm_up:
        raise click.UsageError(
            "each sale needs a card of its own: --size above --sales + --warm-up"
        )
    figures = measure(Plan(sizes=sizes, sales=sales, warm_up=warm_up, folder=folder))
    click.echo("\n".join(lines(figures)))
    click.echo(json.dumps(figures.summary()))


@cli.command()
@click.option("--starts", type=click.IntRange(1), default=UiPlan().starts, show_default=True)
@click.option("--entries", type=click.IntRange(2), default=UiPlan().entries, show_default=True)
@click.option("--exchanges", type=click.IntRange(1), default=UiPlan().exchanges, show_default=True)
@click.option("--sales", type=click.IntRange(1), default=UiPlan().sales, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def ui(starts: int, entries: int, exchanges: int, sales: int, folder: Path | None) -> None:
    """Measure the screen: its start, its loop while everything is sent, its memory."""
    plan = UiPlan(starts=starts, entries=entries, exchanges=exchanges, sales=sales, folder=folder)
    figures = measure_ui(plan)
    click.echo("\n".join(figures.lines()))
    click.echo(json.dumps(figures.summary()))


@cli.command()
@click.option(
    "--size", "sizes", type=click.IntRange(500), multiple=True, help="Entries; repeatable."
)
@click.option("--full", is_flag=True, help="Up to a million entries: the better part of an hour.")
@click.option("--cards", type=click.IntRange(1), default=250, show_default=True)
@click.option("--directory", "directories", type=click.IntRange(1), multiple=True, help="Cards.")
def ingest(sizes: tuple[int, ...], full: bool, cards: int, directories: tuple[int, ...]) -> None:
    """Measure the service: journals taken in, and a directory that changes."""
    with service() as folder:
        from benchmarks.ingest import (
            DIRECTORY_SIZES,
            FULL_SIZES,
            SIZES,
            IngestPlan,
            measure_ingest,
        )

        plan = IngestPlan(
            sizes=tuple(sorted(set(sizes))) or (FULL_SIZES if full else SIZES),
            cards=cards,
            directory_sizes=tuple(sorted(set(directories))) or DIRECTORY_SIZES,
        )
        figures = measure_ingest(plan, folder)
    click.echo("\n".join(figures.lines()))
    click.echo(json.dumps(figures.summary()))


@cli.command()
@click.option(
    "--size", "sizes", type=click.IntRange(500), multiple=True, help="Entries; repeatable."
)
@click.option("--times", type=click.IntRange(3), default=30, show_default=True)
def console(sizes: tuple[int, ...], times: int) -> None:
    """Measure every page of the console, with a short history and with a long one."""
    with service():
        from benchmarks.console import SIZES, measure_console

        figures = measure_console(tuple(sorted(set(sizes))) or SIZES, times)
    click.echo("\n".join(figures.lines()))
    click.echo(json.dumps(figures.summary()))


@cli.command()
@click.option("--count", type=click.IntRange(1, 60_000), default=100, show_default=True)
def cards(count: int) -> None:
    """Measure the workshop: blank cards issued from a list."""
    with service() as folder:
        from benchmarks.cards import measure_cards

        figures = measure_cards(count, folder)
    click.echo("\n".join(figures.lines()))
    click.echo(json.dumps(figures.summary()))


@cli.command()
@click.option("--terminals", type=click.IntRange(1), default=100, show_default=True)
@click.option("--entries", type=click.IntRange(2), default=1_000, show_default=True)
def fleet(terminals: int, entries: int) -> None:
    """Measure the evening on which every stall has network again."""
    with service():
        from benchmarks.fleet import measure_fleet

        figures = measure_fleet(terminals, entries)
    click.echo("\n".join(figures.lines()))
    click.echo(json.dumps(figures.summary()))


if __name__ == "__main__":
    cli(prog_name="python -m benchmarks")
