"""The field as a reader sees it, and as the world plays with it."""

from __future__ import annotations

import threading

import pytest

from cardkit.card.connection import CardConnection
from cardkit.errors import Bug, CardLost
from cardkit.reader import Reader
from simulator.card import VirtualCard
from simulator.field import Exchange, Field
from simulator.issued import VALUE_AT_ISSUE, issued_card
from tests.desfire_host import (
    KEYS,
    TERMINAL_KEY,
    UID,
    Host,
    apdu,
    committed,
    number,
    opened,
    select_apdu,
    value_of,
)

SELECTED = bytes.fromhex("9000")


def connected(field: Field) -> CardConnection:
    """A connection to the card that lies there."""
    connection = field.wait_for_card(0)
    assert connection is not None
    return connection


def paying(field: Field, cents: int) -> Host:
    """A host that has debited and named its reader: the next exchange is the commit."""
    host = Host(connected(field).transceive)
    host.select()
    host.authenticate(TERMINAL_KEY, KEYS.terminal)
    host.full(0xDC, b"\x03", number(cents, 4))
    host.mac(0xC8, bytes(16))
    return host


def field_with(card: VirtualCard) -> Field:
    """A field in which a card lies."""
    field = Field()
    field.place(card)
    return field


def test_field_is_a_reader() -> None:
    """A program that is given a Field needs nothing but the Reader protocol."""
    field = Field("stall 3")
    reader: Reader = field
    assert reader.name == "stall 3"
    assert reader.wait_for_card(0) is None
    assert reader.wait_for_removal(0)
    field.place(issued_card(UID))
    connection = reader.wait_for_card(0)
    assert connection is not None
    assert connection.uid == UID
    assert connection.transceive(select_apdu()) == SELECTED
    assert not reader.wait_for_removal(0)
    field.lift()
    assert reader.wait_for_removal(0)
    reader.close()


def test_lifted_card_is_lost_for_ever_to_its_connection() -> None:
    """After CardLost a connection stays dead, also when the same card comes back."""
    card = issued_card(UID)
    field = field_with(card)
    connection = connected(field)
    field.lift()
    field.place(card)
    for _ in range(2):
        with pytest.raises(CardLost):
            connection.transceive(select_apdu())
    assert connected(field).transceive(select_apdu()) == SELECTED


def test_new_connection_powers_the_card_anew() -> None:
    """No session survives a reconnect, and the old connection is over."""
    field = field_with(issued_card(UID))
    host = paying(field, 100)
    fresh = connected(field)
    with pytest.raises(CardLost):
        host.mac(0xC7, b"\x01")
    assert fresh.transceive(apdu(0x6C, b"\x03"))[-2:] == bytes.fromhex("91F0")


def test_closed_connection_ends_the_session() -> None:
    """`close` may be called twice; nothing of the session is left to anybody."""
    card = issued_card(UID)
    field = field_with(card)
    connection = connected(field)
    host = Host(connection.transceive)
    host.select()
    host.authenticate(TERMINAL_KEY, KEYS.terminal)
    connection.close()
    connection.close()
    with pytest.raises(CardLost):
        connection.transceive(select_apdu())
    assert card.transmit(apdu(0x6C, b"\x03")) == bytes.fromhex("91F0")


def test_tear_before_the_commit_leaves_the_card_as_it_was() -> None:
    """The APDU never arrived: no step of the counter, the old value, an empty field."""
    card = issued_card(UID)
    field = field_with(card)
    host = paying(field, 100)
    field.tear_before(1)
    with pytest.raises(CardLost):
        host.mac(0xC7, b"\x01")
    assert card.history == ()
    assert field.card is None
    assert value_of(opened(card)) == VALUE_AT_ISSUE


def test_tear_after_the_commit_leaves_it_done() -> None:
    """The card has executed it, and only the answer is missing."""
    card = issued_card(UID)
    field = field_with(card)
    host = paying(field, 100)
    field.tear_after(1)
    with pytest.raises(CardLost):
        host.mac(0xC7, b"\x01")
    assert len(card.history) == 1
    assert value_of(opened(card)) == VALUE_AT_ISSUE - 100


def test_tears_count_exchanges_and_happen_once() -> None:
    """`tear_before(3)` lets two APDUs through, and a card that is placed again is left alone."""
    card = issued_card(UID)
    field = field_with(card)
    connection = connected(field)
    field.tear_before(3)
    assert connection.transceive(select_apdu()) == SELECTED
    assert connection.transceive(select_apdu()) == SELECTED
    with pytest.raises(CardLost):
        connection.transceive(select_apdu())
    field.place(card)
    again = connected(field)
    for _ in range(4):
        assert again.transceive(select_apdu()) == SELECTED


def test_garbled_answer_fails_its_mac_and_the_card_stays() -> None:
    """One bit differs; the commit behind it has happened."""
    card = issued_card(UID)
    field = field_with(card)
    host = paying(field, 100)
    field.garble(1)
    with pytest.raises(AssertionError):
        host.mac(0xC7, b"\x01")
    assert len(card.history) == 1
    assert field.card is card


def test_mute_card_is_lost_but_lies_there() -> None:
    """A card that gives no answer ends the connection; a new one wakes it."""
    card = issued_card(UID)
    field = field_with(card)
    host = paying(field, 100)
    card.cut_power_in_next_write(1)
    with pytest.raises(CardLost):
        host.mac(0x8D, bytes.fromhex("00000000020000") + b"ab")
    assert connected(field).transceive(select_apdu()) == SELECTED


def test_exchanges_are_counted_and_traced() -> None:
    """The demo counts exchanges per sale here; a lost answer is in the trace as None."""
    field = field_with(issued_card(UID))
    connection = connected(field)
    connection.transceive(select_apdu())
    field.tear_after(1)
    with pytest.raises(CardLost):
        connection.transceive(apdu(0x60))
    assert field.exchanges == 2
    assert list(field.trace) == [
        Exchange(select_apdu(), SELECTED),
        Exchange(apdu(0x60), None),
    ]


def test_waiting_ends_when_another_thread_places_a_card() -> None:
    """A till in its own thread sleeps until somebody taps."""
    field = Field()
    found: list[bytes] = []

    def till() -> None:
        connection = field.wait_for_card(20)
        found.append(connection.uid if connection else b"")

    waiting = threading.Thread(target=till)
    waiting.start()
    field.place(issued_card(UID))
    waiting.join(20)
    assert found == [UID]


def test_single_threaded_world_goes_on_while_a_program_waits() -> None:
    """In place of a pause the world is told how long the program would wait, and may act."""
    waited: list[float] = []

    def world(timeout_s: float) -> None:
        waited.append(timeout_s)
        field.place(issued_card(UID))

    field = Field(while_waiting=world)
    assert field.wait_for_card(2.5) is not None
    assert field.wait_for_card(2.5) is not None
    assert waited == [2.5]


def test_two_cards_do_not_fit() -> None:
    """Placing onto a card is a mistake of the test, not an event of the world."""
    field = field_with(issued_card(UID))
    with pytest.raises(Bug):
        field.place(issued_card(bytes(7)))
    with pytest.raises(Bug):
        field.tear_after(0)


def test_sale_over_the_field_is_the_sale_of_the_card() -> None:
    """The field adds nothing: the commit through it is in the card's own history."""
    card = issued_card(UID)
    host = paying(field_with(card), 100)
    host.mac(0xA7)
    host.full(0xDC, b"\x03", number(250, 4))
    assert committed(host) == (1, card.history[0].tmv)
