"""`reader list` and `reader test`: what is found, what is in the way, how taps are read."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cardkit.errors import CardCollision, ReaderLost
from cardkit.reader import Reader
from cardkit.reader.auto import Candidate, Found, Obstacle
from cardkit.reader.beep import Beep
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.field import Field, FieldConnection
from simulator.plastic import Plastic
from simulator.strangers import bank_card, ntag216
from terminal.__main__ import cli
from terminal.config import DataDirectory
from terminal.context import Context, Exit
from terminal.reader_test import Report, TapResult, TimedTap
from terminal.reader_words import beep, beep_warning, obstacle, table
from terminal.words import Words
from tests.terminal_world import World

NOW = datetime(2026, 5, 2, 9, tzinfo=UTC)
TICK_MS = 7
TREE = Path(__file__).parent.parent


class TickingClock(ManualClock):
    """A clock that takes seven milliseconds to be read."""

    def __init__(self) -> None:
        super().__init__(NOW)
        self._ticks = itertools.count()

    def monotonic_ms(self) -> int:
        """Seven milliseconds later each time."""
        return TICK_MS * next(self._ticks)


Hand = Callable[[Field, int], Plastic | None]
"""Says what is laid down at tap number n, having done what it likes to the field."""


class Handled:
    """A reader whose field a hand fills at each tap, and empties when it is asked to."""

    def __init__(self, hand: Hand, *, beep: Beep = Beep.NONE, is_lifted: bool = True) -> None:
        self.field = Field()
        self.name, self.beep = "a reader", beep
        self.taps = 0
        self._hand = hand
        self._is_lifted = is_lifted

    def wait_for_card(self, timeout_s: float) -> FieldConnection | None:
        """The hand comes when it is waited for with patience."""
        if self.field.card is None:
            self.taps += 1
            card = self._hand(self.field, self.taps)
            if card is not None:
                self.field.place(card)
        return self.field.wait_for_card(0 if self.field.card is None else timeout_s)

    def wait_for_removal(self, timeout_s: float) -> bool:
        """The hand takes the card away, or not."""
        if self._is_lifted:
            self.field.lift()
        return self.field.wait_for_removal(min(timeout_s, 0.01))

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A terminal's command line, paired or not."""

    data: DataDirectory
    language: str = "en"

    def run(self, reader: Reader, *arguments: str) -> Result:
        """Test a reader."""
        words = Words(self.language)
        context = Context(self.data, "x:", words, TickingClock(), lambda _: reader)
        command = cli.named("reader")
        return CliRunner().invoke(command, ["test", *arguments], obj=context)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A terminal that is not paired."""
    return Desk(DataDirectory(tmp_path / "none"))


@dataclass(frozen=True, slots=True)
class Paired:
    """A paired terminal and a card of its caisse."""

    world: World
    card: VirtualCard
    desk: Desk


@pytest.fixture
def paired(tmp_path: Path) -> Paired:
    """A paired terminal."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    world.enrol()
    return Paired(world, card, Desk(world.data()))


def rows(result: Result) -> dict[str, str]:
    """The table on stdout."""
    pairs = (line.split("  ", 1) for line in result.stdout.splitlines())
    return {name: value.strip() for name, value in pairs}


# A test of the reader


def test_a_paired_terminal_reads_its_card(paired: Paired) -> None:
    """Every tap selects and authenticates, is timed, and leaves card and journal as they were."""
    journal = paired.desk.data.journal.read_bytes()
    before = paired.card.snapshot()
    reader = Handled(lambda _field, _tap: paired.card)
    result = paired.desk.run(reader, "--taps", "3")
    assert result.exit_code == Exit.DONE, result.output
    assert rows(result) == {
        "Taps": "3",
        "Read right": "3",
        "Lost": "0",
        "Other cards": "0",
        "Success rate": "100 %",
        "Time of a tap": "7 ms at best, 7 ms median",
        "95 % of the taps": "within 7 ms",
        "Bit rate": "not told by this reader",
        "Own beep": "none",
    }
    commands = [exchange.command[:2].hex() for exchange in reader.field.trace]
    assert commands == ["00a4", "9071", "90af"] * 3
    assert paired.card.snapshot() == before
    assert paired.card.history == paired.card.history[:1]
    assert paired.desk.data.journal.read_bytes() == journal


