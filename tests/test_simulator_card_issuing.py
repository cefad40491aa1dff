"""How the virtual card is made: applications, keys, files, settings, and what they forbid."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.card import Behaviour, VirtualCard
from simulator.desfire.crypto import diversified, jamcrc, xor
from simulator.desfire.memory import MEMORY_BYTES
from simulator.desfire.status import Status
from simulator.issued import AID, VALUE_AT_ISSUE, IssuedKeys, demo_keys, demo_master, issued_card
from tests.desfire_host import (
    COMMIT,
    KEYS,
    READ,
    UID,
    WRITE,
    WRITE_RECORD,
    ZERO_KEY,
    Host,
    Refused,
    aes_blank,
    apdu,
    committed,
    number,
    opened,
    pay,
    refused,
    span,
    value_of,
    with_value_rights,
)

CREATE_APPLICATION, DELETE_APPLICATION, APPLICATION_IDS, FORMAT = 0xCA, 0xDA, 0x6A, 0xFC
GET_KEY_SETTINGS, CHANGE_KEY_SETTINGS, KEY_VERSION, CHANGE_KEY = 0x45, 0x54, 0x64, 0xC4
CREATE_DATA, CREATE_BACKUP, CREATE_VALUE, CREATE_CYCLIC, CREATE_LINEAR = (
    0xCD,
    0xCB,
    0xCC,
    0xC0,
    0xC1,
)
CREATE_TMAC, DELETE_FILE, FILE_IDS, ISO_FILE_IDS = 0xCE, 0xDF, 0x6F, 0x61
FILE_SETTINGS, CHANGE_FILE_SETTINGS, SET_CONFIGURATION, FREE_MEMORY = 0xF5, 0x5F, 0x5C, 0x6E
OTHER_AID = bytes.fromhex("A1B2C3")
PURSE_NAME = b"\xf0CLAFOUTIS\x01"


def root(card: VirtualCard, key: bytes = ZERO_KEY) -> Host:
    """A session with the PICC master key."""
    host = Host(card.transmit)
    host.plain(0x5A, bytes(3))
    host.authenticate(0, key)
    return host


def with_application(settings: str = "0F85", aid: bytes = OTHER_AID) -> VirtualCard:
    """A card with one application: KS1, KS2, keys all zero."""
    card = aes_blank()
    root(card).mac(CREATE_APPLICATION, aid[::-1] + bytes.fromhex(settings))
    return card


def inside(card: VirtualCard, key_no: int = 0, key: bytes = ZERO_KEY) -> Host:
    """A session with a key of that application."""
    host = Host(card.transmit)
    host.plain(0x5A, OTHER_AID[::-1])
    host.authenticate(key_no, key)
    return host


def new_key(old: bytes, new: bytes) -> bytes:
    """Data of ChangeKey for a key that is not the session's own."""
    return xor(old, new) + b"\x01" + jamcrc(new)


def test_blank_card_is_issued_by_commands_alone() -> None:
    """From an AES key to a sale: application, files, keys, settings, all over the air."""
    card = aes_blank()
    host = root(card)
    host.mac(CREATE_APPLICATION, AID[::-1] + bytes.fromhex("0BA5AFC1") + PURSE_NAME)
    host.select()
    host.authenticate(0, ZERO_KEY)
    limits = bytes(4) + number(VALUE_AT_ISSUE, 4)
    host.mac(CREATE_VALUE, bytes.fromhex("0303FF1F") + limits + number(VALUE_AT_ISSUE, 4) + b"\0")
    host.mac(CREATE_CYCLIC, bytes.fromhex("0101E101FF11") + number(32, 3) + number(9, 3))
    host.mac(CREATE_DATA, bytes.fromhex("0000E101F011") + number(256, 3))
    host.full(CREATE_TMAC, bytes.fromhex("0F011F1F02"), KEYS.tmac + b"\x01")
    host.full(CHANGE_KEY, b"\x01", new_key(ZERO_KEY, KEYS.terminal))
    assert host.mac(KEY_VERSION, b"\x01") == b"\x01"
    assert host.mac(FILE_IDS) == bytes([0x00, 0x01, 0x03, 0x0F])
    assert host.mac(ISO_FILE_IDS) == bytes.fromhex("00E101E1")
    expected = bytes.fromhex("0203FF1F00000000FFFFFF7F0000000000")
    assert host.mac(FILE_SETTINGS, b"\x03") == expected
    assert host.mac(FILE_SETTINGS, b"\x01") == bytes.fromhex("0401FF11200000090000000000")
    assert host.mac(FILE_SETTINGS, b"\x00") == bytes.fromhex("0001F011000100")
    assert host.mac(FILE_SETTINGS, b"\x0f") == bytes.fromhex("05011F1F0201")
    assert host.full(0x51) == UID
    assert pay(opened(card), 700)[0] == 1


