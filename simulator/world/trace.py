"""What happened in a world, line by line, and the one hash that two equal worlds share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable


class Trace:
    """A running SHA-256 over lines; `echo` hears each of them."""

    def __init__(self, echo: Callable[[str], None] | None = None) -> None:
        self._hash = hashlib.sha256()
        self._echo = echo

    def note(self, *facts: object) -> None:
        """Add a line."""
        line = " ".join(map(str, facts))
        self._hash.update(line.encode() + b"\n")
        if self._echo is not None:
            self._echo(line)

    @property
    def digest(self) -> str:
        """The hash of everything so far."""
        return self._hash.hexdigest()
