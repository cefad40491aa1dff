"""The verb `bench` as a person meets it: what is asked, said, written and refused."""

from __future__ import annotations

import io
import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.profile import ClearBy
from cardkit.card.profile_file import with_facts
from cardkit.reader import open_reader
from provisioning import cli
from provisioning.bench.answers import Question, Said
from provisioning.bench.bench import CARD_WAIT_S, Bench
from provisioning.bench.host import BenchHost
from provisioning.bench.report import settled
from provisioning.wiring import Wiring
from simulator.card import Behaviour, VirtualCard
from simulator.clock import ManualClock
from simulator.desfire.status import Status
from simulator.field import Field
from simulator.issued import issued_card
from simulator.maker import Maker
from simulator.pcscd import PrivatePcscd
from simulator.pn532 import VirtualPn532
from simulator.vpcd import VpcdSlot
from tests.bench_world import (
    LIFTED_AFTER,
    SALES,
    UID,
    bench_of,
    by_question,
    factory_card,
    ran,
    ticking,
)
from tests.workshop_world import NOW

REPORT_OF_LAST_YEAR = "# Hardware log\n"
DOCUMENT = Path(cli.__file__).parent.parent / "docs" / "hardware-log.md"


def field_with(card: VirtualCard) -> Field:
    """A reader on which nobody ever moves anything."""
    field = Field(while_waiting=lambda _: None)
    field.place(card)
    return field


def wiring(field: Field) -> Wiring:
    """The command's world."""
    return Wiring(open_reader=lambda _: field, clock=ManualClock(NOW), ticks_ns=ticking())


def bench_args(*more: str) -> list[str]:
    """The words of `bench`, nobody being asked for anything."""
    return ["bench", "--card", UID.hex(), "--sales", "2", "--no-lifting", *more]


def test_a_run_is_told_written_and_settled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every question has its line and its row, the log is appended to, the profile loads."""
    report, profile = tmp_path / "log.md", tmp_path / "card.toml"
    report.write_text(REPORT_OF_LAST_YEAR)
    words = bench_args("--force", "--report", str(report), "--profile", str(profile))
    assert cli.run(words, wiring(field_with(factory_card()))) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == len(Question)
    assert UID.hex().upper() in captured.err
    text = report.read_text()
    assert text.startswith(REPORT_OF_LAST_YEAR)
    assert "## 2026-03-16 08:00 UTC, virtual field" in text
    assert "given back: yes" in text
    for question in Question:
        assert f"| {question.value} | " in text
    loaded = with_facts(profile.read_text(), CLAF_PURSE_1)
    assert (loaded.sale_tmi, loaded.birth_tmi) == (CLAF_PURSE_1.sale_tmi, CLAF_PURSE_1.birth_tmi)
    assert loaded.clear_by is ClearBy.ABORT


def test_the_report_says_who_made_the_chip(tmp_path: Path) -> None:
    """A report from a virtual card can't be taken for one from silicon."""
    report, maker = tmp_path / "log.md", Maker()
    words = bench_args("--force", "--report", str(report))
    assert cli.run(words, wiring(field_with(maker.blank_card(UID)))) == 0
    assert "**signed by nobody we trust**" in report.read_text()
    trusting = replace(wiring(field_with(maker.blank_card(UID))), originality=maker.originality)
    assert cli.run(words, trusting) == 0
    assert report.read_text().count("signed by NXP: DESFire EV3") == 1


def test_nothing_is_done_before_somebody_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --force the card is named and the person asked; no is no."""
    card = factory_card()
    before = card.snapshot()
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert cli.run(bench_args(), wiring(field_with(card))) == cli._INTERRUPTED
    assert card.snapshot() == before


def test_a_purse_is_refused_and_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever forces it too: it is somebody's money."""
    card = issued_card(UID)
    before = card.snapshot()
    assert cli.run(bench_args("--force"), wiring(field_with(card))) == 4
    assert card.snapshot() == before
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) >= 2


