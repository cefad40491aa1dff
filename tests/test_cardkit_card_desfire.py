"""The card's commands on the wire, held to published APDUs, and what an error does to a session."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from cardkit.card import apdu
from cardkit.card.apdu import Ins, StatusRefused, StatusWord
from cardkit.card.desfire import Desfire, Version
from cardkit.card.files import FileAccess, StdData
from cardkit.card.secure import CommMode, SecureChannel
from cardkit.errors import Bug, CardAnswerInvalid, CardLost, CardRefused
from cardkit.logging import TRAFFIC
from tests.purse_cards import VECTORS, Transcript, Vector

COMMANDS = {vector["id"]: vector for vector in VECTORS["command"]}
NEW_KEY = bytes.fromhex("01234567890123456789012345678901")
TMAC_EXCHANGE = VECTORS["auth_ev2_first"][2]  # AN12343 table 32
CHANGE_EXCHANGE = VECTORS["auth_ev2_first"][3]  # AN12343 table 39
OK, MORE = bytes.fromhex("9100"), bytes.fromhex("91AF")

Call = Callable[[Desfire], Any]

CALLS: dict[str, tuple[Call, object]] = {
    "T5.SetConfig09": (
        lambda card: card.set_configuration(9, bytes.fromhex("0300000000E80300000000000001")),
        None,
    ),
    "T6.SetConfig02": (
        lambda card: card.set_configuration(2, bytes.fromhex("067777710280")),
        None,
    ),
    "T11.ChangeFileSettings": (
        lambda card: card.change_file_settings(4, FileAccess.unpack(bytes.fromhex("00EEEE"))),
        None,
    ),
    "T18.SetConfig05": (
        lambda card: card.set_configuration(5, bytes.fromhex("00000000020000000000")),
        CardLost,
    ),
    "T23.WriteData.MAC": (
        lambda card: card.write_data(0, b"\x22" * 25, offset=0, mode=CommMode.MAC),
        None,
    ),
    "T24.ReadData.MAC": (
        lambda card: card.read_data(0, offset=0, length=48, mode=CommMode.MAC),
        (b"\x22" * 25).ljust(48, b"\x00"),
    ),
    "T25.WriteData.Full": (
        lambda card: card.write_data(0, b"\x22" * 25, offset=0, mode=CommMode.FULL),
        None,
    ),
    "T32.WriteRecord.Full": (
        lambda card: card.write_record(
            1, bytes.fromhex("11223344556677889900112233445566"), mode=CommMode.FULL
        ),
        None,
    ),
    "T32.CommitReaderID.MAC": (
        lambda card: card.commit_reader_id(bytes.fromhex("28BF1982BE086FBC60A22DAEB66613EE")),
        bytes.fromhex("A1963F1BB9FC916A8B15B2DC58002531"),
    ),
    "T32.CommitTransaction": (
        lambda card: card.commit_transaction(),
        (4, bytes.fromhex("94A3205E41588BA9")),
    ),
    "T33.ReadRecords.Full": (
        lambda card: card.read_records(1, count=0, record_bytes=16, mode=CommMode.FULL),
        (bytes.fromhex("11223344556677889900112233445566"),),
    ),
    "T35.GetValue.Full": (lambda card: card.get_value(3, mode=CommMode.FULL), 0),
    "T39.ChangeKey(other)": (
        lambda card: card.change_other_key(1, old=bytes(16), new=NEW_KEY, version=0),
        None,
    ),
    "AN12196-5.3": (
        lambda card: card.get_file_settings(2).shape,
        StdData(size_bytes=256),
    ),
}


def in_session(card: Desfire, vector: Vector) -> Desfire:
    """The card in the session that a vector was recorded in."""
    card._channel = SecureChannel(
        enc_key=bytes.fromhex(vector["ses_enc"]),
        mac_key=bytes.fromhex(vector["ses_mac"]),
        ti=bytes.fromhex(vector["ti"]),
        counter=vector["cmd_ctr"],
    )
    return card


def published_answers(vector: Vector) -> list[bytes]:
    """The answer to a command vector, if it was printed too."""
    return [
        bytes.fromhex(answer["wire_data"] + answer["mact"]) + OK
        for answer in VECTORS["response"]
        if answer["ti"] == vector["ti"] and answer["cmd_ctr_after"] == vector["cmd_ctr"] + 1
    ]


def authenticated(vector: Vector, *answers: bytes) -> tuple[Desfire, Transcript]:
    """A card after a published handshake, about to give `answers`."""
    tokens = bytes.fromhex(vector["enc_rndb"]) + MORE, bytes.fromhex(vector["card_token"]) + OK
    transcript = Transcript(*tokens, *answers)
    card = Desfire(transcript)
    rnd_a = bytes.fromhex(vector["rnda"])
    card.authenticate_ev2_first(0, bytes.fromhex(vector["key"]), random=lambda size: rnd_a[:size])
    return card, transcript


def test_every_published_command_is_called() -> None:
    """No vector is left out of the next test."""
    assert CALLS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("name", CALLS)
def test_published_command(name: str) -> None:
    """Each method sends the published APDU and returns what the published answer holds."""
    call, expected = CALLS[name]
    transcript = Transcript(*published_answers(COMMANDS[name]))
    card = in_session(Desfire(transcript), COMMANDS[name])
    if expected is CardLost:  # its answer was not printed
        with pytest.raises(CardLost):
            call(card)
    else:
        assert call(card) == expected
    assert transcript.sent == [bytes.fromhex(COMMANDS[name]["capdu"])]


def test_the_published_transaction_replays() -> None:
    """AN12343 table 32 from handshake to TMV: our five commands are the printed ones."""
    vectors = [
        COMMANDS[f"T32.{name}"]
        for name in (
            "WriteRecord.Full",
            "CommitReaderID.MAC",
            "CommitTransaction",
        )
    ]
    card, transcript = authenticated(
        TMAC_EXCHANGE, *(answer for vector in vectors for answer in published_answers(vector))
    )
    results = [CALLS[vector["id"]][0](card) for vector in vectors]
    assert results[2] == (4, bytes.fromhex("94A3205E41588BA9"))
    assert transcript.sent[0] == bytes.fromhex("9071000002000000")
    assert transcript.sent[1] == (
        bytes.fromhex("90AF000020") + bytes.fromhex(TMAC_EXCHANGE["host_token"]) + b"\x00"
    )
    assert transcript.sent[2:] == [bytes.fromhex(vector["capdu"]) for vector in vectors]
    assert card.exchanges == 5


def test_changing_the_own_key_ends_the_session() -> None:
    """The answer to it has no MAC and the card forgets the session: so do we."""
    card, transcript = authenticated(CHANGE_EXCHANGE, OK)
    card.change_own_key(0, NEW_KEY, version=1)
    assert len(transcript.sent[2]) == 5 + 1 + 32 + 8 + 1
    with pytest.raises(CardLost):
        card.get_card_uid()
    assert len(transcript.sent) == 3


def test_the_picc_master_key_is_named_an_aes_key() -> None:
    """At PICC level the key type is in the upper bits of the key number."""
    card, transcript = authenticated(CHANGE_EXCHANGE, OK)
    card.change_picc_master_key(NEW_KEY, version=1)
    assert transcript.sent[2][5] == 0x80


@pytest.mark.parametrize(
    ("call", "sent"),
    [
        (
            lambda card: card.iso_select(bytes.fromhex("A00000039656434103F015400000000B")),
            "00A4040C10A00000039656434103F015400000000B00",
        ),
        (lambda card: card.select_application(bytes.fromhex("F4C1AF")), "905A000003AFC1F400"),
        (lambda card: card.get_version(), "9060000000"),
        (lambda card: card.read_sig(), "903C0000010000"),
        (lambda card: card.free_mem(), "906E000000"),
        (lambda card: card.get_file_ids(), "906F000000"),
        (lambda card: card.get_key_version(1), "90640000010100"),
        (
            lambda card: card.create_std_data_file(
                1,
                FileAccess.unpack(bytes.fromhex("00EEEE")),
                StdData(size_bytes=15),
                iso_fid=0xE103,
            ),
            "90CD0000090103E100EEEE0F000000",
        ),
        (
            lambda card: card.create_application(
                bytes.fromhex("F4C1AF"), key_settings=9, keys=5, iso_fid=0xC1AF, df_name=b"CLAF"
            ),
            "90CA00000BAFC1F409A5AFC1434C414600",
        ),
    ],
)
def test_plain_commands(call: Call, sent: str) -> None:
    """Outside a session commands go in plain, as AN12343 prints them."""
    transcript = Transcript()
    with pytest.raises(CardLost):
        call(Desfire(transcript))
    assert transcript.sent == [bytes.fromhex(sent)]


def test_get_version_comes_in_three_frames() -> None:
    """Additional frames are one command; EV3 hardware 33.00 with its UID in the third."""
    frames = ("04010133001A05", "04010103001A05", "04C1AF00000180" + "0102030405" + "2326")
    transcript = Transcript(
        bytes.fromhex(frames[0]) + MORE,
        bytes.fromhex(frames[1]) + MORE,
        bytes.fromhex(frames[2]) + OK,
    )
    card = Desfire(transcript)
    assert card.get_version() == Version(
        hw_type=1,
        hw_major=0x33,
        hw_minor=0,
        storage=0x1A,
        sw_major=3,
        sw_minor=0,
        uid=transcript.uid,
        batch=bytes.fromhex("0102030405"),
        week=0x23,
        year=0x26,
    )
    assert card.exchanges == 3


def test_a_card_cannot_keep_us_fetching_frames() -> None:
    """A card that always has more to say is refused after a bounded number of frames."""
    transcript = Transcript(*[MORE] * 100)
    with pytest.raises(StatusRefused):
        Desfire(transcript).get_version()
    assert len(transcript.sent) < 20


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (0x910C, apdu.NoChanges),
        (0x910E, apdu.OutOfMemory),
        (0x911C, apdu.CommandUnknown),
        (0x911E, apdu.IntegrityRefused),
        (0x9140, apdu.KeyNotFound),
        (0x917E, apdu.LengthRefused),
        (0x919D, apdu.PermissionDenied),
        (0x919E, apdu.ParameterRefused),
        (0x91A0, apdu.ApplicationNotFound),
        (0x91AE, apdu.AuthenticationRefused),
        (0x91BE, apdu.BoundaryExceeded),
        (0x91DE, apdu.AlreadyExists),
        (0x91F0, apdu.FileNotFound),
        (0x91EE, apdu.MemoryFailed),
        (0x91C1, apdu.MemoryFailed),
        (0x91CE, StatusRefused),
        (0x6F00, StatusRefused),
    ],
)
def test_every_error_status_is_named_and_ends_the_session(
    status: int, error: type[StatusRefused]
) -> None:
    """Any error makes the card forget the session; nothing may be sent as if it had not."""
    card, transcript = authenticated(TMAC_EXCHANGE, status.to_bytes(2))
    with pytest.raises(error, match=f"DC DEBIT refused with {status:04X}") as caught:
        card.debit(3, 100, mode=CommMode.FULL)
    assert type(caught.value) is error
    assert (caught.value.ins, caught.value.status) == (Ins.DEBIT, status)
    assert isinstance(caught.value, CardRefused)
    with pytest.raises(CardLost):
        card.commit_transaction()
    assert len(transcript.sent) == 3


@pytest.mark.parametrize(
    ("status", "error"),
    [(0x6A82, apdu.ApplicationNotFound), (0x6283, apdu.ApplicationExhausted)],
)
def test_select_by_name_has_iso_statuses(status: int, error: type[StatusRefused]) -> None:
    """ISOSelectFile answers in ISO 7816-4's words."""
    with pytest.raises(error):
        Desfire(Transcript(status.to_bytes(2))).iso_select(b"CLAF")


