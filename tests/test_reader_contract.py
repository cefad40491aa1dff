"""One contract for every way to a card: the same assertions over every rung of `reader_rungs`.

With `--reader ADDRESS --card UID` the one rung is a real reader, with that card and no other. What
would change the card, or needs a hand quicker than a person's, is left out there (`CANNOT`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from cardkit.card.connection import CardConnection
from cardkit.card.issuing import personalise
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.session import PurseSession
from cardkit.card.tmac import SaleFacts, TmacState, session_keys, tmi, verify_tmv
from cardkit.card.token import ReaderId, SaleRecord
from cardkit.errors import CardAnswerInvalid, CardCollision, CardLost, ReaderLost
from cardkit.reader.beep import Beep
from simulator.card import VirtualCard
from simulator.field import Field
from simulator.strangers import Stranger, mifare_classic_1k, ntag216
from tests.purse_cards import TERMINAL_KEYS, UID, card_keys, connect, issued
from tests.reader_rungs import SOON_S, Feature, Kind, Rung, rung_of
from tests.real_reader import named_card

OTHER_UID = bytes.fromhex("04C1AF00000280")
GET_VERSION = bytes.fromhex("9060000000")
MORE = bytes.fromhex("90AF000000")
FIRST_FRAME = bytes.fromhex("91AF")
LAST_FRAME = bytes.fromhex("9100")
READ_SIGNATURE = bytes.fromhex("903C0000010000")
SIGNATURE_BYTES = 56
SALE_EXCHANGES = 9
HALF_A_SECOND_S = 0.5


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test on every virtual rung, or on the real one that the command line names."""
    if "rung" in metafunc.fixturenames:
        is_real = named_card(metafunc.config) is not None
        kinds = [kind for kind in Kind if (kind is Kind.REAL) == is_real]
        ids = [kind.name.lower() for kind in kinds]
        metafunc.parametrize("rung", kinds, ids=ids, indirect=True)


@pytest.fixture
def rung(request: pytest.FixtureRequest) -> Iterator[Rung]:
    """A rung with nothing on its reader; on a real one the card of the test before may lie."""
    with rung_of(request.param, request) as rung:
        yield rung


class EchoCard:
    """A card that answers whatever it gets, backwards, as much of it as an answer holds."""

    uid, atqa, sak = OTHER_UID, bytes.fromhex("0344"), 0x20
    ats = bytes.fromhex("067577810280")

    def reset(self) -> None:
        """Nothing to forget."""

    def transmit(self, command: bytes) -> bytes | None:
        """The command backwards, and 9000."""
        return command[::-1][:256] + b"\x90\x00"


class PoweredCard(EchoCard):
    """The same, and it notes when its power goes."""

    def __init__(self) -> None:
        self.lost_power = threading.Event()

    def reset(self) -> None:
        """Note it."""
        self.lost_power.set()


class HesitantCard(EchoCard):
    """The same, but the first command gets no answer; it counts what it executed."""

    executed = 0

    def transmit(self, command: bytes) -> bytes | None:
        """Execute, and answer from the second time on."""
        self.executed += 1
        return None if self.executed == 1 else super().transmit(command)


class SlowCard(EchoCard):
    """The same, but it can only be spoken to at 106 kbit/s: its ATS offers nothing else."""

    ats = bytes.fromhex("067500810280")


def sell(connection: CardConnection, *, seq: int = 1) -> TmacState:
    """A whole sale of 5 cents, in nine exchanges, and its proof verified."""
    purse = PurseSession.open(connection, TERMINAL_KEYS)
    before, spent0_cents = purse.tmac(), purse.spent_cents()
    record = SaleRecord(
        terminal=1,
        seq=seq,
        amount_cents=5,
        spent0_cents=spent0_cents,
        tmv0=before.tmv,
        token=bytes(8),
    )
    reader_id = ReaderId(terminal=1, seq=seq, token=bytes(8))
    purse.debit(5)
    purse.write_record(record)
    facts = SaleFacts(
        spent0_cents=spent0_cents,
        amount_cents=5,
        record=record.pack(),
        tmri=reader_id.pack(),
        enc_tmri=purse.commit_reader_id(reader_id),
    )
    after = purse.commit()
    mac = session_keys(card_keys().tmac, uid=UID, tmc=after.tmc).mac
    assert after.tmc == before.tmc + 1
    assert verify_tmv(mac, tmi(CLAF_PURSE_1, facts), after.tmv)
    assert purse.exchanges == SALE_EXCHANGES
    return after


def spent_cents(card: VirtualCard) -> int:
    """What the card has really paid."""
    field = Field()
    field.place(card)
    return PurseSession.open(connect(field), TERMINAL_KEYS).spent_cents()