def test_issued_card_is_what_issuing_makes() -> None:
    """The shortcut of tests and demo gives the files and key settings of docs/protocol.md."""
    host = opened(issued_card(UID), 0, KEYS.app_master)
    settings = {no: host.mac(FILE_SETTINGS, bytes([no])).hex() for no in host.mac(FILE_IDS)}
    assert settings == {
        0x00: "0001f011000100",
        0x01: "0401ff11200000090000000000",
        0x03: "0203ff1f00000000ffffff7f0000000000",
        0x04: "0001f011000100",
        0x0F: "05011f1f0201",
    }
    assert host.mac(GET_KEY_SETTINGS) == bytes.fromhex("01A5")


def test_issued_keys_are_the_ones_given() -> None:
    """A card made with explicit keys opens with them, and shows none of them when printed."""
    keys = IssuedKeys(*(bytes([no]) * 16 for no in range(5)))
    card = issued_card(UID, keys)
    assert value_of(opened(card, key=keys.terminal)) == VALUE_AT_ISSUE
    opened(card, 0, keys.app_master)
    assert root(card, keys.picc).full(0x51) == UID
    printed = repr(keys) + repr(card.memory)
    assert not any(repr(bytes([no]) * 16)[2:-1] in printed for no in range(1, 5))


def test_demo_keys_are_the_demo_masters_diversified() -> None:
    """Who knows the demo masters opens every demo card: M is UID, AID and system id (AN10922)."""
    message = UID + AID + b"CLAF-FLERS"
    assert KEYS.terminal == diversified(demo_master("terminal"), message)
    other = demo_keys(UID, b"CLAF-TRAIN")
    assert other.terminal == diversified(demo_master("terminal"), UID + AID + b"CLAF-TRAIN")


def test_issued_card_lets_no_terminal_change_it() -> None:
    """The terminal's key changes no key, makes no file and deletes none: 9D."""
    value_file = bytes.fromhex("0503FF1F") + bytes(13)
    for ins, payload in ((DELETE_FILE, b"\x03"), (CREATE_VALUE, value_file)):
        assert refused(opened(issued_card(UID)), ins, payload) == Status.PERMISSION_DENIED
    data = new_key(KEYS.closed, ZERO_KEY)
    status = refused(opened(issued_card(UID)), CHANGE_KEY, b"\x02", full=data)
    assert status == Status.PERMISSION_DENIED


# --- applications


def test_applications_are_created_listed_and_deleted() -> None:
    """One AID once; a deleted one is gone, and its memory until the card is formatted."""
    card = with_application()
    host = root(card)
    assert host.mac(APPLICATION_IDS) == OTHER_AID[::-1]
    free = int.from_bytes(host.mac(FREE_MEMORY), "little")
    assert free < MEMORY_BYTES
    again = OTHER_AID[::-1] + bytes.fromhex("0F85")
    assert refused(host, CREATE_APPLICATION, again) == Status.DUPLICATE
    host = root(card)
    host.mac(DELETE_APPLICATION, OTHER_AID[::-1])
    assert int.from_bytes(host.mac(FREE_MEMORY), "little") == free
    gone = Status.APPLICATION_NOT_FOUND
    assert refused(host, DELETE_APPLICATION, OTHER_AID[::-1]) == gone
    host = root(card)
    host.mac(FORMAT)
    assert int.from_bytes(host.mac(FREE_MEMORY), "little") == MEMORY_BYTES


