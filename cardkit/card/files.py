"""What a DESFire file is: who may use it, how it is protected, and its type's own settings.

One description serves three ends: the layout says what a file shall be, a create command packs
it, and GetFileSettings parses into it, so that reading back is one `==` (byte layouts: LIGHT-DS).
"""

from __future__ import annotations

import struct
from dataclasses import field
from enum import IntEnum, unique

from cardkit.card.secure import CommMode
from cardkit.errors import CardAnswerInvalid
from cardkit.frozen import dataclass

FREE = 0xE
NEVER = 0xF

_MODES = {0: CommMode.PLAIN, 1: CommMode.MAC, 2: CommMode.PLAIN, 3: CommMode.FULL}
_MODE_BITS = 0b11


@unique
class FileType(IntEnum):
    """The first byte of GetFileSettings."""

    STD_DATA = 0
    VALUE = 2
    CYCLIC_RECORD = 4
    TRANSACTION_MAC = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRights:
    """Key numbers 0 to 13, FREE or NEVER; in a TMAC file `read_write` is CommitReaderID."""

    read: int
    write: int
    read_write: int
    change: int

    def pack(self) -> bytes:
        """Two bytes, least significant first: RW ‖ Change, Read ‖ Write."""
        return bytes([self.read_write << 4 | self.change, self.read << 4 | self.write])

    @classmethod
    def unpack(cls, packed: bytes) -> AccessRights:
        """The reverse of `pack`."""
        low, high = packed
        return cls(read=high >> 4, write=high & 15, read_write=low >> 4, change=low & 15)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAccess:
    """Protection and rights; `flags` are the option bits beside the mode, and we use none."""

    mode: CommMode
    rights: AccessRights
    flags: int = 0

    def pack(self) -> bytes:
        """File option and access rights, 3 bytes."""
        return bytes([self.flags | self.mode]) + self.rights.pack()

    @classmethod
    def unpack(cls, packed: bytes) -> FileAccess:
        """The reverse of `pack`."""
        return cls(
            mode=_MODES[packed[0] & _MODE_BITS],
            rights=AccessRights.unpack(packed[1:]),
            flags=packed[0] & ~_MODE_BITS,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StdData:
    """A standard data file: written at once, without a transaction."""

    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value file; bit 0 of `credit_flags` is LimitedCredit, bit 1 free GetValue."""

    lower: int
    upper: int
    credit_flags: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CyclicRecords:
    """A cyclic record file: one of `records_max` is a spare, the others can be read."""

    record_bytes: int
    records_max: int
    records: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionMac:
    """The TMAC file, with an AES key that never leaves the card."""

    key_version: int


@dataclass(frozen=True, slots=True)
class FileSettings:
    """What GetFileSettings tells of one file."""

    access: FileAccess
    shape: StdData | Value | CyclicRecords | TransactionMac


def parse_settings(answer: bytes) -> FileSettings:
    """Read the answer of GetFileSettings.

    Raises CardAnswerInvalid when it is cut short or of a type that no layout of ours has. Bytes
    behind the known ones are further rights (announced in the flags) or a TMCLimit.
    """
    try:
        return FileSettings(FileAccess.unpack(answer[1:4]), _shape(FileType(answer[0]), answer[4:]))
    except (IndexError, ValueError, struct.error):
        raise CardAnswerInvalid(f"no file settings: {answer.hex()}") from None


def _shape(kind: FileType, tail: bytes) -> StdData | Value | CyclicRecords | TransactionMac:
    match kind:
        case FileType.STD_DATA:
            return StdData(size_bytes=_uint24(tail, 0))
        case FileType.VALUE:
            lower, upper, _, credit_flags = struct.unpack_from("<iiiB", tail)
            return Value(lower=lower, upper=upper, credit_flags=credit_flags)
        case FileType.CYCLIC_RECORD:
            return CyclicRecords(
                record_bytes=_uint24(tail, 0),
                records_max=_uint24(tail, 3),
                records=_uint24(tail, 6),
            )
        case FileType.TRANSACTION_MAC:
            return TransactionMac(key_version=tail[1])


def _uint24(data: bytes, offset: int) -> int:
    low, middle, high = struct.unpack_from("<BBB", data, offset)
    return int(low | middle << 8 | high << 16)
