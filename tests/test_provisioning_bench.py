"""The bench finds out what a card does, whatever that is, and leaves the card as it came."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cache

import pytest

from cardkit.card.connection import CardConnection
from cardkit.errors import ReaderLost
from cardkit.reader.beep import Beep
from provisioning.bench import specimen
from provisioning.bench.answers import Answer, Question, Said
from provisioning.bench.host import Cmd
from provisioning.bench.runner import QUESTIONS, run
from simulator.card import Behaviour, KeyKind, Model, VirtualCard
from simulator.desfire.status import Status
from simulator.field import Field
from tests.bench_world import (
    EXCHANGES_OF_A_LIFTED_SALE,
    OTHER_UID,
    Hand,
    bench_of,
    by_question,
    examined,
    factory_card,
    ran,
)

LAST = 12
"""Exchanges of giving the card back."""
STRIDE = 11
"""A prime, so that every kind of exchange is torn in some question."""
Q = Question
ALTERED: dict[str, tuple[Behaviour, dict[Question, str]]] = {
    "abort_with_reads_only": (
        Behaviour(abort_with_reads_only=Status.NO_CHANGES),
        {Q.ABORT_AFTER_READS: "0C"},
    ),
    "no_changes_ends_session": (
        Behaviour(no_changes_ends_session=False),
        {Q.NO_CHANGES_SESSION: Said.NO.value},
    ),
    "errors_abort_transaction": (
        Behaviour(errors_abort_transaction=False),
        {Q.ERRORS_ABORT: Said.NONE_ABORTS.value},
    ),
    "commit_without_reader_id": (
        Behaviour(commit_without_reader_id=Status.PARAMETER_ERROR),
        {Q.NO_READER_ID: "9E"},
    ),
    "free_reader_id_is_encrypted": (
        Behaviour(free_reader_id_is_encrypted=False),
        {Q.FREE_READER_ID: Said.NO.value},
    ),
    "recreated_tmac_restarts": (
        Behaviour(recreated_tmac_restarts=False),
        {Q.TMC_RESTARTS: Said.GOES_ON.value},
    ),
    "mixed_transaction_renews": (
        Behaviour(mixed_transaction_renews=False),
        {Q.MIXED_CREDIT: Said.NO.value},
    ),
    "answer_bytes_max": (Behaviour(answer_bytes_max=128), {Q.ANSWER_BYTES: "128"}),
    "reads_enter_tmi": (
        Behaviour(reads_enter_tmi=False),
        {
            Q.GET_VALUE: Said.NO_TRACE.value,
            Q.READ_DATA: Said.NO_TRACE.value,
            Q.READ_RECORDS: Said.NO_TRACE.value,
            Q.ABORT_AFTER_READS: "0C",
        },
    ),
    "amounts_in_two_blocks": (
        Behaviour(amounts_in_two_blocks=True),
        dict.fromkeys((Q.DEBIT, Q.CREDIT, Q.LIMITED_CREDIT, Q.GET_VALUE), Said.TWO_BLOCKS.value),
    ),
    "last_reader_enters_tmi": (
        Behaviour(last_reader_enters_tmi=False),
        dict.fromkeys(
            (
                Q.DEBIT,
                Q.CREDIT,
                Q.LIMITED_CREDIT,
                Q.GET_VALUE,
                Q.RECORD_COMMAND,
                Q.RECORD_FILL,
                Q.READ_DATA,
                Q.READ_RECORDS,
            ),
            Said.OTHER_READER_ID.value,
        ),
    ),
    "tmac_settings_show_limit": (
        Behaviour(tmac_settings_show_limit=True),
        {Q.SETTINGS_LENGTH: "10"},
    ),
}


@pytest.mark.parametrize("model", [Model.EV2, Model.EV3])
@pytest.mark.parametrize("kind", list(KeyKind))
def test_every_question_is_answered_and_the_card_is_as_it_came(model: Model, kind: KeyKind) -> None:
    """From DES or from AES, the card ends with what it began with, to the byte of its memory."""
    card = factory_card(model=model, picc_key=kind)
    before = card.snapshot()
    outcome = ran(bench_of(card))
    assert [answer.question for answer in outcome.answers] == list(Question) == list(QUESTIONS)
    assert not [answer for answer in outcome.answers if answer.differs or answer.is_missing]
    assert outcome.is_whole
    assert outcome.given_back
    assert card.snapshot() == before


def test_the_altered_behaviours_are_all_there_are() -> None:
    """A new doubt about silicon is a new question, or this test is red."""
    assert set(ALTERED) == {field.name for field in fields(Behaviour)}


@pytest.mark.parametrize("name", ALTERED)
def test_each_altered_behaviour_is_found(name: str) -> None:
    """What a card does otherwise changes the answers that are about it, and no other."""
    behaviour, expected = ALTERED[name]
    outcome = ran(bench_of(factory_card(behaviour)))
    assert {a.question: a.value for a in outcome.answers if a.differs} == expected
    assert outcome.is_whole
    assert outcome.given_back


# What goes wrong on the way


@cache
def exchanges_of_a_run() -> int:
    """APDUs from the first look to the end, when nothing goes wrong."""
    field = Field(while_waiting=lambda _: None)
    bench = bench_of(factory_card(), field, lifts=False)
    run(bench, examined(bench))
    return field.exchanges


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_card_that_slips_off_anywhere_costs_no_answer(moment: str) -> None:
    """Laid down again, the question is asked again; at the end the card is as it came."""
    for exchange in range(1, exchanges_of_a_run() - LAST, STRIDE):
        field, card = Field(while_waiting=lambda _: None), factory_card()
        before = card.snapshot()
        bench = bench_of(card, field, lifts=False)
        found = examined(bench)
        tear = field.tear_before if moment == "before" else field.tear_after
        tear(exchange)
        outcome = run(bench, found)
        assert outcome.is_whole, (exchange, [a for a in outcome.answers if a.is_missing])
        assert outcome.given_back, exchange
        assert card.snapshot() == before, exchange


def test_a_card_lost_without_its_transaction_mac_file_gets_it_again() -> None:
    """Between its deletion and its making anew, the application is none that can be asked."""
    field = Field(while_waiting=lambda _: None)
    ran(bench_of(factory_card(), field, lifts=False))
    deletions = [n for n, e in enumerate(field.trace, 1) if e.command[1] == Cmd.DELETE_FILE]
    assert deletions
    for exchange in deletions:
        field = Field(while_waiting=lambda _: None)
        bench = bench_of(factory_card(), field, lifts=False)
        field.tear_after(exchange)
        outcome = ran(bench)
        assert not [a for a in outcome.answers if a.is_missing or a.differs], exchange


@pytest.mark.parametrize("from_the_end", range(1, LAST))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_torn_while_it_is_given_back_the_card_is_given_back(moment: str, from_the_end: int) -> None:
    """Even when the last answer is lost, a second look shows that all was done."""
    field, card = Field(while_waiting=lambda _: None), factory_card()
    before = card.snapshot()
    bench = bench_of(card, field, lifts=False)
    found = examined(bench)
    tear = field.tear_before if moment == "before" else field.tear_after
    tear(exchanges_of_a_run() - field.exchanges - from_the_end + 1)
    assert run(bench, found).given_back
    assert card.snapshot() == before


def test_a_run_that_was_killed_is_made_good_by_the_next() -> None:
    """The key's version remembers that it was a DES key; the half-made application is our own."""
    card = factory_card()
    before = card.snapshot()
    bench = bench_of(card)
    examined(bench)
    specimen.prepare(bench.host)
    assert card.snapshot() != before
    outcome = ran(bench_of(card))
    assert outcome.given_back
    assert card.snapshot() == before