def test_application_can_be_deleted_by_its_own_master_key() -> None:
    """Where free deletion is on, the application's key does it, and the card is at its root."""
    card = with_application()
    host = inside(card)
    assert host.plain(DELETE_APPLICATION, host.maced(DELETE_APPLICATION, OTHER_AID[::-1])) == b""
    assert host.plain(APPLICATION_IDS) == b""


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ("0F05", Status.PARAMETER_ERROR),  # not AES
        ("0F80", Status.PARAMETER_ERROR),  # no key
        ("0F9501", Status.PARAMETER_ERROR),  # key sets
        ("0F95", Status.LENGTH_ERROR),  # KS3 announced and missing
        ("0FA5", Status.LENGTH_ERROR),  # ISO FIDs announced and missing
    ],
)
def test_applications_that_the_card_cannot_have(settings: str, status: Status) -> None:
    """Other crypto and key sets are refused, and lengths have to fit the settings."""
    command = OTHER_AID[::-1] + bytes.fromhex(settings)
    assert refused(root(aes_blank()), CREATE_APPLICATION, command) == status


def test_format_is_gone_for_good_once_disabled() -> None:
    """The flags of SetConfiguration are one-way."""
    card = aes_blank()
    host = root(card)
    host.mac(FORMAT)
    host.full(SET_CONFIGURATION, b"\x00", b"\x01")
    host.full(SET_CONFIGURATION, b"\x00", b"\x00")
    assert refused(host, FORMAT) == Status.PERMISSION_DENIED


def test_only_its_own_picc_key_formats_an_issued_card() -> None:
    """Neither no key, nor the application's master, nor a blank card's key: docs/adr/0007."""
    card = issued_card(UID)
    stranger = Host(card.transmit)
    stranger.plain(0x5A, bytes(3))
    assert stranger.status(FORMAT) == Status.AUTHENTICATION_ERROR
    assert refused(opened(card, 0, KEYS.app_master), FORMAT) == Status.PERMISSION_DENIED
    with pytest.raises(Refused):
        root(card)
    root(card, KEYS.picc).mac(FORMAT)
    assert card.memory.applications == {}


def test_default_key_and_other_options_are_kept() -> None:
    """Option 01 is the key of new applications; 02, 04 and 05 are stored; 09 is unknown here."""
    card = aes_blank()
    host = root(card)
    host.full(SET_CONFIGURATION, b"\x01", KEYS.closed + b"\x07")
    for option in (0x02, 0x04, 0x05):
        host.full(SET_CONFIGURATION, bytes([option]), bytes(10))
    assert refused(host, SET_CONFIGURATION, b"\x09", full=bytes(14)) == Status.PARAMETER_ERROR
    root(card).mac(CREATE_APPLICATION, OTHER_AID[::-1] + bytes.fromhex("0F85"))
    assert inside(card, 0, KEYS.closed).mac(KEY_VERSION, b"\x04") == b"\x07"


# --- keys


def test_changing_the_own_key_ends_the_session_without_a_mac() -> None:
    """91 00 alone, and from then on only the new key opens."""
    card = aes_blank()
    host = root(card)
    with pytest.raises(AssertionError):  # the host finds no MAC to check
        host.full(CHANGE_KEY, b"\x80", KEYS.picc + b"\x02")
    assert host.status(0x51) == Status.AUTHENTICATION_ERROR
    with pytest.raises(Refused, match="AE"):
        root(card)
    assert root(card, KEYS.picc).mac(KEY_VERSION, b"\x00") == b"\x02"


def test_wrong_checksum_changes_no_key() -> None:
    """A key that arrives wrong is not stored: 1E."""
    card = with_application()
    data = xor(ZERO_KEY, KEYS.closed) + b"\x01" + bytes(4)
    assert refused(inside(card), CHANGE_KEY, b"\x01", full=data) == Status.INTEGRITY_ERROR
    inside(card, 1)


@pytest.mark.parametrize(
    ("settings", "session_key", "changed_key", "accepted"),
    [
        ("0F", 0, 1, True),
        ("0F", 2, 1, False),
        ("2F", 2, 1, True),
        ("2F", 0, 1, False),
        ("2F", 0, 2, True),
        ("FF", 0, 1, False),
        ("EF", 0, 1, False),
    ],
)
def test_who_may_change_another_key(
    settings: str, session_key: int, changed_key: int, accepted: bool
) -> None:
    """The high nibble of KS1: the master key, one named key, the same key, or nobody."""
    card = with_application(settings + "85")
    host = inside(card, session_key)
    data = new_key(ZERO_KEY, KEYS.closed)
    if accepted:
        host.full(CHANGE_KEY, bytes([changed_key]), data)
        inside(card, changed_key, KEYS.closed)
    else:
        status = refused(host, CHANGE_KEY, bytes([changed_key]), full=data)
        assert status == Status.PERMISSION_DENIED


