"""Credit that travels on cards: what counts, what does not and why, and the turn of the month."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cardkit.allowance import Allowance, Step
from cardkit.bodies import DocumentRefused, EntryKind
from cardkit.certificates import Certificate, Role, certify
from cardkit.decide import Reason
from cardkit.directory import CardRow
from cardkit.errors import CardLost
from cardkit.signing import SigningKey
from simulator.card import VirtualCard
from terminal.borne import SIGNED_FAULTS, Fault, RefusedAllowance, judge
from terminal.outcomes import Balance, Green, Refused
from terminal.status import lines
from terminal.till import Till
from terminal.words import Words
from tests.borne_allowances import allowance, flipped, leave, slots_of
from tests.terminal_world import CAISSE, World, debits_cents, kinds, last_intent, reason_of

PARIS = ZoneInfo("Europe/Paris")
HERE, ELSEWHERE = 3, 4
OF_DIRECTORY, OF_SLOT = 10_00, 30_00
"""What the list allows, and what the good slot allows."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A caisse without cards."""
    return World.make(tmp_path)


def balance_of(world: World, till: Till, card: VirtualCard) -> Balance:
    """What a till says of a card."""
    outcome = world.tap(card, till.balance)
    assert isinstance(outcome, Balance)
    return outcome


def refusals(till: Till) -> list[DocumentRefused]:
    """Every document that the journal says was refused."""
    bodies = [entry.body for entry in till.journal.entries(0, 1_000)]
    return [body for body in bodies if isinstance(body, DocumentRefused)]


# Each fault, in each slot

Forge = Callable[[World, VirtualCard], bytes]
STRANGER = SigningKey.from_scalar(4711, caisse=CAISSE)
NANTES = SigningKey.from_scalar(4712, caisse="nantes")

FORGED: dict[str, tuple[Forge, Fault]] = {
    "garbage": (lambda _, __: b"garbage", Fault.GARBLED),
    "zeros": (lambda _, __: bytes(200), Fault.GARBLED),
    "longest garbage": (lambda _, __: b"\xd2" * 254, Fault.GARBLED),
    "cut": (lambda w, c: allowance(w, c, version=9)[:-1], Fault.GARBLED),
    "too long": (lambda w, c: allowance(w, c, version=9) + b"\x00", Fault.GARBLED),
    "no allowance": (lambda w, _: w.directory, Fault.ANOTHER_CAISSE),
    "another caisse": (
        lambda w, c: allowance(w, c, version=9, key=NANTES),
        Fault.ANOTHER_CAISSE,
    ),
    "unknown key": (lambda w, c: allowance(w, c, version=9, key=STRANGER), Fault.NOT_SIGNED),
    "the service's key": (
        lambda w, c: allowance(w, c, version=9, key=w.service),
        Fault.NOT_SIGNED,
    ),
    "a bit of its signature": (
        lambda w, c: flipped(allowance(w, c, version=9), -1, 0),
        Fault.NOT_SIGNED,
    ),
    "after its key": (
        lambda w, c: allowance(w, c, version=9, issued_at=datetime(2035, 6, 1, tzinfo=UTC)),
        Fault.KEY_EXPIRED,
    ),
    "above the ceiling": (
        lambda w, c: allowance(w, c, version=9, cents=20_000_000_00),
        Fault.ABOVE_CEILING,
    ),
    "another card": (
        lambda w, _: allowance(w, w.new_card(1_00), version=9),
        Fault.OTHER_CARD,
    ),
    "an earlier life": (lambda w, c: allowance(w, c, version=9), Fault.EARLIER_LIFE),
}


def member_with_two_versions(world: World, fault: Fault) -> tuple[VirtualCard, bytes]:
    """A card of which the list says 10 €, and a newer allowance over 30 € that is not in it."""
    card = world.new_card(OF_DIRECTORY)
    generation = int(fault is Fault.EARLIER_LIFE)
    world.members[card.uid].generation = generation
    world.publish()
    return card, allowance(world, card, version=5, cents=OF_SLOT, generation=generation)


@pytest.mark.parametrize("slot", [0, 1])
@pytest.mark.parametrize("name", FORGED)
def test_a_faulty_slot_says_why_and_harms_nothing(world: World, name: str, slot: int) -> None:
    """Promise: what does not count is refused with its reason, the other slot counts, and only
    what an issuer signed is journalled, once.
    """
    forge, fault = FORGED[name]
    card, good = member_with_two_versions(world, fault)
    till = world.till()
    leave(world, card, slot, forge(world, card))
    leave(world, card, 1 - slot, good)
    balance = balance_of(world, till, card)
    assert balance.available_cents == OF_SLOT
    assert balance.refused == (RefusedAllowance(slot=slot, fault=fault),)
    assert isinstance(world.sell(till, card, 25_00), Green)
    assert last_intent(till).allowance == till.store.allowance(good).digest
    balance_of(world, till, card)
    reasons = [(it.content_type, it.reason) for it in refusals(till)]
    is_journalled = fault in SIGNED_FAULTS
    assert reasons == [("clafoutis/allowance", fault.value)] * is_journalled
    assert card.uid.hex() not in str(reasons)
    till.stop()


