"""A purse in the terminal's hands: one sale in nine exchanges, and everything that can end it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from cardkit.card.apdu import AuthenticationRefused, BoundaryExceeded, Ins
from cardkit.card.issuing import personalise
from cardkit.card.keys import TerminalCardKeys
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.profile import CardProfile, ClearBy
from cardkit.card.session import PurseSession
from cardkit.card.tmac import (
    NO_TMRI,
    SaleFacts,
    TmacState,
    decrypt_tmri,
    session_keys,
    tmi,
    verify_tmv,
)
from cardkit.card.token import ReaderId, SaleRecord
from cardkit.errors import Bug, CardAnswerInvalid, CardForeign, CardLost, CardRefused
from simulator.card import Behaviour, VirtualCard
from simulator.desfire.status import Status
from simulator.field import Field
from tests.purse_cards import (
    KEY_VERSION,
    OLD_TERMINAL_MASTER,
    SYSTEM_ID,
    TERMINAL_KEYS,
    TERMINAL_MASTER,
    UID,
    Transcript,
    card_keys,
    connect,
    issued,
)

EXCHANGES_OF_A_SALE = 9
EXCHANGES_OF_OPENING = 3
TOKEN = bytes(range(8))
TERMINAL = 0x0A0B0C0D
BY_ABORT = dataclasses.replace(CLAF_PURSE_1, clear_by=ClearBy.ABORT)


@dataclasses.dataclass(frozen=True)
class Sold:
    """One sale as the terminal saw it."""

    facts: SaleFacts
    before: TmacState
    after: TmacState
    reader: ReaderId


def opened(
    field: Field,
    *,
    profile: CardProfile = CLAF_PURSE_1,
    keys: TerminalCardKeys = TERMINAL_KEYS,
) -> PurseSession:
    """A session with the card in the field."""
    return PurseSession.open(connect(field), keys, profile=profile)


def sell(purse: PurseSession, *, amount_cents: int = 475, seq: int = 1) -> Sold:
    """The exchanges of one sale after opening."""
    before = purse.tmac()
    spent0_cents = purse.spent_cents()
    reader = ReaderId(terminal=TERMINAL, seq=seq, token=TOKEN)
    record = SaleRecord(
        terminal=TERMINAL,
        seq=seq,
        amount_cents=amount_cents,
        spent0_cents=spent0_cents,
        tmv0=before.tmv,
        token=TOKEN,
    )
    purse.debit(amount_cents)
    purse.write_record(record)
    enc_tmri = purse.commit_reader_id(reader)
    facts = SaleFacts(
        spent0_cents=spent0_cents,
        amount_cents=amount_cents,
        record=record.pack(),
        tmri=reader.pack(),
        enc_tmri=enc_tmri,
    )
    return Sold(facts, before, purse.commit(), reader)


def is_proven(
    sold: Sold, *, facts: SaleFacts | None = None, profile: CardProfile = CLAF_PURSE_1
) -> bool:
    """Whether the service, which holds the TMAC key, would find the sale proven."""
    keys = session_keys(card_keys().tmac, uid=UID, tmc=sold.after.tmc)
    return verify_tmv(keys.mac, tmi(profile, facts or sold.facts), sold.after.tmv)


def test_a_sale_takes_nine_exchanges_and_is_proven() -> None:
    """The card's own proof, rebuilt from the facts the terminal notes, is worth the amount."""
    field, card = issued()
    purse = opened(field)
    before_exchanges = field.exchanges - EXCHANGES_OF_OPENING
    sold = sell(purse)
    assert purse.exchanges == field.exchanges - before_exchanges == EXCHANGES_OF_A_SALE
    assert sold.after.tmc == sold.before.tmc + 1
    assert is_proven(sold)
    assert (purse.uid, purse.key_version) == (UID, KEY_VERSION)
    assert len(card.history) == 2


