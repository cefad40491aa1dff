"""A batch on a terminal's screen: a bar for the box, a line for each card, a bell for the ear."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from cardkit.card.issuing import Step
from cardkit.card.rekeying import Rekeyed
from provisioning.batch import Notice
from provisioning.card_words import Stage
from provisioning.language import _
from provisioning.talk import sentence

_BELL: Final = "\a"


class BatchScreen:
    """What the person at the table sees (a `Screen`): one bell for a good card, two for another.

    stdout has one line a good card: its number, and what the list calls it.
    """

    def __init__(self, progress: Progress, *, is_quiet: bool) -> None:
        self._progress = progress
        self._is_quiet = is_quiet
        self._box = progress.add_task(_("Lay the card on the reader."), total=None)

    def counts(self, *, done: int, todo: int, wanted: str) -> None:
        """Show how far the batch is, and whose card comes next."""
        words = (
            _("Next: {label}").format(label=wanted) if wanted else _("Lay the card on the reader.")
        )
        self._progress.update(self._box, completed=done, total=done + todo, description=words)

    def step(self, step: Stage | Step) -> None:
        """Show what is being done to the card."""
        self._progress.update(self._box, description=_(step.value))

    def notice(self, notice: Notice, *, label: str, uid: bytes) -> None:
        """Say what became of a card."""
        number = uid.hex().upper()
        if notice in {Notice.DONE, Notice.DONE_WITHOUT_CREDIT, Notice.MADE}:
            click.echo(f"{number} {label}")
        self._said(f"{number} {label}: {_(notice.value)}", bells=1 if notice.is_good else 2)

    def rekeyed(self, rekeyed: Rekeyed) -> None:
        """Say that a card has the newest key 1."""
        number = rekeyed.uid.hex().upper()
        click.echo(f"{number} {rekeyed.version}")
        if rekeyed.version_before == rekeyed.version:
            self._said(f"{number}: {_('The card has the newest key already.')}", bells=2)
        else:
            words = _("Re-keyed: terminals that have the new key can sell to it.")
            self._said(f"{number}: {words}", bells=1)

    def trouble(self, error: Exception) -> None:
        """Say what went wrong, and what to do with the card."""
        self._said(sentence(error), bells=2)

    def _said(self, text: str, *, bells: int) -> None:
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)
        if not self._is_quiet:
            click.echo(_BELL * bells, err=True, nl=False)


@contextmanager
def batch_screen(*, is_quiet: bool) -> Iterator[BatchScreen]:
    """Draw a batch on stderr while it lasts."""
    columns = SpinnerColumn(), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield BatchScreen(progress, is_quiet=is_quiet)
