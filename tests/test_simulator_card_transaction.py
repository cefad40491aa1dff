"""What a transaction on the virtual card changes, proves and forgets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.card import Behaviour, VirtualCard
from simulator.desfire.crypto import decrypt, short_mac, transaction_keys
from simulator.desfire.memory import RecordFile, ValueFile
from simulator.desfire.status import Status
from simulator.issued import AID, VALUE_AT_ISSUE, issued_card
from tests.desfire_host import (
    ABORT,
    CLEAR,
    COMMIT,
    CREDIT,
    DEBIT,
    GET_VALUE,
    KEYS,
    LIMITED_CREDIT,
    READ,
    READ_RECORDS,
    READER,
    READER_ID,
    TERMINAL_KEY,
    UID,
    UPDATE_RECORD,
    WRITE,
    WRITE_RECORD,
    Host,
    committed,
    number,
    opened,
    pay,
    refused,
    select_apdu,
    span,
    value_of,
    with_value_rights,
)

# --- one sale


def test_a_sale_moves_the_counter_and_proves_it() -> None:
    """A committed debit changes the value, and its TMV is the CMAC of the canonical TMI."""
    card = issued_card(UID)
    host = opened(card)
    spent = number(VALUE_AT_ISSUE, 4)
    tmc, tmv = pay(host, 1250)
    assert tmc == 1
    (event,) = card.history
    tmi = bytes([GET_VALUE, 3]) + spent + bytes(10)
    tmi += bytes([DEBIT, 3]) + number(1250, 4) + bytes(10)
    tmi += bytes([WRITE_RECORD]) + span(1, 0, 32) + bytes(8) + number(1250, 32)
    assert event.tmi[: len(tmi)] == tmi
    assert event.enc_tmri is not None
    assert event.tmi[len(tmi) :] == b"\xc8" + READER + event.enc_tmri + bytes(15)
    enc_key, mac_key = transaction_keys(KEYS.tmac, 1, UID)
    assert tmv == event.tmv == short_mac(mac_key, event.tmi)
    assert decrypt(enc_key, event.enc_tmri) == bytes(16)
    change = event.value_change(0x03)
    assert (change.before, change.after) == (VALUE_AT_ISSUE, VALUE_AT_ISSUE - 1250)


def test_the_reader_of_the_last_transaction_is_named_in_the_next() -> None:
    """EncTMRI attributes: decrypted, it is the ReaderID of the transaction before."""
    card = issued_card(UID)
    pay(opened(card), 100)
    pay(opened(card), 200)
    enc_key, _ = transaction_keys(KEYS.tmac, 2, UID)
    enc_tmri = card.history[1].enc_tmri
    assert enc_tmri is not None
    assert decrypt(enc_key, enc_tmri) == READER


def test_counter_and_mac_are_read_back_and_leave_no_trace() -> None:
    """The TMAC file gives the last TMC and TMV, and reading it is not in the TMI."""
    card = issued_card(UID)
    tmc, tmv = pay(opened(card), 100)
    host = opened(card)
    assert host.mac(READ, span(0x0F, 0, 0)) == number(tmc, 4) + tmv
    pay(host, 100)
    assert card.history[1].tmi[:1] == bytes([GET_VALUE])


# --- shadow, abort, tearing


def test_nothing_counts_before_the_commit() -> None:
    """GetValue answers the committed value, and lost power takes the shadow with it."""
    card = issued_card(UID)
    host = opened(card)
    host.full(DEBIT, b"\x03", number(500, 4))
    assert value_of(host) == VALUE_AT_ISSUE
    card.reset()
    assert value_of(opened(card)) == VALUE_AT_ISSUE
    assert card.history == ()


def test_power_lost_after_the_commit_keeps_it() -> None:
    """A lost answer changes nothing on the card: value, record, TMC and TMV stand."""
    card = issued_card(UID)
    tmc, tmv = pay(opened(card), 500)
    card.reset()
    host = opened(card)
    assert value_of(host) == VALUE_AT_ISSUE - 500
    assert host.mac(READ, span(0x0F, 0, 12)) == number(tmc, 4) + tmv
    assert host.mac(READ_RECORDS, span(0x01, 0, 1)) == number(500, 32)


def test_abort_forgets_shadow_and_tmi_and_keeps_the_session() -> None:
    """What came before AbortTransaction is neither on the card nor in the next TMI."""
    card = issued_card(UID)
    host = opened(card)
    host.mac(READ, span(0x00, 0, 32))
    host.full(DEBIT, b"\x03", number(500, 4))
    host.mac(ABORT)
    pay(host, 100)
    assert card.history[0].tmi[:1] == bytes([GET_VALUE])
    assert card.history[0].value_change(0x03).after == VALUE_AT_ISSUE - 100


def test_first_authentication_begins_a_new_transaction() -> None:
    """AuthenticateEV2First clears what was read; NonFirst goes on with it."""
    card = issued_card(UID)
    host = opened(card)
    host.mac(READ, span(0x00, 0, 16))
    host.authenticate(TERMINAL_KEY, KEYS.terminal)
    pay(host, 100)
    assert card.history[0].tmi[:1] == bytes([GET_VALUE])
    host.mac(READ, span(0x00, 0, 16))
    host.authenticate(TERMINAL_KEY, KEYS.terminal, first=False)
    pay(host, 100)
    assert card.history[1].tmi[:1] == bytes([READ])


def test_standard_data_is_written_at_once_and_may_be_half_written() -> None:
    """No commit is needed, and power lost inside the write leaves a mixture: why slots are two."""
    card = issued_card(UID)
    host = opened(card)
    host.mac(WRITE, span(0x04, 0, 4) + b"abcd")
    host.mac(ABORT)
    assert host.mac(READ, span(0x04, 0, 4)) == b"abcd"
    card.cut_power_in_next_write(2)
    with pytest.raises(AssertionError):  # no answer
        host.mac(WRITE, span(0x04, 0, 4) + b"WXYZ")
    assert card.transmit(select_apdu()) is None
    card.reset()
    assert opened(card).mac(READ, span(0x04, 0, 4)) == b"WXcd"


def test_rolled_back_card_forgets_but_its_history_does_not() -> None:
    """A snapshot put back shows the old counter, and what happened stays known to the oracle."""
    card = issued_card(UID)
    before = card.snapshot()
    pay(opened(card), 500)
    card.restore(before)
    assert value_of(opened(card)) == VALUE_AT_ISSUE
    assert len(card.history) == 1
    clone = VirtualCard(bytes(7))
    clone.restore(before)
    assert clone.uid == UID
    assert value_of(opened(clone)) == VALUE_AT_ISSUE


# --- TMI of every command (LIGHT-DS 10.3.4.2)


@pytest.mark.parametrize(
    ("ins", "header", "data", "expected"),
    [
        (DEBIT, b"\x03", number(5, 4), "DC0305000000" + "00" * 10),
        (CREDIT, b"\x03", number(5, 4), "0C0305000000" + "00" * 10),
        (LIMITED_CREDIT, b"\x03", number(5, 4), "1C0305000000" + "00" * 10),
        (GET_VALUE, b"\x03", b"", "6C03E8030000" + "00" * 10),
        (CLEAR, b"\x01", b"", "EB01" + "00" * 14),
        (WRITE, span(0, 3, 2), b"hi", "8D00030000020000" + "00" * 8 + "6869" + "00" * 14),
        (0x3D, span(0, 3, 2), b"hi", "3D00030000020000" + "00" * 8 + "6869" + "00" * 14),
        (WRITE_RECORD, span(1, 0, 2), b"hi", "8B01000000020000" + "00" * 8 + "6869" + "00" * 14),
        (
            UPDATE_RECORD,
            b"\x01" + number(0, 3) + number(4, 3) + number(2, 3),
            b"hi",
            "BA01000000040000020000" + "00" * 5 + "6869" + "00" * 14,
        ),
        (READ, span(0, 254, 0), b"", "AD00FE0000020000" + "00" * 8 + "00" * 16),
        (0xBD, span(0, 0, 2), b"", "BD00000000020000" + "00" * 8 + "00" * 16),
        (READ_RECORDS, span(1, 0, 0), b"", "AB01000000010000" + "00" * 8 + "72" * 32),
    ],
)
def test_each_command_enters_the_tmi_as_specified(
    ins: int, header: bytes, data: bytes, expected: str
) -> None:
    """Plain values, the code that was sent, real lengths and counts, zero padding."""
    card = with_value_rights("1111", flags=0x01)
    files = card.memory.applications[AID].files
    value, records = files[0x03], files[0x01]
    assert isinstance(value, ValueFile)
    assert isinstance(records, RecordFile)
    value.limited_credit = 100
    records.records = (b"r" * 32,)
    records.rights = bytes.fromhex("1111")
    host = opened(card)
    if header[0] == 0x03:
        host.full(ins, header, data)
    else:
        host.mac(ins, header + data)
    committed(host)
    assert card.history[0].tmi[:-48].hex().upper() == expected


# --- value, records, TMAC


def test_limited_credit_gives_back_one_debit_transaction_once() -> None:
    """At most what the last debiting transaction took, and only once (D40 4.6.6)."""
    card = with_value_rights("FF11", flags=0x01)
    host = opened(card)
    assert refused(host, LIMITED_CREDIT, b"\x03", full=number(1, 4)) == Status.BOUNDARY_ERROR
    host = opened(card)
    host.full(DEBIT, b"\x03", number(300, 4))
    host.full(DEBIT, b"\x03", number(200, 4))
    committed(host)
    assert refused(host, LIMITED_CREDIT, b"\x03", full=number(501, 4)) == Status.BOUNDARY_ERROR
    host = opened(card)
    host.full(LIMITED_CREDIT, b"\x03", number(100, 4))
    committed(host)
    assert value_of(host) == 600
    assert refused(host, LIMITED_CREDIT, b"\x03", full=number(1, 4)) == Status.BOUNDARY_ERROR


def test_credit_stops_at_the_upper_limit() -> None:
    """BE above the upper limit; inside it the commit makes it true."""
    card = with_value_rights("1FFF")
    host = opened(card)
    host.full(CREDIT, b"\x03", number(5, 4))
    committed(host)
    assert value_of(host) == 1005
    too_much = number(VALUE_AT_ISSUE - 1004, 4)
    assert refused(host, CREDIT, b"\x03", full=too_much) == Status.BOUNDARY_ERROR


def test_cyclic_file_keeps_the_newest_eight_of_nine() -> None:
    """One record is the spare: eight are read, oldest first, and record 0 is the newest."""
    card = issued_card(UID)
    for cents in range(1, 12):
        pay(opened(card), cents)
    host = opened(card)
    older = host.mac(READ_RECORDS, span(0x01, 4, 4))
    newer = host.mac(READ_RECORDS, span(0x01, 0, 4))
    assert (older + newer)[::32] == bytes(range(4, 12))
    assert host.mac(READ_RECORDS, span(0x01, 0, 1))[0] == 11
    assert host.mac(READ_RECORDS, span(0x01, 2, 2))[::32] == bytes([8, 9])
    assert refused(host, READ_RECORDS, span(0x01, 8, 1)) == Status.BOUNDARY_ERROR
    with_all_eight = span(0x01, 0, 0)
    assert refused(opened(card), READ_RECORDS, with_all_eight) == Status.LENGTH_ERROR


def test_one_record_per_transaction() -> None:
    """A second write before the commit rewrites the pending record."""
    card = issued_card(UID)
    host = opened(card)
    host.mac(WRITE_RECORD, span(0x01, 0, 2) + b"ab")
    host.mac(WRITE_RECORD, span(0x01, 1, 2) + b"cd")
    committed(host)
    assert host.mac(READ_RECORDS, span(0x01, 0, 0)) == b"acd" + bytes(29)


def test_reading_an_empty_record_file_is_out_of_bounds() -> None:
    """BE, not an empty answer."""
    host = opened(issued_card(UID))
    assert refused(host, READ_RECORDS, span(0x01, 0, 0)) == Status.BOUNDARY_ERROR


def test_commit_needs_the_reader_id() -> None:
    """With the ReaderID right open, a commit without one is refused and undone."""
    card = issued_card(UID)
    host = opened(card)
    host.full(DEBIT, b"\x03", number(5, 4))
    assert refused(host, COMMIT, b"\x01") == Status.PERMISSION_DENIED
    assert card.history == ()
    assert value_of(opened(card)) == VALUE_AT_ISSUE


def test_one_reader_id_per_transaction() -> None:
    """A second CommitReaderID is refused: nobody renames the reader of a transaction."""
    card = issued_card(UID)
    host = opened(card)
    host.mac(READER_ID, READER)
    assert refused(host, READER_ID, bytes(16)) == Status.PERMISSION_DENIED
    assert committed(opened(card))[0] == 1
    assert card.history[0].tmri == READER


@pytest.mark.parametrize("aborts", [True, False])
def test_error_aborts_the_transaction_by_chosen_behaviour(aborts: bool) -> None:
    """What an error does to a transaction that needs no session is an open question."""
    choice = replace(Behaviour(), errors_abort_transaction=aborts)
    card = with_value_rights("FFEF", behaviour=choice)
    tmac = card.memory.applications[AID].tmac
    assert tmac is not None
    tmac.rights = bytes.fromhex("FF1F")
    host = Host(card.transmit)
    host.select()
    host.plain(DEBIT, b"\x03" + number(1, 4))
    assert host.status(0x99) == Status.ILLEGAL_COMMAND
    assert host.status(COMMIT, b"\x01") == (Status.NO_CHANGES if aborts else Status.OK)


def test_reads_alone_make_a_step_and_nothing_makes_none() -> None:
    """A commit over reads counts in the TMC; a commit over nothing is 0C and counts not."""
    card = issued_card(UID)
    host = opened(card)
    assert refused(host, COMMIT, b"\x01") == Status.NO_CHANGES
    host = opened(card)
    value_of(host)
    assert committed(host)[0] == 1


def test_counter_at_its_limit_closes_the_application() -> None:
    """6283 on selection, 9D for data, and the TMAC file can still be read."""
    card = issued_card(UID)
    tmac = card.memory.applications[AID].tmac
    assert tmac is not None
    tmac.tmc_limit = 1
    pay(opened(card), 5)
    assert card.transmit(select_apdu()) == bytes.fromhex("6283")
    host = Host(card.transmit)
    host.authenticate(TERMINAL_KEY, KEYS.terminal)
    assert host.mac(READ, span(0x0F, 0, 4)) == number(1, 4)
    assert refused(host, GET_VALUE, b"\x03", full=b"") == Status.PERMISSION_DENIED


@pytest.mark.parametrize("status", [Status.OK, Status.NO_CHANGES])
def test_abort_over_reads_follows_the_chosen_behaviour(status: Status) -> None:
    """An open question of the papers is a named choice, and both answers can be had."""
    choice = replace(Behaviour(), abort_with_reads_only=status, no_changes_ends_session=True)
    host = opened(issued_card(UID, behaviour=choice))
    value_of(host)
    if status is Status.OK:
        host.mac(ABORT)
        assert value_of(host) == VALUE_AT_ISSUE
    else:
        assert refused(host, ABORT) == status
        assert host.status(GET_VALUE, b"\x03") == Status.AUTHENTICATION_ERROR
