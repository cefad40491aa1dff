"""One turn of the sync process: whether it is time, the exchange, and what is told of it.

Timer, network and till may all start the process, as often as they like. Whoever only passes by
waits out the pause after a failure; who leaves `outbox/.wanted` is served at once
(docs/adr/0015).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from cardkit.clock import Clock
from cardkit.errors import ServerRefused, ServerUnreachable, StoreError, SyncError
from terminal.config import DataDirectory
from terminal.diagnosis import Cause, Diagnosis
from terminal.sync import Sync
from terminal.sync_state import SyncState, read_state, write_state

logger = logging.getLogger(__name__)

_TERMINAL_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class SyncTurn:
    """The sync process at work, once."""

    def __init__(
        self,
        data: DataDirectory,
        sync: Sync,
        *,
        diagnose: Callable[[], Diagnosis],
        chance: Callable[[], float],
        clock: Clock,
    ) -> None:
        """Take the exchange, the test of the connection, and a chance from 0 to 1."""
        self._data = data
        self._sync = sync
        self._diagnose = diagnose
        self._chance = chance
        self._clock = clock

    def run(self) -> int:
        """Exchange what waits, note how it went, and return how many requests were answered.

        Raises SyncError or StoreError, which are noted too.
        """
        self._stop_asking()
        state = read_state(self._data.sync_state)
        try:
            answered = self._sync.run()
        except (SyncError, StoreError) as error:
            self._note(
                state.after_failure(
                    self._named(error),
                    answered=self._sync.answered,
                    clock=self._clock,
                    chance=self._chance(),
                )
            )
            raise
        self._note(state.after_success(answered, at=self._clock.now().at))
        return answered

    def _stop_asking(self) -> None:
        """Take the wish away before it is served: one that comes meanwhile is another wish."""
        try:
            self._data.wanted.unlink(missing_ok=True)
        except OSError as error:
            logger.warning("%s: %s", self._data.wanted.name, error.strerror)

    def _named(self, error: SyncError | StoreError) -> Diagnosis:
        """Name the cause: as the error says, where it says enough, or as the connection shows."""
        detail = f"{type(error).__name__}: {error}"
        if isinstance(error, StoreError):
            return Diagnosis(cause=Cause.DISK, detail=detail)
        if isinstance(error, ServerRefused) and error.status in _TERMINAL_REFUSED:
            return Diagnosis(cause=Cause.REFUSED, detail=detail)
        seen = self._diagnose()
        if seen.cause is not Cause.WELL:
            return seen
        dropped = isinstance(error, ServerUnreachable)
        cause = Cause.INTERRUPTED if dropped else Cause.ANSWER_INVALID
        return Diagnosis(cause=cause, detail=detail)

    def _note(self, state: SyncState) -> None:
        """Write down how it went; an exchange that was made is none the less for a full disk."""
        try:
            write_state(self._data.sync_state, state)
        except StoreError as error:
            logger.warning("%s", error)