# A card comes and goes


def test_no_card_in_time_is_none(rung: Rung) -> None:
    """An empty field is no error, with patience or without, and it is empty at once."""
    rung.lift()
    assert rung.reader.wait_for_card(0) is None
    assert rung.reader.wait_for_card(0.02) is None
    assert rung.reader.wait_for_removal(0)


def test_a_reader_has_a_name(rung: Rung) -> None:
    """Whatever it is, a person is told which one was taken."""
    assert rung.reader.name


def test_a_reader_says_what_it_knows_of_its_beep(rung: Rung) -> None:
    """A virtual reader has no buzzer, and nobody can know that of a PC/SC reader."""
    rung.demand(Feature.KNOWN_BEEP)
    assert rung.reader.beep is (Beep.UNKNOWN if rung.kind is Kind.PCSC else Beep.NONE)


def test_a_tap_connects(rung: Rung) -> None:
    """The UID comes from anticollision, and APDUs go through whole."""
    connection = rung.tap(rung.card)
    assert connection.uid == rung.card.uid
    assert connection.activation.uid == rung.card.uid
    assert connection.activation.speaks_apdus
    assert connection.transceive(GET_VERSION)[-2:] == FIRST_FRAME


def test_the_version_comes_in_three_frames(rung: Rung) -> None:
    """What the card says of itself ends with the UID that anticollision gave."""
    connection = rung.tap(rung.card)
    frames = [connection.transceive(command) for command in (GET_VERSION, MORE, MORE)]
    assert [frame[-2:] for frame in frames] == [FIRST_FRAME, FIRST_FRAME, LAST_FRAME]
    assert frames[2].startswith(connection.uid)


def test_the_longest_answer_of_a_blank_card_is_whole(rung: Rung) -> None:
    """NXP's signature, twice, the same each time: no byte of it is the reader's."""
    connection = rung.tap(rung.card)
    first = connection.transceive(READ_SIGNATURE)
    assert (len(first), first[-2:]) == (SIGNATURE_BYTES + 2, bytes.fromhex("9190"))
    assert connection.transceive(READ_SIGNATURE) == first


def test_a_long_command_does_not_end_the_connection(rung: Rung) -> None:
    """No card knows this one: it is refused whole, and the next command is answered."""
    connection = rung.tap(rung.card)
    unknown = bytes.fromhex("90EE0000F0") + bytes(0xF0) + b"\x00"
    assert len(connection.transceive(unknown)) == len(FIRST_FRAME)
    assert connection.transceive(GET_VERSION)[-2:] == FIRST_FRAME


def test_activation_shows_the_card(rung: Rung) -> None:
    """What the card showed is told as the standard writes it: the bench and the words need it."""
    rung.demand(Feature.SHOWS_ATS)
    shown, card = rung.tap(rung.card).activation, rung.card
    assert (shown.atqa, shown.sak, shown.ats) == (card.atqa, card.sak, card.ats)


def test_the_best_bit_rate_is_agreed_on_and_told(rung: Rung) -> None:
    """424 kbit/s where chip and card can, 106 where the card's ATS offers no more."""
    rung.demand(Feature.BIT_RATE)
    fast = 106 if rung.kind is Kind.HOST else 424
    connection = rung.tap(VirtualCard(UID))
    assert connection.activation.bit_rate_kbps == fast
    assert connection.transceive(GET_VERSION)[-2:] == FIRST_FRAME
    rung.lift()
    assert rung.tap(SlowCard()).activation.bit_rate_kbps == 106


def test_removal_is_noticed_with_the_connection_open(rung: Rung) -> None:
    """The till may go on with a card while it waits for it to go, and knows when it went."""
    connection = rung.tap(rung.card)
    assert not rung.reader.wait_for_removal(0)
    assert connection.transceive(GET_VERSION)[-2:] == FIRST_FRAME
    assert not rung.reader.wait_for_removal(0.05)
    assert connection.transceive(GET_VERSION)
    rung.lift()
    with pytest.raises(CardLost):
        connection.transceive(GET_VERSION)


def test_a_card_let_go_of_lies_there_still_and_has_lost_its_session(rung: Rung) -> None:
    """Closing takes the power away: no half-done command outlives a connection."""
    first = rung.tap(rung.card)
    assert first.transceive(GET_VERSION)[-2:] == FIRST_FRAME
    first.close()
    with pytest.raises(CardLost):
        first.transceive(MORE)
    assert not rung.reader.wait_for_removal(0)
    second = rung.present()
    assert second.uid == rung.card.uid
    assert second.transceive(MORE)[-2:] not in {FIRST_FRAME, LAST_FRAME}


