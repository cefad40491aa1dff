"""What the questions share: a session with the bench's application, and transactions that prove."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cardkit.card.secure import CommMode
from cardkit.card.tmac import TMAC_BYTES, TMC_BYTES, TMRI_BYTES, TmacState
from cardkit.errors import CardAnswerInvalid, CardLost
from cardkit.reader import Reader
from provisioning.bench import specimen
from provisioning.bench.host import BenchHost, Cmd, Reply
from provisioning.bench.specimen import READER_KEY_NO, RECORDS_FILE, TMAC_FILE, VALUE_FILE
from provisioning.bench.tmi import Committed, Trace, amount, reader_id

READER = bytes.fromhex("000000BE0000000C") + bytes(8)
OTHER_READER = bytes.fromhex("000000BE0000000D") + bytes(8)
COMMIT_WITH_TMV = b"\x01"
VALUE_BYTES = 4
CARD_WAIT_S = 60.0
LIFT_WAIT_S = 30.0
RELAYS_MAX = 3


class CardStaysAway(CardLost):
    """The card was asked for, and did not come back: there is nothing left to ask."""


class Person(Protocol):
    """Whoever stands at the bench."""

    def lay_down(self) -> None:
        """Ask for the card."""

    def lift_before_commit(self) -> None:
        """Ask to take the card away now, while it waits."""

    def lift_at_work(self) -> None:
        """Ask to take the card away now, while it works."""


@dataclass(slots=True, kw_only=True)
class Bench:
    """One card, one reader, one person; `connect` finds the card again after any loss."""

    reader: Reader
    person: Person
    uid: bytes
    ticks_ns: Callable[[], int]
    random: Callable[[int], bytes]
    host: BenchHost
    sales: int = 20
    asks_to_lift: bool = True
    free_bytes: int = 0

    def connect(self) -> None:
        """Go on with the same card in a new connection; raises CardStaysAway, ReaderError."""
        self.host.connection.close()
        for _ in range(RELAYS_MAX):
            self.person.lay_down()
            connection = self.reader.wait_for_card(CARD_WAIT_S)
            if connection is None:
                break
            if connection.uid == self.uid:
                timings = self.host.timings_ns
                self.host = BenchHost(connection, self.ticks_ns, self.random, timings)
                return
            connection.close()
        raise CardStaysAway("the card did not come back")

    def open(self) -> None:
        """A new session and transaction with the reader's key; raises CardError."""
        specimen.open_application(self.host, READER_KEY_NO)

    def tmac(self) -> TmacState:
        """Counter and value of the Transaction MAC file; reading it leaves no trace."""
        header = bytes([TMAC_FILE]) + bytes(3) + TMAC_BYTES.to_bytes(3, "little")
        return TmacState.unpack(_exactly(TMAC_BYTES, self.host.demand(Cmd.READ_DATA, header)))

    def tmac_now(self) -> TmacState:
        """The same in a new session, which ends the transaction."""
        self.open()
        return self.tmac()

    def value(self) -> tuple[int, Trace]:
        """The committed value, and what asking for it may have left."""
        data = self.host.demand(Cmd.GET_VALUE, bytes([VALUE_FILE]), mode=CommMode.FULL)
        value = int.from_bytes(_exactly(VALUE_BYTES, data), "little", signed=True)
        return value, amount(Cmd.GET_VALUE, VALUE_FILE, value)

    def change(self, cmd: Cmd, cents: int) -> Trace:
        """Debit, Credit or LimitedCredit; raises CardRefused."""
        data = cents.to_bytes(4, "little", signed=True)
        self.host.demand(cmd, bytes([VALUE_FILE]), data, mode=CommMode.FULL)
        return amount(cmd, VALUE_FILE, cents)

    def name_reader(self, tmri: bytes = READER) -> Trace:
        """CommitReaderID; raises CardRefused."""
        answer = self.host.demand(Cmd.COMMIT_READER_ID, b"", tmri)
        return reader_id(Cmd.COMMIT_READER_ID, tmri, answer[:TMRI_BYTES])

    def commit(self) -> Committed:
        """CommitReaderID and CommitTransaction; raises CardRefused."""
        reader = self.name_reader()
        data = _exactly(TMAC_BYTES, self.host.demand(Cmd.COMMIT_TRANSACTION, COMMIT_WITH_TMV))
        tmc = int.from_bytes(data[:TMC_BYTES], "little")
        return Committed(tmc, data[TMC_BYTES:], reader)

    def bare_commit(self) -> Reply:
        """CommitTransaction outside a session, which the card serves too (EV3, as reported)."""
        self.host.forget_session()
        return self.host.raw(Cmd.COMMIT_TRANSACTION, COMMIT_WITH_TMV)

    def allow_limited_credit(self, cents: int) -> None:
        """Commit a Debit, so that LimitedCredit has something to give back."""
        self.open()
        self.change(Cmd.DEBIT, cents)
        self.commit()

    def limited_credit(self) -> int:
        """The allowance that GetFileSettings tells."""
        settings = self.host.demand(Cmd.GET_FILE_SETTINGS, bytes([VALUE_FILE]))
        return int.from_bytes(settings[12:16], "little", signed=True)

    def sell(self) -> Committed:
        """A whole sale of the canonical shape, in an open session."""
        self.value()
        self.change(Cmd.DEBIT, 1)
        self.write_record(Cmd.WRITE_RECORD, RECORDS_FILE, bytes(range(32)))
        return self.commit()

    def write_record(self, cmd: Cmd, file_no: int, record: bytes) -> bytes:
        """Append a record; answers the command's clear header, for the trace."""
        header = bytes([file_no]) + bytes(3) + len(record).to_bytes(3, "little")
        self.host.demand(cmd, header, record)
        return header


def _exactly(count: int, data: bytes) -> bytes:
    """The data itself; raises CardAnswerInvalid when it has another length."""
    if len(data) != count:
        raise CardAnswerInvalid(f"{len(data)} bytes where {count} belong")
    return data
