"""The commands of a DESFire EV2/EV3 card over one connection, inside a secure channel or not.

Callers get data or an exception, never a status word to check. Any error status ends the card's
session (AN12343 section 7), so it ends ours; a lost or invalid answer ends everything: the card
may be another one by now, and only a new connection is trusted again.
"""

from __future__ import annotations

import logging
import os
import struct
import zlib
from collections.abc import Callable
from typing import NoReturn

from cardkit.card import apdu, traffic
from cardkit.card.aes import KEY_BYTES
from cardkit.card.apdu import Ins, StatusWord, refusal
from cardkit.card.connection import CardConnection
from cardkit.card.files import (
    CyclicRecords,
    FileAccess,
    FileSettings,
    StdData,
    TransactionMac,
    Value,
    parse_settings,
)
from cardkit.card.keys import AID_BYTES, SIGNATURE_BYTES, UID_BYTES
from cardkit.card.secure import NONCE_BYTES, CommMode, Handshake, SecureChannel
from cardkit.card.tmac import TMAC_BYTES, TMC_BYTES, TMRI_BYTES
from cardkit.errors import CardAnswerInvalid, CardError, CardLost, must
from cardkit.frozen import dataclass
from cardkit.logging import TRAFFIC

logger = logging.getLogger(__name__)

RandomBytes = Callable[[int], bytes]
"""Gives that many random bytes; tests give chosen ones."""

WRITE_BYTES_MAX = 240
"""What one WriteData carries beside its header (7) and MAC (8) in a short APDU of 255."""

READ_BYTES_MAX = 240
"""What one ReadData answers, the same so that a slot is read as it was written."""

PICC_AID = bytes(AID_BYTES)
PICC_MASTER_KEY = 0

_FRAMES_MAX = 8
_AES_PICC_KEY = 0x80  # key type in bits 6 and 7 of KeyNo, at PICC level only
_KEY_OPTION_AES = 0x02
_AES_ISO_KEYS = 0xA0  # KS2: AES, ISO file identifiers in use; the low nibble counts the keys
_COMMIT_RETURNS_TMV = b"\x01"
_VERSION_BYTES = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """The answer of GetVersion; `uid` is zero when the card answers with random UIDs."""

    hw_type: int
    hw_major: int
    hw_minor: int
    storage: int
    sw_major: int
    sw_minor: int
    uid: bytes
    batch: bytes
    week: int
    year: int

    @classmethod
    def unpack(cls, answer: bytes) -> Version:
        """Three frames in a row: hardware 7, software 7, production 14 (AN12343 table 3)."""
        return cls(
            hw_type=answer[1],
            hw_major=answer[3],
            hw_minor=answer[4],
            storage=answer[5],
            sw_major=answer[10],
            sw_minor=answer[11],
            uid=answer[14:21],
            batch=answer[21:26],
            week=answer[26],
            year=answer[27],
        )


