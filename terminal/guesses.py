"""How often a PIN was guessed wrong, and how long the next guess has to wait.

The numbers are on disk before a guess is looked at: pulling the plug gives nobody new guesses. A
wait is counted in time of this boot, so that it begins anew when the plug was pulled.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cardkit.errors import StoreError
from terminal.documents import AtomicStorage
from terminal.pin import wait_s

logger = logging.getLogger(__name__)

_TABLE: Final = "guesses"


class Guesses:
    """Wrong guesses in a row by merchant; trouble with the disk locks nobody out."""

    def __init__(self, path: Path, monotonic_ms: Callable[[], int]) -> None:
        self._storage = AtomicStorage(path)
        self._monotonic_ms = monotonic_ms
        self._wrong: dict[int, int] | None = None
        self._free_at_ms: dict[int, int] = {}

    def wait_s(self, merchant: int) -> int:
        """Return how long the next guess has to wait."""
        self._counts()
        left_ms = self._free_at_ms.get(merchant, 0) - self._monotonic_ms()
        return max(0, -(-left_ms // 1_000))

    def wrong(self, merchant: int) -> None:
        """Note a guess that is wrong until `right` says otherwise."""
        counts = self._counts()
        counts[merchant] = counts.get(merchant, 0) + 1
        self._wait(merchant)
        self._keep()

    def right(self, merchant: int) -> None:
        """Note the right one."""
        self._counts().pop(merchant, None)
        self._free_at_ms.pop(merchant, None)
        self._keep()

    def _counts(self) -> dict[int, int]:
        """Return wrong guesses by merchant, read once; those of before make wait in full."""
        if self._wrong is None:
            try:
                held = (self._storage.read() or {}).get(_TABLE, {})
                self._wrong = {int(merchant): int(count) for merchant, count in held.items()}
            except (StoreError, AttributeError, TypeError, ValueError) as error:
                logger.warning("wrong guesses can't be read: %r", error)
                self._wrong = {}
            for merchant in self._wrong:
                self._wait(merchant)
        return self._wrong

    def _wait(self, merchant: int) -> None:
        count = self._counts()[merchant]
        self._free_at_ms[merchant] = self._monotonic_ms() + wait_s(count) * 1_000

    def _keep(self) -> None:
        held = {str(merchant): count for merchant, count in self._counts().items()}
        try:
            self._storage.write({_TABLE: held})
        except StoreError as error:
            logger.warning("wrong guesses are not kept: %s", error)
