"""Commands of the card and of an application: selection, keys, settings, identity."""

from __future__ import annotations

from simulator.desfire.crypto import BLOCK, jamcrc, xor
from simulator.desfire.des import DES_KEY_BYTES, key_version
from simulator.desfire.memory import (
    AID_BYTES,
    APPLICATION_BYTES,
    KEYS_MAX,
    ROOT_AID,
    Application,
    Key,
    KeyKind,
    KeySetting,
)
from simulator.desfire.state import CardState
from simulator.desfire.status import Fault, Status, require

AES_KEYS = 0x80
KEY_TYPE_MASK = 0xC0
ISO_FIDS = 0x20
THIRD_SETTINGS = 0x10
DELETE_WITH_MASTER_KEY = 0x10
KEY_SETS = 0x01
KEY_NO_MASK = 0x3F
FLAGS_OPTION, DEFAULT_KEY_OPTION = 0x00, 0x01
# ATS, SAK, secure messaging, capability data, virtual card, ATQA: kept, and without effect here.
STORED_OPTIONS = frozenset({0x02, 0x03, 0x04, 0x05, 0x06, 0x0C})
# ChangeKey rights in the high nibble of KS1 (D40 4.3.2).
CHANGE_WITH_SAME_KEY, CHANGE_NEVER = 0xE, 0xF
BATCH_AND_DATE = bytes.fromhex("CF12345678 0126")


def select_application(state: CardState, _ins: int, body: bytes) -> bytes:
    """SelectApplication 5A: AID on the wire LSB first, 000000 for the PICC level."""
    state.select(_application(state, body))
    return b""


def get_version(state: CardState, _ins: int, _body: bytes) -> bytes:
    """GetVersion 60: hardware, software and production data, 7 + 7 + 14 bytes."""
    model, uid = state.memory.model, state.memory.uid
    return model.hardware_frame() + model.software_frame() + uid + BATCH_AND_DATE


def get_card_uid(state: CardState, _ins: int, _body: bytes) -> bytes:
    """GetCardUID 51: only inside a session."""
    require(state.session is not None, Status.AUTHENTICATION_ERROR)
    return state.memory.uid


def free_memory(state: CardState, _ins: int, _body: bytes) -> bytes:
    """FreeMem 6E."""
    return state.memory.free_bytes.to_bytes(3, "little")


def read_signature(state: CardState, _ins: int, body: bytes) -> bytes:
    """Read_Sig 3C 00: the static originality signature, r and s of 28 bytes each."""
    require(body == b"\x00", Status.PARAMETER_ERROR)
    return state.memory.signature


def create_application(state: CardState, _ins: int, body: bytes) -> bytes:
    """CreateApplication CA: AID, KS1, KS2, KS3, ISO FID and DF name; AES without key sets."""
    state.require_root()
    state.require_master_key_unless(KeySetting.FREE_CREATE_DELETE)
    aid, key_settings, keys, rest = body[:3][::-1], body[3], body[4], body[5:]
    third = 0
    if keys & THIRD_SETTINGS:
        require(bool(rest), Status.LENGTH_ERROR)
        third, rest = rest[0], rest[1:]
    require(len(rest) != 1 and (bool(rest) or not keys & ISO_FIDS), Status.LENGTH_ERROR)
    count, iso_fid, df_name = keys & 0x0F, rest[:2][::-1], rest[2:]
    require(1 <= count <= KEYS_MAX, Status.PARAMETER_ERROR)
    require(keys & KEY_TYPE_MASK == AES_KEYS and not third & KEY_SETS, Status.PARAMETER_ERROR)
    memory = state.memory
    known = aid == ROOT_AID or aid in memory.applications
    named = memory.by_iso_fid(iso_fid) or memory.by_df_name(df_name)
    require(not known and named is None, Status.DUPLICATE)
    memory.take(APPLICATION_BYTES + count * BLOCK)
    default = memory.default_key
    memory.applications[aid] = Application(
        aid,
        key_settings,
        [Key(default.value, default.version) for _ in range(count)],
        iso_fids=bool(keys & ISO_FIDS),
        iso_fid=iso_fid,
        df_name=df_name,
        delete_with_master_key=bool(third & DELETE_WITH_MASTER_KEY),
    )
    return b""


def delete_application(state: CardState, _ins: int, body: bytes) -> bytes:
    """DeleteApplication DA: by the PICC master key, or by the application's own where allowed."""
    app = _application(state, body)
    require(not app.is_root, Status.APPLICATION_NOT_FOUND)
    if state.app is app:
        by_own_key = app.delete_with_master_key or state.memory.root.allows(
            KeySetting.FREE_CREATE_DELETE
        )
        require(by_own_key, Status.PERMISSION_DENIED)
    else:
        state.require_root()
    state.require_key(0)
    del state.memory.applications[app.aid]
    if state.app is app:
        state.select(state.memory.root)
    return b""


def format_picc(state: CardState, _ins: int, _body: bytes) -> bytes:
    """FormatPICC FC: every application is gone and its memory free again."""
    state.require_root()
    state.require_key(0)
    require(not state.memory.format_disabled, Status.PERMISSION_DENIED)
    state.memory.applications.clear()
    state.memory.used_bytes = 0
    return b""


