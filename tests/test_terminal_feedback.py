"""What a stall hears and sees, on gpiozero's mock pins and through a program that plays sound."""

from __future__ import annotations

import io
import struct
import threading
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from gpiozero.pins.mock import (  # type: ignore[import-untyped]
    MockFactory,
    MockPin,
    MockPWMPin,
)

from terminal.feedback import ALL_SCORES, SCORES, Moment, Player, open_feedback
from terminal.feedback_outputs import Buzzer, Lamps, Light, Speaker, Step
from terminal.feedback_words import outputs_found
from terminal.settings import Pins, TerminalSettings
from terminal.sound import SAMPLES_PER_S, Note, wav
from terminal.words import Words

PIPE_BYTES = 65_536
"""What a pipe of Linux holds (pipe(7))."""
BUZZER, GREEN, RED = 12, 23, 24
WIRED = TerminalSettings(pins=Pins(buzzer=BUZZER, green=GREEN, red=RED))
Heard = tuple[int, bool, bool]
"""A tone in hertz, and whether the green and the red lamp are lit."""


class Stall:
    """A player on mock pins, that writes down how they stand at every step and waits for none."""

    def __init__(
        self, settings: TerminalSettings = WIRED, pin_class: type[MockPin] = MockPWMPin
    ) -> None:
        self.heard: list[Heard] = []
        self.pins = MockFactory(pin_class=pin_class)
        self.gate: Callable[[threading.Event], bool] = threading.Event.is_set
        self.player = open_feedback(
            settings, cards=Path("/no-such-file"), pin_factory=self.pins, wait=self._wait
        )

    def state(self) -> Heard:
        """How the pins stand now."""
        frequency = self.pins.pin(BUZZER).frequency
        green, red = (bool(self.pins.pin(number).state) for number in (GREEN, RED))
        return round(frequency or 0), green, red

    def play(self, moment: Moment) -> list[Heard]:
        """Play one moment to its end and return what there was of it."""
        self.heard.clear()
        self.player.play(moment)
        self.player.wait_until_idle()
        return list(self.heard)

    def _wait(self, news: threading.Event, _seconds: float) -> bool:
        self.heard.append(self.state())
        return self.gate(news)


@pytest.fixture
def stall() -> Iterator[Stall]:
    """A stall with two lamps and a buzzer."""
    opened = Stall()
    yield opened
    opened.player.close()


def tones(heard: list[Heard]) -> list[int]:
    """The tones alone, silence left out."""
    return [tone for tone, _, _ in heard if tone]


def test_paid_rises_and_is_green(stall: Stall) -> None:
    """Promise: paid is two rising tones and the green lamp."""
    heard = stall.play(Moment.PAID)
    low, high = tones(heard)
    assert low < high
    assert all(green and not red for _, green, red in heard)


def test_not_enough_is_what_every_card_sounds_like(stall: Stall) -> None:
    """Promise: nobody in the queue hears or sees that a card has not enough."""
    assert stall.play(Moment.NOT_ENOUGH) == stall.play(Moment.SEEN)
    assert not any(red for _, _, red in stall.play(Moment.NOT_ENOUGH))
    assert len(tones(stall.play(Moment.NOT_ENOUGH))) == 1


def test_refused_is_a_low_double(stall: Stall) -> None:
    """Promise: what can't pay at all is two low tones and the red lamp, never the green."""
    heard = stall.play(Moment.REFUSED)
    first, second = tones(heard)
    assert first == second
    assert first < min(tones(stall.play(Moment.PAID)))
    assert any(red for _, _, red in heard)
    assert not any(green for _, green, _ in heard)


def test_amber_is_three_even_tones(stall: Stall) -> None:
    """Promise: what nobody knows sounds like nothing else."""
    beats = tones(stall.play(Moment.AMBER))
    assert len(beats) == 3
    assert len(set(beats)) == 1