def test_a_card_let_go_of_is_authenticated_no_more(rung: Rung) -> None:
    """Nor does a half-done transaction: whoever comes next has to prove the key anew."""
    rung.demand(Feature.ANY_CARD)
    first = rung.tap(issued()[1])
    PurseSession.open(first, TERMINAL_KEYS).tmac()
    first.close()
    assert rung.present().transceive(bytes.fromhex("9051000000"))[-2:] == bytes.fromhex("91AE")


def test_closing_takes_the_power_away(rung: Rung) -> None:
    """At once, and not only when the next card is looked for: a till may rest for hours."""
    rung.demand(Feature.ANY_CARD)
    card = PoweredCard()
    connection = rung.tap(card)
    connection.transceive(GET_VERSION)
    card.lost_power.clear()
    connection.close()
    assert card.lost_power.wait(SOON_S)


def test_two_taps_in_a_row(rung: Rung) -> None:
    """The next customer's card is another card, and the first one's connection is over."""
    rung.demand(Feature.ANY_CARD)
    first = rung.tap(VirtualCard(UID))
    rung.lift()
    second = rung.tap(VirtualCard(OTHER_UID))
    assert second.uid == OTHER_UID
    with pytest.raises(CardLost):
        first.transceive(GET_VERSION)
    assert second.transceive(GET_VERSION)[-2:] == FIRST_FRAME


def test_looking_for_a_card_ends_the_connection_before(rung: Rung) -> None:
    """One reader, one card in hand: who finds the card again, unlifted, has let go of it."""
    first = rung.tap(rung.card)
    second = rung.present()
    with pytest.raises(CardLost):
        first.transceive(GET_VERSION)
    assert second.uid == rung.card.uid
    assert second.transceive(GET_VERSION)[-2:] == FIRST_FRAME


def test_looking_in_vain_ends_the_connection_before(rung: Rung) -> None:
    """Whether a card is found or not."""
    rung.demand(Feature.SNATCH)
    connection = rung.tap(rung.card)
    rung.snatch()
    assert rung.reader.wait_for_card(0) is None
    rung.place(rung.card)
    with pytest.raises(CardLost):
        connection.transceive(GET_VERSION)


def test_closing_is_harmless_any_number_of_times(rung: Rung) -> None:
    """Connections and readers are closed by whoever comes first, and what is closed stays so."""
    connection = rung.tap(rung.card)
    connection.close()
    connection.close()
    with pytest.raises(CardLost):
        connection.transceive(GET_VERSION)
    rung.reader.close()
    rung.reader.close()
    connection.close()
    with pytest.raises(CardLost):
        connection.transceive(GET_VERSION)


def test_closing_is_harmless_without_a_card(rung: Rung) -> None:
    """The card may have left meanwhile."""
    rung.demand(Feature.SNATCH)
    connection = rung.tap(rung.card)
    connection.close()
    rung.snatch()
    connection.close()
    rung.reader.close()
    connection.close()
    with pytest.raises(CardLost):
        connection.transceive(GET_VERSION)


# Exchanges


def test_a_whole_sale(rung: Rung) -> None:
    """Nine exchanges, and the card's proof is right."""
    rung.demand(Feature.ANY_CARD)
    card = issued()[1]
    sell(rung.tap(card))
    assert rung.world.exchanges == SALE_EXCHANGES
    assert spent_cents(card) == 5


def test_a_card_is_issued(rung: Rung) -> None:
    """The workshop's long commands go through every reader."""
    rung.demand(Feature.ANY_CARD)
    card = VirtualCard(UID)
    workshop = rung.tap(card)
    personalise(workshop, card_keys(), originality=None, allowance=b"\x5a" * 254)
    workshop.close()
    sell(rung.present())


@pytest.mark.parametrize("size", [0, 1, 59, 60, 61, 62, 200, 250, 255])
def test_long_apdus_both_ways(rung: Rung, size: int) -> None:
    """Whatever a frame holds, on either side of the chip, an APDU arrives whole."""
    rung.demand(Feature.ANY_CARD)
    command = bytes.fromhex("00DA0000") + bytes([size]) + bytes(range(size)) + b"\x00"
    connection = rung.tap(EchoCard())
    assert connection.transceive(command) == EchoCard().transmit(command)
    assert connection.transceive(command) == EchoCard().transmit(command)


