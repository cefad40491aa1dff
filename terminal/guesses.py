"""How often a PIN was guessed wrong, and how long the next guess has to wait."""

from __future__ import annotations

from collections.abc import Callable

from terminal.pin import wait_s


class Guesses:
    """Wrong guesses in a row by merchant, since this program began."""

    def __init__(self, monotonic_ms: Callable[[], int]) -> None:
        self._monotonic_ms = monotonic_ms
        self._wrong: dict[int, int] = {}
        self._free_at_ms: dict[int, int] = {}

    def wait_s(self, merchant: int) -> int:
        """Return how long the next guess has to wait."""
        left_ms = self._free_at_ms.get(merchant, 0) - self._monotonic_ms()
        return max(0, -(-left_ms // 1_000))

    def wrong(self, merchant: int) -> None:
        """Note a wrong guess."""
        count = self._wrong.get(merchant, 0) + 1
        self._wrong[merchant] = count
        self._free_at_ms[merchant] = self._monotonic_ms() + wait_s(count) * 1_000

    def right(self, merchant: int) -> None:
        """Note the right one."""
        self._wrong.pop(merchant, None)
        self._free_at_ms.pop(merchant, None)
