"""What a stall hears and sees of a card without looking at the screen.

Moments differ by rhythm and pitch, so that neither colours nor a fine ear are needed. A card that
has not enough sounds like one that was seen, because what is left on it is not the queue's
business. The bell of the screen's terminal is never rung: it has one voice for everything.

A thread of its own plays; asking for a moment returns at once, and what breaks falls silent.
"""

from __future__ import annotations

import importlib
import logging
import shutil
import subprocess
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, unique
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from cardkit.errors import must
from terminal.settings import Pins, TerminalSettings
from terminal.sound import Note, wav

logger = logging.getLogger(__name__)

ALSA_CARDS: Final = Path("/proc/asound/cards")
APLAY: Final = "aplay"
_SOUND_MAX_S: Final = 10.0
_MIDDLE_NOTE: Final = "A6"
_OCTAVES: Final = 2
"""Two octaves around 1760 Hz: where a piezo is loud, and a market is not."""


@unique
class Moment(Enum):
    """What happened at the reader or the keypad."""

    SEEN = "seen"
    PAID = "paid"
    NOT_ENOUGH = "not enough"
    REFUSED = "refused"
    """Blocked, foreign, or not to be read."""
    AMBER = "amber"
    """Nobody knows: the same card, once more."""
    TROUBLE = "trouble"
    """Of the terminal itself: reader, disk."""
    KEY = "key"


@unique
class Light(Enum):
    """Which lamps are lit."""

    NONE = "none"
    GREEN = "green"
    RED = "red"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Step:
    """So long this tone and this light."""

    duration_s: float
    tone_hz: int = 0
    """0 for silence."""
    light: Light = Light.NONE


_SOFT: Final = (Step(0.06, 1_047),)
_LOW: Final = Step(0.18, 523, Light.RED)
_SHORT: Final = Step(0.1, 1_319, Light.BOTH)
SCORES: Final[Mapping[Moment, tuple[Step, ...]]] = {
    Moment.SEEN: _SOFT,
    Moment.PAID: (
        Step(0.12, 1_568, Light.GREEN),
        Step(0.28, 2_093, Light.GREEN),
        Step(1.2, 0, Light.GREEN),
    ),
    Moment.NOT_ENOUGH: _SOFT,
    Moment.REFUSED: (_LOW, Step(0.09), _LOW, Step(0.8, 0, Light.RED)),
    Moment.AMBER: (_SHORT, Step(0.1), _SHORT, Step(0.1), _SHORT),
    Moment.TROUBLE: (Step(0.7, 494, Light.RED),),
    Moment.KEY: (Step(0.02, 1_760),),
}
_SELF_TEST: Final = (
    Step(0.4, 0, Light.GREEN),
    Step(0.4, 0, Light.RED),
    Step(0.12, 1_568),
    Step(0.28, 2_093),
)
_Score: TypeAlias = tuple[Step, ...]
Wait: TypeAlias = Callable[[threading.Event, float], bool]
"""Wait until something new is asked for, or so many seconds; says whether it was."""


class Feedback(Protocol):
    """What the screens ask for; it never blocks and never fails."""

    def play(self, moment: Moment) -> None:
        """Let a moment be heard and seen, instead of what is under way."""

    def self_test(self) -> tuple[str, ...]:
        """Use every output once and return the names of those that did not fail."""

    def close(self) -> None:
        """Fall silent and dark, and let go of the outputs."""


class Output(Protocol):
    """One thing that sounds or shines; what it raises makes it fall silent for good."""

    @property
    def name(self) -> str:
        """What a person would call it; a msgid."""

    def begin(self, score: tuple[Step, ...]) -> None:
        """Prepare for a score; those that play it whole begin it here."""

    def step(self, step: Step) -> None:
        """Be as this step says."""

    def rest(self) -> None:
        """Be silent and dark."""

    def check(self) -> None:
        """Raise when what was begun last did not come out, as far as that can be known."""

    def close(self) -> None:
        """Let go."""