@pytest.mark.parametrize("number", range(1, SALE_EXCHANGES + 1))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_torn_exchange_is_lost_for_ever(rung: Rung, number: int, moment: str) -> None:
    """Wherever a sale is torn, the connection says so, then and ever after, and the next tap works.

    Whether the card paid is the card's to say: only the ninth answer was too late to lose it.
    """
    rung.demand(Feature.ANY_CARD)
    card = issued()[1]
    connection = rung.tap(card)
    tear = rung.world.tear_before if moment == "before" else rung.world.tear_after
    tear(number)
    with pytest.raises(CardLost):
        sell(connection)
    assert rung.world.exchanges == number
    rung.lift()
    assert spent_cents(card) == (5 if (number, moment) == (9, "after") else 0)
    again = rung.tap(card)
    with pytest.raises(CardLost):
        connection.transceive(GET_VERSION)
    sell(again, seq=2)


def test_a_command_without_an_answer_is_never_sent_again(rung: Rung) -> None:
    """Nobody knows what the card made of it: the connection is over, though the card lies there."""
    rung.demand(Feature.ANY_CARD)
    card = HesitantCard()
    connection = rung.tap(card)
    for _ in range(3):
        with pytest.raises(CardLost):
            connection.transceive(GET_VERSION)
    assert card.executed == 1


def test_a_garbled_answer_is_no_answer(rung: Rung) -> None:
    """A reader may hand on rubbish: the card's MAC tells, and the connection goes on."""
    rung.demand(Feature.ANY_CARD)
    connection = rung.tap(issued()[1])
    purse = PurseSession.open(connection, TERMINAL_KEYS)
    rung.world.garble(1)
    with pytest.raises(CardAnswerInvalid):
        purse.tmac()
    assert connection.transceive(GET_VERSION)


# What lies there is no card of ours


@pytest.mark.parametrize("make", [ntag216, mifare_classic_1k], ids=["ntag", "classic"])
def test_a_card_that_speaks_no_apdus_says_so(rung: Rung, make: Callable[[], Stranger]) -> None:
    """A sticker has a UID and nothing to say: the till knows within half a second, and goes on."""
    rung.demand(Feature.ANY_CARD)
    sticker = make()
    connection = rung.tap(sticker)
    began_s = time.monotonic()
    assert connection.uid == sticker.uid
    assert not connection.activation.speaks_apdus
    before = rung.world.exchanges
    with pytest.raises(CardLost):
        connection.transceive(GET_VERSION)
    with pytest.raises(CardLost):
        connection.transceive(GET_VERSION)
    assert time.monotonic() - began_s < HALF_A_SECOND_S
    if rung.kind is not Kind.FIELD:  # the plain field asks the card, which is mute
        assert rung.world.exchanges == before
    rung.lift()
    assert rung.tap(VirtualCard(UID)).transceive(GET_VERSION)[-2:] == FIRST_FRAME


def test_two_cards_are_a_collision(rung: Rung) -> None:
    """A purse with two cards debits neither, and either of them alone is fine."""
    rung.demand(Feature.TWO_CARDS)
    rung.place(VirtualCard(UID))
    rung.place(VirtualCard(OTHER_UID))
    with pytest.raises(CardCollision):
        rung.reader.wait_for_card(SOON_S)
    assert not rung.reader.wait_for_removal(0)
    rung.lift()
    assert rung.tap(VirtualCard(UID)).transceive(GET_VERSION)[-2:] == FIRST_FRAME


def test_a_card_and_a_sticker_are_a_collision(rung: Rung) -> None:
    """A sticker on the back of a phone, or a key ring beside the card, is a second card as well."""
    rung.demand(Feature.TWO_CARDS)
    rung.place(ntag216())
    rung.place(VirtualCard(UID))
    with pytest.raises(CardCollision):
        rung.reader.wait_for_card(SOON_S)


# The reader goes and comes back


def test_a_reader_that_is_gone_is_lost_and_found_again(rung: Rung) -> None:
    """Unplugged in the middle of a sale: card and reader are lost, and both come back."""
    rung.demand(Feature.UNPLUG)
    connection = rung.tap(VirtualCard(UID))
    with rung.unplugged():
        with pytest.raises(CardLost):
            connection.transceive(GET_VERSION)
        with pytest.raises(CardLost):
            connection.transceive(GET_VERSION)
        with pytest.raises(ReaderLost):
            rung.reader.wait_for_card(0)
        with pytest.raises(ReaderLost):
            rung.reader.wait_for_removal(0)
        connection.close()
    assert rung.tap(VirtualCard(OTHER_UID)).uid == OTHER_UID


def test_a_reader_unplugged_while_nobody_looks(rung: Rung) -> None:
    """It is noticed at the next wait, and a wait over the replugging finds the card."""
    rung.demand(Feature.UNPLUG)
    with rung.unplugged(), pytest.raises(ReaderLost):
        rung.reader.wait_for_card(0.02)
    assert rung.reader.wait_for_card(0) is None
    assert rung.tap(VirtualCard(UID)).uid == UID