class Desfire:
    """One card in the field; `exchanges` counts the APDUs that it was sent."""

    def __init__(self, connection: CardConnection) -> None:
        self.exchanges = 0
        self._connection = connection
        self._channel: SecureChannel | None = None
        self._usable = True

    @property
    def uid(self) -> bytes:
        """The UID that anticollision gave."""
        return self._connection.uid

    def distrust(self, reason: str) -> NoReturn:
        """Raise CardAnswerInvalid, and never again send anything over this connection."""
        self._channel = None
        self._usable = False
        raise CardAnswerInvalid(reason)

    # Applications and sessions

    def iso_select(self, df_name: bytes) -> None:
        """Select an application by its DF name; this ends session and transaction."""
        self._channel = None
        _, status = self._exchange(apdu.iso_select(df_name))
        if status != StatusWord.ISO_OK:
            raise refusal(apdu.ISO_SELECT, status)

    def select_application(self, aid: bytes) -> None:
        """Select by AID, most significant byte first; 000000 is the card itself."""
        must(len(aid) == AID_BYTES, "an AID has 3 bytes")
        self._channel = None
        self._command(Ins.SELECT_APPLICATION, aid[::-1])

    def authenticate_ev2_first(
        self, key_no: int, key: bytes, *, random: RandomBytes = os.urandom
    ) -> None:
        """Open a secure channel and a new transaction (AN12343 section 6).

        Raises AuthenticationRefused when the card has another key, CardAnswerInvalid when it
        has none of ours.
        """
        self._channel = None
        enc_rnd_b, status = self._exchange(
            apdu.native(Ins.AUTHENTICATE_EV2_FIRST, bytes([key_no, 0]))
        )
        if status != StatusWord.ADDITIONAL_FRAME:
            raise refusal(Ins.AUTHENTICATE_EV2_FIRST, status)
        try:
            handshake = Handshake.begin(key=key, rnd_a=random(NONCE_BYTES), enc_rnd_b=enc_rnd_b)
            answer, status = self._exchange(
                apdu.native(Ins.ADDITIONAL_FRAME, handshake.host_token())
            )
            if status != StatusWord.OK:
                raise refusal(Ins.AUTHENTICATE_EV2_FIRST, status)
            self._channel = handshake.finish(answer)
        except CardAnswerInvalid as error:
            self.distrust(str(error))

    # The card itself

    def get_version(self) -> Version:
        """What the card is."""
        return Version.unpack(self._command(Ins.GET_VERSION, answer_bytes=_VERSION_BYTES))

    def get_card_uid(self) -> bytes:
        """The real UID, also of a card with random ones; needs a session."""
        return self._command(Ins.GET_CARD_UID, mode=CommMode.FULL, answer_bytes=UID_BYTES)

    def read_sig(self) -> bytes:
        """NXP's 56-byte signature of the UID, in plain: how a session wraps it is not public."""
        must(self._channel is None, "the signature is read before authenticating")
        return self._command(
            Ins.READ_SIG, b"\x00", answer_bytes=SIGNATURE_BYTES, success=StatusWord.SIGNATURE_OK
        )

    def free_mem(self) -> int:
        """Free memory in bytes."""
        return int.from_bytes(self._command(Ins.FREE_MEM, answer_bytes=3), "little")

    def set_configuration(self, option: int, data: bytes) -> None:
        """Set one of the card's options; some bits can never be cleared again."""
        self._command(Ins.SET_CONFIGURATION, bytes([option]), data, mode=CommMode.FULL)

    def format_picc(self) -> None:
        """Delete every application; needs a session of the PICC master key."""
        self._command(Ins.FORMAT_PICC, mode=CommMode.MAC)

    # Keys

    def get_key_settings(self) -> bytes:
        """KeySettings1 of the selected level; then the kind of its keys and how many, 2 bytes."""
        return self._command(Ins.GET_KEY_SETTINGS, answer_bytes=2)

    def get_key_version(self, key_no: int) -> int:
        """The version byte that was stored with a key."""
        return self._command(Ins.GET_KEY_VERSION, bytes([key_no]), answer_bytes=1)[0]

    def change_other_key(self, key_no: int, *, old: bytes, new: bytes, version: int) -> None:
        """Change a key that is not the session's; both are needed, as is the right to."""
        must(len(old) == len(new) == KEY_BYTES, "an AES-128 key has 16 bytes")
        mixed = bytes(a ^ b for a, b in zip(old, new, strict=True))
        check = (zlib.crc32(new) ^ 0xFFFF_FFFF).to_bytes(4, "little")
        data = mixed + bytes([version]) + check
        self._command(Ins.CHANGE_KEY, bytes([key_no]), data, mode=CommMode.FULL)

    def change_own_key(self, key_no: int, new: bytes, *, version: int | None) -> None:
        """Change the session's own key, which ends the session.

        `version` is None for a DES key (its 8 bytes twice), which has its version in its bits.
        """
        must(len(new) == KEY_BYTES, "an AES-128 key has 16 bytes, and so has a DES key twice")
        channel = self._open_channel()
        payload = channel.wrap(
            Ins.CHANGE_KEY,
            header=bytes([key_no]),
            data=new + (b"" if version is None else bytes([version])),
            mode=CommMode.FULL,
        )
        self._channel = None  # the answer carries no MAC, even when it says yes
        self._frames(Ins.CHANGE_KEY, payload, StatusWord.OK, CommMode.FULL)

    def change_picc_master_key(self, new: bytes, *, version: int) -> None:
        """Change the PICC master key to an AES key; ends its session."""
        self.change_own_key(_AES_PICC_KEY | PICC_MASTER_KEY, new, version=version)

    def change_key_settings(self, settings: int) -> None:
        """Set KeySettings1 of the selected application, or of the card."""
        self._command(Ins.CHANGE_KEY_SETTINGS, b"", bytes([settings]), mode=CommMode.FULL)

    # Files

    def create_application(
        self, aid: bytes, *, key_settings: int, keys: int, iso_fid: int, df_name: bytes
    ) -> None:
        """Create an application with AES keys (all zero) and ISO file identifiers."""
        self._command(
            Ins.CREATE_APPLICATION,
            aid[::-1]
            + bytes([key_settings, _AES_ISO_KEYS | keys])
            + iso_fid.to_bytes(2, "little")
            + df_name,
        )

    def create_std_data_file(
        self, file_no: int, access: FileAccess, shape: StdData, *, iso_fid: int
    ) -> None:
        """Create a standard data file of zeros."""
        self._command(
            Ins.CREATE_STD_DATA_FILE,
            bytes([file_no])
            + iso_fid.to_bytes(2, "little")
            + access.pack()
            + _uint24(shape.size_bytes),
        )

    def create_value_file(
        self, file_no: int, access: FileAccess, shape: Value, *, initial: int
    ) -> None:
        """Create a value file; it has no ISO file identifier."""
        limits = struct.pack("<iiiB", shape.lower, shape.upper, initial, shape.credit_flags)
        self._command(Ins.CREATE_VALUE_FILE, bytes([file_no]) + access.pack() + limits)

    def create_cyclic_record_file(
        self, file_no: int, access: FileAccess, shape: CyclicRecords, *, iso_fid: int
    ) -> None:
        """Create an empty cyclic record file."""
        self._command(
            Ins.CREATE_CYCLIC_RECORD_FILE,
            bytes([file_no])
            + iso_fid.to_bytes(2, "little")
            + access.pack()
            + _uint24(shape.record_bytes)
            + _uint24(shape.records_max),
        )

    def create_transaction_mac_file(
        self, file_no: int, access: FileAccess, shape: TransactionMac, *, key: bytes
    ) -> None:
        """Create the application's one TMAC file; its key can never be changed or read."""
        must(len(key) == KEY_BYTES, "an AES-128 key has 16 bytes")
        self._command(
            Ins.CREATE_TRANSACTION_MAC_FILE,
            bytes([file_no]) + access.pack() + bytes([_KEY_OPTION_AES]),
            key + bytes([shape.key_version]),
            mode=CommMode.FULL,
        )

    def get_file_ids(self) -> frozenset[int]:
        """Numbers of the files in the selected application."""
        return frozenset(self._command(Ins.GET_FILE_IDS))

    def get_file_settings(self, file_no: int) -> FileSettings:
        """What a file is."""
        return parse_settings(self._command(Ins.GET_FILE_SETTINGS, bytes([file_no])))

    def change_file_settings(self, file_no: int, access: FileAccess) -> None:
        """Change protection and rights of a file."""
        self._command(Ins.CHANGE_FILE_SETTINGS, bytes([file_no]), access.pack(), mode=CommMode.FULL)

    # Data, each in the mode of its file

    def read_data(self, file_no: int, *, offset: int, length: int, mode: CommMode) -> bytes:
        """Read 1 to READ_BYTES_MAX bytes of a data file, or of the TMAC file."""
        must(0 < length <= READ_BYTES_MAX, "one ReadData answers 1 to 240 bytes")
        header = bytes([file_no]) + _uint24(offset) + _uint24(length)
        return self._command(Ins.READ_DATA, header, mode=mode, answer_bytes=length)

    def write_data(self, file_no: int, data: bytes, *, offset: int, mode: CommMode) -> None:
        """Write 1 to WRITE_BYTES_MAX bytes of a data file."""
        must(0 < len(data) <= WRITE_BYTES_MAX, "one WriteData carries 1 to 240 bytes")
        header = bytes([file_no]) + _uint24(offset) + _uint24(len(data))
        self._command(Ins.WRITE_DATA, header, data, mode=mode)

    def get_value(self, file_no: int, *, mode: CommMode) -> int:
        """The committed value of a value file."""
        answer = self._command(Ins.GET_VALUE, bytes([file_no]), mode=mode, answer_bytes=4)
        return int.from_bytes(answer, "little", signed=True)

    def debit(self, file_no: int, amount: int, *, mode: CommMode) -> None:
        """Take an amount off a value file, when the transaction commits."""
        data = amount.to_bytes(4, "little", signed=True)
        self._command(Ins.DEBIT, bytes([file_no]), data, mode=mode)

    def write_record(self, file_no: int, record: bytes, *, mode: CommMode) -> None:
        """Append a record, when the transaction commits."""
        header = bytes([file_no]) + _uint24(0) + _uint24(len(record))
        self._command(Ins.WRITE_RECORD, header, record, mode=mode)

    def read_records(
        self, file_no: int, *, first: int = 0, count: int, record_bytes: int, mode: CommMode
    ) -> tuple[bytes, ...]:
        """Read `count` records, oldest first; `first` 0 is the newest, `count` 0 all from there on.

        Raises BoundaryExceeded when there are fewer, also for 0 when there is none. The card
        refuses more than a short answer carries, READ_BYTES_MAX.
        """
        must(count * record_bytes <= READ_BYTES_MAX, "one ReadRecords answers 240 bytes at most")
        header = bytes([file_no]) + _uint24(first) + _uint24(count)
        answer = self._command(Ins.READ_RECORDS, header, mode=mode)
        if len(answer) % record_bytes or (count and len(answer) != count * record_bytes):
            self.distrust(f"{len(answer)} bytes are not {count} records")
        return tuple(
            answer[start : start + record_bytes] for start in range(0, len(answer), record_bytes)
        )

    # The transaction

    def commit_reader_id(self, reader_id: bytes) -> bytes:
        """Name the reader of this transaction; answers that of the last one, encrypted."""
        must(len(reader_id) == TMRI_BYTES, "a reader id has 16 bytes")
        return self._command(
            Ins.COMMIT_READER_ID, b"", reader_id, mode=CommMode.MAC, answer_bytes=TMRI_BYTES
        )

    def commit_transaction(self) -> tuple[int, bytes]:
        """Make everything pending true, at once; answers the transaction's TMC and TMV.

        After any exception nobody knows whether the card executed it: an error has no MAC.
        """
        answer = self._command(
            Ins.COMMIT_TRANSACTION,
            _COMMIT_RETURNS_TMV,
            mode=CommMode.MAC,
            answer_bytes=TMAC_BYTES,
        )
        return int.from_bytes(answer[:TMC_BYTES], "little"), answer[TMC_BYTES:]

    def abort_transaction(self) -> None:
        """Throw away everything pending; the session goes on."""
        self._command(Ins.ABORT_TRANSACTION, mode=CommMode.MAC)

    # Frames

    def exchange(self, ins: int, payload: bytes) -> tuple[bytes, int]:
        """One frame as it stands, outside any EV2 session, which ends: answer and status word."""
        self._channel = None
        return self._exchange(apdu.native(ins, payload))

    def _command(
        self,
        ins: Ins,
        header: bytes = b"",
        data: bytes = b"",
        *,
        mode: CommMode | None = None,
        answer_bytes: int | None = None,
        success: StatusWord = StatusWord.OK,
    ) -> bytes:
        """Send one command and return its plain answer.

        Without a `mode` it is a command that the card wants with a MAC in a session, and in plain
        outside one. `answer_bytes` is the only length believed.
        """
        if mode is None:
            mode = CommMode.MAC if self._channel else CommMode.PLAIN
        channel = self._open_channel() if mode is not CommMode.PLAIN else self._channel
        payload = (
            channel.wrap(ins, header=header, data=data, mode=mode) if channel else header + data
        )
        answer = self._frames(ins, payload, success, mode)
        if channel:
            try:
                answer = channel.unwrap(success & 0xFF, answer, mode)
            except CardAnswerInvalid as error:
                self.distrust(str(error))
        if answer_bytes is not None and len(answer) != answer_bytes:
            self.distrust(f"{len(answer)} bytes where {answer_bytes} belong")
        return answer

    def _frames(self, ins: Ins, payload: bytes, success: StatusWord, mode: CommMode) -> bytes:
        """One command and the frames that follow its first answer, as one answer."""
        answer, status = self._exchange(apdu.native(ins, payload), mode)
        for _ in range(_FRAMES_MAX):
            if status != StatusWord.ADDITIONAL_FRAME:
                break
            more, status = self._exchange(apdu.native(Ins.ADDITIONAL_FRAME), mode)
            answer += more
        if status != success:
            self._channel = None
            raise refusal(ins, status)
        return answer

    def _exchange(self, command: bytes, mode: CommMode = CommMode.PLAIN) -> tuple[bytes, int]:
        if not self._usable:
            raise CardLost("this connection already failed; present the card again")
        self.exchanges += 1
        is_logged = logger.isEnabledFor(TRAFFIC)
        if is_logged:
            logger.log(TRAFFIC, traffic.sent(command, mode))
        try:
            answer = self._connection.transceive(command)
        except CardError:
            self._usable = False
            raise
        if is_logged:
            logger.log(TRAFFIC, traffic.received(command, answer, mode))
        if len(answer) < 2:
            self.distrust(f"an answer of {len(answer)} bytes")
        return answer[:-2], int.from_bytes(answer[-2:])

    def _open_channel(self) -> SecureChannel:
        if self._channel is None:
            raise CardLost("the secure channel ended with an earlier error")
        return self._channel


def _uint24(value: int) -> bytes:
    return value.to_bytes(3, "little")
