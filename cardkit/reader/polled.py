"""A reader without a daemon behind it: we look for cards ourselves, and reopen it when it is back.

How its chip is spoken to is a `Link`. One lock serves it, because a chip has one host: `close`
from another thread waits for the look or the exchange under way, and for no longer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from cardkit.card.connection import Activation
from cardkit.errors import CardCollision, CardLost, ReaderError, ReaderLost
from cardkit.reader.beep import Beep
from cardkit.reader.deadline import Deadline
from cardkit.reader.target import BASE_KBPS

logger = logging.getLogger(__name__)

_PAUSE_S = 0.03
"""Between two looks at an empty field: less than anybody feels, and no load worth speaking of."""
_REOPEN_PAUSE_S = 0.1
"""Between two attempts to find a reader again."""
_MISSES_TO_BE_GONE = 2
"""A card at the edge of the field misses one call; gone is who misses two."""

_FAST_LOSSES_MAX = 2
"""So many cards in a row lost at a higher bit rate, and the antenna is not good enough for it:
people lift a card too early now and then, but the next one stays."""


class Link(Protocol):
    """An open chip; ReaderLost from any method means that this link is of no more use."""

    @property
    def name(self) -> str:
        """What a person would call the reader."""

    @property
    def beep(self) -> Beep:
        """Its own beep."""

    def find(self) -> Activation | None:
        """Reset the field and activate the card in it, at 106 kbit/s; may raise CardCollision."""

    def speed_up(self, found: Activation) -> Activation | None:
        """Agree on the best bit rate with the card just found; None when it left meanwhile."""

    def exchange(self, command: bytes) -> bytes:
        """Carry one APDU to the card found last; raises CardLost."""

    def is_present(self) -> bool:
        """Whether that card still answers; its session is not disturbed."""

    def release(self) -> None:
        """Take the power from the card."""

    def close(self) -> None:
        """Let go of the chip; never fails."""


class PolledConnection:
    """One card, for as long as it lies there and no other is looked for."""

    def __init__(self, reader: PolledReader, activation: Activation) -> None:
        self._reader = reader
        self._activation = activation

    @property
    def uid(self) -> bytes:
        """The UID that anticollision gave."""
        return self._activation.uid

    @property
    def activation(self) -> Activation:
        """All that the chip told, with the bit rate agreed on."""
        return self._activation

    @property
    def is_fast(self) -> bool:
        """Whether more than the base rate was agreed on."""
        return (self._activation.bit_rate_kbps or BASE_KBPS) > BASE_KBPS

    def transceive(self, command: bytes) -> bytes:
        """Send one C-APDU; raises CardLost when no whole answer came, and ever after."""
        return self._reader.exchange(self, command)

    def close(self) -> None:
        """Take the power from the card."""
        self._reader.release(self)


class PolledReader:
    """A reader (a `Reader`) that is opened anew by `open_link` whenever it was lost."""

    def __init__(self, open_link: Callable[[], Link]) -> None:
        """Open it; raises ReaderMissing, ReaderBusy or ReaderForbidden."""
        self._open_link = open_link
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._connection: PolledConnection | None = None
        self._fast_losses = 0
        self._trouble: ReaderError | None = None
        self._link: Link | None = open_link()
        self._name = self._link.name
        self._beep = self._link.beep

    @property
    def name(self) -> str:
        """What a person would call this reader."""
        return self._name

    @property
    def beep(self) -> Beep:
        """Its own beep."""
        return self._beep

    def wait_for_card(self, timeout_s: float) -> PolledConnection | None:
        """Return a connection to the card in the field, or None when none came in time.

        Whatever card is there counts, and is reset. It is spoken to at the best bit rate, until
        that proves too much for the antenna. A reader that is away is waited for; raises
        ReaderLost when it is still away at the end, CardCollision at once for two cards.
        """
        deadline = Deadline(timeout_s)
        while not self._closing.is_set():
            connection = self._connect()
            if connection is not None:
                return connection
            if deadline.is_over:
                self._demand_link()
                return None
            self._pause(deadline)
        return None

    def wait_for_removal(self, timeout_s: float) -> bool:
        """Say whether the field is empty, waiting up to `timeout_s` for it.

        A connection stays usable while its card stays. Raises ReaderLost when the reader is away
        at the end.
        """
        deadline = Deadline(timeout_s)
        misses = 0
        while not self._closing.is_set():
            is_empty = self._is_empty()
            misses = misses + 1 if is_empty else 0
            if misses >= _MISSES_TO_BE_GONE:
                return True
            if deadline.is_over and not is_empty:
                self._demand_link()
                return False
            self._pause(deadline)
        return True

    def close(self) -> None:
        """Let go of the reader; every connection ends."""
        self._closing.set()
        with self._lock:
            self._connection = None
            link, self._link = self._link, None
            if link is not None:
                link.close()

    def exchange(self, connection: PolledConnection, command: bytes) -> bytes:
        """Carry one APDU for a connection; raises CardLost, and ever after."""
        with self._lock:
            if connection is not self._connection or self._link is None:
                raise CardLost("the connection is closed")
            try:
                if not connection.activation.speaks_apdus:
                    raise CardLost("the card speaks no APDUs")
                return self._link.exchange(command)
            except CardLost:
                self._connection = None
                self._fast_losses += connection.is_fast
                raise
            except ReaderLost as lost:
                self._lose(lost)
                raise CardLost("the reader was lost with the card on it") from lost

    def release(self, connection: PolledConnection) -> None:
        """End a connection; a card that it no longer holds is left alone."""
        with self._lock:
            if connection is not self._connection or self._link is None:
                return
            self._connection = None
            if connection.is_fast:
                self._fast_losses = 0
            try:
                self._link.release()
            except ReaderLost as lost:
                self._lose(lost)

    def _connect(self) -> PolledConnection | None:
        with self._lock:
            self._connection = None
            link = self._linked()
            if link is None:
                return None
            try:
                found = link.find()
                is_steady = self._fast_losses < _FAST_LOSSES_MAX
                if found is not None and found.speaks_apdus and is_steady:
                    found = link.speed_up(found)
            except ReaderLost as lost:
                self._lose(lost)
                return None
            if found is not None:
                self._connection = PolledConnection(self, found)
            return self._connection

    def _is_empty(self) -> bool:
        """Whether nothing answered this once; a reader that is away knows of no empty field."""
        with self._lock:
            link = self._linked()
            if link is None:
                return False
            try:
                if self._connection is not None and link.is_present():
                    return False
                self._connection = None
                return link.find() is None
            except CardCollision:
                return False
            except ReaderLost as lost:
                self._lose(lost)
                return False

    def _linked(self) -> Link | None:
        """The link, opened anew if it was lost and is back."""
        if self._link is None and not self._closing.is_set():
            try:
                self._link = self._open_link()
            except ReaderError as error:
                self._trouble = error
        return self._link

    def _lose(self, lost: ReaderLost) -> None:
        logger.info("letting go of %s: %s", self._name, lost)
        self._trouble = lost
        self._connection = None
        self._fast_losses = 0
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def _pause(self, deadline: Deadline) -> None:
        is_open = self._link is not None
        # The last look comes at the end of the wait, and never in a tight loop.
        self._closing.wait(deadline.slice_s(_PAUSE_S if is_open else _REOPEN_PAUSE_S) or _PAUSE_S)

    def _demand_link(self) -> None:
        if self._link is None:
            raise ReaderLost(f"{self._name}: {self._trouble}") from self._trouble