@pytest.mark.parametrize("answer", [b"", b"\x91", bytes(12) + OK, bytes(20) + OK])
def test_after_an_invalid_answer_nothing_more_is_sent(answer: bytes) -> None:
    """Whoever answers wrongly may be another card: only a new connection is trusted."""
    card, transcript = authenticated(TMAC_EXCHANGE, answer, OK)
    with pytest.raises(CardAnswerInvalid):
        card.commit_transaction()
    for call in (lambda: card.iso_select(b"CLAF"), card.get_version):
        with pytest.raises(CardLost):
            call()
    assert len(transcript.sent) == 3


def test_after_a_lost_answer_nothing_more_is_sent() -> None:
    """A card that left is gone for this connection, even when a card lies there again."""
    card, transcript = authenticated(TMAC_EXCHANGE)
    for _ in range(2):
        with pytest.raises(CardLost):
            card.get_value(3, mode=CommMode.FULL)
    assert len(transcript.sent) == 3


@pytest.mark.parametrize("second", [bytes(32) + OK, bytes(16) + OK, bytes.fromhex("91AE")])
def test_a_failed_handshake_opens_no_channel(second: bytes) -> None:
    """A card without the key gets no command with it."""
    first = bytes.fromhex(TMAC_EXCHANGE["enc_rndb"]) + MORE
    card = Desfire(Transcript(first, second))
    with pytest.raises((CardAnswerInvalid, apdu.AuthenticationRefused)):
        card.authenticate_ev2_first(1, NEW_KEY)
    with pytest.raises(CardLost):
        card.commit_transaction()
    with pytest.raises(apdu.KeyNotFound):
        Desfire(Transcript(bytes.fromhex("9140"))).authenticate_ev2_first(9, NEW_KEY)


