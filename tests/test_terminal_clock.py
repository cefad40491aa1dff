"""What time it is at a stall: what is believed, what is asked, and what never locks it out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cardkit.bodies import ClockSet, EntryKind
from cardkit.clock import ClockTrust, Instant, SystemClock
from cardkit.decide import Reason
from cardkit.entries import OperatorRole
from simulator.card import VirtualCard
from simulator.field import Field
from terminal.line_mode import LineMode
from terminal.outcomes import Balance, Green
from terminal.till import Till
from terminal.words import Words
from tests.borne_allowances import allowance, leave
from tests.terminal_world import LIFE, MERCHANT, START, World, debits_cents, reason_of

NOON = datetime(2026, 11, 1, 11, tzinfo=UTC)
NOON_TYPED = "01/11/2026 12:00"
IN_1970 = datetime(1970, 1, 1, tzinfo=UTC)
IN_2040 = datetime(2040, 1, 1, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A caisse without cards, on 1 October."""
    return World.make(tmp_path)


@pytest.fixture
def card(world: World) -> VirtualCard:
    """A card with 10 €, and 100 € more from 1 November, known to every stall."""
    card = world.new_card(10_00, 100_00)
    world.publish()
    return card


def wake_up(world: World, at: datetime, trust: ClockTrust) -> Till:
    """A stall that was enrolled on 1 October is switched on."""
    if not world.data().journal.exists():
        world.till().stop()
    world.clock.reboot()
    world.clock.set(at)
    world.clock.trust = trust
    return world.till()


def talk(till: Till, *typed: str, card: VirtualCard | None = None, language: str = "fr") -> str:
    """What a till says while lines are typed; a card lies there when one is waited for."""
    reader = Field(
        while_waiting=lambda _: (
            None if card is None else (reader.place(card) if reader.card is None else reader.lift())
        )
    )
    said, left = list[str](), iter(typed)
    LineMode(
        till,
        reader,
        merchant=MERCHANT,
        words=Words(language),
        read_line=lambda: next(left, None),
        write=said.append,
    ).run()
    return "\n".join(said)


# What vouches for the computer's clock


@pytest.mark.parametrize(
    ("rtc", "trust"),
    [
        ("0", ClockTrust.RTC),
        ("5", ClockTrust.RTC),
        ("-5", ClockTrust.RTC),
        ("6", ClockTrust.UNTRUSTED),
        ("-6", ClockTrust.UNTRUSTED),
        ("a flat cell", ClockTrust.UNTRUSTED),
        (None, ClockTrust.UNTRUSTED),
    ],
)
def test_a_clock_chip_is_believed_while_it_agrees(
    tmp_path: Path, rtc: str | None, trust: ClockTrust
) -> None:
    """Promise: a chip that tells another time than the system, or none, vouches for nothing."""
    if rtc is not None:
        path = tmp_path / "sys/class/rtc/rtc0/since_epoch"
        path.parent.mkdir(parents=True)
        is_number = rtc.lstrip("-").isdigit()
        path.write_text(f"{int(NOON.timestamp()) + int(rtc)}\n" if is_number else rtc)
    clock = SystemClock(root=tmp_path, read=lambda: NOON)
    assert clock.now() == Instant(NOON, trust)
    synchronised = tmp_path / "run/systemd/timesync/synchronized"
    synchronised.parent.mkdir(parents=True)
    synchronised.touch()
    assert clock.now() == Instant(NOON, ClockTrust.SYNCHRONISED)


@pytest.mark.parametrize("at", [IN_1970, datetime(2000, 1, 1, tzinfo=UTC)], ids=["1970", "2000"])
@pytest.mark.parametrize("trust", list(ClockTrust))
def test_whoever_vouches_a_clock_below_the_floor_is_not_believed(
    world: World, card: VirtualCard, at: datetime, trust: ClockTrust
) -> None:
    """Promise: a flat cell that agrees with the system on 2000 still sells, on signed time."""
    till = wake_up(world, at, trust)
    assert till.clock.now() == Instant(START, ClockTrust.UNTRUSTED)
    assert isinstance(world.sell(till, card, 5_00), Green)
    sale = till.journal.last(EntryKind.SALE)
    assert sale is not None
    assert (sale.envelope.at, sale.envelope.clock) == (START, ClockTrust.UNTRUSTED)
    till.stop()


