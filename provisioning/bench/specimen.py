"""The card on the bench: which one is taken, how it is prepared, and how it is given back.

Only a card that nobody uses is taken, and nothing is done to it that can't be undone: no
SetConfiguration, no key but the PICC master key, which is all zero before and after. A card that
came with the factory's DES key has version DEh on its key meanwhile, so that an interrupted run
gives the DES key back all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

from cardkit.card.apdu import StatusRefused, refusal
from cardkit.card.desfire import PICC_AID, PICC_MASTER_KEY, Desfire, Version
from cardkit.card.files import NEVER, AccessRights, CyclicRecords, FileAccess, StdData, Value
from cardkit.card.issuing import ZERO_KEY
from cardkit.card.keys import AID_BYTES, NXP_ORIGINALITY, UID_BYTES, Chip, Originality
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.legacy import (
    has_des_key,
    make_master_key_aes,
    opens_with_factory_key,
    restore_factory_key,
)
from cardkit.card.secure import CommMode
from cardkit.errors import CardAnswerInvalid
from provisioning.bench.host import BenchHost, Cmd, Reply

AID = bytes.fromhex("F4BE0C")
DF_NAME = b"\xf0CLAF-BENCH"
KEY = ZERO_KEY
"""Every key of the bench's application: it protects nothing."""
TMAC_KEY = bytes.fromhex("BE0C") * 8
MASTER_KEY_NO, READER_KEY_NO = 0, 1
DATA_FILE, RECORDS_FILE, ODD_RECORDS_FILE, VALUE_FILE, TMAC_FILE = 0x00, 0x01, 0x02, 0x03, 0x0F
DATA_BYTES, RECORD_BYTES, ODD_RECORD_BYTES = 320, 32, 20
VALUE, VALUE_MAX = 100_000, 1_000_000

_CAME_WITH_DES = 0xDE
_HW_NATIVE, _HW_LIGHT = 0x01, 0x08
_HW_MAJORS = frozenset({0x12, 0x33})  # EV2, EV3
_KEYS = 5
_ALL_FREE = 0x0F  # KS1: the application is deleted at the end anyway
_ISO_FID = 0xBE0C
_WITH_LIMITED_CREDIT = 0x01
_TMAC_AES = 0x02
_TMAC_KEY_VERSION = b"\x01"


@unique
class Refusal(Enum):
    """Why a card is not taken; nothing was done to it."""

    OTHER_CARD = "This is not the card whose UID was given."
    NO_DESFIRE = "This card is no DESFire."
    LIGHT = "A DESFire Light has one fixed application, and the bench makes its own."
    OTHER_MODEL = "Only a DESFire EV2 or EV3 can be asked."
    PURSE = "This card carries a purse: it is somebody's money."
    OTHER_APPLICATIONS = "This card carries applications that the bench did not make."
    OTHER_KEY = "This card has a master key that is not the factory's: somebody uses it."


@dataclass(frozen=True, slots=True)
class Specimen:
    """A card that the bench may work on; `chip` None was signed by nobody we trust."""

    version: Version
    chip: Chip | None
    has_factory_key: bool


def examine(
    host: BenchHost, expected_uid: bytes, *, originality: Originality = NXP_ORIGINALITY
) -> Specimen | Refusal:
    """Look at the card without changing it; raises CardLost."""
    connection = host.connection
    if connection.uid != expected_uid or len(expected_uid) != UID_BYTES:
        return Refusal.OTHER_CARD
    if not connection.activation.speaks_apdus:
        return Refusal.NO_DESFIRE
    try:
        version = Desfire(connection).get_version()
    except (StatusRefused, CardAnswerInvalid):
        return Refusal.NO_DESFIRE
    if version.uid != expected_uid:
        return Refusal.OTHER_CARD
    return _refused_model(version) or _examine_inside(host, version, originality)


def _refused_model(version: Version) -> Refusal | None:
    if version.hw_type == _HW_LIGHT:
        return Refusal.LIGHT
    if version.hw_type != _HW_NATIVE or version.hw_major not in _HW_MAJORS:
        return Refusal.OTHER_MODEL
    return None


def _signed(card: Desfire, originality: Originality) -> Chip | None:
    try:
        return originality.chip(uid=card.uid, signature=card.read_sig())
    except StatusRefused:
        return None


def _examine_inside(
    host: BenchHost, version: Version, originality: Originality
) -> Specimen | Refusal:
    """Who made it, which applications there are, and whose master key it is."""
    chip = _signed(Desfire(host.connection), originality)
    if host.iso_select(CLAF_PURSE_1.df_name).ok:
        return Refusal.PURSE
    card = Desfire(host.connection)
    card.select_application(PICC_AID)
    has_factory_key = has_des_key(card)
    if has_factory_key:
        if not opens_with_factory_key(card, host.random):
            return Refusal.OTHER_KEY
        card.select_application(PICC_AID)
    else:
        if not host.authenticate(PICC_MASTER_KEY, ZERO_KEY).ok:
            return Refusal.OTHER_KEY
        marked = host.demand(Cmd.GET_KEY_VERSION, bytes([PICC_MASTER_KEY]))
        has_factory_key = marked == bytes([_CAME_WITH_DES])
    listed = host.demand(Cmd.GET_APPLICATION_IDS)
    aids = {listed[at : at + AID_BYTES][::-1] for at in range(0, len(listed), AID_BYTES)}
    if CLAF_PURSE_1.aid in aids:
        return Refusal.PURSE
    if aids - {AID}:
        return Refusal.OTHER_APPLICATIONS
    return Specimen(version, chip, has_factory_key)