def test_a_card_whose_reads_leave_no_trace_is_born_and_sold_to() -> None:
    """Silicon may answer so, and the bench would settle a profile for it: it has to work."""
    profile = dataclasses.replace(
        CLAF_PURSE_1,
        sale_tmi=(Ins.DEBIT, Ins.WRITE_RECORD, Ins.COMMIT_READER_ID),
        birth_tmi=(Ins.COMMIT_READER_ID,),
    )
    field, card = Field(), VirtualCard(UID, behaviour=Behaviour(reads_enter_tmi=False))
    field.place(card)
    personalise(connect(field), card_keys(), originality=None, profile=profile)
    sold = sell(opened(field, profile=profile))
    assert is_proven(sold, profile=profile)
    assert sold.after.tmc == sold.before.tmc + 1 == 2


@pytest.mark.parametrize(
    "lie",
    [
        {"amount_cents": 476},
        {"spent0_cents": 1},
        {"record": bytes(32)},
        {"tmri": bytes(16)},
        {"enc_tmri": bytes(16)},
    ],
    ids=lambda lie: next(iter(lie)),
)
def test_no_changed_fact_is_proven(lie: dict[str, Any]) -> None:
    """A terminal that reports another sale than the card made is not paid."""
    field, _ = issued()
    sold = sell(opened(field))
    assert not is_proven(sold, facts=dataclasses.replace(sold.facts, **lie))


def test_the_next_tap_tells_what_happened_at_this_one() -> None:
    """TMC, TMV, spent, the record and EncTMRI all bear witness at the next terminal."""
    field, _ = issued()
    first = sell(opened(field), amount_cents=475, seq=1)
    purse = opened(field)
    assert purse.tmac() == first.after
    assert purse.records(1) == (SaleRecord.unpack(first.facts.record),)
    purse.clear()
    second = sell(purse, amount_cents=25, seq=2)
    assert second.facts.spent0_cents == 475
    enc_key = session_keys(card_keys().tmac, uid=UID, tmc=second.after.tmc).enc
    assert decrypt_tmri(enc_key, second.facts.enc_tmri) == first.reader.pack()


def test_the_first_sale_follows_the_birth() -> None:
    """The reader before the first sale is nobody: sixteen zero bytes."""
    field, _ = issued()
    sold = sell(opened(field))
    enc_key = session_keys(card_keys().tmac, uid=UID, tmc=sold.after.tmc).enc
    assert sold.before.tmc == 1
    assert decrypt_tmri(enc_key, sold.facts.enc_tmri) == NO_TMRI


# Whose card it is


def test_a_card_with_an_older_master_opens_after_one_refusal() -> None:
    """Masters rotate without calling every card in."""
    field, _ = issued(keys=card_keys(terminal_master=OLD_TERMINAL_MASTER))
    purse = opened(field)
    assert purse.key_version == 1
    assert purse.exchanges == 2 * EXCHANGES_OF_OPENING
    assert is_proven(sell(purse))


@pytest.mark.parametrize(
    "keys",
    [
        TerminalCardKeys(SYSTEM_ID, {1: bytes(16)}),
        TerminalCardKeys(b"TRAINING", {KEY_VERSION: TERMINAL_MASTER}),
    ],
    ids=["other masters", "training"],
)
def test_a_card_of_other_keys_is_foreign(keys: TerminalCardKeys) -> None:
    """Another caisse's card, or a real card at a training till, is told apart from a fault."""
    field, _ = issued()
    with pytest.raises(CardForeign):
        opened(field, keys=keys)


def test_the_workshop_opens_with_the_card_s_own_key() -> None:
    """It holds no master, only the keys of the card on its desk."""
    field, _ = issued()
    purse = PurseSession.open_with_key(connect(field), card_keys().terminal)
    assert is_proven(sell(purse))
    with pytest.raises(AuthenticationRefused):
        PurseSession.open_with_key(connect(field), bytes(16))


def test_a_blank_card_is_foreign() -> None:
    """A card without our application is not ours, and no fault."""
    field = Field()
    field.place(VirtualCard(UID))
    with pytest.raises(CardForeign):
        opened(field)


