"""A till as a process of its own: real program parts, cards in another process, orders by pipe."""

from __future__ import annotations

import hashlib
import logging
import resource
import signal
from collections.abc import Callable
from enum import StrEnum, unique
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from cardkit.clock import SystemClock, business_date
from cardkit.errors import ClafoutisError, must
from simulator.remote import RemoteConnection, RemoteReader
from terminal.config import DataDirectory
from terminal.outcomes import Green
from terminal.software import Software
from terminal.till import Till
from terminal.wiring import open_till

MERCHANT: Final = 1
"""The one that a bare caisse is founded with."""
SOFTWARE: Final = Software(hashlib.sha256(b"the towns").digest(), "0.0.0", None)
_PATIENCE_S: Final = 60.0


@unique
class Order(StrEnum):
    """What a till is told to do."""

    SELL = "sell"
    INSPECT = "inspect"
    REST = "rest"
    CLOSE_DAY = "close day"
    STOP = "stop"


def run_till(
    root: Path, cards: Connection, orders: Connection, greens: Connection, file_bytes: int
) -> None:
    """Work until told to stop, or until something kills it; `file_bytes` 0 is no limit.

    Every order is answered by one word: the name of its outcome, or of the error.
    """
    logging.disable(logging.CRITICAL)
    if file_bytes:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, resource.RLIM_INFINITY))
    clock = SystemClock()
    try:
        till = open_till(DataDirectory(root), clock=clock, software=SOFTWARE)
        till.start()
    except ClafoutisError as error:
        orders.send(type(error).__name__)
        return
    orders.send("ready")
    reader = RemoteReader(cards)

    def announce(green: Green) -> None:
        greens.send((green.uid, green.tmc, green.seq, green.amount_cents))

    while True:
        order, amount_cents = orders.recv()
        try:
            said = _obey(till, reader, Order(order), amount_cents, announce)
        except ClafoutisError as error:
            said = type(error).__name__
        orders.send(said)
        if order == Order.STOP:
            return


def _obey(
    till: Till,
    reader: RemoteReader,
    order: Order,
    amount_cents: int,
    announce: Callable[[Green], None],
) -> str:
    match order:
        case Order.REST:
            till.rest()
        case Order.CLOSE_DAY:
            till.close_day(business_date(till.clock.now().at))
        case Order.STOP:
            till.stop()
        case Order.INSPECT:
            _with_card(reader, till.inspect)
        case Order.SELL:
            return _with_card(
                reader,
                lambda connection: (
                    type(
                        till.sell(connection, amount_cents, merchant=MERCHANT, announce=announce)
                    ).__name__
                ),
            )
    return order.value


def _with_card(reader: RemoteReader, act: Callable[[RemoteConnection], object]) -> str:
    """Do something with the card that lies there."""
    connection = reader.wait_for_card(_PATIENCE_S)
    must(connection is not None, "there is always a card")
    try:
        return str(act(connection))  # type: ignore[arg-type]  # narrowed by must()
    finally:
        connection.close()  # type: ignore[union-attr]  # narrowed by must()