def test_frozen_settings_stay_frozen() -> None:
    """Clearing the bit that allows changes ends them; a key that is not there is 40."""
    card = with_application()
    host = inside(card)
    host.full(CHANGE_KEY_SETTINGS, b"", b"\x00")
    denied = Status.PERMISSION_DENIED
    assert refused(host, CHANGE_KEY_SETTINGS, full=b"\x0f") == denied
    own = KEYS.closed + b"\x01"
    assert refused(inside(card), CHANGE_KEY, b"\x00", full=own) == denied
    assert refused(inside(card), KEY_VERSION, b"\x05") == Status.NO_SUCH_KEY
    host = Host(card.transmit)
    host.plain(0x5A, OTHER_AID[::-1])
    assert host.status(GET_KEY_SETTINGS) == Status.AUTHENTICATION_ERROR


# --- files


def test_backup_and_linear_files_wait_for_the_commit() -> None:
    """Backup data and linear records are shadowed; a full linear file takes no more."""
    card = with_application()
    host = inside(card)
    host.mac(CREATE_BACKUP, bytes.fromhex("01010000") + number(8, 3))
    host.mac(CREATE_LINEAR, bytes.fromhex("02010000") + number(4, 3) + number(1, 3))
    host.mac(WRITE, span(1, 0, 2) + b"ab")
    host.mac(WRITE_RECORD, span(2, 0, 4) + b"rrrr")
    assert host.mac(READ, span(1, 0, 0)) == bytes(8)
    host.mac(COMMIT)
    assert host.mac(READ, span(1, 0, 0)) == b"ab" + bytes(6)
    assert host.mac(FILE_SETTINGS, b"\x01") == bytes.fromhex("01010000080000")
    assert host.mac(FILE_SETTINGS, b"\x02") == bytes.fromhex("03010000040000010000010000")
    assert refused(host, WRITE_RECORD, span(2, 0, 4) + b"ssss") == Status.BOUNDARY_ERROR


@pytest.mark.parametrize(
    ("ins", "payload", "status"),
    [
        (CREATE_DATA, "20010000080000", Status.PARAMETER_ERROR),  # number 32
        (CREATE_DATA, "01810000080000", Status.PARAMETER_ERROR),  # additional rights
        (CREATE_DATA, "01010000000000", Status.PARAMETER_ERROR),  # no size
        (CREATE_DATA, "01010700080000", Status.PARAMETER_ERROR),  # a key that is not there
        (CREATE_DATA, "01010000FFFFFF", Status.OUT_OF_MEMORY),
        (CREATE_DATA, "0101000008", Status.LENGTH_ERROR),
        (CREATE_CYCLIC, "01010000100000010000", Status.PARAMETER_ERROR),  # no spare record
        (CREATE_VALUE, "01010000050000000400000004000000" + "00", Status.PARAMETER_ERROR),
    ],
)
def test_files_that_the_card_cannot_have(ins: int, payload: str, status: Status) -> None:
    """Numbers, options, rights, limits and sizes are checked before anything is made."""
    card = with_application()
    assert refused(inside(card), ins, bytes.fromhex(payload)) == status
    assert inside(card).mac(FILE_IDS) == b""


def test_one_number_one_iso_name_one_tmac() -> None:
    """DE for a second file of the same number or ISO identifier, and for a second TMAC file."""
    card = issued_card(UID)
    for taken in ("0006E101F011", "0600E101F011"):
        command = bytes.fromhex(taken) + number(16, 3)
        host = opened(card, 0, KEYS.app_master)
        assert refused(host, CREATE_DATA, command) == Status.DUPLICATE
    host = opened(card, 0, KEYS.app_master)
    header, key = bytes.fromhex("0E011F1F02"), KEYS.tmac + b"\x01"
    assert refused(host, CREATE_TMAC, header, full=key) == Status.DUPLICATE


