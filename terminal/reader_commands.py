"""`clafoutis-terminal reader`: which card readers are there, and how well one reads."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import Final

import click

from terminal import reader_words
from terminal.context import Context, Exit, pass_context, say
from terminal.reader_dialogue import ReaderDialogue, examination

_TAPS: Final = 20
_TAPS_MAX: Final = 1_000


@click.group(name="reader")
def readers() -> None:
    """Look at card readers; nothing is sold or journalled."""


@readers.command(name="list")
@pass_context
def list_readers(context: Context) -> None:
    """Say which readers are there, which one `auto` takes, and why not the others."""
    found = context.look_around()
    for line in reader_words.found(context.words, found):
        click.echo(line)
    if found.reader is None:
        sys.exit(Exit.READER)
    with closing(found.reader) as reader:
        warning = reader_words.beep_warning(context.words, reader.beep)
        if warning is not None:
            say(warning)


@readers.command(name="test")
@click.option("--taps", type=click.IntRange(1, _TAPS_MAX), default=_TAPS, show_default=True)
@pass_context
def test_reader(context: Context, taps: int) -> None:
    """Count and time TAPS of a card, and sell nothing; a terminal need not be paired for it."""
    words, examine = context.words, examination(context.data)
    with context.open_reader() as reader:
        dialogue = ReaderDialogue(
            reader, examine=examine, clock=context.clock, words=words, say=say
        )
        report = dialogue.run(taps)
        for line in reader_words.table(words, report, reader.beep):
            click.echo(line)
    sys.exit(Exit.DONE if report.count_right == taps else Exit.CARD)