@pytest.mark.parametrize("uid", [bytes.fromhex("08A1B2C3"), bytes(10)])
def test_a_card_without_our_kind_of_uid_is_foreign(uid: bytes) -> None:
    """A phone or a bank card shows a random or longer UID: it is not even asked."""
    transcript = Transcript(uid=uid)
    with pytest.raises(CardForeign):
        PurseSession.open(transcript, TERMINAL_KEYS)
    assert not transcript.sent


@pytest.mark.parametrize("status", ["6A82", "6D00", "6E00", "91A0", "911C"])
def test_whatever_refuses_our_name_is_foreign(status: str) -> None:
    """Other people's cards refuse in many words."""
    with pytest.raises(CardForeign):
        PurseSession.open(Transcript(bytes.fromhex(status)), TERMINAL_KEYS)


def test_an_exhausted_card_is_ours_but_refused() -> None:
    """TMCLimit reached: the member needs another card, so it is not called foreign."""
    with pytest.raises(CardRefused):
        PurseSession.open(Transcript(bytes.fromhex("6283")), TERMINAL_KEYS)


# Before the sale


@pytest.mark.parametrize("profile", [CLAF_PURSE_1, BY_ABORT], ids=["reauthenticate", "abort"])
@pytest.mark.parametrize("status", [Status.OK, Status.NO_CHANGES])
@pytest.mark.parametrize("ends_session", [True, False])
@pytest.mark.parametrize("errors_abort", [True, False])
def test_what_was_read_before_the_sale_is_cleared(
    profile: CardProfile, status: Status, *, ends_session: bool, errors_abort: bool
) -> None:
    """Reading slots and records leaves no trace in the proof, by either way of clearing.

    Whatever silicon turns out to say to an abort with only reads pending.
    """
    behaviour = Behaviour(
        abort_with_reads_only=status,
        no_changes_ends_session=ends_session,
        errors_abort_transaction=errors_abort,
    )
    field, _ = issued(behaviour=behaviour)
    purse = opened(field, profile=profile)
    purse.allowance_slots()
    purse.write_allowance(0, b"signed elsewhere")
    purse.records()
    purse.clear()
    purse.allowance_slots()
    purse.clear()
    assert is_proven(sell(purse))


@pytest.mark.parametrize(
    "extra",
    [
        lambda purse: purse.spent_cents(),
        lambda purse: purse.allowance_slots(),
        lambda purse: purse.write_allowance(1, b"signed elsewhere"),
    ],
    ids=["value", "read", "write"],
)
def test_an_uncanonical_transaction_is_never_committed(
    extra: Callable[[PurseSession], object],
) -> None:
    """What was read and not cleared would make a sale that nobody can prove."""
    field, card = issued()
    purse = opened(field)
    extra(purse)
    with pytest.raises(Bug):
        sell(purse)
    assert len(card.history) == 1


@pytest.mark.parametrize("profile", [CLAF_PURSE_1, BY_ABORT], ids=["reauthenticate", "abort"])
def test_clearing_nothing_is_no_error(profile: CardProfile) -> None:
    """Whether a card says 00 or 0C to an empty abort, the next sale goes through."""
    field, _ = issued()
    purse = opened(field, profile=profile)
    purse.clear()
    purse.abort()
    assert is_proven(sell(purse))


def test_an_abort_leaves_the_card_as_it_was() -> None:
    """An inspection tap brings evidence and changes nothing."""
    field, card = issued()
    purse = opened(field)
    before = purse.tmac()
    purse.spent_cents()
    purse.debit(100)
    purse.commit_reader_id(ReaderId(terminal=1, seq=1, token=TOKEN))
    purse.abort()
    assert purse.spent_cents() == 0
    assert purse.tmac() == before
    assert len(card.history) == 1