@pytest.mark.parametrize("name", FORGED)
def test_two_faulty_slots_leave_what_the_list_says(world: World, name: str) -> None:
    """Promise: a card with nothing but rubbish on it buys from the list, and gets it anew."""
    forge, fault = FORGED[name]
    card, _ = member_with_two_versions(world, fault)
    till = world.till()
    of_list = world.rows[0]
    forged = forge(world, card)
    for slot in (0, 1):
        leave(world, card, slot, forged)
    balance = balance_of(world, till, card)
    assert balance.available_cents == OF_DIRECTORY
    assert [it.fault for it in balance.refused] == [fault, fault]
    row = till.store.row(card.uid)
    assert row is not None
    assert of_list == row.encoded
    assert slots_of(world, card) == (row.allowance, forged)
    assert len(refusals(till)) == int(fault in SIGNED_FAULTS)
    assert isinstance(world.sell(till, card, OF_DIRECTORY), Green)
    assert debits_cents(card) == [OF_DIRECTORY]
    till.stop()


def test_no_cut_and_no_flipped_bit_counts(world: World) -> None:
    """Promise: cut at any length, padded or not, and with any one bit wrong, it is refused."""
    card = world.new_card(OF_DIRECTORY)
    world.publish()
    till = world.till()
    document = allowance(world, card, version=9)

    def verdict(content: bytes) -> Allowance | Fault:
        return judge(content, till.store.allowance, uid=card.uid, row=None)

    assert isinstance(verdict(document), Allowance)
    cut = [document[:length] for length in range(len(document))]
    padded = [it.ljust(len(document), b"\x00") for it in cut if document[len(it) :].strip(b"\x00")]
    bits = [flipped(document, byte, bit) for byte in range(len(document)) for bit in range(8)]
    verdicts = [verdict(content) for content in cut + padded + bits]
    assert len(verdicts) > 1_000
    assert {type(it) for it in verdicts} == {Fault}
    till.stop()


def test_garbage_fills_no_disk(world: World) -> None:
    """Promise: new garbage at each tap leaves nothing in the journal."""
    card = world.new_card(OF_DIRECTORY)
    world.publish()
    till = world.till()
    balance_of(world, till, card)
    head = till.journal.head.seq
    for number in range(20):
        leave(world, card, 1, b"garbage %d" % number)
        balance_of(world, till, card)
    assert till.journal.head.seq == head
    till.stop()


def test_a_revoked_issuer_gives_nothing(world: World) -> None:
    """Promise: what a stolen issuer key signed stops counting with its certificate."""
    card = world.new_card(OF_DIRECTORY)
    world.publish()
    till = world.till()
    leave(world, card, 0, allowance(world, card, version=5, cents=OF_SLOT))
    assert balance_of(world, till, card).available_cents == OF_SLOT
    world.issuer = SigningKey.from_scalar(1004, caisse=CAISSE)
    old = Certificate(
        role=Role.ISSUER,
        subject=1,
        valid_from=world.now,
        valid_until=world.now,
        public_key=None,
    )
    new = replace(
        old,
        subject=2,
        valid_until=datetime(2035, 1, 1, tzinfo=UTC),
        public_key=world.issuer.public.encoded,
        step_max_cents=100_000_00,
        counted_from=datetime(2025, 1, 1, tzinfo=UTC),
    )
    till.store.accept_certificates(tuple(certify(world.root, it).encoded for it in (old, new)))
    world.publish()
    world.deliver(till)
    balance = balance_of(world, till, card)
    assert balance.available_cents == OF_DIRECTORY
    assert balance.refused == (RefusedAllowance(slot=0, fault=Fault.NOT_SIGNED),)
    till.stop()


def test_a_slot_torn_at_any_byte_costs_neither_the_other_nor_the_list(world: World) -> None:
    """Promise: a hand that leaves while a slot is written costs what was of no use any more."""
    card = world.new_card(OF_DIRECTORY)
    world.publish()
    first = world.allowance(card)
    second = allowance(world, card, version=2, cents=OF_SLOT)
    leave(world, card, 0, second)
    leave(world, card, 1, first)
    before = card.snapshot()
    member = world.members[card.uid]
    member.version = 3
    member.steps = (*member.steps, Step(world.now + timedelta(days=31), 100_00))
    world.publish()
    till = world.till()
    third = world.allowance(card)
    assert len(third) > len(first)
    seen = set[str]()
    for stored_bytes in range(len(third) + 3):
        card.restore(before)
        connection = world.connect(card)
        card.cut_power_in_next_write(stored_bytes)
        with pytest.raises(CardLost):
            till.balance(connection)
        world.field.lift()
        kept, torn = slots_of(world, card)
        assert kept == second
        assert torn is not None
        match judge(torn, till.store.allowance, uid=card.uid, row=None):
            case Allowance() as held:
                assert torn in (first, third)
                seen.add(f"version {held.version}")
            case Fault() as fault:
                seen.add(fault.name)
    assert seen >= {"version 1", "version 3", "GARBLED", "NOT_SIGNED"}
    assert kinds(till, 0).count(EntryKind.ALLOWANCE_WRITTEN) == 0
    balance_of(world, till, card)
    assert sorted(filter(None, slots_of(world, card))) == sorted([second, third])
    till.stop()


