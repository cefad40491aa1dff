"""One transaction: the shadow of what it would change, the TMI it has gathered, its commit.

LIGHT-DS 10.3 (TMI, TMC, TMV, ReaderID), D40 4.6 (shadow and commit).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TypeVar

from simulator.desfire.crypto import encrypt, short_mac, transaction_keys, zero_padded
from simulator.desfire.memory import Application, File, RecordFile, TmacFile, ValueFile

AnyFile = TypeVar("AnyFile", bound=File)


@dataclass(frozen=True, slots=True)
class ValueChange:
    """What one committed transaction did to one value file."""

    file_no: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Committed:
    """Physical truth about one committed transaction, for oracles; no reader ever sees it.

    `tmc`, `tmv` and `tmi` are 0 and empty when the application has no Transaction MAC file;
    `tmri` is the ReaderID in clear and `enc_tmri` what the card answered for it.
    """

    aid: bytes
    key_no: int | None
    tmc: int
    tmv: bytes
    tmi: bytes
    values: tuple[ValueChange, ...]
    tmri: bytes | None
    enc_tmri: bytes | None

    def value_change(self, file_no: int) -> ValueChange:
        """The change of one value file; raises KeyError for another file."""
        for change in self.values:
            if change.file_no == file_no:
                return change
        raise KeyError(file_no)


@dataclass(slots=True)
class Transaction:
    """Everything since the last commit, abort, selection or first authentication."""

    tmi: bytes = b""
    shadow: dict[int, File] = field(default_factory=dict)
    debited: dict[int, int] = field(default_factory=dict)
    recredited: set[int] = field(default_factory=set)
    appended: set[int] = field(default_factory=set)
    tmri: bytes | None = None
    enc_tmri: bytes | None = None

    def note(self, *parts: bytes) -> None:
        """Append to the TMI, each part zero-padded to whole blocks (LIGHT-DS 10.3.4.2)."""
        self.tmi += b"".join(zero_padded(part) for part in parts)

    def shadow_of(self, file_no: int, file: AnyFile) -> AnyFile:
        """The copy of a file that this transaction writes to."""
        shadow = self.shadow.setdefault(file_no, copy.copy(file))
        if not isinstance(shadow, type(file)):
            raise TypeError(f"file {file_no:02X} changed its kind inside a transaction")
        return shadow

    def encrypted_reader_id(self, tmac: TmacFile, uid: bytes) -> bytes:
        """EncTMRI: the ReaderID of the previous transaction under this one's key."""
        enc_key, _ = transaction_keys(tmac.key.value, tmac.tmc + 1, uid)
        return encrypt(enc_key, tmac.reader_id)

    def commit(
        self, app: Application, uid: bytes, *, key_no: int | None, mixed_renews: bool
    ) -> Committed:
        """Make the shadow true and step the Transaction MAC file, all or nothing.

        `mixed_renews`: after both Debit and LimitedCredit the debits grant a new allowance.
        """
        before = {no: file.value for no, file in app.files.items() if isinstance(file, ValueFile)}
        for number, file in self.shadow.items():
            self._settle(number, file, mixed_renews)
        app.files.update(self.shadow)
        tmac = app.tmac
        if tmac is not None:
            self._step(tmac, uid)
        return Committed(
            aid=app.aid,
            key_no=key_no,
            tmc=tmac.tmc if tmac else 0,
            tmv=tmac.tmv if tmac else b"",
            tmi=self.tmi if tmac else b"",
            values=tuple(
                ValueChange(number, value, file.value)
                for number, value in sorted(before.items())
                if isinstance(file := app.files[number], ValueFile)
            ),
            tmri=self.tmri,
            enc_tmri=self.enc_tmri,
        )

    def _settle(self, number: int, file: File, mixed_renews: bool) -> None:
        """Finish what only a commit decides: the allowance for LimitedCredit, the spare record."""
        if isinstance(file, ValueFile):
            if number in self.debited and (mixed_renews or number not in self.recredited):
                file.limited_credit = self.debited[number]
        elif isinstance(file, RecordFile):
            file.records = file.records[-file.readable_max :]

    def _step(self, tmac: TmacFile, uid: bytes) -> None:
        tmac.tmc += 1
        _, mac_key = transaction_keys(tmac.key.value, tmac.tmc, uid)
        tmac.tmv = short_mac(mac_key, self.tmi)
        if self.tmri is not None and self.enc_tmri is not None:
            tmac.reader_id = self.tmri
