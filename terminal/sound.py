"""Tones as a WAV file, synthesised: nothing to ship, and nothing that could be missing."""

from __future__ import annotations

import io
import math
import struct
import wave
from collections.abc import Iterable, Iterator
from typing import Final

from cardkit.frozen import dataclass

SAMPLES_PER_S: Final = 22_050
_LOUDEST: Final = 20_000
"""Of 32,767: cheap loudspeakers distort above."""
_RAMP_S: Final = 0.004
"""A tone that begins or ends at once clicks."""


@dataclass(frozen=True, slots=True)
class Note:
    """So long this tone; 0 Hz is silence."""

    duration_s: float
    tone_hz: int


def wav(notes: Iterable[Note]) -> bytes:
    """Return notes as a WAV file of one channel of 16 bits; silence at the end is left out."""
    kept = list(notes)
    while kept and not kept[-1].tone_hz:
        kept.pop()
    samples = [sample for note in kept for sample in _samples(note)]
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(SAMPLES_PER_S)
        written.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return file.getvalue()


def _samples(note: Note) -> Iterator[int]:
    count = round(note.duration_s * SAMPLES_PER_S)
    ramp = _RAMP_S * SAMPLES_PER_S
    for at in range(count):
        loudness = _LOUDEST * min(1.0, at / ramp, (count - 1 - at) / ramp)
        yield round(loudness * math.sin(2 * math.pi * note.tone_hz * at / SAMPLES_PER_S))
