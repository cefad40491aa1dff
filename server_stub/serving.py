"""What gunicorn reads beside its options: lines like ours, and no names of programs."""

from __future__ import annotations

import gc
from typing import Final

from server_stub.log_lines import LOGGED

_ALLOCATIONS: Final = 50_000
"""A delivery makes as many objects, hardly any of them in a circle."""

logconfig_dict = LOGGED
preload_app = False
"""Each process reads keys and opens the database for itself."""
max_requests = 10_000
max_requests_jitter = 1_000
"""A process is replaced now and then: what leaks, leaks no further."""


def post_worker_init(_worker: object) -> None:
    """Leave what a process begins with out of every later look for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, 20, 50)
