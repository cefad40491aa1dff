"""What can go wrong at one exchange with a card, as a value, and a connection where it does.

    connection = FaultyConnection(inner, Fault(FaultKind.LIFTED_AFTER, 9), lift=field.lift)

A fault strikes once. Whether it did is told by `struck`: an operation that is over before its
exchange, or an answer without that byte, was not hit, and that is how a test knows that it has
been through all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

from cardkit.card.connection import Activation, CardConnection
from cardkit.errors import CardLost

FLIPS: Final = (0x01, 0x80)
"""The lowest and the highest bit: a value that is off by one, and one that is off by half."""


STATUSES: Final = (0x9100, 0x910C, 0x91AE, 0x91AF, 0x91BE, 0x91EE)
"""Bare status words, without the MAC of an answer: a driver might be tempted to act on some."""


class Killed(BaseException):
    """The process is no more: nothing catches it, and what it held in memory is gone."""


@unique
class FaultKind(Enum):
    """What happens at an exchange."""

    LIFTED_BEFORE = "the card is lifted before it gets the command"
    LIFTED_AFTER = "the card executes the command and is lifted before it answers"
    ANSWER_LOST = "the card executes the command and stays, but the answer is lost"
    GARBLED = "one byte of the answer is another one"
    REPLACED = "a bare status word stands in the place of the answer"
    KILLED_BEFORE = "the process is killed before it sends the command"
    KILLED_AFTER = "the process is killed when the card has executed the command"
    DISK_FAILS = "the disk takes nothing any more from this exchange on"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault at exchange `number`, counted from 1.

    `byte` and `flip` are those of GARBLED, `status` is that of REPLACED.
    """

    kind: FaultKind
    number: int
    byte: int = 0
    flip: int = 0
    status: int = 0

    @property
    def kills(self) -> bool:
        """Whether the process ends by it."""
        return self.kind in {FaultKind.KILLED_BEFORE, FaultKind.KILLED_AFTER}


class FaultyConnection:
    """A connection with one fault in it, or with none (a `CardConnection`)."""

    def __init__(
        self,
        inner: CardConnection,
        fault: Fault | None,
        *,
        lift: Callable[[], None],
        fail_disk: Callable[[], None] | None = None,
    ) -> None:
        """`lift` takes the card away; `fail_disk` is needed for DISK_FAILS alone."""
        self.exchanges = 0
        self.struck = False
        self._inner = inner
        self._fault = fault
        self._lift = lift
        self._fail_disk = fail_disk

    @property
    def uid(self) -> bytes:
        """The card's."""
        return self._inner.uid

    @property
    def activation(self) -> Activation:
        """The card's."""
        return self._inner.activation

    def transceive(self, command: bytes) -> bytes:
        """Exchange one APDU; raises CardLost, Killed, and what the connection below raises."""
        self.exchanges += 1
        fault = self._fault
        if fault is None or fault.number != self.exchanges:
            return self._inner.transceive(command)
        return self._strike(fault, command)

    def close(self) -> None:
        """Let go of the card."""
        self._inner.close()

    def _strike(self, fault: Fault, command: bytes) -> bytes:
        match fault.kind:
            case FaultKind.LIFTED_BEFORE:
                self.struck = True
                self._lift()
                raise CardLost("lifted")
            case FaultKind.KILLED_BEFORE:
                self.struck = True
                raise Killed
        answer = self._inner.transceive(command)
        if fault.kind is FaultKind.GARBLED:
            return self._garbled(fault, answer)
        self.struck = True
        match fault.kind:
            case FaultKind.LIFTED_AFTER:
                self._lift()
                raise CardLost("lifted")
            case FaultKind.ANSWER_LOST:
                raise CardLost("no answer")
            case FaultKind.KILLED_AFTER:
                raise Killed
            case FaultKind.REPLACED:
                return fault.status.to_bytes(2)
            case _ if self._fail_disk is not None:
                self._fail_disk()
        return answer

    def _garbled(self, fault: Fault, answer: bytes) -> bytes:
        if fault.byte >= len(answer):
            return answer
        self.struck = True
        changed = bytearray(answer)
        changed[fault.byte] ^= fault.flip
        return bytes(changed)


def every_fault(struck: Callable[[Fault], bool]) -> Iterator[Fault]:
    """Yield each fault of an operation that `struck` runs, and that says whether it was hit.

    Exchange by exchange until one is not reached; bytes are left to `every_flip`.
    """
    number = 1
    while hit := [fault for fault in _faults_at(number) if struck(fault)]:
        yield from hit
        number += 1


def every_flip(
    struck: Callable[[Fault], bool], *, flips: tuple[int, ...] = FLIPS
) -> Iterator[Fault]:
    """Yield each garbled byte of each answer, until there is no byte and then no answer."""
    number, byte = 1, 0
    while True:
        faults = [Fault(FaultKind.GARBLED, number, byte=byte, flip=flip) for flip in flips]
        hit = [fault for fault in faults if struck(fault)]
        yield from hit
        if not hit and byte == 0:
            return
        number, byte = (number, byte + 1) if hit else (number + 1, 0)


def _faults_at(number: int) -> Iterator[Fault]:
    """Yield the faults of one exchange that are not about one byte."""
    for kind in FaultKind:
        match kind:
            case FaultKind.GARBLED:
                continue
            case FaultKind.REPLACED:
                yield from (Fault(kind, number, status=status) for status in STATUSES)
            case _:
                yield Fault(kind, number)
