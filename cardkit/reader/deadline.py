"""The end of a wait, which is waited for in slices so that `close` and hot plugging are noticed."""

from __future__ import annotations

import time


class Deadline:
    """A moment `timeout_s` from now."""

    def __init__(self, timeout_s: float) -> None:
        self._end_s = time.monotonic() + timeout_s

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._end_s

    def slice_s(self, longest_s: float) -> float:
        """The next piece of the time that is left."""
        return min(longest_s, max(0.0, self._end_s - time.monotonic()))