class Player:
    """Feedback over outputs, in a daemon thread with room for one moment."""

    def __init__(self, outputs: Sequence[Output], *, wait: Wait = threading.Event.wait) -> None:
        self._outputs = list(outputs)
        self._wait = wait
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._next: _Score | None = None
        self._is_busy = False
        self._is_closed = False
        self._idle = threading.Condition(self._lock)
        self._thread = threading.Thread(target=self._run, name="feedback", daemon=True)
        self._thread.start()

    def play(self, moment: Moment) -> None:
        """Let a moment be heard and seen; the click of a key never cuts another moment off."""
        with self._lock:
            if moment is Moment.KEY and (self._is_busy or self._next is not None):
                return
            self._ask(SCORES[moment])

    def self_test(self) -> tuple[str, ...]:
        """Use every output once, wait for it, and return the names of those that did not fail."""
        with self._lock:
            self._ask(_SELF_TEST)
        self.wait_until_idle()
        return tuple(it.name for it in self._outputs)

    def wait_until_idle(self) -> None:
        """Return when nothing plays and nothing is asked for."""
        with self._idle:
            self._idle.wait_for(lambda: self._is_closed or not (self._is_busy or self._next))

    def close(self) -> None:
        """Fall silent and dark; calling it twice is harmless."""
        with self._lock:
            self._is_closed = True
            self._news.set()
            self._idle.notify_all()
        self._thread.join()

    def _ask(self, score: _Score) -> None:
        self._next = score
        self._news.set()

    def _run(self) -> None:
        while True:
            self._news.wait()
            with self._lock:
                if self._is_closed:
                    break
                self._news.clear()
                score, self._next = self._next, None
                self._is_busy = True
            self._perform(score or ())
            with self._idle:
                self._is_busy = False
                self._idle.notify_all()
        for output in self._outputs:
            _or_fails(output, output.close)

    def _perform(self, score: _Score) -> None:
        self._each(lambda it: it.begin(score))
        for step in score:
            self._each(lambda it, step=step: it.step(step))  # type: ignore[misc]  # bound at once
            if self._wait(self._news, step.duration_s):
                break
        self._each(lambda it: it.rest())
        if score is _SELF_TEST:
            self._each(lambda it: it.check())

    def _each(self, act: Callable[[Output], None]) -> None:
        """Do something with every output, and go on without those that fail."""
        self._outputs = [it for it in self._outputs if _or_fails(it, lambda it=it: act(it))]  # type: ignore[misc]


class Lamps:
    """Two light-emitting diodes, or the two of one."""

    name = "lamps"

    def __init__(self, pins: Pins, gpiozero: Any, pin_factory: object) -> None:
        """Take the pins; either may be absent, and raises what gpiozero does."""
        self._lamps: dict[Light, Any] = {}
        for light, pin in ((Light.GREEN, pins.green), (Light.RED, pins.red)):
            if pin is not None:
                self._lamps[light] = gpiozero.LED(pin, pin_factory=pin_factory)

    def begin(self, score: tuple[Step, ...]) -> None:
        """Nothing to prepare."""

    def step(self, step: Step) -> None:
        """Light the lamps of a step and no others."""
        for light, lamp in self._lamps.items():
            lamp.value = step.light in {light, Light.BOTH}

    def rest(self) -> None:
        """Be dark."""
        self.step(Step(0))

    def check(self) -> None:
        """A lamp that is not wired looks like one that is."""

    def close(self) -> None:
        """Let go of the pins, which leaves them dark."""
        for lamp in self._lamps.values():
            lamp.close()


class Buzzer:
    """A passive piezo buzzer."""

    name = "buzzer"

    def __init__(self, pin: int, gpiozero: Any, pin_factory: object) -> None:
        """Take the pin; raises what gpiozero does, also where it has no PWM."""
        tones = importlib.import_module("gpiozero.tones")
        self._tone_of = tones.Tone.from_frequency
        self._buzzer = gpiozero.TonalBuzzer(
            pin, mid_tone=tones.Tone(_MIDDLE_NOTE), octaves=_OCTAVES, pin_factory=pin_factory
        )

    def begin(self, score: tuple[Step, ...]) -> None:
        """Nothing to prepare."""

    def step(self, step: Step) -> None:
        """Sound the tone of a step."""
        self._buzzer.play(self._tone_of(step.tone_hz) if step.tone_hz else None)

    def rest(self) -> None:
        """Be silent."""
        self._buzzer.stop()

    def check(self) -> None:
        """A buzzer that is not wired either."""

    def close(self) -> None:
        """Let go of the pin."""
        self._buzzer.close()