def test_a_terminal_without_keys_selects(desk: Desk) -> None:
    """The workshop tests a reader before it pairs the terminal, with whatever card it has."""
    reader = Handled(lambda _field, _tap: VirtualCard(bytes(range(7))))
    result = desk.run(reader, "--taps", "2")
    assert result.exit_code == Exit.DONE
    assert rows(result)["Read right"] == "2"
    assert [exchange.command[:2].hex() for exchange in reader.field.trace] == ["00a4"] * 2
    assert not desk.data.root.exists()


def test_twenty_taps_unless_told_otherwise(desk: Desk) -> None:
    """Fewer say little, and more are tiresome."""
    reader = Handled(lambda _field, _tap: VirtualCard(bytes(range(7))))
    assert rows(desk.run(reader))["Taps"] == "20"


def test_a_lost_tap_is_counted(paired: Paired) -> None:
    """A card lifted too early costs a tap, the exit status and twenty-five percent of four."""

    def hand(field: Field, tap: int) -> Plastic:
        if tap == 2:
            field.tear_after(2)
        return paired.card

    result = paired.desk.run(Handled(hand), "--taps", "4")
    assert result.exit_code == Exit.CARD
    assert rows(result)["Lost"] == "1"
    assert rows(result)["Success rate"] == "75 %"
    assert "Tap 2 of 4: lost" in result.stderr
    assert "Tap 3 of 4: read in 7 ms" in result.stderr


def test_two_cards_at_once_cost_a_tap(desk: Desk) -> None:
    """A wallet is no card."""

    def wallet(_field: Field, _tap: int) -> Plastic:
        raise CardCollision("two")

    result = desk.run(Handled(wallet), "--taps", "2")
    assert result.exit_code == Exit.CARD
    assert rows(result)["Lost"] == "2"


@pytest.mark.parametrize("make", [ntag216, bank_card])
def test_another_card_is_neither_right_nor_lost(
    paired: Paired, make: Callable[[], Plastic]
) -> None:
    """A sticker or a bank card says nothing about a sale, and nothing against the reader."""

    def hand(_field: Field, tap: int) -> Plastic:
        return make() if tap == 1 else paired.card

    result = paired.desk.run(Handled(hand), "--taps", "2")
    assert result.exit_code == Exit.CARD
    counted = rows(result)
    assert (counted["Read right"], counted["Lost"], counted["Other cards"]) == ("1", "0", "1")


def test_a_sticker_is_no_lost_card_without_keys_either(desk: Desk) -> None:
    """It has nothing to say, so it is not asked."""
    reader = Handled(lambda _field, _tap: ntag216())
    counted = rows(desk.run(reader, "--taps", "1"))
    assert (counted["Lost"], counted["Other cards"]) == ("0", "1")
    assert reader.field.exchanges == 0


def test_a_test_ends_when_nobody_taps_or_lifts(desk: Desk) -> None:
    """What was counted until then is shown; nobody is waited for for ever."""
    card = VirtualCard(bytes(range(7)))
    gone = desk.run(Handled(lambda _field, tap: card if tap < 3 else None), "--taps", "9")
    assert (gone.exit_code, rows(gone)["Taps"]) == (Exit.CARD, "2")
    assert "No card came. The test ends here." in gone.stderr
    stays = desk.run(Handled(lambda _field, _tap: card, is_lifted=False), "--taps", "9")
    assert (stays.exit_code, rows(stays)["Taps"]) == (Exit.CARD, "1")
    assert "not lifted" in stays.stderr


def test_no_tap_at_all_is_no_success(desk: Desk) -> None:
    """An empty table has no times, and its exit status is not 0."""
    result = desk.run(Handled(lambda _field, _tap: None))
    assert result.exit_code == Exit.CARD
    assert rows(result)["Time of a tap"] == "–"
    assert rows(result)["Success rate"] == "0 %"


def test_a_reader_lost_on_the_way_ends_the_test(desk: Desk) -> None:
    """It is no lost card: the command fails as any that has no reader."""

    def unplug(_field: Field, _tap: int) -> Plastic:
        raise ReaderLost("unplugged")

    assert isinstance(desk.run(Handled(unplug)).exception, ReaderLost)


