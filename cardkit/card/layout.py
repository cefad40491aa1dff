"""The card profile `claf-purse/1`, and what stands in its allowance slots.

`docs/protocol.md` ("The card") is the source. What only silicon can settle, the form of a TMI and
how it is cleared, is read from `claf_purse_1.toml`, which the workshop's bench writes: till,
workshop and service are built from one tree, so that they never disagree about it.
"""

from __future__ import annotations

from importlib.resources import files

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
from cardkit.card.profile import CardFile, CardProfile, ClearBy
from cardkit.card.profile_file import with_facts
from cardkit.card.secure import CommMode
from cardkit.errors import must

SLOT_BYTES = 256
SLOT_LENGTH_BYTES = 2
DOCUMENT_BYTES_MAX = SLOT_BYTES - SLOT_LENGTH_BYTES

_APP_MASTER_KEY = 0
_TERMINAL_KEY = 1
_KEY_VERSION = 1


def _access(mode: CommMode, *, write: int, read_write: int, change: int) -> FileAccess:
    rights = AccessRights(read=_TERMINAL_KEY, write=write, read_write=read_write, change=change)
    return FileAccess(mode=mode, rights=rights)


def _slot(number: int, *, iso_fid: int) -> CardFile:
    access = _access(CommMode.MAC, write=_TERMINAL_KEY, read_write=NEVER, change=_APP_MASTER_KEY)
    settings = FileSettings(access, StdData(size_bytes=SLOT_BYTES))
    return CardFile(number=number, settings=settings, iso_fid=iso_fid)


_VALUE_MAX = 0x7FFF_FFFF

_ASSUMED = CardProfile(
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
"""By the public documents alone."""

CLAF_PURSE_1 = with_facts(files(__package__).joinpath("claf_purse_1.toml").read_text(), _ASSUMED)


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
