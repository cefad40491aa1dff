"""What goes wrong on purpose needs no log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_log(level: int = logging.ERROR) -> Iterator[None]:
    """Log nothing up to a level, for as long as things go wrong on purpose."""
    before = logging.root.manager.disable
    logging.disable(level)
    try:
        yield
    finally:
        logging.disable(before)
