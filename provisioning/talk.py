"""How the workshop's program speaks and listens: passphrases, progress, errors; never a secret."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

from cardkit.card.issuing import Step
from cardkit.errors import (
    CardCollision,
    CardError,
    CardForeign,
    CardLost,
    CardNotIssuable,
    ClafoutisError,
    DocumentError,
    KeyStoreError,
    ReaderError,
    ServerRefused,
    ServerUnreachable,
    SyncError,
)
from cardkit.keyfiles import B, CaissePublic, is_sealed, read_bundle
from provisioning.card_words import KINDS, CardStranger, Stage
from provisioning.card_words import Progress as StepSeen
from provisioning.language import _

_FD_BYTES_MAX: Final = 4096
_NAME_WIDTH: Final = 20
_STEPS: Final = len(Step) + len(Stage) - 2
"""Of one card: neither its emptying nor the allowance inside personalisation is the rule."""


@dataclass(frozen=True, slots=True)
class Words:
    """What an error is called, and the program's exit status for it."""

    status: int
    text: str


_ERRORS: Final[tuple[tuple[type[ClafoutisError], Words], ...]] = (
    (CardLost, Words(4, _("The card left the reader too early: lay it down and start again."))),
    (CardCollision, Words(4, _("Two cards lie on the reader: leave one."))),
    (CardNotIssuable, Words(4, _("This card can't be issued."))),
    (CardForeign, Words(4, _("This card is not one of ours."))),
    (CardError, Words(4, _("The card did not do what was asked: lay it down and start again."))),
    (ReaderError, Words(5, _("The card reader can't be used."))),
    (ServerUnreachable, Words(6, _("The service can't be reached: start again later."))),
    (ServerRefused, Words(6, _("The service refused."))),
    (SyncError, Words(6, _("The service's answer can't be trusted."))),
    (KeyStoreError, Words(3, _("The keys can't be used; nothing was changed."))),
    (DocumentError, Words(3, _("A document is not what it should be."))),
    (ClafoutisError, Words(1, _("It did not work."))),
)
"""The first that fits is said."""


def explain(error: ClafoutisError) -> int:
    """Say what went wrong and what to do, on stderr; answer the exit status."""
    click.echo(sentence(error), err=True)
    return _words(error).status


def sentence(error: Exception) -> str:
    """Return what went wrong and what to do."""
    if isinstance(error, CardStranger):
        return _(KINDS[error.kind])
    return f"{_words(error).text} ({error})"


def _words(error: Exception) -> Words:
    return next(words for kind, words in _ERRORS if isinstance(error, kind))


def say(text: str) -> None:
    """Tell the person at the screen something, on stderr."""
    click.echo(text, err=True)


def rows(*described: tuple[str, str]) -> None:
    """Print names and what they are, one a line, on stdout."""
    for name, value in described:
        click.echo(f"{name:<{_NAME_WIDTH}} {value}")


class PassphraseReader:
    """Passphrases from a hidden prompt, or line by line from a file descriptor."""

    def __init__(self, descriptor: int | None) -> None:
        self._lines: Iterator[bytes] | None = None
        if descriptor is not None:
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                self._lines = iter(file.read(_FD_BYTES_MAX).splitlines())

    def ask(self, prompt: str, *, confirm: bool = False) -> bytes:
        """The next passphrase; raises KeyStoreError when the descriptor has no more."""
        if self._lines is None:
            typed: str = click.prompt(
                prompt,
                hide_input=True,
                confirmation_prompt=confirm and _("The same again"),
                err=True,
            )
            return typed.encode("utf-8")
        line = next(self._lines, b"")
        if not line:
            raise KeyStoreError("the file descriptor holds too few passphrases")
        return line

    def open(self, directory: Path, kind: type[B], public: CaissePublic) -> B:
        """Read a bundle, asking for its passphrase when it has one; raises KeyStoreError."""
        return self.opened(directory, kind, public)[0]

    def opened(
        self, directory: Path, kind: type[B], public: CaissePublic
    ) -> tuple[B, bytes | None]:
        """Read a bundle and return also what it was sealed with; raises KeyStoreError."""
        passphrase = None
        if is_sealed(directory, kind):
            passphrase = self.ask(_("Passphrase of {file}").format(file=directory / kind.NAME))
        held = read_bundle(directory, kind, caisse=public.caisse, passphrase=passphrase)
        return held, passphrase


@contextmanager
def card_progress() -> Iterator[StepSeen]:
    """A bar on stderr that moves with every step of issuing one card."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=_STEPS)

        def seen(step: Stage | Step) -> None:
            progress.update(task, description=_(step.value), advance=1)

        yield seen


@contextmanager
def waiting(description: str) -> Iterator[None]:
    """A sign of life on stderr while somebody else is to do something."""
    with Console(stderr=True).status(description):
        yield
