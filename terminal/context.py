"""What every command of `clafoutis-terminal` starts from, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum, unique
from typing import TYPE_CHECKING

import click

from cardkit.clock import Clock
from cardkit.errors import StoreError
from cardkit.frozen import dataclass
from cardkit.reader import Reader
from terminal.config import TAP_TIMEOUT_S, DataDirectory
from terminal.software import Software
from terminal.words import Words

if TYPE_CHECKING:
    from cardkit.card.connection import CardConnection
    from cardkit.reader.auto import Found
    from terminal.till import Till


@unique
class Exit(IntEnum):
    """Exit statuses, for scripts."""

    DONE = 0
    TROUBLE = 1
    DECLINED = 2
    AMBER = 3
    READER = 4
    CARD = 5
    JOURNAL = 6
    SERVICE = 7
    USAGE = 64


def look_around() -> Found:
    """Look for readers, and open the first that works."""
    from cardkit.reader.auto import candidates, find_reader  # noqa: PLC0415 - seldom asked

    return find_reader(candidates())


@dataclass(frozen=True, slots=True)
class Context:
    """What every command starts from."""

    data: DataDirectory
    reader: str
    words: Words
    clock: Clock
    find_reader: Callable[[str], Reader]
    look_around: Callable[[], Found] = look_around

    @contextmanager
    def opened(self) -> Iterator[Till]:
        """Open the till to look at it; nothing is journalled."""
        from terminal.wiring import open_till  # noqa: PLC0415 - its libraries take long to load

        till = open_till(self.data, clock=self.clock, software=Software.installed())
        try:
            yield till
        finally:
            till.close()

    @contextmanager
    def till(self) -> Iterator[Till]:
        """Start the till, and wind it up in good order unless its journal stopped."""
        with self.opened() as till:
            till.start()
            till.consume_inbox()
            try:
                yield till
            finally:
                if till.journal.is_running:
                    self._wind_up(till)

    def _wind_up(self, till: Till) -> None:
        for held in till.journal.open_intents():
            say(self.words.still_open(held))
        try:
            till.rest()
        except StoreError as error:
            say(self.words.trouble(error))
        till.stop()

    @contextmanager
    def open_reader(self) -> Iterator[Reader]:
        """Open the reader."""
        reader = self.find_reader(self.reader)
        try:
            yield reader
        finally:
            reader.close()

    @contextmanager
    def tap(self) -> Iterator[CardConnection]:
        """Ask for a card and wait for it."""
        _ = self.words.gettext
        with self.open_reader() as reader:
            say(_("Present the card…"))
            connection = reader.wait_for_card(TAP_TIMEOUT_S)
            if connection is None:
                say(_("No card came. Nothing was sold."))
                sys.exit(Exit.CARD)
            try:
                yield connection
            finally:
                connection.close()


def say(text: str) -> None:
    """Talk to the person; data goes to stdout."""
    click.echo(text, err=True)


pass_context = click.make_pass_decorator(Context)
