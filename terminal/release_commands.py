"""`clafoutis-terminal release`: what runs, and putting a signed release beside it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from cardkit.errors import NotPaired
from terminal.context import Context, Exit, pass_context, say

if TYPE_CHECKING:
    from terminal.releases import Installer, NotInstalled
    from terminal.words import Words

APP_DEFAULT: Final = Path("/data/app")
PUBLIC_DEFAULT: Final = Path("/etc/clafoutis")
USER: Final = "clafoutis"

_app = click.option(
    "--app", type=click.Path(path_type=Path), default=APP_DEFAULT, show_default=True
)
_public = click.option(
    "--public",
    type=click.Path(path_type=Path),
    default=PUBLIC_DEFAULT,
    show_default=True,
    help="Where the caisse's public file lies: root's, not the till's.",
)


@click.group()
def release() -> None:
    """See which program runs, and change it for a signed one."""


@release.command()
@_app
@_public
def show(app: Path, public: Path) -> None:
    """Say what both slots hold, which one starts, and whether it is on trial."""
    from terminal.slots import SLOTS

    installer = _installer(app, public)
    slots = installer.slots
    for slot in SLOTS:
        held = installer.held(slot)
        words = "-" if held is None else f"{held.release.version} {held.digest.hex()[:12]}"
        trial = slots.trial
        state = "" if slot != slots.current else " *" if trial is None else f" * {trial.starts}"
        click.echo(f"{slot} {words}{state}")


@release.command()
@pass_context
def ready(context: Context) -> None:
    """Say whether the program may be changed: status 2 while there are untold sales."""
    untold = _untold(context)
    if untold:
        _ = context.words.gettext
        text = _("{count} sales are not sent yet: send them, or write them to a stick, first.")
        say(text.format(count=untold))
        sys.exit(Exit.DECLINED)


@release.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@_app
@_public
@pass_context
def install(context: Context, folders: tuple[Path, ...], app: Path, public: Path) -> None:
    """Install the release in the first of FOLDERS that has one; it starts the next time.

    For root, while no till runs: clafoutis-terminal-update.service calls this before the till.
    """
    from cardkit.release import SIGNED_NAME
    from terminal.releases import NotInstalled

    _ = context.words.gettext
    folder = next((it for it in folders if (it / SIGNED_NAME).is_file()), None)
    if folder is None:
        say(_("There is no release."))
        return
    installer = _installer(app, public)
    try:
        found = installer.look(folder)
        if isinstance(found, NotInstalled):
            say(_why_not(found, context.words))
            return
        if installer.slots.current is not None and not _may_change(context):
            say(_why_not(NotInstalled.UNSENT, context.words))
            sys.exit(Exit.DECLINED)
        done = installer.install(folder, found)
    except OSError as error:
        say(_("The release was not installed; the program of before starts."))
        say(f"({error})")
        sys.exit(Exit.TROUBLE)
    click.echo(f"{done.slot} {done.release.version}")


def _why_not(reason: NotInstalled, words: Words) -> str:
    from terminal.releases import NotInstalled

    _ = words.gettext
    return {
        NotInstalled.SAME: _("This release runs already."),
        NotInstalled.WENT_BACK: _("This release was tried, and did not open the till."),
        NotInstalled.ON_TRIAL: _("The release that runs has not proven itself yet."),
        NotInstalled.UNSENT: _("Sales are not sent yet: the release was not installed."),
    }[reason]


def _installer(app: Path, public: Path) -> Installer:
    from cardkit.keyfiles import read_public
    from terminal.environment import PipEnvironment
    from terminal.releases import Installer
    from terminal.slots import Slots

    return Installer(
        slots=Slots(app),
        public=read_public(public),
        machine=platform.machine(),
        environment=PipEnvironment(),
    )


def _may_change(context: Context) -> bool:
    """Ask the journal as the till's own user: what root opens there the till could not write."""
    if os.geteuid() != 0:
        return _untold(context) == 0
    program = Path(sys.prefix) / "bin/clafoutis-terminal"
    command = [str(program), "--data", str(context.data.root), "release", "ready"]
    done = subprocess.run(  # noqa: S603 - this very program
        command, check=False, user=USER, group=USER, extra_groups=[]
    )
    return done.returncode == Exit.DONE


def _untold(context: Context) -> int:
    """Verify the journal and count what neither service nor stick has; raises ClafoutisError."""
    from terminal.releases import untold_sales

    try:
        with context.opened() as till:
            till.journal.verify()
            return untold_sales(till.journal)
    except NotPaired:
        return 0