# Rolled back, run out


def test_a_card_cannot_take_back_what_it_has_shown(world: World) -> None:
    """Promise: older allowances written over a newer one change nothing where that was seen.

    Version 3 ended the card's credit. Version 1 and 2 are genuine, and would give it back.
    """
    card = world.new_card(OF_DIRECTORY)
    world.publish()
    till = world.till()
    documents = [
        allowance(world, card, version=2, cents=OF_SLOT),
        allowance(world, card, version=3, spendable_until=world.now - timedelta(seconds=1)),
    ]
    leave(world, card, 0, documents[1])
    assert balance_of(world, till, card).available_cents == 0
    leave(world, card, 0, documents[0])
    leave(world, card, 1, world.allowance(card))
    outcome = world.sell(till, card, 5_00)
    assert isinstance(outcome, Refused)
    assert outcome.declined.reason is Reason.NOT_ENOUGH
    assert outcome.declined.payable_cents == 0
    assert outcome.refused == (RefusedAllowance(slot=0, fault=Fault.OLDER),)
    assert [it.reason for it in refusals(till)] == [Fault.OLDER.value]
    assert slots_of(world, card) == (documents[0], documents[1]), "the newest is put back"
    till.close()
    again = world.till()
    assert reason_of(world.sell(again, card, 5_00)) is Reason.NOT_ENOUGH
    assert debits_cents(card) == []
    again.stop()


def test_what_a_card_once_brought_is_used_without_reading_it_again(world: World) -> None:
    """Promise: after the first tap of the new month a sale takes nine exchanges again."""
    card = world.new_card(OF_DIRECTORY)
    world.publish()
    till = world.till()
    leave(world, card, 1, allowance(world, card, version=2, cents=OF_SLOT))
    balance_of(world, till, card)
    head, before = till.journal.head.seq, world.field.exchanges
    assert isinstance(world.sell(till, card, 15_00), Green)
    assert world.field.exchanges - before == 9
    assert kinds(till, head) == [EntryKind.ALLOWANCE_SEEN, EntryKind.INTENT, EntryKind.SALE]
    assert isinstance(world.sell(till, card, 15_00), Green)
    assert kinds(till, 0).count(EntryKind.ALLOWANCE_SEEN) == 1
    world.members[card.uid].version = 3
    world.publish()
    world.deliver(till)
    assert reason_of(world.sell(till, card, 1)) is Reason.NOT_ENOUGH, "the list is newer now"
    till.stop()


def test_credit_that_has_run_out_is_worth_nothing_and_no_fault(world: World) -> None:
    """Promise: after its last day nothing is available, and the stall does not learn why."""
    card = world.new_card(OF_DIRECTORY)
    world.members[card.uid].spendable_until = world.now + timedelta(days=1)
    world.publish()
    till = world.till()
    world.clock.pass_time(timedelta(days=1))
    assert isinstance(world.sell(till, card, 1_00), Green), "its last second included"
    world.clock.pass_time(timedelta(seconds=1))
    outcome = world.sell(till, card, 1_00)
    assert reason_of(outcome) is Reason.NOT_ENOUGH
    balance = balance_of(world, till, card)
    assert (balance.available_cents, balance.refused) == (0, ())
    till.stop()


# Said


def test_every_fault_has_its_words(world: World) -> None:
    """Promise: the reason is said in both languages; the status tells the last one."""
    for language in ("fr", "en"):
        words = Words(language)
        said = {
            words.refused_allowance(RefusedAllowance(slot=slot, fault=fault))
            for fault in Fault
            for slot in (None, 0)
        }
        assert len(said) == 2 * len(Fault)
    rich, poor = world.new_card(OF_SLOT), world.new_card(OF_DIRECTORY)
    world.publish()
    till = world.till()
    leave(world, poor, 0, world.allowance(rich))
    balance_of(world, till, poor)
    assert "Dernier document refusé : clafoutis/allowance, of another card" in list(
        lines(till, Words("fr"))
    )
    till.stop()


def test_a_faulty_row_is_told_like_a_faulty_slot(world: World) -> None:
    """Promise: a list that promises more than the root allows gives nothing, and why is said."""
    card = world.new_card(OF_DIRECTORY)
    member = world.members[card.uid]
    member.steps = (Step(member.steps[0].from_at, 20_000_000_00),)
    world.publish()
    till = world.till()
    outcome = world.tap(card, till.balance)
    assert isinstance(outcome, Refused)
    assert outcome.declined.reason is Reason.CARD_UNKNOWN
    assert outcome.refused == (RefusedAllowance(slot=None, fault=Fault.ABOVE_CEILING),)
    row = till.store.row(card.uid)
    assert isinstance(row, CardRow)
    till.stop()
