"""The card at work: memory, what the field keeps alive, and who may do what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from simulator.desfire.channel import Channel
from simulator.desfire.memory import (
    FREE,
    Application,
    File,
    KeySetting,
    Memory,
    Right,
    TmacFile,
    ValueFile,
)
from simulator.desfire.status import Fault, Status, require
from simulator.desfire.transaction import Committed, Transaction

Random = Callable[[int], bytes]
SomeFile = TypeVar("SomeFile", bound=File)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the public documents leave open, one field each; only silicon can answer.

    abort_with_reads_only: status of AbortTransaction when nothing but reads are pending.
    no_changes_ends_session: whether status 0C counts as an error and drops the session.
    errors_abort_transaction: whether every error status aborts the transaction too.
    commit_without_reader_id: status of a commit that lacks a required CommitReaderID.
    free_reader_id_is_encrypted: whether a session through right E gets EncTMRI.
    recreated_tmac_restarts: whether a deleted and re-created TMAC file counts from 0 again.
    mixed_transaction_renews: whether Debit and LimitedCredit together grant a new allowance.
    answer_bytes_max: the longest answer to an APDU with a one-byte Le.
    reads_enter_tmi: whether GetValue, ReadData and ReadRecords leave their mark in the TMI.
    amounts_in_two_blocks: whether a value stands in a block of its own, behind command and file.
    tmac_settings_show_limit: whether GetFileSettings of a new TMAC file tells its TMCLimit.
    last_reader_enters_tmi: whether CommitReaderID leaves its answer in the TMI too.
    """

    abort_with_reads_only: Status = Status.OK
    no_changes_ends_session: bool = True
    errors_abort_transaction: bool = True
    commit_without_reader_id: Status = Status.PERMISSION_DENIED
    free_reader_id_is_encrypted: bool = True
    recreated_tmac_restarts: bool = True
    mixed_transaction_renews: bool = True
    answer_bytes_max: int = 256
    reads_enter_tmi: bool = True
    amounts_in_two_blocks: bool = False
    tmac_settings_show_limit: bool = False
    last_reader_enters_tmi: bool = True


@dataclass(slots=True)
class CardState:
    """Memory, and the selection, session and transaction that end with the field."""

    memory: Memory
    random: Random
    behaviour: Behaviour
    app: Application
    session: Channel | None = None
    transaction: Transaction = field(default_factory=Transaction)
    history: list[Committed] = field(default_factory=list)
    cut_write_after_bytes: int | None = None
    powered: bool = True

    def select(self, app: Application) -> None:
        """Enter an application: authentication and transaction are gone."""
        self.app = app
        self.session = None
        self.transaction = Transaction()

    def power_up(self) -> None:
        """Begin a new life in the field, at the PICC level."""
        self.cut_write_after_bytes = None
        self.powered = True
        self.select(self.memory.root)

    def fail(self) -> None:
        """Draw the consequences of an error status (AN12343 section 7)."""
        self.session = None
        if self.behaviour.errors_abort_transaction:
            self.transaction = Transaction()

    def note(self, *parts: bytes) -> None:
        """Append to the TMI of the running transaction."""
        self.transaction.note(*parts)

    def note_read(self, *parts: bytes) -> None:
        """Append what a reading command leaves there, if it leaves anything."""
        if self.behaviour.reads_enter_tmi:
            self.note(*parts)

    def amount_parts(self, head: bytes, amount: bytes) -> tuple[bytes, ...]:
        """Command and file, and a value of 4 bytes, as they fill the blocks of the TMI."""
        return (head, amount) if self.behaviour.amounts_in_two_blocks else (head + amount,)

    def file(self, number: int) -> File:
        """Raises Fault FILE_NOT_FOUND."""
        require(number in self.app.files, Status.FILE_NOT_FOUND)
        return self.app.files[number]

    def file_of(self, number: int, kind: type[SomeFile]) -> SomeFile:
        """A file of one kind; raises Fault FILE_NOT_FOUND or, for another kind, PARAMETER_ERROR."""
        file = self.file(number)
        if not isinstance(file, kind):
            raise Fault(Status.PARAMETER_ERROR)
        return file

    def grants_freely(self, file: File, rights: tuple[Right, ...]) -> bool:
        """Say whether access comes from right E alone, and the exchange is therefore plain.

        Raises Fault AUTHENTICATION_ERROR without a session and PERMISSION_DENIED with one that
        lacks the rights.
        """
        tmac = self.app.tmac
        if tmac is not None and tmac.exhausted and file is not tmac:
            raise Fault(Status.PERMISSION_DENIED)
        holders = {file.key_for(right) for right in rights}
        if self.session is not None and self.session.key_no in holders:
            return False
        if FREE not in holders:
            raise self._refusal()
        return True

    def may_get_value(self, file: File, rights: tuple[Right, ...]) -> bool:
        """`grants_freely` for GetValue, which a value file may open to everybody."""
        try:
            return self.grants_freely(file, rights)
        except Fault:
            if isinstance(file, ValueFile) and file.free_get_value:
                return True
            raise

    def require_root(self) -> None:
        """Raises Fault PERMISSION_DENIED inside an application (commands of the PICC level)."""
        require(self.app.is_root, Status.PERMISSION_DENIED)

    def require_application(self) -> None:
        """Raises Fault PERMISSION_DENIED at the PICC level (commands on files)."""
        require(not self.app.is_root, Status.PERMISSION_DENIED)

    def require_key(self, number: int) -> Channel:
        """Raises Fault unless the session was opened with this key of the selected level."""
        if self.session is None or self.session.key_no != number:
            raise self._refusal()
        return self.session

    def require_master_key_unless(self, setting: KeySetting) -> None:
        """Raises Fault unless KS1 makes the act free or the session holds the master key."""
        if not self.app.allows(setting):
            self.require_key(0)

    def reader_id_file(self) -> TmacFile:
        """The TMAC file that takes ReaderIDs; raises Fault PERMISSION_DENIED when there is none."""
        tmac = self.app.tmac
        if tmac is None or tmac.exhausted:
            raise Fault(Status.PERMISSION_DENIED)
        return tmac

    def _refusal(self) -> Fault:
        if self.session is None:
            return Fault(Status.AUTHENTICATION_ERROR)
        return Fault(Status.PERMISSION_DENIED)