def test_a_question_that_fails_leaves_the_others() -> None:
    """A card that loses its value file answers what is not about it."""
    card = factory_card()
    before = card.snapshot()
    bench = bench_of(card)

    def lose_a_file(answer: Answer) -> None:
        if answer.question is Question.NO_READER_ID:
            del card.memory.applications[specimen.AID].files[specimen.VALUE_FILE]

    outcome = run(bench, examined(bench), tell=lose_a_file)
    answers = by_question(outcome)
    assert not outcome.is_whole
    assert answers[Question.MIXED_CREDIT].is_missing
    assert "FILE_NOT_FOUND" in answers[Question.MIXED_CREDIT].evidence[0]
    assert answers[Question.SETTINGS_LENGTH].value == "6"
    assert answers[Question.FORMAT_FREES].value == Said.YES.value
    assert card.snapshot() == before


def test_a_card_that_can_not_be_formatted_gets_its_key_back() -> None:
    """Whoever disabled formatting: there is no answer, no application, and the factory's key."""
    card = factory_card()
    card.memory.configuration[0x00] = b"\x01"
    before = card.snapshot()
    outcome = ran(bench_of(card))
    assert all(answer.is_missing for answer in outcome.answers)
    assert outcome.given_back
    assert card.snapshot() == before


class Gone(Hand):
    """A person who takes the card along and does not come back."""

    def lay_down(self) -> None:
        """Nothing."""


