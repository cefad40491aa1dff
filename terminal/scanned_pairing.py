"""A terminal that is nobody's yet, with a network: it scans the ticket that the workshop shows.

What protects it is what protects every pairing: the ticket's secret, and four words that a person
types (`terminal.pair`). Switched off meanwhile, the terminal has the same keys and words once the
same ticket is scanned again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from cardkit.clock import Clock
from cardkit.errors import ClafoutisError, DocumentMalformed, ServerRefused, ServerUnreachable
from cardkit.pairing import Ticket
from terminal.config import DataDirectory
from terminal.documents import Identity
from terminal.pair import Pairing
from terminal.software import Software
from terminal.words import Words

if TYPE_CHECKING:
    import requests

logger = logging.getLogger(__name__)

READ_TIMEOUT_S: Final = 10.0
"""Shorter than a watchdog's patience: nothing else turns while the service is asked."""


class ScannedPairing:
    """Asks the service, with the ticket that was scanned last, until the workshop has let us in."""

    def __init__(
        self,
        *,
        data: DataDirectory,
        clock: Clock,
        software: Software,
        words: Words,
        session: requests.Session,
        take_line: Callable[[], str | None],
    ) -> None:
        self._data = data
        self._clock = clock
        self._software = software
        self._words = words
        self._session = session
        self._take_line = take_line
        self._pairing: Pairing | None = None
        self._page: str | None = None

    def look(self) -> Identity | str | None:
        """Do what can be done now; returns what to say, or None while nothing was scanned."""
        line = self._take_line()
        try:
            if line is not None:
                self._pairing = self._begin(line)
            if self._pairing is None:
                return self._page
            return self._ask(self._pairing)
        except ServerRefused as refused:
            self._pairing, self._page = None, self._refused(refused)
        except ClafoutisError as error:
            logger.warning("pairing by a scanned ticket: %s", error)
            self._pairing, self._page = None, f"{self._words.trouble(error)}\n\n({error})"
        return self._page

    def _begin(self, line: str) -> Pairing | None:
        try:
            ticket = Ticket.from_text(line)
        except DocumentMalformed:
            self._page = self._no_ticket()
            return None
        return Pairing(self._data, ticket, session=self._session, read_timeout_s=READ_TIMEOUT_S)

    def _ask(self, pairing: Pairing) -> Identity | str:
        _ = self._words.gettext
        try:
            result = pairing.ask()
        except ServerUnreachable as error:
            # The ticket goes on: a cable that is plugged in now may still be in time.
            return f"{self._words.trouble(error)}\n\n({error})"
        if result is not None:
            return pairing.finish(result, clock=self._clock, software=self._software)
        return "\n\n".join(
            (
                _("The workshop now asks for these four words:"),
                f"    {pairing.words}",
                _("Leave the terminal on: it goes on by itself."),
            )
        )

    def _no_ticket(self) -> str:
        _ = self._words.gettext
        return "\n\n".join(
            (
                _("What was scanned is no pairing ticket."),
                _("If it was one: set the scanner to a US keyboard, with Enter at the end."),
            )
        )

    def _refused(self, refused: ServerRefused) -> str:
        _ = self._words.gettext
        if refused.status == HTTPStatus.NOT_FOUND:
            sentence = _("This ticket has run out. The workshop makes a new one; scan that.")
        else:
            sentence = _("This ticket is not taken any more. The workshop makes a new one.")
        return f"{sentence}\n\n({refused})"