def get_application_ids(state: CardState, _ins: int, _body: bytes) -> bytes:
    """GetApplicationIDs 6A."""
    state.require_root()
    state.require_master_key_unless(KeySetting.FREE_LISTING)
    return b"".join(aid[::-1] for aid in state.memory.applications)


def get_key_settings(state: CardState, _ins: int, _body: bytes) -> bytes:
    """GetKeySettings 45: KS1, and number and kind of keys."""
    state.require_master_key_unless(KeySetting.FREE_LISTING)
    iso_fids = ISO_FIDS if state.app.iso_fids else 0
    keys = state.app.keys
    return bytes([state.app.key_settings, keys[0].kind | iso_fids | len(keys)])


def change_key_settings(state: CardState, _ins: int, body: bytes) -> bytes:
    """ChangeKeySettings 54."""
    state.require_key(0)
    require(state.app.allows(KeySetting.SETTINGS_CHANGEABLE), Status.PERMISSION_DENIED)
    state.app.key_settings = body[0]
    return b""


def get_key_version(state: CardState, _ins: int, body: bytes) -> bytes:
    """GetKeyVersion 64."""
    return bytes([state.app.key(body[0] & KEY_NO_MASK).version])


def change_key(state: CardState, _ins: int, body: bytes) -> bytes:
    """ChangeKey C4: the session's own key in clear, another one XORed and with its CRC.

    At the PICC level KeyNo says what the key becomes; a DES key carries its version in itself.
    """
    number, data = body[0] & KEY_NO_MASK, body[1:]
    if state.app.is_root:
        require(body[0] & KEY_TYPE_MASK in set(KeyKind), Status.PARAMETER_ERROR)
    require(state.session is not None, Status.AUTHENTICATION_ERROR)
    key = state.app.key(number)
    _require_change_right(state, number)
    if changes_own_key(state, body):
        _replace(key, KeyKind(body[0] & KEY_TYPE_MASK) if state.app.is_root else key.kind, data)
        return b""
    require(len(data) == BLOCK + 1 + 4, Status.LENGTH_ERROR)
    value = xor(key.value, data[:BLOCK])
    require(jamcrc(value) == data[BLOCK + 1 :], Status.INTEGRITY_ERROR)
    key.value, key.version = value, data[BLOCK]
    return b""


def changes_own_key(state: CardState, body: bytes) -> bool:
    """Whether ChangeKey replaces the key that the session was opened with."""
    return state.session is not None and state.session.key_no == body[0] & KEY_NO_MASK


def set_configuration(state: CardState, _ins: int, body: bytes) -> bytes:
    """SetConfiguration 5C: one-way flags, default key; other options are kept as they came."""
    state.require_root()
    state.require_key(0)
    option, data, memory = body[0], body[1:], state.memory
    if option == FLAGS_OPTION:
        require(len(data) == 1, Status.LENGTH_ERROR)
        before = memory.configuration.get(option, b"\x00")
        memory.configuration[option] = bytes([before[0] | data[0]])
    elif option == DEFAULT_KEY_OPTION:
        require(len(data) in (BLOCK + 1, 24 + 1), Status.LENGTH_ERROR)
        memory.default_key = Key(data[:BLOCK], data[-1])
    else:
        require(option in STORED_OPTIONS, Status.PARAMETER_ERROR)
        memory.configuration[option] = data
    return b""


def _replace(key: Key, kind: KeyKind, data: bytes) -> None:
    """Raises Fault LENGTH_ERROR; PARAMETER_ERROR for a DES key of two halves (2K3DES)."""
    require(len(data) == BLOCK + (kind is KeyKind.AES), Status.LENGTH_ERROR)
    value = data[:BLOCK]
    if kind is KeyKind.DES:
        require(value[:DES_KEY_BYTES] == value[DES_KEY_BYTES:], Status.PARAMETER_ERROR)
    version = data[BLOCK] if kind is KeyKind.AES else key_version(value)
    key.value, key.version, key.kind = value, version, kind


def _application(state: CardState, wire_aid: bytes) -> Application:
    aid = wire_aid[:AID_BYTES][::-1]
    if aid == ROOT_AID:
        return state.memory.root
    require(aid in state.memory.applications, Status.APPLICATION_NOT_FOUND)
    return state.memory.applications[aid]


def _require_change_right(state: CardState, number: int) -> None:
    """Raises Fault PERMISSION_DENIED unless KS1 lets this session change this key."""
    changer = state.app.key_settings >> 4
    if number in (0, changer):
        state.require_key(0)
        changeable = number != 0 or state.app.allows(KeySetting.MASTER_KEY_CHANGEABLE)
        require(changeable, Status.PERMISSION_DENIED)
    elif changer == CHANGE_WITH_SAME_KEY:
        state.require_key(number)
    elif changer == CHANGE_NEVER:
        raise Fault(Status.PERMISSION_DENIED)
    else:
        state.require_key(changer)
