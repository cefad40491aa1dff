"""A log level below DEBUG for what goes over the air, and who may speak at it."""

from __future__ import annotations

import logging
from typing import Final

TRAFFIC = 5

logging.addLevelName(TRAFFIC, "TRAFFIC")

LEVELS: Final = (logging.WARNING, logging.DEBUG, TRAFFIC)
"""By how often somebody said --verbose; no key is logged at any of them."""
_RUN_AS_MODULE: Final = "__main__"


def log_to_stderr(verbosity: int, *packages: str) -> None:
    """Let our own packages log from one of the LEVELS on, and everybody else's warn.

    A library does not know what is secret: nfcpy's log has every frame in it, and so the
    cryptogram of a new key, under a session key that everybody can compute.
    """
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    for package in (*packages, _RUN_AS_MODULE):
        logging.getLogger(package).setLevel(LEVELS[min(verbosity, len(LEVELS) - 1)])
    # What nfcpy calls an error is a card that left, or a reader that is waited for.
    logging.getLogger("nfc").setLevel(logging.CRITICAL)
