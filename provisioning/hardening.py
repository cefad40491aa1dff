"""What keeps a key inside of the process that holds it, whatever becomes of the process."""

from __future__ import annotations

import ctypes
import logging
from typing import Final

from cardkit.memory import leave_no_core

logger = logging.getLogger(__name__)

_PR_SET_DUMPABLE: Final = 4
"""prctl(2): 0 also keeps debuggers of the same user out, and `/proc/PID/mem`."""


def keep_secrets_in() -> None:
    """Let no crash leave the memory of this process, or of its children, on a disk.

    Where the system knows no such thing, the limit on core dumps is all there is.
    """
    leave_no_core()
    try:
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError) as error:
        logger.info("other programs of this user may look inside: %s", error)
