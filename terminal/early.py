"""What has to be said before anything else is loaded.

Loading makes objects that stay, and a collector that starts after every 700 of them finds nothing
and takes a tenth of a start.
"""

from __future__ import annotations

import gc
from typing import Final

_USUAL: Final = gc.get_threshold()
_LOADING_OBJECTS: Final = 50_000
"""A start makes more; whoever never calls `settle` still has a collector."""


def settle() -> None:
    """Collect as usual from here on, and never look again at what was loaded.

    A full collection stops every thread, and would find nothing there.
    """
    gc.freeze()
    gc.set_threshold(*_USUAL)


gc.set_threshold(_LOADING_OBJECTS)
