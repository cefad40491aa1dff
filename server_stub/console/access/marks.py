"""When a session began and when it was last used, by the machine's clock.

None of it has to do with the books: it is the time of whoever keeps sessions.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.contrib.sessions.backends.base import SessionBase

from cardkit.clock import SystemClock

WHOLE: Final = timedelta(hours=8)
"""How long anybody stays in, whatever they do."""
IDLE: Final = timedelta(minutes=30)
"""How long somebody who moves money or sees members stays in without doing anything."""
BEGAN: Final = "access.began"
SEEN: Final = "access.seen"
"""Seconds since 1970."""
_NOTED_EVERY: Final = timedelta(minutes=1)
"""Not at every request: each time is a row to write."""


def machine_s() -> float:
    """Return the machine's time in seconds since 1970, as allauth notes it in sessions."""
    return SystemClock().now().at.timestamp()


def begin(session: SessionBase) -> None:
    """Note that somebody entered."""
    session[BEGAN] = session[SEEN] = machine_s()


def is_over(session: SessionBase, *, ends_when_idle: bool) -> bool:
    """Say whether a session has lasted too long; note that somebody is there where it has not."""
    if BEGAN not in session:
        begin(session)
    now = machine_s()
    idle_s = now - session[SEEN]
    if now - session[BEGAN] >= WHOLE.total_seconds():
        return True
    if ends_when_idle and idle_s >= IDLE.total_seconds():
        return True
    if idle_s >= _NOTED_EVERY.total_seconds():
        session[SEEN] = now
    return False
