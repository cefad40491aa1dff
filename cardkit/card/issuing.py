"""From a blank DESFire EV2 or EV3 to an issued purse, and a look at what a card is.

The order matters: the application's keys are secret before the TMAC key is sent, its settings are
closed before anything is worth stealing, everything is read back, and the last step is a committed
transaction that only a card with the right TMAC key can prove. A tear anywhere before that leaves
a card that `wipe` makes blank again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import field
from enum import Enum, unique

from cardkit.card.aes import KEY_BYTES
from cardkit.card.apdu import AuthenticationRefused, StatusRefused
from cardkit.card.connection import CardConnection
from cardkit.card.desfire import (
    PICC_AID,
    PICC_MASTER_KEY,
    Desfire,
    RandomBytes,
    Version,
)
from cardkit.card.files import CyclicRecords, FileSettings, StdData, TransactionMac, Value
from cardkit.card.keys import NXP_ORIGINALITY, UID_BYTES, Chip, Originality
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.legacy import has_des_key, make_master_key_aes
from cardkit.card.profile import CardFile, CardProfile
from cardkit.card.session import PurseSession
from cardkit.card.tmac import NO_TMRI, TmacState
from cardkit.card.token import ReaderId, SaleRecord
from cardkit.errors import Bug, CardNotIssuable
from cardkit.frozen import dataclass

ZERO_KEY = bytes(KEY_BYTES)
"""The AES key of a blank application, and what a factory card's DES key becomes on the way."""

BIRTH_READER = ReaderId.unpack(NO_TMRI)
"""No terminal: what the card answers, encrypted, to its first sale."""

_HW_NATIVE = 0x01
_HW_MAJORS = frozenset({0x12, 0x33})  # EV2, EV3
_PICC_FLAGS = 0x00
_NO_VERSION = 0x00
_FIRST_SLOT = 0


@unique
class Step(Enum):
    """Where issuing stands, for a progress bar."""

    CHECK = "check the blank card"
    PICC = "give the card its master key"
    APPLICATION = "create the application and its files"
    KEYS = "give the application its keys"
    TMAC = "create the Transaction MAC file"
    CLOSE = "close the settings"
    READ_BACK = "read everything back"
    ALLOWANCE = "write the first allowance"
    BIRTH = "commit the birth transaction"