def test_every_answer_can_be_told_by_ear_and_by_eye_alone() -> None:
    """Promise: rhythm and pitch tell moments apart, whatever the lamps do."""
    sounds = {moment: [(it.duration_s, it.tone_hz) for it in SCORES[moment]] for moment in Moment}
    del sounds[Moment.NOT_ENOUGH]
    rhythms = [tuple(beat) for beat in sounds.values()]
    assert len(set(rhythms)) == len(rhythms)
    assert {step.light for step in SCORES[Moment.PAID]} == {Light.GREEN}


def test_it_is_dark_and_silent_afterwards(stall: Stall) -> None:
    """Promise: no lamp tells the next client what became of the one before."""
    for moment in Moment:
        stall.play(moment)
        assert stall.state() == (0, False, False)


def test_closing_lets_go_of_the_pins(stall: Stall) -> None:
    """Promise: a till that stops leaves nothing sounding, and the pins to whoever comes next."""
    stall.player.play(Moment.PAID)
    stall.player.close()
    stall.player.close()
    assert not stall.pins.pin(GREEN).state
    lamps, buzzer = Lamps(WIRED.pins, stall.pins), Buzzer(BUZZER, stall.pins)
    lamps.close()
    buzzer.close()


def test_a_new_moment_cuts_off_the_one_that_plays(stall: Stall) -> None:
    """Promise: what is heard is what happened last."""
    begun = threading.Event()

    def until_news(news: threading.Event) -> bool:
        begun.set()
        return news.wait()

    stall.gate = until_news
    stall.player.play(Moment.REFUSED)
    begun.wait()
    stall.gate = threading.Event.is_set
    stall.player.play(Moment.PAID)
    stall.player.wait_until_idle()
    assert tones(stall.heard) == [523, 1_568, 2_093]


def test_only_the_last_of_several_waits(stall: Stall) -> None:
    """Promise: the sounds never lag behind a row of clients."""
    begun, go_on = threading.Event(), threading.Event()

    def until_told(_news: threading.Event) -> bool:
        begun.set()
        return go_on.wait()

    stall.gate = until_told
    stall.player.play(Moment.SEEN)
    begun.wait()
    for moment in (Moment.AMBER, Moment.REFUSED, Moment.PAID):
        stall.player.play(moment)
    stall.gate = lambda _news: False
    go_on.set()
    stall.player.wait_until_idle()
    assert tones(stall.heard) == [1_047, 1_568, 2_093]


def test_the_click_of_a_key_cuts_nothing_off(stall: Stall) -> None:
    """Promise: whoever types on hears all the same that the last card has paid."""
    begun, go_on = threading.Event(), threading.Event()

    def until_told(news: threading.Event) -> bool:
        begun.set()
        go_on.wait()
        return news.is_set()

    stall.gate = until_told
    stall.player.play(Moment.PAID)
    begun.wait()
    stall.player.play(Moment.KEY)
    go_on.set()
    stall.player.wait_until_idle()
    assert tones(stall.heard) == [1_568, 2_093]
    assert tones(stall.play(Moment.KEY)) == [1_760]


def test_the_result_of_a_test_is_a_sentence(stall: Stall) -> None:
    """Promise: who starts the terminal reads which sounds and lamps it found."""
    words = Words("fr")
    assert outputs_found(words, stall.player.self_test()) == "Sons et voyants : voyants, buzzer."
    assert outputs_found(words, ("speaker",)) == "Sons et voyants : haut-parleur."
    assert outputs_found(words, ()) == "Sons et voyants : aucun trouvé."


def test_a_self_test_uses_every_output(stall: Stall) -> None:
    """Promise: at the start one sees and hears each output, and reads which there are."""
    assert stall.player.self_test() == ("lamps", "buzzer")
    assert any(green for _, green, _ in stall.heard)
    assert any(red for _, _, red in stall.heard)
    assert tones(stall.heard)


def test_a_buzzer_on_a_pin_that_cannot_is_not_claimed() -> None:
    """Promise: an output that could not be opened is missing from the test's result."""
    assert Stall(pin_class=MockPin).player.self_test() == ("lamps",)


