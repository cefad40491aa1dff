"""What a rung did and what it found: the one object in the last line of its output."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import click

_SAID_MAX: Final = 20
"""Violations that are spelt out; the rest is counted."""
_TELL_EVERY_S: Final = 1.0


@dataclass
class Report:
    """Counters by name, and a sentence for every promise that was broken."""

    counters: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    _told_at: float = 0.0

    def count(self, what: str, times: int = 1) -> None:
        """Count something, and tell a person about once a second."""
        self.counters[what] += times
        now = time.monotonic()
        if now - self._told_at >= _TELL_EVERY_S:
            self._told_at = now
            click.echo(self._line(), err=True)

    def accuse(self, sentence: str) -> None:
        """Note a broken promise."""
        self.violations.append(sentence)

    def end(self) -> None:
        """Print details and the last line, and leave with 1 when anything was broken."""
        for sentence in self.violations[:_SAID_MAX]:
            click.echo(f"VIOLATION {sentence}")
        click.echo(json.dumps({**self.counters, "violations": len(self.violations)}))
        sys.exit(1 if self.violations else 0)

    def _line(self) -> str:
        plain = " ".join(f"{name}={count}" for name, count in sorted(self.counters.items()))
        return f"{plain} violations={len(self.violations)}"