class Speaker:
    """A sound card, through a program that plays what it reads, such as `aplay`."""

    name = "speaker"

    def __init__(self, command: Sequence[str]) -> None:
        """Synthesise every score once: making them later would take a tap's time."""
        self._command = list(command)
        self._sounds = {score: _sound(score) for score in {*SCORES.values(), _SELF_TEST}}
        self._playing: subprocess.Popen[bytes] | None = None

    def begin(self, score: tuple[Step, ...]) -> None:
        """Begin to play, instead of what still plays; a score without a tone is not played."""
        self._stop()
        sound = self._sounds.get(score)
        if sound is None:
            return
        self._playing = subprocess.Popen(  # noqa: S603 - the program's own list
            self._command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        pipe = self._playing.stdin
        must(pipe is not None, "a pipe was asked for")
        if pipe is not None:
            # A sound is smaller than a pipe is deep, so this waits for nobody; and a sound card
            # that is busy once may play the next.
            with suppress(BrokenPipeError), pipe:
                pipe.write(sound)

    def step(self, step: Step) -> None:
        """It goes by itself."""

    def rest(self) -> None:
        """Let it end: what is heard lags behind what was sent."""

    def check(self) -> None:
        """Wait for the end of what plays, and raise when the program could not play it."""
        if self._playing is not None and self._playing.wait(_SOUND_MAX_S):
            raise OSError(f"{self._command[0]} ended with {self._playing.returncode}")

    def close(self) -> None:
        """Stop what plays."""
        self._stop()

    def _stop(self) -> None:
        if self._playing is not None:
            self._playing.terminate()
            self._playing.wait()
            self._playing = None


def open_feedback(
    settings: TerminalSettings,
    *,
    cards: Path = ALSA_CARDS,
    pin_factory: object = None,
    wait: Wait = threading.Event.wait,
) -> Player:
    """Open what the settings name and the machine has; a wire that is not there is no trouble."""
    pins, outputs = settings.pins, list[Output]()
    openers: list[tuple[str, Callable[[], Output]]] = []
    if pins.green is not None or pins.red is not None:
        openers.append(("lamps", lambda: Lamps(pins, _gpiozero(), pin_factory)))
    if pins.buzzer is not None and settings.sounds:
        number = pins.buzzer
        openers.append(("buzzer", lambda: Buzzer(number, _gpiozero(), pin_factory)))
    program = shutil.which(APLAY)
    if program is not None and settings.sounds and _has_sound_card(cards):
        openers.append(("speaker", lambda: Speaker([program, "-q"])))
    for name, opener in openers:
        try:
            outputs.append(opener())
        except Exception as error:  # noqa: BLE001 - every pin library has errors of its own
            logger.warning("%s: %s", name, error)
    return Player(outputs, wait=wait)


def _sound(score: _Score) -> bytes | None:
    """Return a score as a file of sound; None when it has no tone."""
    if not any(step.tone_hz for step in score):
        return None
    return wav([Note(step.duration_s, step.tone_hz) for step in score])


def _has_sound_card(cards: Path) -> bool:
    """Say whether ALSA knows a card; a line of one begins with its number."""
    try:
        return any(line.strip()[:1].isdigit() for line in cards.read_text().splitlines())
    except OSError:
        return False


def _gpiozero() -> Any:
    """Load gpiozero, which warns of each pin library that it does not find.

    By its name, because it has no types, and because a till without wires never needs it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("gpiozero")


def _or_fails(output: Output, act: Callable[[], None]) -> bool:
    """Do something with an output and say whether it went well; a light must stop no sale."""
    try:
        act()
    except Exception as error:  # noqa: BLE001 - every pin library has errors of its own
        logger.warning("%s falls silent: %s", output.name, error)
        with suppress(Exception):
            output.close()
        return False
    return True
