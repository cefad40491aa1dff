"""What a stall hears and sees of a card without looking at the screen.

Moments differ by rhythm and pitch, so that neither colours nor a fine ear are needed. A card that
has not enough sounds like one that was seen, because what is left on it is not the queue's
business. The bell of the screen's terminal is never rung: it has one voice for everything.

A thread of its own plays; asking for a moment returns at once, and what breaks falls silent.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from enum import Enum, unique
from functools import cache
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from terminal.feedback_outputs import Buzzer, Lamps, Light, Output, Speaker, Step, machine_pins
from terminal.settings import TerminalSettings

logger = logging.getLogger(__name__)

ALSA_CARDS: Final = Path("/proc/asound/cards")
APLAY: Final = "aplay"


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
ALL_SCORES: Final = (*SCORES.values(), _SELF_TEST)
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


Opener: TypeAlias = Callable[[], Output]


class Player:
    """Feedback over outputs, in a daemon thread with room for one moment."""

    def __init__(self, openers: Mapping[str, Opener], *, wait: Wait = threading.Event.wait) -> None:
        """Begin to open outputs, in the thread as well: their libraries take long to load."""
        self._openers = openers
        self._outputs: list[Output] = []
        self._wait = wait
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._next: _Score | None = None
        self._is_busy = True
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
        try:
            self._outputs = list(_opened(self._openers))
            self._be_idle()
            while (score := self._asked()) is not None:
                self._perform(score)
                self._be_idle()
            for output in self._outputs:
                _or_fails(output, output.close)
        finally:
            with self._idle:  # nobody may wait for a thread that a bug of ours has ended
                self._is_closed = True
                self._idle.notify_all()

    def _asked(self) -> _Score | None:
        """Wait for a score that is asked for; None when it is over."""
        self._news.wait()
        with self._lock:
            self._news.clear()
            score, self._next = self._next, None
            self._is_busy = True
            return None if self._is_closed else score or ()

    def _be_idle(self) -> None:
        with self._idle:
            self._is_busy = False
            self._idle.notify_all()

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


def open_feedback(
    settings: TerminalSettings,
    *,
    cards: Path = ALSA_CARDS,
    pin_factory: object = None,
    wait: Wait = threading.Event.wait,
) -> Player:
    """Open what the settings name and the machine has; a wire that is not there is no trouble."""
    pins, openers = settings.pins, dict[str, Opener]()

    @cache
    def factory() -> object:
        return machine_pins() if pin_factory is None else pin_factory

    if pins.green is not None or pins.red is not None:
        openers["lamps"] = lambda: Lamps(pins, factory())
    if pins.buzzer is not None and settings.sounds:
        number = pins.buzzer
        openers["buzzer"] = lambda: Buzzer(number, factory())
    program = shutil.which(APLAY)
    if program is not None and settings.sounds and _has_sound_card(cards):
        openers["speaker"] = lambda: Speaker([program, "-q"], ALL_SCORES)
    return Player(openers, wait=wait)


def _opened(openers: Mapping[str, Opener]) -> Iterator[Output]:
    for name, opener in openers.items():
        try:
            yield opener()
        except Exception as error:  # noqa: BLE001 - every pin library has errors of its own
            logger.warning("%s: %s", name, error)


def _has_sound_card(cards: Path) -> bool:
    """Say whether ALSA knows a card; a line of one begins with its number."""
    try:
        return any(line.strip()[:1].isdigit() for line in cards.read_text().splitlines())
    except OSError:
        return False


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
