"""The talk around a reader's test, line by line: present the card, lift it, how each tap went."""

from __future__ import annotations

from collections.abc import Callable

from cardkit.clock import Clock
from cardkit.errors import NotPaired
from cardkit.reader import Reader
from terminal import reader_words
from terminal.config import DataDirectory
from terminal.documents import Documents
from terminal.keyring import read_keyring
from terminal.reader_test import (
    Examine,
    ReaderTest,
    Report,
    TimedTap,
    authenticating,
    select_only,
)
from terminal.words import Words

Say = Callable[[str], None]


def examination(data: DataDirectory) -> Examine:
    """Return what each tap of a test does: with keys, all that a sale begins with."""
    try:
        identity = Documents(data.documents).identity
    except NotPaired:
        return select_only
    return authenticating(read_keyring(data.keys, caisse=identity.caisse).cards)


class ReaderDialogue:
    """A test of one reader, with a person who holds the card."""

    def __init__(
        self, reader: Reader, *, examine: Examine, clock: Clock, words: Words, say: Say
    ) -> None:
        self._reader = reader
        self._test = ReaderTest(reader, examine=examine, clock=clock)
        self._words = words
        self._say = say

    def run(self, taps: int) -> Report:
        """Ask for so many taps, or until no card comes or goes any more."""
        _ = self._words.gettext
        self._say(self._reader.name)
        warning = reader_words.beep_warning(self._words, self._reader.beep)
        if warning is not None:
            self._say(warning)
        done: list[TimedTap] = []
        while len(done) < taps:
            self._say(_("Present the card…"))
            tap = self._test.tap()
            if tap is None:
                self._say(_("No card came. The test ends here."))
                break
            done.append(tap)
            self._say(reader_words.tap(self._words, tap, number=len(done), count=taps))
            if len(done) < taps and not self._test.lifted():
                self._say(_("The card was not lifted. The test ends here."))
                break
        return Report(tuple(done))
