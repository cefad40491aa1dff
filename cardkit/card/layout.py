"""Card profiles: every number that a purse application on a card consists of, as data.

`docs/protocol.md` ("The card") is the source. What is still to be settled on silicon, the TMI form
and how a TMI is cleared, is a datum here too, so that settling it changes no code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

from cardkit.card.apdu import Ins
from cardkit.card.files import (
    NEVER,
    AccessRights,
    CyclicRecords,
    FileAccess,
    FileSettings,
    StdData,
    TransactionMac,
    Value,
)
from cardkit.card.secure import CommMode
from cardkit.errors import Bug, must

SLOT_BYTES = 256
SLOT_LENGTH_BYTES = 2
DOCUMENT_BYTES_MAX = SLOT_BYTES - SLOT_LENGTH_BYTES

_APP_MASTER_KEY = 0
_TERMINAL_KEY = 1
_KEY_VERSION = 1


@unique
class ClearBy(Enum):
    """How a transaction is emptied of what was read before the sale."""

    REAUTHENTICATE = "AuthenticateEV2First: certain to start a new transaction"
    ABORT = "AbortTransaction: one exchange less, its status with only reads pending is not settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFile:
    """One file of the application; value and TMAC files have no ISO file identifier."""

    number: int
    settings: FileSettings
    iso_fid: int | None = None

    @property
    def mode(self) -> CommMode:
        """How its data commands are protected."""
        return self.settings.access.mode


@dataclass(frozen=True, slots=True, kw_only=True)
class CardProfile:
    """One kind of purse card.

    `aid` is written most significant byte first, as AN10922 takes it; on the wire it is reversed.
    `sale_tmi` and `birth_tmi` name, in order, the commands of a committed transaction that leave
    their mark in its Transaction MAC Input; GetValue is in both, or in neither.
    """

    name: str
    df_name: bytes
    aid: bytes
    iso_fid: int
    keys: int
    app_master_key_no: int
    terminal_key_no: int
    picc_flags: int
    picc_key_settings: int
    building_key_settings: int
    closed_key_settings: int
    initial_value: int
    value: CardFile
    records: CardFile
    slots: tuple[CardFile, CardFile]
    tmac: CardFile
    sale_tmi: tuple[Ins, ...]
    birth_tmi: tuple[Ins, ...]
    clear_by: ClearBy

    @property
    def files(self) -> tuple[CardFile, ...]:
        """Every file of the application."""
        return (*self.slots, self.records, self.value, self.tmac)

    @property
    def record_bytes(self) -> int:
        """The size of one sale record."""
        return self._records.record_bytes

    @property
    def records_readable(self) -> int:
        """How many sale records the card keeps."""
        return self._records.records_max - 1

    @property
    def _records(self) -> CyclicRecords:
        shape = self.records.settings.shape
        if not isinstance(shape, CyclicRecords):
            raise Bug("sales are kept in a cyclic record file")
        return shape


def _access(mode: CommMode, *, write: int, read_write: int, change: int) -> FileAccess:
    rights = AccessRights(read=_TERMINAL_KEY, write=write, read_write=read_write, change=change)
    return FileAccess(mode=mode, rights=rights)


def _slot(number: int, *, iso_fid: int) -> CardFile:
    access = _access(CommMode.MAC, write=_TERMINAL_KEY, read_write=NEVER, change=_APP_MASTER_KEY)
    settings = FileSettings(access, StdData(size_bytes=SLOT_BYTES))
    return CardFile(number=number, settings=settings, iso_fid=iso_fid)


_VALUE_MAX = 0x7FFF_FFFF

CLAF_PURSE_1 = CardProfile(
    name="claf-purse/1",
    df_name=b"\xf0CLAFOUTIS\x01",
    aid=bytes.fromhex("F4C1AF"),
    iso_fid=0xC1AF,
    keys=5,
    app_master_key_no=_APP_MASTER_KEY,
    terminal_key_no=_TERMINAL_KEY,
    picc_flags=0x00,  # a fixed UID; format stays, for a re-issued card, with the PICC master key
    picc_key_settings=0x09,  # key and settings changeable, no listing, no free create or delete
    building_key_settings=0x09,  # the same, and key 0 changes every key
    closed_key_settings=0x01,  # only keys can still be changed, by key 0; for good
    initial_value=_VALUE_MAX,
    value=CardFile(
        number=0x03,
        settings=FileSettings(
            _access(CommMode.FULL, write=NEVER, read_write=NEVER, change=NEVER),
            Value(lower=0, upper=_VALUE_MAX, credit_flags=0),
        ),
    ),
    records=CardFile(
        number=0x01,
        iso_fid=0xE101,
        settings=FileSettings(
            _access(CommMode.MAC, write=_TERMINAL_KEY, read_write=NEVER, change=NEVER),
            CyclicRecords(record_bytes=32, records_max=9),
        ),
    ),
    slots=(_slot(0x00, iso_fid=0xE100), _slot(0x04, iso_fid=0xE104)),
    tmac=CardFile(
        number=0x0F,
        settings=FileSettings(
            _access(CommMode.MAC, write=NEVER, read_write=_TERMINAL_KEY, change=NEVER),
            TransactionMac(key_version=_KEY_VERSION),
        ),
    ),
    sale_tmi=(Ins.GET_VALUE, Ins.DEBIT, Ins.WRITE_RECORD, Ins.COMMIT_READER_ID),
    birth_tmi=(Ins.GET_VALUE, Ins.COMMIT_READER_ID),
    clear_by=ClearBy.REAUTHENTICATE,
)


def encode_slot(document: bytes) -> bytes:
    """A whole allowance slot: length (2, big-endian) ‖ document ‖ zeros, 256 bytes."""
    must(0 < len(document) <= DOCUMENT_BYTES_MAX, "a slot holds 1 to 254 bytes")
    return (len(document).to_bytes(SLOT_LENGTH_BYTES) + document).ljust(SLOT_BYTES, b"\x00")


def slot_length(slot: bytes) -> int | None:
    """How long the document says it is, or None when the slot is empty or holds garbage."""
    length = int.from_bytes(slot[:SLOT_LENGTH_BYTES])
    return length if 0 < length <= DOCUMENT_BYTES_MAX else None


def decode_slot(slot: bytes) -> bytes | None:
    """The document in a slot, or None when it is empty or garbage; its signature judges the rest.

    `slot` may be cut behind the document, as a reader that saves an exchange leaves it.
    """
    length = slot_length(slot)
    if length is None or len(slot) < SLOT_LENGTH_BYTES + length:
        return None
    return slot[SLOT_LENGTH_BYTES : SLOT_LENGTH_BYTES + length]