@pytest.mark.parametrize("option", ["--report", "--profile"])
def test_a_place_that_does_not_exist_is_said_before_the_card_is_touched(
    tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody asks a card for twenty minutes and then has nowhere to write the answers."""
    card = factory_card()
    before = card.snapshot()
    words = bench_args("--force", option, str(tmp_path / "no such folder" / "file"))
    assert cli.run(words, wiring(field_with(card))) == 2
    assert card.snapshot() == before
    assert "no such folder" in capsys.readouterr().err


def test_a_uid_is_typed_in_full() -> None:
    """Nobody empties a card by a guess."""
    field = field_with(factory_card())
    assert cli.run(["bench", "--card", "04C1", "--force"], wiring(field)) == 2
    assert cli.run(["bench", "--force"], wiring(field)) == 2
    assert cli.run(["bench", "--card", "04C1AF00000281", "--force"], wiring(field)) == 4


def test_no_card_is_no_run() -> None:
    """The wait has an end."""
    assert cli.run(bench_args("--force"), wiring(Field(while_waiting=lambda _: None))) == 4


def test_a_card_that_stays_away_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1: some questions have no answer, and the card is not as it came."""
    field = field_with(factory_card())
    field.tear_after(300)
    assert cli.run(bench_args("--force"), wiring(field)) == 1
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == len(Question)
    assert captured.out.splitlines()[-1].startswith("!")


def test_a_profile_is_not_written_from_a_form_that_can_not_be_proven(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Amounts in two blocks: the file says so, and no program loads it."""
    profile = tmp_path / "card.toml"
    card = factory_card(Behaviour(amounts_in_two_blocks=True))
    words = bench_args("--force", "--profile", str(profile))
    assert cli.run(words, wiring(field_with(card))) == 0
    assert 'amount_form = "two blocks' in profile.read_text()
    assert any(line.startswith("!") for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize(
    ("behaviour", "clear_by"),
    [
        (Behaviour(), ClearBy.ABORT),
        (Behaviour(abort_with_reads_only=Status.NO_CHANGES), ClearBy.REAUTHENTICATE),
        (
            Behaviour(abort_with_reads_only=Status.NO_CHANGES, no_changes_ends_session=False),
            ClearBy.ABORT,
        ),
        (Behaviour(abort_with_reads_only=Status.PERMISSION_DENIED), ClearBy.REAUTHENTICATE),
    ],
)
def test_the_quick_way_to_clear_is_chosen_only_when_it_is_safe(
    behaviour: Behaviour, clear_by: ClearBy
) -> None:
    """AbortTransaction has to empty the transaction and to keep the session."""
    facts = settled(ran(bench_of(factory_card(behaviour), lifts=False)).answers, CLAF_PURSE_1)
    assert facts is not None
    assert facts.clear_by is clear_by


def test_reads_that_leave_nothing_leave_the_profile() -> None:
    """A sale's input is then without its GetValue, and a birth's too."""
    outcome = ran(bench_of(factory_card(Behaviour(reads_enter_tmi=False)), lifts=False))
    facts = settled(outcome.answers, CLAF_PURSE_1)
    assert facts is not None
    assert facts.sale_tmi == CLAF_PURSE_1.sale_tmi[1:]
    assert facts.birth_tmi == CLAF_PURSE_1.birth_tmi[1:]


def test_another_trace_of_the_reader_settles_nothing() -> None:
    """No service can prove such a card's sales, so no profile may say that they can be."""
    behaviour = Behaviour(last_reader_enters_tmi=False)
    outcome = ran(bench_of(factory_card(behaviour), lifts=False))
    assert settled(outcome.answers, CLAF_PURSE_1) is None


def test_no_answer_settles_nothing() -> None:
    """Half a run is no profile."""
    outcome = ran(bench_of(factory_card(), lifts=False))
    needed = {
        Question.DEBIT,
        Question.GET_VALUE,
        Question.RECORD_FILL,
        Question.TRANSACTION_ENDS,
    }
    for question in needed:
        answers = [answer for answer in outcome.answers if answer.question is not question]
        assert settled(answers, CLAF_PURSE_1) is None


def test_it_runs_to_the_end_on_a_pn532(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Our own driver, the chip's frames and ISO/IEC 14443-4 between bench and card."""
    report = tmp_path / "log.md"
    card = factory_card()
    before = card.snapshot()
    with VirtualPn532() as chip:
        chip.place(card)
        words = bench_args("--force", "--report", str(report), "--reader", f"pn532:{chip.path}")
        assert cli.run(words, Wiring(open_reader=open_reader, clock=ManualClock(NOW))) == 0
    assert card.snapshot() == before
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(Question)
    assert not [line for line in lines if line.startswith("!")]
    assert "ATS `067577810280`" in report.read_text()


def test_it_runs_to_the_end_on_pcscd(
    virtual_pcscd: PrivatePcscd, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real daemon and pyscard between bench and card."""
    card = factory_card()
    before = card.snapshot()
    with VpcdSlot("127.0.0.1", virtual_pcscd.port) as slot:
        slot.insert(card)
        words = bench_args("--force", "--reader", "pcsc:")
        assert cli.run(words, Wiring(open_reader=open_reader, clock=ManualClock(NOW))) == 0
    assert card.snapshot() == before
    assert not [line for line in capsys.readouterr().out.splitlines() if line.startswith("!")]


class ChipHand:
    """A person at a PN532 (a `Person`)."""

    def __init__(self, chip: VirtualPn532, card: VirtualCard) -> None:
        self._chip = chip
        self._card = card

    def lay_down(self) -> None:
        """Put the card back if it is not there."""
        if not self._chip.cards:
            self._chip.place(self._card)

    def lift_before_commit(self) -> None:
        """Lift at once."""
        self._chip.lift()

    def lift_at_work(self) -> None:
        """Let the card be torn away in the middle of a sale, its answer lost."""
        self._chip.tear_after(LIFTED_AFTER)


def test_a_card_is_lifted_off_a_pn532_and_found_again() -> None:
    """The reader's own notion of an empty field, and a new activation after it."""
    card = factory_card()
    with VirtualPn532() as chip:
        chip.place(card)
        reader = open_reader(f"pn532:{chip.path}")
        connection = reader.wait_for_card(CARD_WAIT_S)
        assert connection is not None
        ticks, draw = ticking(), random.Random(7).randbytes
        bench = Bench(
            reader=reader,
            person=ChipHand(chip, card),
            uid=UID,
            ticks_ns=ticks,
            random=draw,
            host=BenchHost(connection, ticks, draw),
            sales=SALES,
        )
        outcome = ran(bench)
        bench.host.connection.close()
        reader.close()
    assert not [answer for answer in outcome.answers if answer.differs or answer.is_missing]
    answers = by_question(outcome)
    assert answers[Question.LIFTED_BEFORE].value == Said.NOTHING_KEPT.value
    assert answers[Question.LIFTED_AT_WORK].value == Said.ALL_OR_NOTHING.value


def test_the_log_shows_what_a_report_looks_like() -> None:
    """The example in docs/hardware-log.md has every question of today, and claims no silicon."""
    text = DOCUMENT.read_text("utf-8")
    assert "nothing yet" in text
    for question in Question:
        assert f"| {question.value} | " in text
    assert Said.NOT_ANSWERED.value not in text
