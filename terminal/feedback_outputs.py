"""What sounds and shines at a stall: lamps and a buzzer on pins, a loudspeaker on a sound card.

What one of them raises is whatever its library raises; who plays them takes that as silence.
Libraries are loaded by name: they have no types, and a till without wires needs none.
"""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from enum import Enum, unique
from typing import Any, Final, Protocol

from cardkit.errors import must
from cardkit.frozen import dataclass
from terminal.settings import Pins
from terminal.sound import Note, wav

_MIDDLE_NOTE: Final = "A6"
_OCTAVES: Final = 2
"""Two octaves around 1760 Hz: where a piezo is loud, and a market is not."""
_SOUND_MAX_S: Final = 10.0


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


class Lamps:
    """Two light-emitting diodes, or the two of one."""

    name = "lamps"

    def __init__(self, pins: Pins, pin_factory: object) -> None:
        """Take the pins; either may be absent, and raises what gpiozero does."""
        gpiozero = importlib.import_module("gpiozero")
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

    def __init__(self, pin: int, pin_factory: object) -> None:
        """Take the pin; raises what gpiozero does, also where it has no PWM."""
        tones = importlib.import_module("gpiozero.tones")
        self._tone_of = tones.Tone.from_frequency
        self._buzzer = importlib.import_module("gpiozero").TonalBuzzer(
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

    def __init__(self, command: Sequence[str], scores: Iterable[tuple[Step, ...]]) -> None:
        """Synthesise every score once: making them later would take a tap's time."""
        self._command = list(command)
        self._sounds = {score: _sound(score) for score in set(scores)}
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


def machine_pins() -> object:
    """Open the machine's pins by lgpio, the one library that knows every Raspberry Pi.

    Named here, because gpiozero's own search tells on the screen of each library it misses.
    """
    return importlib.import_module("gpiozero.pins.lgpio").LGPIOFactory()


def _sound(score: tuple[Step, ...]) -> bytes | None:
    """Return a score as a file of sound; None when it has no tone."""
    if not any(step.tone_hz for step in score):
        return None
    return wav([Note(step.duration_s, step.tone_hz) for step in score])