def test_without_wires_it_is_silent_and_says_so() -> None:
    """Promise: a till without lamp, buzzer and sound card works, and claims none."""
    bare = Stall(TerminalSettings())
    assert bare.player.self_test() == ()
    for moment in Moment:
        bare.player.play(moment)
    bare.player.close()


def test_sounds_that_are_off_leave_the_lamps() -> None:
    """Promise: a stall can be silent without being blind."""
    quiet = Stall(replace(WIRED, sounds=False))
    assert quiet.player.self_test() == ("lamps",)
    assert tones(quiet.play(Moment.PAID)) == []
    assert all(green for _, green, _ in quiet.heard)


class Broken:
    """An output whose wire came off."""

    name = "broken"

    def begin(self, score: tuple[Step, ...]) -> None:
        """Work still."""

    def step(self, step: Step) -> None:
        """Fail, as the library for pins does."""
        raise RuntimeError(f"the wire came off before {step}")

    def rest(self) -> None:
        """Is not reached."""

    def check(self) -> None:
        """Is not reached."""

    def close(self) -> None:
        """Fail likewise."""
        raise RuntimeError("the wire came off")


def test_an_output_that_breaks_stops_nothing(tmp_path: Path) -> None:
    """Promise: a wire that comes off costs its own output, and neither a sale nor the others."""
    played = tmp_path / "played"
    speaker = Speaker(["sh", "-c", 'cat > "$0"', str(played)], ALL_SCORES)
    player = Player(
        {"broken": Broken, "speaker": lambda: speaker}, wait=lambda news, _: news.is_set()
    )
    player.play(Moment.PAID)
    player.wait_until_idle()
    assert player.self_test() == ("speaker",)
    assert played.stat().st_size
    player.close()


def test_a_sound_card_gets_the_notes(tmp_path: Path) -> None:
    """Promise: the loudspeaker plays the tones that the buzzer plays."""
    played = tmp_path / "played"
    player = Player(
        {"speaker": lambda: Speaker(["sh", "-c", 'cat > "$0"', str(played)], ALL_SCORES)},
        wait=lambda news, _: news.is_set(),
    )
    assert player.self_test() == ("speaker",)
    player.close()
    with wave.open(str(played)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth()) == (1, 2)
        seconds = sound.getnframes() / sound.getframerate()
    assert seconds == pytest.approx(1.2)  # the dark at the end takes no sound


@pytest.mark.parametrize("command", [["false"], ["/no-such-program"]])
def test_a_player_that_fails_is_not_claimed(command: list[str]) -> None:
    """Promise: a sound card that takes nothing is missing from the test's result."""
    player = Player(
        {"speaker": lambda: Speaker(command, ALL_SCORES)}, wait=lambda news, _: news.is_set()
    )
    assert player.self_test() == ()
    player.close()


def test_silence_after_the_last_tone_is_not_played() -> None:
    """Promise: a sound is over when it is heard to be, and so small that a pipe holds it."""
    assert wav([Note(0.1, 880), Note(2, 0)]) == wav([Note(0.1, 880)])
    for score in ALL_SCORES:
        assert len(wav([Note(it.duration_s, it.tone_hz) for it in score])) < PIPE_BYTES


@pytest.mark.parametrize("tone_hz", [494, 1_047, 2_093])
def test_a_note_has_its_pitch(tone_hz: int) -> None:
    """Promise: what is synthesised is the tone that is asked for, and never clicks."""
    with wave.open(io.BytesIO(wav([Note(0.5, tone_hz)]))) as sound:
        frames = sound.readframes(sound.getnframes())
    samples = struct.unpack(f"<{len(frames) // 2}h", frames)
    rises = sum(before < 0 <= after for before, after in pairwise(samples))
    assert rises == pytest.approx(tone_hz / 2, abs=2)
    assert (samples[0], samples[-1]) == (0, 0)
    assert len(samples) == SAMPLES_PER_S // 2
