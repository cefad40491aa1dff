"""What keeps the memory of a program that holds keys off its disk."""

from __future__ import annotations

import resource


def leave_no_core() -> None:
    """Let no crash write this process or a child of it to a file; every program begins so."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
