"""`clafoutis-terminal ui`: the till on a screen, put together here and nowhere else."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from terminal.config import MERCHANT_VARIABLE
from terminal.context import Context, pass_context
from terminal.early import settle
from terminal.software import Software

if TYPE_CHECKING:
    from terminal.ui.parts import Parts


@click.command()
@click.option(
    "--merchant",
    type=click.IntRange(1),
    envvar=MERCHANT_VARIABLE,
    show_envvar=True,
    help="Sell for this one without asking, where the permit names several.",
)
@click.option("--borne", is_flag=True, help="Tell balances and refresh cards; sell nothing.")
@pass_context
def ui(context: Context, merchant: int | None, *, borne: bool) -> None:
    """Sell on the screen, by touch or with a numpad.

    A terminal that is nobody's yet waits for the workshop's ticket first.
    """
    if not context.data.journal.exists():
        _pair(context)
    from terminal.ui.app import TillApp

    sys.exit(TillApp(parts_of(context, merchant=merchant, borne=borne)).run())


def _pair(context: Context) -> None:
    import requests

    from terminal.first_pairing import FirstPairing
    from terminal.mounts import find_stick
    from terminal.scanned_pairing import ScannedPairing
    from terminal.scanner import scanner
    from terminal.stick_pairing import StickPairing
    from terminal.watchdog import Watchdog

    watchdog = Watchdog.from_environment(os.environ)
    software = Software.installed()

    def show(page: str) -> None:
        click.clear()
        click.echo(f"\n{page}")
        watchdog.ready()

    with scanner(sys.stdin.fileno()) as scanned, requests.Session() as session:

        def wait(seconds: float) -> None:
            watchdog.alive()
            scanned.wait(seconds)

        by_scanner = ScannedPairing(
            data=context.data,
            clock=context.clock,
            software=software,
            words=context.words,
            session=session,
            take_line=scanned.take,
        )
        by_stick = StickPairing(
            data=context.data,
            clock=context.clock,
            software=software,
            words=context.words,
            find_stick=find_stick,
        )
        ways = (by_scanner, by_stick)
        FirstPairing(ways=ways, words=context.words, show=show, wait=wait).run()


def parts_of(context: Context, *, merchant: int | None, borne: bool) -> Parts:
    """Put together what the screens stand on."""
    from terminal.backlight import find_backlight
    from terminal.draft import Draft
    from terminal.feedback import open_feedback
    from terminal.mounts import find_stick
    from terminal.settings import Settings
    from terminal.till import Till
    from terminal.ui.parts import Parts
    from terminal.watchdog import Watchdog
    from terminal.wifi import Wifi
    from terminal.wiring import open_till

    software = Software.installed()
    settings = Settings(context.data.settings)

    def open_own_till() -> Till:
        return open_till(context.data, clock=context.clock, software=software)

    return Parts(
        open_till=open_own_till,
        find_reader=lambda: context.find_reader(context.reader),
        settings=settings,
        draft=Draft(context.data.draft),
        feedback=open_feedback(settings.terminal),
        watchdog=Watchdog.from_environment(os.environ),
        data=context.data,
        software=software,
        wifi=Wifi(),
        find_stick=find_stick,
        backlight=find_backlight(),
        monotonic_ms=context.clock.monotonic_ms,
        settle=settle,
        merchant=merchant,
        borne=borne,
    )