def test_a_beep_is_warned_of(desk: Desk) -> None:
    """A reader that can't be muted, or of which nobody knows, is announced, in French as well."""
    card = VirtualCard(bytes(range(7)))
    for sound, said in ((Beep.AUDIBLE, "cannot be muted"), (Beep.UNKNOWN, "does not mean")):
        result = desk.run(Handled(lambda _field, _tap: card, beep=sound), "--taps", "1")
        assert said in result.stderr
    french = replace(desk, language="fr")
    result = french.run(Handled(lambda _field, _tap: card, beep=Beep.AUDIBLE), "--taps", "1")
    assert "ne veut pas dire « payé »" in result.stderr
    assert rows(result)["Bip du lecteur"] == "il bipe"
    for sound in (Beep.MUTED, Beep.NONE):
        assert beep_warning(Words("en"), sound) is None


def test_the_figures_of_a_test() -> None:
    """Median and 95 % are times that were measured; lost taps have none; rates are all named."""
    times_ms = [*range(31, 50), 900]
    right = [TimedTap(TapResult.READ, took_ms, 424) for took_ms in times_ms]
    slow = TimedTap(TapResult.READ, 30, 106)
    report = Report((*right, slow, TimedTap(TapResult.LOST), TimedTap(TapResult.OTHER, 1, 212)))
    shown = dict(line.split("  ", 1) for line in table(Words("en"), report, Beep.MUTED))
    assert report.success_percent == 91
    assert shown["Time of a tap"].strip() == "30 ms at best, 40 ms median"
    assert shown["95 % of the taps"].strip() == "within 49 ms"
    assert shown["Bit rate"].strip() == "106, 212, 424 kbit/s"
    only = Report((slow,))
    assert (only.within_ms(50), only.within_ms(95)) == (30, 30)
    two = Report((slow, right[-1]))
    assert (two.within_ms(50), two.within_ms(51), two.within_ms(95)) == (30, 900, 900)


# The list of readers


def listed(found: Found, language: str = "en") -> Result:
    """`reader list` on a computer where this was found."""
    data = DataDirectory(Path("/nonexistent"))
    context = Context(
        data, "auto", Words(language), ManualClock(NOW), lambda _: Field(), lambda: found
    )
    return CliRunner().invoke(cli.named("reader"), ["list"], obj=context)


def test_the_chosen_reader_and_the_reasons_against_the_others() -> None:
    """An arrow at the one, under each other one a sentence; the reader is closed again.

    A name that stands in its address, as pcscd's long ones do, is not said twice.
    """
    field = Field("here")
    seen = (
        Candidate("pcsc:", "PC/SC", Obstacle.PCSCD_REFUSES),
        Candidate("pn532:/dev/ttyUSB0", "PN532 /dev/ttyUSB0"),
        Candidate("pcsc:A Reader", "A Reader 00 00", Obstacle.NOT_NEEDED),
        Candidate("pcsc:A Reader 01 00", "A Reader 01 00", Obstacle.NOT_NEEDED),
    )
    result = listed(Found(field, seen))
    assert result.exit_code == Exit.DONE
    assert result.stdout.splitlines() == [
        "  pcsc:  (PC/SC)",
        "    pcscd refuses this user: install systemd/polkit/50-clafoutis.rules.",
        "→ pn532:/dev/ttyUSB0  (PN532 /dev/ttyUSB0)",
        "  pcsc:A Reader",
        "    Not tried: another one comes first.",
        "  pcsc:A Reader 01 00",
        "    Not tried: another one comes first.",
    ]
    field.place(VirtualCard(bytes(range(7))))
    assert field.wait_for_card(0) is None


def test_no_reader_is_a_failure_with_reasons() -> None:
    """Scripts see the exit status, people what to do."""
    result = listed(Found(None, (Candidate("pcsc:", "PC/SC", Obstacle.PCSCD_NOT_RUNNING),)), "fr")
    assert result.exit_code == Exit.READER
    assert "systemctl enable --now pcscd.socket" in result.stdout


@pytest.mark.parametrize("language", ["en", "fr"])
def test_everything_has_a_sentence(language: str) -> None:
    """No obstacle and no beep is left without words, and no two obstacles share them.

    What keeps a till from its reader is put right by one of three files, each named as it is.
    """
    words = Words(language)
    sentences = {what: obstacle(words, what) for what in Obstacle}
    assert len(set(sentences.values())) == len(Obstacle)
    assert len({beep(words, what) for what in Beep}) == len(Beep)
    named = re.findall(r"systemd/[\w/.-]+\w", " ".join(sentences.values()))
    assert len(named) == 3
    assert all((TREE / path).is_file() for path in named)
