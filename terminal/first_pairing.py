"""A terminal that is nobody's yet, with a screen and no keyboard: it waits for a ticket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from cardkit.frozen import dataclass
from terminal.documents import Identity
from terminal.words import Words

LOOK_EVERY_S: Final = 2.0


class Way(Protocol):
    """A way in."""

    def look(self) -> Identity | str | None:
        """Do what can be done now; returns what to say, or None where this way was not taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPairing:
    """Waits for a ticket on any of its ways, and says on the screen what to do."""

    ways: tuple[Way, ...]
    """The first that has something to say is the one that was taken."""
    words: Words
    show: Callable[[str], None]
    """Puts a page of a few lines in the place of the one before."""
    wait: Callable[[float], None]
    """Lets seconds pass, and tells whoever watches that we live."""

    def run(self) -> Identity:
        """Return once this is a terminal; whatever is wrong with a ticket, the next one may do."""
        shown = ""
        while True:
            outcome = self._look()
            if isinstance(outcome, Identity):
                return outcome
            if outcome != shown:
                self.show(outcome)
                shown = outcome
            self.wait(LOOK_EVERY_S)

    def _look(self) -> Identity | str:
        for way in self.ways:
            outcome = way.look()
            if outcome is not None:
                return outcome
        return self._welcome()

    def _welcome(self) -> str:
        _ = self.words.gettext
        return "\n\n".join(
            (
                _("This terminal does not belong to a caisse yet."),
                _("Plug in the workshop's stick, with a ticket on it."),
                _("Or scan the ticket on the workshop's screen with a code scanner."),
            )
        )
