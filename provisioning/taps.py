"""One card after the other on one reader, until nobody lays any down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from cardkit.card.connection import CardConnection
from cardkit.errors import CardCollision, CardForeign
from cardkit.reader import Reader

IDLE_S: Final = 600.0
"""Somebody went to fetch another box."""
_LOOK_AGAIN_S: Final = 2.0
"""A card that was swapped faster than the reader looks has another number, and is another tap."""


def taps(reader: Reader, trouble: Callable[[Exception], None]) -> Iterator[CardConnection]:
    """Yield each card that is laid down, and wait until it was taken away; raises ReaderErrors.

    Two cards at once, or one without a number, are told to `trouble` and waited out. Ends when
    nothing has happened for ten minutes.
    """
    last: bytes | None = None
    while True:
        try:
            connection = reader.wait_for_card(IDLE_S)
        except (CardCollision, CardForeign) as error:
            trouble(error)
        else:
            if connection is None:
                return
            try:
                if connection.uid != last:
                    last = connection.uid
                    yield connection
            finally:
                connection.close()
        if reader.wait_for_removal(_LOOK_AGAIN_S):
            last = None