# Asked at opening


@pytest.mark.parametrize(
    ("language", "question", "noted"),
    [
        ("fr", "Quel jour et quelle heure est-il ?", "C’est noté : nous sommes le 01/11/2026"),
        ("en", "What day and hour is it?", "Noted for today: it is 2026-11-01 12:00."),
    ],
)
def test_the_day_is_asked_at_opening_and_remembered_for_this_boot(
    world: World, card: VirtualCard, language: str, question: str, noted: str
) -> None:
    """Promise: on the first of the month a stall without a clock asks once, and sells."""
    till = wake_up(world, IN_1970, ClockTrust.UNTRUSTED)
    said = talk(till, "50", NOON_TYPED, "50", card=card, language=language)
    assert question in said
    assert noted in said
    assert debits_cents(card) == [50_00], "before the answer it was still October"
    entry = till.journal.last(EntryKind.CLOCK_SET)
    assert entry is not None
    assert entry.body == ClockSet(before=START, after=NOON, trust=ClockTrust.DECLARED)
    assert entry.envelope.operator == OperatorRole.PRODUCER
    sale = till.journal.last(EntryKind.SALE)
    assert sale is not None
    assert sale.envelope.clock == ClockTrust.DECLARED
    till.close()

    world.clock.pass_time(timedelta(hours=2))
    till = world.till()
    assert question not in talk(till, language=language)
    assert till.clock.now() == Instant(NOON + timedelta(hours=2), ClockTrust.DECLARED)
    till.close()

    world.clock.reboot()
    till = world.till()
    assert question in talk(till, language=language)
    till.stop()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("30/09/2026 12:00", "a déjà signé le 01/10/2026 10:00"),
        ("31/12/2040 12:00", "après le 05/11/2026 09:00, synchronisez"),
        ("05/11/2026 09:01", "après le 05/11/2026 09:00, synchronisez"),
        ("01/01/0001 00:00", "Jour ou heure illisible"),
        ("32/10/2026 12:00", "Jour ou heure illisible"),
        ("01/11", "Jour ou heure illisible"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_and_why(
    world: World, card: VirtualCard, typed: str, words: str
) -> None:
    """Promise: below what was signed, beyond the list's life, or no date: said so, and not kept."""
    till = wake_up(world, IN_1970, ClockTrust.UNTRUSTED)
    said = talk(till, typed, NOON_TYPED)
    assert words in said
    assert "C’est noté" in said, "a refused answer does not stand in the way of the right one"
    entries = list(till.journal.entries(0, 100))
    assert [it.envelope.kind for it in entries].count(EntryKind.CLOCK_SET) == 1
    assert isinstance(world.sell(till, card, 50_00), Green)
    till.stop()


@pytest.mark.parametrize("trust", [ClockTrust.UNTRUSTED, ClockTrust.RTC], ids=["none", "flat"])
def test_the_bounds_themselves_are_possible(
    world: World, card: VirtualCard, trust: ClockTrust
) -> None:
    """Promise: the very floor and the very last second may be declared, over a flat cell too."""
    till = wake_up(world, IN_1970, trust)
    for at in (START, START + LIFE):
        assert till.set_clock(at)
        assert till.clock.now() == Instant(at, ClockTrust.DECLARED)
        assert isinstance(world.sell(till, card, 1_00), Green)
    world.clock.pass_time(timedelta(seconds=1))
    assert reason_of(world.sell(till, card, 1_00)) is Reason.PERMIT_EXPIRED
    till.stop()


def test_a_trusted_clock_is_neither_asked_about_nor_overruled(
    world: World, card: VirtualCard
) -> None:
    """Promise: where a chip or the network vouches, nobody moves the day by typing."""
    for trust in (ClockTrust.RTC, ClockTrust.SYNCHRONISED):
        till = wake_up(world, START + timedelta(days=1), trust)
        said = talk(till, NOON_TYPED)
        assert "Quel jour" not in said
        assert "L’horloge est sûre : nous sommes le 02/10/2026 10:00." in said
        assert till.journal.last(EntryKind.CLOCK_SET) is None
        assert till.clock.now() == Instant(START + timedelta(days=1), trust)
        assert reason_of(world.sell(till, card, 50_00)) is Reason.NOT_ENOUGH
        till.stop()


def test_a_wrong_answer_can_be_put_right(world: World, card: VirtualCard) -> None:
    """Promise: a date that was typed wrong is corrected by typing again, forwards or back."""
    till = wake_up(world, IN_1970, ClockTrust.UNTRUSTED)
    for typed, at in (
        ("04/11/2026 12:00", datetime(2026, 11, 4, 11, tzinfo=UTC)),
        ("02/10/2026 12h00", datetime(2026, 10, 2, 10, tzinfo=UTC)),
        ("2026-10-31 12:00", datetime(2026, 10, 31, 11, tzinfo=UTC)),
    ):
        assert "C’est noté" in talk(till, typed)
        assert till.clock.now() == Instant(at, ClockTrust.DECLARED)
        assert isinstance(world.sell(till, card, 1_00), Green)
    assert till.store.signed_time == START
    assert till.journal.verify() == till.journal.head.seq
    till.stop()


@pytest.mark.parametrize("trust", [ClockTrust.RTC, ClockTrust.SYNCHRONISED])
def test_what_vouches_ends_what_was_declared(
    world: World, card: VirtualCard, trust: ClockTrust
) -> None:
    """Promise: as soon as something vouches for the clock, it counts and the answer does not."""
    till = wake_up(world, IN_1970, ClockTrust.UNTRUSTED)
    assert till.set_clock(NOON)
    world.clock.set(START + timedelta(days=3))
    world.clock.trust = trust
    assert till.clock.now() == Instant(START + timedelta(days=3), trust)
    assert reason_of(world.sell(till, card, 50_00)) is Reason.NOT_ENOUGH
    till.stop()


# Jumps


def test_a_jump_ahead_is_forgotten_when_it_ends(world: World, card: VirtualCard) -> None:
    """Promise: a clock that runs away within the list's life opens a month early at most; what it
    read is never held against the right time.
    """
    till = wake_up(world, START + timedelta(days=1), ClockTrust.RTC)
    world.clock.set(NOON)
    assert isinstance(world.sell(till, card, 50_00), Green)
    world.clock.set(START + timedelta(days=1))
    assert till.clock.now() == Instant(START + timedelta(days=1), ClockTrust.RTC)
    assert reason_of(world.sell(till, card, 1_00)) is Reason.NOT_ENOUGH, "no more than was given"
    assert till.store.signed_time == START
    assert till.journal.verify() == till.journal.head.seq
    till.stop()


def test_a_jump_back_stops_at_the_floor(world: World, card: VirtualCard) -> None:
    """Promise: a clock that falls back sells on, down to what was signed and not below."""
    till = wake_up(world, START + timedelta(days=9), ClockTrust.RTC)
    for at, shown in (
        (START + timedelta(days=2), Instant(START + timedelta(days=2), ClockTrust.RTC)),
        (START - timedelta(seconds=1), Instant(START, ClockTrust.UNTRUSTED)),
        (START, Instant(START, ClockTrust.RTC)),
    ):
        world.clock.set(at)
        assert till.clock.now() == shown
        assert isinstance(world.sell(till, card, 1_00), Green)
    assert till.journal.verify() == till.journal.head.seq
    till.stop()


@pytest.mark.parametrize("trust", [ClockTrust.UNTRUSTED, ClockTrust.RTC])
def test_a_read_2040_locks_nobody_out(world: World, card: VirtualCard, trust: ClockTrust) -> None:
    """Promise: a chip that tells 2040 stops sales until somebody says what day it is, no longer;
    and as soon as it is right, it is believed again.
    """
    till = wake_up(world, IN_2040, trust)
    assert reason_of(world.sell(till, card, 1_00)) is Reason.PERMIT_EXPIRED
    said = talk(till, NOON_TYPED, "50", card=card)
    assert "elle indique 01/01/2040" in said
    assert debits_cents(card) == [50_00]
    assert till.clock.now().trust is ClockTrust.DECLARED
    till.stop()
    till = wake_up(world, NOON + timedelta(days=1), trust)
    assert till.clock.now() == Instant(NOON + timedelta(days=1), trust)
    assert isinstance(world.sell(till, card, 1_00), Green)
    assert till.store.signed_time == START
    till.stop()


def test_a_network_that_tells_2040_stops_sales_while_it_does(
    world: World, card: VirtualCard
) -> None:
    """Promise: nobody overrules the network's time, and nothing remains of a wrong one."""
    till = wake_up(world, IN_2040, ClockTrust.SYNCHRONISED)
    assert reason_of(world.sell(till, card, 1_00)) is Reason.PERMIT_EXPIRED
    assert "L’horloge est sûre" in talk(till, NOON_TYPED)
    world.clock.set(NOON)
    assert isinstance(world.sell(till, card, 50_00), Green)
    assert till.store.signed_time == START
    till.stop()


def test_a_typed_2040_is_not_taken_even_without_a_list(world: World) -> None:
    """Promise: a terminal that has no list of cards yet is bounded by its permit."""
    till = wake_up(world, IN_1970, ClockTrust.UNTRUSTED)
    assert till.store.directory is None
    assert not till.set_clock(IN_2040)
    assert till.set_clock(START + LIFE)
    assert not till.set_clock(START + LIFE + timedelta(seconds=1))
    till.stop()


def test_the_list_s_end_is_the_same_for_who_types(world: World, card: VirtualCard) -> None:
    """Promise: after five weeks offline the right date sells nothing, and the way out is said."""
    till = wake_up(world, START + LIFE + timedelta(days=9), ClockTrust.RTC)
    said = talk(till, "14/11/2026 10:00", "5", card=card)
    assert "synchronisez d’abord" in said
    assert "Le permis de ce terminal a expiré. Synchronisez" in said
    assert debits_cents(card) == []
    till.stop()


# The floor


def test_only_what_was_signed_raises_the_floor(world: World, card: VirtualCard) -> None:
    """Promise: a list, an answer, an allowance of the card itself; no reading and no word does."""
    till = wake_up(world, START + timedelta(days=2), ClockTrust.RTC)
    other = world.new_card(1_00)
    assert isinstance(world.sell(till, card, 1_00), Green)
    assert till.store.signed_time == START, "an own reading"
    world.clock.set(IN_1970)
    assert till.set_clock(START + timedelta(days=3))
    assert till.store.signed_time == START, "a word"
    world.clock.set(START + timedelta(days=4))
    leave(world, card, 0, allowance(world, other, version=1))
    assert isinstance(world.tap(card, till.balance), Balance)
    assert till.store.signed_time == START, "the allowance of another card"

    leave(world, card, 0, allowance(world, card, version=2, cents=10_00))
    assert isinstance(world.tap(card, till.balance), Balance)
    assert till.store.signed_time == START + timedelta(days=4), "its own allowance"
    world.clock.set(START + timedelta(days=5))
    held = till.store.open_answer(world.answer(till.journal, till.journal.head.seq))
    till.store.keep_answer(held.answer)
    assert till.store.signed_time == START + timedelta(days=5), "an answer"
    world.clock.set(START + timedelta(days=6))
    world.publish()
    world.deliver(till)
    assert till.store.signed_time == START + timedelta(days=6), "a list"
    till.stop()
    till = wake_up(world, IN_1970, ClockTrust.UNTRUSTED)
    assert till.clock.now() == Instant(START + timedelta(days=6), ClockTrust.UNTRUSTED)
    till.stop()
