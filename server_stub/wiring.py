"""Where the running service gets its keys and its clock: once per process."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from cardkit.clock import SystemClock
from server_stub.keys import KeyRing
from server_stub.services.caisse import Caisse


@cache
def caisse() -> Caisse:
    """Return the caisse that this process serves; raises KeyStoreError without its keys."""
    return Caisse(ring=KeyRing.load(settings.KEY_DIR), clock=SystemClock())
