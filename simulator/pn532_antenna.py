"""What lies on a virtual PN532: cards, their anticollision, and everything that goes wrong there.

The world's side has the verbs of `simulator.field`, whose faults are counted in APDUs, and those
of the air below them, counted in frames. The chip's side is `power`, `request`, `wake_up` and
`transceive`. Not thread-safe: `simulator.pn532` holds a lock around both sides.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial

from cardkit.errors import must
from simulator.field import TRACE_LENGTH_MAX, Exchange, Faults
from simulator.isodep import BitRate, Distortion, Picc, Silence, State
from simulator.plastic import Plastic

# As many as a purse holds; a chip lists two.
CARDS_MAX = 8
CASCADE_TAG = b"\x88"
UID_BYTES = (4, 7, 10)


@dataclass(slots=True)
class AirFaults:
    """Frames that go wrong, by number; each happens once, and ISO/IEC 14443-4 has to mend it."""

    lost_frame: int | None = None
    lost_answer: int | None = None
    distorted_answer: int | None = None


class Antenna:
    """The field of a virtual PN532 and the cards in it."""

    def __init__(self) -> None:
        self._lying: list[Picc] = []
        self._faults = Faults()
        self._air = AirFaults()
        self._asks_time: int | None = None
        self.is_on = True
        self.exchanges = 0
        self.frames = 0
        self.trace: deque[Exchange] = deque(maxlen=TRACE_LENGTH_MAX)

    @property
    def cards(self) -> tuple[Plastic, ...]:
        """What lies in the field, in the order in which it was placed."""
        return tuple(picc.card for picc in self._lying)

    def place(self, card: Plastic) -> None:
        """Put one more card into the field."""
        must(all(card is not other for other in self.cards), "a card lies in one place only")
        must(len(self._lying) < CARDS_MAX, f"at most {CARDS_MAX} cards lie in a field")
        must(len(card.uid) in UID_BYTES, "a UID has 4, 7 or 10 bytes")
        self._lying.append(Picc(card, partial(self._carry, card)))

    def lift(self, card: Plastic | None = None) -> None:
        """Take one card away, or all of them, wherever they were in their work."""
        staying = []
        for picc in self._lying:
            if card is None or picc.card is card:
                picc.power_up()
            else:
                staying.append(picc)
        self._lying = staying

    def tear_before(self, number: int) -> None:
        """Lose the n-th APDU from now (1 is the next) before a card receives it."""
        self._faults.lost_before = _from(self.exchanges, number)

    def tear_after(self, number: int) -> None:
        """Lose the answer to the n-th APDU from now: the card has executed it."""
        self._faults.lost_after = _from(self.exchanges, number)

    def garble(self, number: int) -> None:
        """Flip a bit in the answer to the n-th APDU from now; the card stays."""
        self._faults.garbled = _from(self.exchanges, number)

    def ask_for_time(self, number: int) -> None:
        """Let the answer to the n-th APDU from now be preceded by S(WTX)."""
        self._asks_time = _from(self.exchanges, number)

    def lose_frame(self, number: int) -> None:
        """Let the n-th frame from now never reach a card."""
        self._air.lost_frame = _from(self.frames, number)

    def lose_answer(self, number: int) -> None:
        """Let the answer to the n-th frame from now never reach the reader."""
        self._air.lost_answer = _from(self.frames, number)

    def distort_answer(self, number: int) -> None:
        """Let the answer to the n-th frame from now arrive with a wrong CRC."""
        self._air.distorted_answer = _from(self.frames, number)

    def power(self, *, on: bool) -> None:
        """Switch the field; without one every card forgets where it was."""
        if not on:
            for picc in self._lying:
                picc.power_up()
        self.is_on = on

    def request(self) -> Picc | None:
        """REQA, anticollision and select: one card is active then, or none is there."""
        return _selected([picc for picc in self._powered() if picc.request()])

    def wake_up(self, uid: bytes) -> Picc | None:
        """WUPA, and the selection of one card whose UID is known."""
        answering = [picc for picc in self._powered() if picc.wake_up()]
        return _selected([picc for picc in answering if picc.card.uid == uid])

    def is_lying(self, picc: Picc) -> bool:
        """Whether this card is still here."""
        return any(picc is other for other in self._lying)

    def transceive(self, sent: bytes, to_card: BitRate, to_reader: BitRate) -> bytes:
        """Carry one frame to whichever card listens; raises Silence or Distortion."""
        self.frames += 1
        if self.frames == self._air.lost_frame:
            raise Silence("the frame was lost")
        heard = []
        for picc in self._powered():
            is_understood = (picc.to_card, picc.to_reader) == (to_card, to_reader)
            answer = self._hear(picc, sent) if is_understood else None
            if answer is not None and self.is_lying(picc):
                heard.append(answer)
        if not heard or self.frames == self._air.lost_answer:
            raise Silence("no answer")
        if len(heard) > 1 or self.frames == self._air.distorted_answer:
            raise Distortion("wrong CRC")
        return heard[0]

    def _hear(self, picc: Picc, sent: bytes) -> bytes | None:
        if self._asks_time == self.exchanges + 1 and picc.state is State.PROTOCOL:
            self._asks_time = None
            picc.ask_for_time()
        return picc.receive(sent)

    def _powered(self) -> list[Picc]:
        return list(self._lying) if self.is_on else []

    def _carry(self, card: Plastic, command: bytes) -> bytes | None:
        """One APDU, as `simulator.field` carries it."""
        self.exchanges += 1
        answer: bytes | None = None
        if self.exchanges == self._faults.lost_before:
            self.lift(card)
        else:
            answer = card.transmit(command)
            if self.exchanges == self._faults.lost_after:
                self.lift(card)
                answer = None
            elif answer and self.exchanges == self._faults.garbled:
                answer = bytes([answer[0] ^ 0x01]) + answer[1:]
        self.trace.append(Exchange(command, answer))
        return answer


def _from(count: int, number: int) -> int:
    must(number >= 1, "they are counted from 1, the next one")
    return count + number


def _selected(answering: list[Picc]) -> Picc | None:
    """Where bits collide a reader goes on with the ones (ISO/IEC 14443-3, 6.5.3.1)."""
    chosen = max(answering, key=lambda picc: _on_air(picc.card.uid), default=None)
    if chosen is not None:
        chosen.select()
    return chosen


def _on_air(uid: bytes) -> list[str]:
    """The bits of a UID in the order in which the air carries them, cascade tags included."""
    levels = uid if len(uid) == UID_BYTES[0] else CASCADE_TAG + uid
    if len(uid) == UID_BYTES[2]:
        levels = CASCADE_TAG + uid[:3] + CASCADE_TAG + uid[3:]
    return [f"{byte:08b}"[::-1] for byte in levels]
