"""How the last exchanges went: written by the sync process, read by the till for its status line.

Waiting is counted on the clock of one boot and never on the calendar: a stall that wakes up in
1970, and is set right by the network an hour later, must not wait until then. A file that is
missing or spoilt means that nothing was tried yet; nothing depends on it but patience.
"""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from cardkit.clock import Clock
from cardkit.errors import StoreError
from cardkit.frozen import dataclass
from terminal.config import DataDirectory
from terminal.diagnosis import WELL, Cause, Diagnosis
from terminal.files import PRIVATE, write_atomically

logger = logging.getLogger(__name__)

WAIT_FIRST_MS: Final = 4 * 60_000
"""Less than the timer's pause, so that the first failure costs no turn of it."""
WAIT_MAX_MS: Final = 30 * 60_000
"""A stall stands for half a day: one that waits longer would miss the few minutes of network."""
_DOUBLINGS_MAX: Final = 8
_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Until when nothing is tried unasked: milliseconds of one boot."""

    boot_id: bytes
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncState:
    """What is known of the exchanges so far; times are what this computer believed, UTC."""

    tried_at: datetime | None = None
    succeeded_at: datetime | None = None
    answered: int = 0
    """Requests that the last exchange had answered, a failed one too."""
    failures: int = 0
    """Since the last success."""
    diagnosis: Diagnosis = WELL
    waiting: Waiting | None = None

    def wait_ms(self, clock: Clock) -> int:
        """Return how long nothing is tried unasked; 0 after a restart of the computer."""
        if self.waiting is None or self.waiting.boot_id != clock.boot_id():
            return 0
        return max(0, self.waiting.until_ms - clock.monotonic_ms())

    def after_success(self, answered: int, *, at: datetime) -> Self:
        """Return the state once everything was answered."""
        return replace(
            self,
            tried_at=at,
            succeeded_at=at,
            answered=answered,
            failures=0,
            diagnosis=WELL,
            waiting=None,
        )

    def after_failure(
        self, diagnosis: Diagnosis, *, answered: int, clock: Clock, chance: float
    ) -> Self:
        """Return the state after a failed exchange; `chance`, from 0 to 1, spreads the stalls."""
        failures = self.failures + 1
        until_ms = clock.monotonic_ms() + pause_ms(failures, chance)
        return replace(
            self,
            tried_at=clock.now().at,
            answered=answered,
            failures=failures,
            diagnosis=diagnosis,
            waiting=Waiting(boot_id=clock.boot_id(), until_ms=until_ms),
        )


def pause_ms(failures: int, chance: float) -> int:
    """Return how long to wait after so many failures in a row: twice as long each time.

    Between half of it and all of it, so that stalls that lost the service together come back
    one by one.
    """
    doublings = min(failures - 1, _DOUBLINGS_MAX)
    longest_ms = min(WAIT_FIRST_MS << doublings, WAIT_MAX_MS)
    return longest_ms // 2 + int(longest_ms // 2 * chance)


def want_exchange(data: DataDirectory) -> None:
    """Ask the sync process for an exchange now; systemd starts it. Raises StoreError."""
    try:
        data.wanted.touch(mode=PRIVATE)
    except OSError as error:
        raise StoreError(f"{data.wanted.name}: {error.strerror}") from error


def is_due(data: DataDirectory, clock: Clock) -> bool:
    """Say whether somebody asked for an exchange, or the pause after a failure is over."""
    return data.wanted.exists() or read_state(data.sync_state).wait_ms(clock) == 0


def read_state(path: Path) -> SyncState:
    """Read the state; nothing was tried yet where there is none that can be read."""
    try:
        return _from_json(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return SyncState()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        logger.info("%s: %s", path.name, type(error).__name__)
        return SyncState()


def write_state(path: Path, state: SyncState) -> None:
    """Replace the file whole; raises StoreError."""
    try:
        write_atomically(path, json.dumps(_to_json(state), indent=1).encode())
    except OSError as error:
        raise StoreError(f"{path.name}: {error.strerror}") from error


def _to_json(state: SyncState) -> dict[str, object]:
    waiting = state.waiting
    return {
        "version": _VERSION,
        "tried_at": _seconds(state.tried_at),
        "succeeded_at": _seconds(state.succeeded_at),
        "answered": state.answered,
        "failures": state.failures,
        "cause": state.diagnosis.cause.value,
        "detail": state.diagnosis.detail,
        "boot_id": None if waiting is None else waiting.boot_id.hex(),
        "until_ms": None if waiting is None else waiting.until_ms,
    }


def _from_json(held: Any) -> SyncState:
    if held["version"] != _VERSION:
        raise ValueError(held["version"])
    waiting = None
    if held["boot_id"] is not None:
        boot_id = bytes.fromhex(held["boot_id"])
        waiting = Waiting(boot_id=boot_id, until_ms=int(held["until_ms"]))
    return SyncState(
        tried_at=_time(held["tried_at"]),
        succeeded_at=_time(held["succeeded_at"]),
        answered=int(held["answered"]),
        failures=int(held["failures"]),
        diagnosis=Diagnosis(cause=Cause(held["cause"]), detail=str(held["detail"])),
        waiting=waiting,
    )


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