def prepare(host: BenchHost) -> int:
    """Empty the card, make its key AES, and make the bench's application.

    Answers the free memory before, in bytes; raises CardError, and may then be called again.
    """
    card = Desfire(host.connection)
    card.select_application(PICC_AID)
    if has_des_key(card):
        make_master_key_aes(card, ZERO_KEY, version=_CAME_WITH_DES, random=host.random)
    free_bytes = format_card(host)
    _create_application(card)
    create_tmac_file(host, reader_id_key=READER_KEY_NO)
    return free_bytes


def format_card(host: BenchHost) -> int:
    """Delete every application, and answer the free memory; raises CardError."""
    authenticate_picc(host)
    host.demand(Cmd.FORMAT_PICC)
    authenticate_picc(host)
    return int.from_bytes(host.demand(Cmd.FREE_MEM), "little")


def give_back(host: BenchHost, specimen: Specimen) -> None:
    """Leave the card empty and with the kind of key that it came with; raises CardError."""
    card = Desfire(host.connection)
    card.select_application(PICC_AID)
    if has_des_key(card):
        return  # an attempt before this one did everything, and only its answer was lost
    authenticate_picc(host)
    if not host.send(Cmd.FORMAT_PICC).ok:  # some owner has disabled it for good
        authenticate_picc(host)
        host.send(Cmd.DELETE_APPLICATION, AID[::-1])
    if specimen.has_factory_key:
        card.select_application(PICC_AID)
        card.authenticate_ev2_first(PICC_MASTER_KEY, ZERO_KEY, random=host.random)
        restore_factory_key(card)


def authenticate_picc(host: BenchHost) -> None:
    """Open a session of the PICC master key; raises CardError."""
    _demand_ok(Cmd.SELECT_APPLICATION, host.select(PICC_AID))
    _demand_ok(Cmd.AUTHENTICATE_FIRST, host.authenticate(PICC_MASTER_KEY, ZERO_KEY))


def open_application(host: BenchHost, key_no: int) -> None:
    """Open a session, and a transaction, of the bench's application; raises CardError."""
    _demand_ok(Cmd.SELECT_APPLICATION, host.select(AID))
    _demand_ok(Cmd.AUTHENTICATE_FIRST, host.authenticate(key_no, KEY))


def create_tmac_file(host: BenchHost, *, reader_id_key: int) -> None:
    """Make the Transaction MAC file, after deleting an older one; raises CardError."""
    open_application(host, MASTER_KEY_NO)
    if host.send(Cmd.GET_FILE_SETTINGS, bytes([TMAC_FILE])).ok:
        host.demand(Cmd.DELETE_FILE, bytes([TMAC_FILE]))
    else:
        open_application(host, MASTER_KEY_NO)
    header = bytes([TMAC_FILE]) + _tmac_access(reader_id_key) + bytes([_TMAC_AES])
    data = TMAC_KEY + _TMAC_KEY_VERSION
    host.demand(Cmd.CREATE_TRANSACTION_MAC_FILE, header, data, mode=CommMode.FULL)


def repair(host: BenchHost) -> None:
    """Make the Transaction MAC file again where a loss left none, or one with other rights."""
    if not host.select(AID).ok:
        return
    open_application(host, MASTER_KEY_NO)
    settings = host.send(Cmd.GET_FILE_SETTINGS, bytes([TMAC_FILE]))
    if not settings.ok or settings.data[1:4] != _tmac_access(READER_KEY_NO):
        create_tmac_file(host, reader_id_key=READER_KEY_NO)


def _tmac_access(reader_id_key: int) -> bytes:
    rights = AccessRights(
        read=READER_KEY_NO, write=NEVER, read_write=reader_id_key, change=MASTER_KEY_NO
    )
    return FileAccess(mode=CommMode.MAC, rights=rights).pack()


def _create_application(card: Desfire) -> None:
    card.select_application(PICC_AID)
    card.authenticate_ev2_first(PICC_MASTER_KEY, ZERO_KEY)
    card.create_application(
        AID, key_settings=_ALL_FREE, keys=_KEYS, iso_fid=_ISO_FID, df_name=DF_NAME
    )
    card.select_application(AID)
    card.authenticate_ev2_first(MASTER_KEY_NO, KEY)
    card.create_std_data_file(
        DATA_FILE, _access(CommMode.MAC), StdData(size_bytes=DATA_BYTES), iso_fid=0xE100
    )
    for number, size in ((RECORDS_FILE, RECORD_BYTES), (ODD_RECORDS_FILE, ODD_RECORD_BYTES)):
        shape = CyclicRecords(record_bytes=size, records_max=4)
        card.create_cyclic_record_file(
            number, _access(CommMode.MAC), shape, iso_fid=0xE100 + number
        )
    limits = Value(lower=0, upper=VALUE_MAX, credit_flags=_WITH_LIMITED_CREDIT)
    card.create_value_file(VALUE_FILE, _access(CommMode.FULL), limits, initial=VALUE)


def _access(mode: CommMode) -> FileAccess:
    rights = AccessRights(
        read=READER_KEY_NO, write=READER_KEY_NO, read_write=READER_KEY_NO, change=MASTER_KEY_NO
    )
    return FileAccess(mode=mode, rights=rights)


def _demand_ok(cmd: Cmd, reply: Reply) -> None:
    if not reply.ok:
        raise refusal(cmd, reply.status)
