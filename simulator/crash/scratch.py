"""Where the crash rungs work: in memory where the system has room for that.

What an image holds was decided by the model; that the scratch files are synced for real would
only take time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the folder made there has a name of its own


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a new folder, and take it away with everything in it."""
    where = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="clafoutis-crash-", dir=where) as folder:
        yield Path(folder)