def test_keys_are_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A blank card's session key is public, so even an encrypted new key stays out of the log."""
    caplog.set_level(TRAFFIC, logger="cardkit")
    card, transcript = authenticated(
        CHANGE_EXCHANGE, published_answers(COMMANDS["T39.ChangeKey(other)"])[0]
    )
    card.change_other_key(1, old=bytes(16), new=NEW_KEY, version=0)
    assert (
        "> CHANGE_KEY             Full  01 and 40 bytes that carry a key   key 1" in caplog.messages
    )
    assert transcript.sent[2][6:40].hex() not in caplog.text.lower()
    assert {record.levelname for record in caplog.records} == {"TRAFFIC"}


def test_traffic_is_silent_above_its_level(caplog: pytest.LogCaptureFixture) -> None:
    """DEBUG stays readable: APDUs are below it."""
    caplog.set_level(logging.DEBUG, logger="cardkit")
    authenticated(TMAC_EXCHANGE)
    assert not caplog.records


def test_lengths_are_ours_to_keep() -> None:
    """What does not fit a short APDU never gets as far as the card."""
    card, transcript = authenticated(TMAC_EXCHANGE)
    for call in (
        lambda: card.read_data(0, offset=0, length=241, mode=CommMode.MAC),
        lambda: card.write_data(0, bytes(241), offset=0, mode=CommMode.MAC),
        lambda: card.write_data(0, b"", offset=0, mode=CommMode.MAC),
        lambda: card.commit_reader_id(bytes(15)),
        lambda: card.read_records(1, count=8, record_bytes=32, mode=CommMode.MAC),
        card.read_sig,
        lambda: card.write_record(1, bytes(255), mode=CommMode.MAC),
    ):
        with pytest.raises(Bug):
            call()
    assert len(transcript.sent) == 2


def test_status_words_have_one_name_each() -> None:
    """The names are those of the tree in the module's docstring."""
    assert len({word.name for word in StatusWord}) == len({int(word) for word in StatusWord})