def test_records_come_newest_first_and_eight_are_kept() -> None:
    """A torn sale is looked for in the newest records; the ninth oldest is gone."""
    field, _ = issued()
    for sales in range(1, 11):
        sell(opened(field), amount_cents=sales, seq=sales)
        kept = list(range(sales, 0, -1))[:8]
        purse = opened(field)
        assert [record.seq for record in purse.records() if record] == kept
        assert [record.seq for record in purse.records(len(kept)) if record] == kept
        assert [record.seq for record in purse.records(2) if record] == kept[:2]
    assert purse.records(8)[-1] is not None
    with pytest.raises(Bug):
        purse.records(9)


def test_asking_for_more_records_than_there_are_gives_all() -> None:
    """The card refuses that and forgets the session, which the caller need not know."""
    field, _ = issued()
    purse = opened(field)
    assert purse.records() == purse.records(3) == ()
    purse.clear()
    sold = sell(purse)
    purse = opened(field)
    assert purse.records(8) == (SaleRecord.unpack(sold.facts.record),)
    purse.clear()
    assert is_proven(sell(purse, seq=2))


@pytest.mark.parametrize("length", [1, 16, 238, 239, 254])
def test_allowances_are_kept_whole(length: int) -> None:
    """Documents of every size come back from either slot; long ones take a second exchange."""
    field, _ = issued()
    document = bytes(range(1, 255))[:length]
    opened(field).write_allowance(1, document)
    assert opened(field).allowance_slots() == (None, document)
    opened(field).write_allowance(0, document[::-1])
    assert opened(field).allowance_slots() == (document[::-1], document)


def test_a_torn_allowance_leaves_the_other_slot() -> None:
    """A member who lifts the card early keeps the allowance that was there."""
    field, _ = issued()
    opened(field).write_allowance(0, b"the older one")
    purse = opened(field)
    field.tear_before(2)
    with pytest.raises(CardLost):
        purse.write_allowance(1, b"n" * 254)
    assert field.card is None


# What ends a session


@pytest.mark.parametrize("exchange", range(1, EXCHANGES_OF_A_SALE + 1))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_tear_at_any_exchange_is_card_lost(exchange: int, when: str) -> None:
    """Nothing happened up to the commit; a lost answer to the commit may be a sale."""
    field, card = issued()
    if when == "before":
        field.tear_before(exchange)
    else:
        field.tear_after(exchange)
    with pytest.raises(CardLost):
        sell(opened(field))
    is_executed = (exchange, when) == (EXCHANGES_OF_A_SALE, "after")
    assert len(card.history) == 1 + is_executed
    field.place(card)
    purse = opened(field)
    assert purse.tmac().tmc == 1 + is_executed
    assert purse.spent_cents() == 475 * is_executed
    assert len(purse.records()) == is_executed


@pytest.mark.parametrize("exchange", range(EXCHANGES_OF_OPENING + 1, EXCHANGES_OF_A_SALE + 1))
def test_a_changed_answer_ends_the_session(exchange: int) -> None:
    """After an answer that is not the card's own, not one more command goes out."""
    field, _ = issued()
    purse = opened(field)
    field.garble(exchange - EXCHANGES_OF_OPENING)
    with pytest.raises(CardAnswerInvalid):
        sell(purse)
    sent = field.exchanges
    for call in (purse.tmac, purse.clear, purse.abort, purse.records, purse.spent_cents):
        with pytest.raises(CardLost):
            call()
    assert field.exchanges == sent


def test_a_refusal_ends_the_session() -> None:
    """A worn-out purse refuses the debit; the commit is not sent in plain after it."""
    field, card = issued()
    sell(opened(field), amount_cents=CLAF_PURSE_1.initial_value - 1)
    purse = opened(field)
    with pytest.raises(BoundaryExceeded):
        sell(purse, amount_cents=2)
    with pytest.raises(CardLost):
        purse.commit_reader_id(ReaderId(terminal=1, seq=1, token=TOKEN))
    assert len(card.history) == 2


@pytest.mark.parametrize("amount_cents", [0, -1, 0x80000000])
def test_only_positive_amounts_are_debited(amount_cents: int) -> None:
    """A negative debit would be a credit; it is our bug before it is the card's refusal."""
    field, _ = issued()
    with pytest.raises(Bug):
        opened(field).debit(amount_cents)
