"""Cards as the workshop hands them out: `claf-purse/1`, set straight into the memory.

docs/protocol.md, "The card". No APDU is exchanged: tests and the demo begin here when issuing
is not what they are about.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

from simulator.card import Behaviour, Model, VirtualCard
from simulator.desfire.crypto import BLOCK, diversified
from simulator.desfire.memory import (
    APPLICATION_BYTES,
    Application,
    DataFile,
    File,
    Key,
    RecordFile,
    TmacFile,
    ValueFile,
)
from simulator.desfire.state import Random

AID = bytes.fromhex("F4C1AF")
ISO_FID = bytes.fromhex("C1AF")
DF_NAME = b"\xf0CLAFOUTIS\x01"
DEMO_SYSTEM_ID = b"CLAF-FLERS"
SPENT_FILE, RECORD_FILE, TMAC_FILE = 0x03, 0x01, 0x0F
ALLOWANCE_FILES = (0x00, 0x04)
VALUE_AT_ISSUE = 0x7FFFFFFF
KEY_VERSION = 0x01
# docs/adr/0007: the card's own PICC master key can format it, and nothing else is free.
PICC_KEY_SETTINGS = 0x09
PICC_FLAGS = b"\x00"
# Only the application's master key changes keys; nothing is listed, created or deleted any more.
KEY_SETTINGS = 0x01
FULL, MAC = 0x03, 0x01


@dataclass(frozen=True, slots=True)
class IssuedKeys:
    """The AES-128 keys of one issued card; `closed` stands in key numbers 2 to 4."""

    picc: bytes = field(repr=False)
    app_master: bytes = field(repr=False)
    terminal: bytes = field(repr=False)
    tmac: bytes = field(repr=False)
    closed: bytes = field(repr=False)


def demo_master(role: str) -> bytes:
    """A master key that everybody may know: it protects cards that buy nothing."""
    return hashlib.sha256(f"clafoutis demo master: {role}".encode()).digest()[:BLOCK]


def demo_keys(uid: bytes, system_id: bytes = DEMO_SYSTEM_ID) -> IssuedKeys:
    """The demo masters diversified for one card (AN10922; M = UID, AID, system id)."""
    message = uid + AID + system_id
    names = ("picc", "app_master", "terminal", "tmac", "closed")
    return IssuedKeys(**{name: diversified(demo_master(name), message) for name in names})


def issued_card(
    uid: bytes,
    keys: IssuedKeys | None = None,
    *,
    random: Random = secrets.token_bytes,
    model: Model = Model.EV3,
    behaviour: Behaviour | None = None,
) -> VirtualCard:
    """A card with the purse on it, at TMC 0; demo keys unless others are given."""
    keys = keys or demo_keys(uid)
    card = VirtualCard(uid, random=random, model=model, behaviour=behaviour)
    memory = card.memory
    memory.root.key_settings = PICC_KEY_SETTINGS
    memory.root.keys = [Key(keys.picc, KEY_VERSION)]
    memory.configuration[0x00] = PICC_FLAGS
    app = _purse(keys)
    memory.applications[AID] = app
    footprints = (file.footprint_bytes() for file in app.files.values())
    memory.take(APPLICATION_BYTES + len(app.keys) * BLOCK + sum(footprints))
    return card


def _purse(keys: IssuedKeys) -> Application:
    values = (keys.app_master, keys.terminal, keys.closed, keys.closed, keys.closed)
    return Application(
        AID,
        KEY_SETTINGS,
        [Key(value, KEY_VERSION) for value in values],
        iso_fids=True,
        iso_fid=ISO_FID,
        df_name=DF_NAME,
        files=_files(keys),
    )


def _files(keys: IssuedKeys) -> dict[int, File]:
    """The table of docs/protocol.md; rights as on the wire: RW and Change, Read and Write."""
    files: dict[int, File] = {
        SPENT_FILE: ValueFile(FULL, bytes.fromhex("FF1F"), 0, VALUE_AT_ISSUE, VALUE_AT_ISSUE),
        RECORD_FILE: RecordFile(
            MAC, bytes.fromhex("FF11"), 32, 9, cyclic=True, iso_fid=_fid(RECORD_FILE)
        ),
        TMAC_FILE: TmacFile(MAC, bytes.fromhex("1F1F"), Key(keys.tmac, KEY_VERSION)),
    }
    for number in ALLOWANCE_FILES:
        files[number] = DataFile(MAC, bytes.fromhex("F011"), bytes(256), iso_fid=_fid(number))
    return files


def _fid(number: int) -> bytes:
    """E100 and up, kept as on the wire: LSB first."""
    return bytes([number, 0xE1])
