"""One card after the other on one reader, until nobody lays any down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from cardkit.card.connection import CardConnection
from cardkit.errors import CardCollision, CardForeign
from cardkit.reader import Reader

IDLE_S: Final = 600.0
"""Somebody went to fetch another box."""


def taps(reader: Reader, trouble: Callable[[Exception], None]) -> Iterator[CardConnection]:
    """Yield each card that is laid down, and wait until it was taken away; raises ReaderErrors.

    Two cards at once, or one without a number, are told to `trouble` and waited out. Ends when
    nothing has happened for ten minutes.
    """
    while True:
        try:
            connection = reader.wait_for_card(IDLE_S)
        except (CardCollision, CardForeign) as error:
            trouble(error)
            connection = None
        else:
            if connection is None:
                return
        if connection is not None:
            try:
                yield connection
            finally:
                connection.close()
        if not reader.wait_for_removal(IDLE_S):
            return