Progress = Callable[[Step], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneCardKeys:
    """The keys of one card, diversified; `version` is stored beside each, `closed` is keys 2 to 4.

    `version` is that of the key-1 master, so that a reader can tell which one a card answers to.
    """

    picc_master: bytes = field(repr=False)
    app_master: bytes = field(repr=False)
    terminal: bytes = field(repr=False)
    closed: bytes = field(repr=False)
    tmac: bytes = field(repr=False)
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BirthProof:
    """The card's first committed transaction; it counts as issued once the service verified it."""

    uid: bytes
    tmc: int
    tmv: bytes
    enc_tmri: bytes
    spent_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PurseContents:
    """What only this card's keys can read."""

    settings: Mapping[int, FileSettings]
    spent_cents: int
    tmac: TmacState
    records: tuple[SaleRecord | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardReport:
    """What a card is; `purse` is None when it was not asked for, or is not there."""

    uid: bytes
    version: Version
    original: Chip | None
    has_application: bool
    purse: PurseContents | None


def _silent(step: Step) -> None:
    """Tell nobody."""


def personalise(
    connection: CardConnection,
    keys: OneCardKeys,
    *,
    profile: CardProfile = CLAF_PURSE_1,
    picc_key: bytes = ZERO_KEY,
    originality: Originality | None = NXP_ORIGINALITY,
    allowance: bytes | None = None,
    random: RandomBytes = os.urandom,
    progress: Progress = _silent,
) -> BirthProof:
    """Make a blank card a purse. It comes with the factory's DES key, or the AES key `picc_key`.

    `originality` None is for cards without silicon. Raises CardNotIssuable when the card is not
    blank, of another kind, not NXP's, or not what the layout says when read back; and
    AuthenticationRefused when its PICC master key is neither `picc_key` nor its own.
    """
    card = Desfire(connection)
    progress(Step.CHECK)
    _check_blank(card, profile, originality)
    progress(Step.PICC)
    _take_over(card, keys, profile, picc_key, random)
    progress(Step.APPLICATION)
    _create_application(card, profile)
    _authenticate(card, profile, ZERO_KEY, random)
    for file in (*profile.slots, profile.records, profile.value):
        _create_file(card, profile, file, tmac_key=keys.tmac)
    progress(Step.KEYS)
    _change_keys(card, keys, profile)
    progress(Step.TMAC)
    _authenticate(card, profile, keys.app_master, random)
    _create_file(card, profile, profile.tmac, tmac_key=keys.tmac)
    progress(Step.CLOSE)
    card.change_key_settings(profile.closed_key_settings)
    progress(Step.READ_BACK)
    _read_back(card, keys, profile)
    purse = PurseSession.open_with_key(connection, keys.terminal, profile=profile, random=random)
    if allowance is not None:
        progress(Step.ALLOWANCE)
        purse.write_allowance(_FIRST_SLOT, allowance)
        purse.clear()
    progress(Step.BIRTH)
    return _birth(purse)


def is_issuable(version: Version) -> bool:
    """Say whether a chip is of a kind that can be a purse: a DESFire EV2 or EV3 made as one."""
    return version.hw_type == _HW_NATIVE and version.hw_major in _HW_MAJORS


def wipe(
    connection: CardConnection,
    keys: OneCardKeys,
    *,
    picc_key: bytes = ZERO_KEY,
    random: RandomBytes = os.urandom,
) -> None:
    """Make a card blank again, whatever a torn issue left; everything on it is gone for good.

    It keeps its own PICC master key, which `personalise` then finds.
    """
    card = Desfire(connection)
    _authenticate_picc(card, keys, picc_key, random)
    card.format_picc()


def inspect(
    connection: CardConnection,
    keys: OneCardKeys | None,
    *,
    profile: CardProfile = CLAF_PURSE_1,
    originality: Originality = NXP_ORIGINALITY,
    random: RandomBytes = os.urandom,
) -> CardReport:
    """Look at a card without changing it; its contents only with its keys."""
    card = Desfire(connection)
    version = card.get_version()
    original = _original(card, originality)
    has_application = _selects(card, profile)
    return CardReport(
        uid=card.uid,
        version=version,
        original=original,
        has_application=has_application,
        purse=_contents(connection, keys, profile, random) if keys and has_application else None,
    )


# Steps of issuing


def _check_blank(card: Desfire, profile: CardProfile, originality: Originality | None) -> None:
    if len(card.uid) != UID_BYTES:
        raise CardNotIssuable(f"a UID of {len(card.uid)} bytes")
    version = card.get_version()
    if not is_issuable(version):
        raise CardNotIssuable(f"hardware {version.hw_type:02X}.{version.hw_major:02X}")
    if version.uid != card.uid:
        raise CardNotIssuable("the card's version names another UID")
    if originality is not None and _original(card, originality) is None:
        raise CardNotIssuable("nobody we trust signed this chip")
    if _selects(card, profile):
        raise CardNotIssuable("the card already carries our application: wipe it first")


def _take_over(
    card: Desfire, keys: OneCardKeys, profile: CardProfile, picc_key: bytes, random: RandomBytes
) -> None:
    """Make the PICC master key this card's own, and allow nothing without it."""
    if _authenticate_picc(card, keys, picc_key, random) != keys.picc_master:
        card.change_picc_master_key(keys.picc_master, version=keys.version)
        card.authenticate_ev2_first(PICC_MASTER_KEY, keys.picc_master, random=random)
    card.set_configuration(_PICC_FLAGS, bytes([profile.picc_flags]))
    card.change_key_settings(profile.picc_key_settings)


def _authenticate_picc(
    card: Desfire, keys: OneCardKeys, picc_key: bytes, random: RandomBytes
) -> bytes:
    """Open a session of the PICC master key, which may already be the card's own; say which.

    A factory key becomes a zero AES key first, so that no secret ever travels under DES.
    """
    card.select_application(PICC_AID)
    if has_des_key(card):
        make_master_key_aes(card, ZERO_KEY, version=_NO_VERSION, random=random)
        picc_key = ZERO_KEY
    try:
        card.authenticate_ev2_first(PICC_MASTER_KEY, picc_key, random=random)
    except AuthenticationRefused:
        card.select_application(PICC_AID)
        card.authenticate_ev2_first(PICC_MASTER_KEY, keys.picc_master, random=random)
        return keys.picc_master
    return picc_key


def _create_application(card: Desfire, profile: CardProfile) -> None:
    card.create_application(
        profile.aid,
        key_settings=profile.building_key_settings,
        keys=profile.keys,
        iso_fid=profile.iso_fid,
        df_name=profile.df_name,
    )
    card.select_application(profile.aid)


def _authenticate(card: Desfire, profile: CardProfile, key: bytes, random: RandomBytes) -> None:
    card.authenticate_ev2_first(profile.app_master_key_no, key, random=random)


def _create_file(card: Desfire, profile: CardProfile, file: CardFile, *, tmac_key: bytes) -> None:
    access = file.settings.access
    match file.settings.shape:
        case StdData() as shape:
            card.create_std_data_file(file.number, access, shape, iso_fid=_fid(file))
        case CyclicRecords() as shape:
            card.create_cyclic_record_file(file.number, access, shape, iso_fid=_fid(file))
        case Value() as shape:
            card.create_value_file(file.number, access, shape, initial=profile.initial_value)
        case TransactionMac() as shape:
            card.create_transaction_mac_file(file.number, access, shape, key=tmac_key)


def _fid(file: CardFile) -> int:
    if file.iso_fid is None:
        raise Bug("data and record files have an ISO file identifier")
    return file.iso_fid


def _change_keys(card: Desfire, keys: OneCardKeys, profile: CardProfile) -> None:
    """Every key from zero to its own, the session's own one last."""
    for key_no in range(profile.keys):
        if key_no != profile.app_master_key_no:
            new = keys.terminal if key_no == profile.terminal_key_no else keys.closed
            card.change_other_key(key_no, old=ZERO_KEY, new=new, version=keys.version)
    card.change_own_key(profile.app_master_key_no, keys.app_master, version=keys.version)


def _read_back(card: Desfire, keys: OneCardKeys, profile: CardProfile) -> None:
    """Raise CardNotIssuable unless the card is what the layout says, file by file."""
    if card.get_file_ids() != {file.number for file in profile.files}:
        raise CardNotIssuable("other files than the layout's")
    for file in profile.files:
        settings = card.get_file_settings(file.number)
        if settings != file.settings:
            raise CardNotIssuable(f"file {file.number:02X} is {settings}")
    for key_no in range(profile.keys):
        version = card.get_key_version(key_no)
        if version != keys.version:
            raise CardNotIssuable(f"key {key_no} has version {version}")


def _birth(purse: PurseSession) -> BirthProof:
    spent_cents = purse.spent_cents()
    enc_tmri = purse.commit_reader_id(BIRTH_READER)
    proof = purse.commit()
    return BirthProof(
        uid=purse.uid,
        tmc=proof.tmc,
        tmv=proof.tmv,
        enc_tmri=enc_tmri,
        spent_cents=spent_cents,
    )


# Looking at a card


def _original(card: Desfire, originality: Originality) -> Chip | None:
    try:
        signature = card.read_sig()
    except StatusRefused:
        return None
    return originality.chip(uid=card.uid, signature=signature)


def _selects(card: Desfire, profile: CardProfile) -> bool:
    try:
        card.iso_select(profile.df_name)
    except StatusRefused:
        return False
    return True


def _contents(
    connection: CardConnection, keys: OneCardKeys, profile: CardProfile, random: RandomBytes
) -> PurseContents:
    card = Desfire(connection)
    card.iso_select(profile.df_name)
    _authenticate(card, profile, keys.app_master, random)
    settings = {no: card.get_file_settings(no) for no in sorted(card.get_file_ids())}
    purse = PurseSession.open_with_key(connection, keys.terminal, profile=profile, random=random)
    return PurseContents(
        settings=settings,
        spent_cents=purse.spent_cents(),
        tmac=purse.tmac(),
        records=purse.records(),
    )
