"""Puts a paired terminal together from its data directory: the one place that knows all parts."""

from __future__ import annotations

import os

from cardkit.bodies import Enrolled, EntryKind
from cardkit.clock import Clock
from cardkit.errors import JournalDamaged
from terminal.config import DataDirectory
from terminal.documents import Documents
from terminal.floored import FlooredClock
from terminal.journal import Journal, take_lock
from terminal.keyring import read_keyring
from terminal.software import Software
from terminal.store import Store
from terminal.till import Till


def open_till(
    data: DataDirectory, *, clock: Clock, software: Software, any_board: bool = False
) -> Till:
    """Open a paired terminal's till; `start` is the caller's.

    `any_board` is for reading what a dead board's memory card holds: nothing may be appended then.

    The lock comes before everything else, so that a second process opens no second connection.
    Raises JournalError (also when this is not the board that was enrolled: a copied card must
    not continue the chain), StoreError or KeyStoreError.
    """
    identity = Documents(data.documents).identity
    keyring = read_keyring(data.keys, caisse=identity.caisse)
    lock = take_lock(data.journal)
    try:
        store = Store.open(data)
        try:
            floored = FlooredClock(clock, store)
            journal = Journal.open(
                data.journal,
                key=keyring.journal,
                terminal=identity.terminal,
                clock=floored,
                lock=os.dup(lock),
            )
        except BaseException:
            store.close()
            raise
    finally:
        os.close(lock)  # the journal holds its own from here on
    till = Till(
        data, journal=journal, store=store, keyring=keyring, clock=floored, software=software
    )
    try:
        if not any_board:
            _check_board(journal, software)
    except BaseException:
        till.close()
        raise
    return till


def _check_board(journal: Journal, software: Software) -> None:
    first = journal.last(EntryKind.ENROLLED)
    enrolled = first.body if first is not None else None
    if not isinstance(enrolled, Enrolled) or enrolled.board_serial is None:
        return
    if enrolled.board_serial != software.board_serial:
        raise JournalDamaged(1, "this chain belongs to another board: pair this one anew")