def test_change_of_file_settings_follows_the_change_right() -> None:
    """Allowance slots may be changed by key 0 alone; the spent counter by nobody."""
    card = issued_card(UID)
    host = opened(card, 0, KEYS.app_master)
    host.full(CHANGE_FILE_SETTINGS, b"\x04", bytes.fromhex("01F012"))
    assert host.mac(FILE_SETTINGS, b"\x04")[:4] == bytes.fromhex("0001F012")
    change = bytes.fromhex("01EEEE")
    denied = Status.PERMISSION_DENIED
    assert refused(host, CHANGE_FILE_SETTINGS, b"\x03", full=change) == denied
    assert refused(opened(card), CHANGE_FILE_SETTINGS, b"\x00", full=change) == denied


def test_limit_of_the_transaction_counter() -> None:
    """TMCLimit is set with the TMAC file's settings and shown by them from then on."""
    card = issued_card(UID)
    tmac = card.memory.applications[AID].tmac
    assert tmac is not None
    tmac.rights = bytes.fromhex("101F")
    host = opened(card, 0, KEYS.app_master)
    host.full(CHANGE_FILE_SETTINGS, b"\x0f", bytes.fromhex("21101F05000000"))
    assert host.mac(FILE_SETTINGS, b"\x0f") == bytes.fromhex("0501101F020105000000")
    writable = bytes.fromhex("011011")
    status = refused(host, CHANGE_FILE_SETTINGS, b"\x0f", full=writable)
    assert status == Status.PARAMETER_ERROR


@pytest.mark.parametrize(("restarts", "next_tmc"), [(True, 1), (False, 2)])
def test_recreated_tmac_file_follows_the_chosen_behaviour(restarts: bool, next_tmc: int) -> None:
    """Whether its holder could replay counters by deleting the file is an open question."""
    choice = replace(Behaviour(), recreated_tmac_restarts=restarts)
    card = issued_card(UID, behaviour=choice)
    assert pay(opened(card), 100)[0] == 1
    host = opened(card, 0, KEYS.app_master)
    host.mac(DELETE_FILE, b"\x0f")
    host.full(CREATE_TMAC, bytes.fromhex("0F011F1F02"), KEYS.tmac + b"\x01")
    assert pay(opened(card), 100)[0] == next_tmc


def test_without_a_tmac_file_commit_takes_no_option() -> None:
    """9E for option 01, and a plain commit makes the shadow true without any MAC of its own."""
    card = with_value_rights("FF1F")
    del card.memory.applications[AID].files[0x0F]
    host = opened(card)
    host.full(0xDC, b"\x03", number(1, 4))
    assert host.mac(COMMIT) == b""
    assert card.history[0].tmi == b""
    assert value_of(host) == 999
    host.full(0xDC, b"\x03", number(1, 4))
    assert refused(host, COMMIT, b"\x01") == Status.PARAMETER_ERROR


def test_free_reader_id_outside_a_session() -> None:
    """With right E and no session the ReaderID enters the TMI in clear and answers nothing."""
    card = with_value_rights("FFEF")
    tmac = card.memory.applications[AID].tmac
    assert tmac is not None
    tmac.rights = bytes.fromhex("EF1F")
    host = Host(card.transmit)
    host.select()
    host.plain(0x6C, b"\x03")
    assert host.plain(0xC8, bytes(range(16))) == b""
    assert host.plain(COMMIT, b"\x01")[:4] == number(1, 4)
    assert card.history[0].tmi[16:] == b"\xc8" + bytes(range(16)) + bytes(15)
    assert (card.history[0].enc_tmri, card.history[0].key_no) == (None, None)
    assert tmac.reader_id == bytes(16)
    assert committed(opened(card, key=KEYS.terminal))[0] == 2


def test_root_has_no_files_and_applications_no_root_commands() -> None:
    """9D on the wrong level, whatever the key."""
    card = with_application()
    assert refused(root(card), FILE_IDS) == Status.PERMISSION_DENIED
    assert refused(root(card), COMMIT) == Status.PERMISSION_DENIED
    for ins in (FORMAT, APPLICATION_IDS):
        assert refused(inside(card), ins) == Status.PERMISSION_DENIED
    assert card.transmit(apdu(0x5A, b"\x01\x02\x03")) == bytes.fromhex("91A0")
