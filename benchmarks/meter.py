"""A connection that measures what is behind it, so that it can be taken off again."""

from __future__ import annotations

import time

from benchmarks.air import Exchange
from cardkit.card.connection import Activation, CardConnection


class MeteredConnection:
    """A card connection (a `CardConnection`) that counts its exchanges and their CPU time."""

    def __init__(self, inner: CardConnection) -> None:
        self.inner_ns = 0
        self.exchanges: list[Exchange] = []
        self._inner = inner
        self._activation = inner.activation  # as a reader keeps it; a simulated field makes it anew

    @property
    def uid(self) -> bytes:
        """The UID of the card behind it."""
        return self._activation.uid

    @property
    def activation(self) -> Activation:
        """What the card behind it showed."""
        return self._activation

    def transceive(self, command: bytes) -> bytes:
        """Pass one command on."""
        begun_ns = time.thread_time_ns()
        answer = self._inner.transceive(command)
        self.exchanges.append(Exchange(len(command), len(answer)))  # our own work, not the till's
        self.inner_ns += time.thread_time_ns() - begun_ns
        return answer

    def close(self) -> None:
        """Let go of the card."""
        self._inner.close()
