"""What is known of a batch, on disk before it is done to a card: whatever stops, it goes on.

A book lies beside its list and belongs to it. A card is entered before the service is asked for
its keys, so that the same card goes on with the same account; a birth is entered before the service
is told, so that a proof is never lost. No key, no label and no name stands in it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, unique
from pathlib import Path
from typing import Final, Self

from cardkit.card.issuing import BirthProof
from cardkit.errors import StoreError

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS entry (
    account BLOB PRIMARY KEY CHECK (length(account) = 16),
    state TEXT NOT NULL DEFAULT 'waiting',
    uid BLOB UNIQUE,
    generation INTEGER,
    is_owed INTEGER NOT NULL DEFAULT 0,
    tmc INTEGER, tmv BLOB, enc_tmri BLOB, spent_cents INTEGER,
    refusal TEXT
) STRICT
"""


@unique
class State(Enum):
    """Where one account of a batch stands."""

    WAITING = "waiting"
    """No card is its."""
    BEGUN = "begun"
    """A card is its, and blank or half made."""
    BORN = "born"
    """The card is made; the service has not answered yet."""
    ISSUED = "issued"
    REFUSED = "refused"
    """The service refused the account: no card was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One account of a batch."""

    account: bytes
    state: State
    uid: bytes | None
    generation: int | None
    is_owed: bool
    """An allowance that is to be written at the card's next tap."""
    refusal: str
    proof: BirthProof | None


class BatchBook:
    """One batch's entries; every change is on disk when a method returns."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or begin a book, its owner's alone; raises StoreError."""
        try:
            path.touch(mode=0o600, exist_ok=True)
            connection = sqlite3.connect(path, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{path}: {error}") from error
        return cls(connection)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def expect(self, accounts: Iterable[bytes]) -> None:
        """Enter accounts that are not there yet; who was refused before is asked for again."""
        self._connection.execute("BEGIN")
        with self._connection:
            self._connection.executemany(
                "INSERT OR IGNORE INTO entry (account) VALUES (?)",
                [(account,) for account in accounts],
            )
            self._connection.execute("UPDATE entry SET state = 'waiting' WHERE state = 'refused'")

    def entry(self, account: bytes) -> Entry:
        """The entry of an account that is expected."""
        return self._found("SELECT * FROM entry WHERE account = ?", account)[0]

    def of_card(self, uid: bytes) -> Entry | None:
        """The entry that a card belongs to."""
        found = self._found("SELECT * FROM entry WHERE uid = ?", uid)
        return found[0] if found else None

    def in_state(self, state: State) -> list[Entry]:
        """Every entry in a state, in the order of the list."""
        return self._found("SELECT * FROM entry WHERE state = ? ORDER BY rowid", state.value)

    def owed(self) -> list[Entry]:
        """Issued cards that are to be laid down once more for their allowance."""
        return [entry for entry in self.in_state(State.ISSUED) if entry.is_owed]

    def begin(self, account: bytes, uid: bytes) -> None:
        """A card is this account's from now on."""
        self._connection.execute(
            "UPDATE entry SET state = 'begun', uid = ? WHERE account = ?", (uid, account)
        )

    def let_go(self, account: bytes) -> None:
        """The card is not this account's: another one will be."""
        self._connection.execute(
            "UPDATE entry SET state = 'waiting', uid = NULL, generation = NULL, tmc = NULL"
            " WHERE account = ?",
            (account,),
        )

    def born(self, account: bytes, generation: int, proof: BirthProof) -> None:
        """The card is made; its proof waits for the service."""
        self._connection.execute(
            "UPDATE entry SET state = 'born', generation = ?, tmc = ?, tmv = ?, enc_tmri = ?,"
            " spent_cents = ? WHERE account = ?",
            (generation, proof.tmc, proof.tmv, proof.enc_tmri, proof.spent_cents, account),
        )

    def issued(self, account: bytes, generation: int, *, is_owed: bool) -> None:
        """The service believes in the card."""
        self._connection.execute(
            "UPDATE entry SET state = 'issued', generation = ?, is_owed = ? WHERE account = ?",
            (generation, int(is_owed), account),
        )

    def refuse(self, account: bytes, reason: str) -> None:
        """The service refuses the account; its card is free for another."""
        self._connection.execute(
            "UPDATE entry SET state = 'refused', uid = NULL, refusal = ? WHERE account = ?",
            (reason, account),
        )

    def _found(self, statement: str, value: object) -> list[Entry]:
        return [_entry(row) for row in self._connection.execute(statement, (value,))]


def _entry(row: sqlite3.Row) -> Entry:
    proof = None
    if row["tmc"] is not None:
        proof = BirthProof(
            uid=row["uid"],
            tmc=row["tmc"],
            tmv=row["tmv"],
            enc_tmri=row["enc_tmri"],
            spent_cents=row["spent_cents"],
        )
    return Entry(
        account=row["account"],
        state=State(row["state"]),
        uid=row["uid"],
        generation=row["generation"],
        is_owed=bool(row["is_owed"]),
        refusal=row["refusal"] or "",
        proof=proof,
    )