def test_a_card_that_never_comes_back_ends_the_run_and_is_told() -> None:
    """No endless waiting; every question after has no answer, and the card is not given back."""
    waits: list[float] = []
    field, card = Field(while_waiting=waits.append), factory_card()
    bench = bench_of(card, field, lifts=False)
    bench = replace(bench, person=Gone(field, card))
    found = examined(bench)
    field.tear_after(200)
    outcome = run(bench, found)
    assert not outcome.given_back
    assert not outcome.is_whole
    assert outcome.answers[-1].is_missing
    assert len(waits) == len(("for the question", "to give it back"))
    assert by_question(outcome)[Question.DEBIT].value == Said.ONE_BLOCK.value


def test_a_card_that_is_lifted_when_asked_and_kept_is_waited_for_once() -> None:
    """Once for the question, once to give it back; nobody waits a minute for each question left."""
    waits: list[float] = []
    field, card = Field(while_waiting=waits.append), factory_card()
    bench = bench_of(card, field)
    bench.person = Gone(field, card)
    outcome = ran(bench)
    answers = by_question(outcome)
    assert not outcome.given_back
    assert answers[Question.ANSWER_BYTES].value == "256"
    assert answers[Question.LIFTED_BEFORE].is_missing
    assert answers[Question.FORMAT_FREES].is_missing
    assert len(waits) == len(("for the question", "to give it back"))


class Unplugged:
    """A reader that is gone (a `Reader`)."""

    name = "unplugged"
    beep = Beep.NONE

    def wait_for_card(self, timeout_s: float) -> CardConnection | None:
        """There is no reader."""
        raise ReaderLost(f"away for {timeout_s} s")

    def wait_for_removal(self, timeout_s: float) -> bool:
        """There is no reader."""
        raise ReaderLost(f"away for {timeout_s} s")

    def close(self) -> None:
        """Nothing."""


def test_a_reader_that_is_unplugged_ends_the_run_and_is_told() -> None:
    """What was answered before stays answered, and is written down."""
    field, card = Field(while_waiting=lambda _: None), factory_card()
    bench = bench_of(card, field, lifts=False)
    bench.reader = Unplugged()
    found = examined(bench)
    field.tear_after(200)
    outcome = run(bench, found)
    assert not outcome.given_back
    assert by_question(outcome)[Question.DEBIT].value == Said.ONE_BLOCK.value
    assert "ReaderLost" in outcome.answers[-1].evidence[0]


@pytest.mark.parametrize("from_the_end", range(1, LAST))
def test_garbled_while_it_is_given_back_the_card_is_given_back(from_the_end: int) -> None:
    """A status has no MAC, so a wrong one proves nothing and the card is looked at again."""
    field, card = Field(while_waiting=lambda _: None), factory_card()
    before = card.snapshot()
    bench = bench_of(card, field, lifts=False)
    found = examined(bench)
    field.garble(exchanges_of_a_run() - field.exchanges - from_the_end + 1)
    assert run(bench, found).given_back
    assert card.snapshot() == before


def test_an_answer_without_its_mac_is_asked_for_again() -> None:
    """A garbled value is believed by nobody, and costs no question."""
    field = Field(while_waiting=lambda _: None)
    ran(bench_of(factory_card(), field, lifts=False))
    number = next(n for n, e in enumerate(field.trace, 1) if e.command[1] == Cmd.GET_VALUE)
    field = Field(while_waiting=lambda _: None)
    bench = bench_of(factory_card(), field, lifts=False)
    field.garble(number)
    outcome = ran(bench)
    assert not [a for a in outcome.answers if a.is_missing or a.differs]


def test_another_card_laid_down_meanwhile_is_left_alone() -> None:
    """Only the named card is worked on, however often another one is offered."""
    field, card, other = Field(while_waiting=lambda _: None), factory_card(), VirtualCard(OTHER_UID)
    untouched = other.snapshot()
    bench = bench_of(card, field, lifts=False)
    bench = replace(bench, person=Hand(field, other))
    found = examined(bench)
    field.tear_after(200)
    assert not run(bench, found).given_back
    assert other.snapshot() == untouched
    assert other.history == ()


