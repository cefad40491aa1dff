"""Wrong passwords, counted where every process that serves sees them.

Time is the machine's: this bound has nothing to do with the books, and no test of them moves it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cardkit.clock import SystemClock
from server_stub.models import LoginFailure

_CLOCK: Final = SystemClock()


def failures(key: str, *, within: timedelta) -> int:
    """Return how many mistakes were made under a key in the last so many minutes."""
    return LoginFailure.objects.filter(key=key, at__gt=_CLOCK.now().at - within).count()


def count(key: str) -> None:
    """Put a mistake on record."""
    LoginFailure.objects.create(key=key, at=_CLOCK.now().at)


def forget(key: str) -> None:
    """Somebody knew the password after all."""
    LoginFailure.objects.filter(key=key).delete()