def test_nobody_is_asked_to_lift_who_does_not_want_to() -> None:
    """The bench runs through without a person too, and says what it left out."""
    answers = by_question(ran(bench_of(factory_card(), lifts=False)))
    for question in (Question.LIFTED_BEFORE, Question.LIFTED_AT_WORK):
        assert answers[question].value == Said.NOT_ASKED.value


@pytest.mark.parametrize(
    ("lifted_after", "told"),
    [
        (3 * EXCHANGES_OF_A_LIFTED_SALE, "executed"),
        (3 * EXCHANGES_OF_A_LIFTED_SALE - 1, "not executed"),
        (3 * EXCHANGES_OF_A_LIFTED_SALE + 1, "not executed"),
    ],
)
def test_a_card_lifted_at_work_is_understood(lifted_after: int, told: str) -> None:
    """Its counter, its value and its proof say together whether the cut sale was executed."""
    field, card = Field(while_waiting=lambda _: None), factory_card()
    bench = bench_of(card, field)
    bench.person = Hand(field, card, lifted_after=lifted_after)
    answer = by_question(ran(bench))[Question.LIFTED_AT_WORK]
    assert answer.value == Said.ALL_OR_NOTHING.value
    assert answer.evidence[0].startswith(f"{told}: ")


@pytest.mark.parametrize("form", ["reads_enter_tmi", "amounts_in_two_blocks"])
def test_a_proof_in_another_form_fits_too(form: str) -> None:
    """A card whose input has another form, as the first questions find it, has lost nothing."""
    behaviour, _ = ALTERED[form]
    field, card = Field(while_waiting=lambda _: None), factory_card(behaviour)
    bench = bench_of(card, field)
    bench.person = Hand(field, card, lifted_after=3 * EXCHANGES_OF_A_LIFTED_SALE)
    answer = by_question(ran(bench))[Question.LIFTED_AT_WORK]
    assert answer.value == Said.ALL_OR_NOTHING.value
    assert answer.evidence[0].startswith("executed: ")


class Forger(Hand):
    """A person who gives back a card of an earlier moment."""

    def lift_at_work(self) -> None:
        """Remember the card as it is now, and lift it some sales later."""
        self.earlier = self.card.snapshot()
        super().lift_at_work()

    def lay_down(self) -> None:
        """Lay down the card of then."""
        if self.field.card is None and hasattr(self, "earlier"):
            self.card.restore(self.earlier)
        super().lay_down()


def test_a_card_that_lost_more_than_the_cut_sale_is_told() -> None:
    """Committed transactions that are gone are neither all nor nothing."""
    field, card = Field(while_waiting=lambda _: None), factory_card()
    bench = bench_of(card, field)
    bench.person = Forger(field, card)
    answer = by_question(ran(bench))[Question.LIFTED_AT_WORK]
    assert answer.value == Said.INCONSISTENT.value
    assert answer.differs


class Idle(Hand):
    """A person who does not lift anything."""

    def lift_before_commit(self) -> None:
        """Nothing."""

    def lift_at_work(self) -> None:
        """Nothing."""


def test_nobody_lifts_and_the_bench_goes_on() -> None:
    """The wait for a lift has an end, and that nobody lifted is no finding about the card."""
    field, card = Field(while_waiting=lambda _: None), factory_card()
    bench = bench_of(card, field)
    bench.person = Idle(field, card)
    outcome = ran(bench)
    answers = by_question(outcome)
    for question in (Question.LIFTED_BEFORE, Question.LIFTED_AT_WORK):
        assert answers[question].value == Said.NOT_LIFTED.value
        assert not answers[question].differs
    assert outcome.given_back


class Slipping(Hand):
    """A person off whose hand the card slips at its first exchange, every time."""

    def lay_down(self) -> None:
        """Lay it down, and lose it."""
        super().lay_down()
        self.field.tear_before(1)


def test_a_card_that_is_lost_at_every_touch_is_given_up() -> None:
    """Nobody is asked to lay it down more often than three attempts of each task need."""
    field, card = Field(while_waiting=lambda _: None), factory_card()
    bench = bench_of(card, field, lifts=False)
    found = examined(bench)
    person = Slipping(field, card)
    bench.person = person
    field.tear_before(1)
    outcome = run(bench, found)
    assert not outcome.is_whole
    assert not outcome.given_back
    assert person.laid == len(("to prepare",) * 2 + ("to give back",) * 3)
