"""ISO/IEC 14443-4 for cards of type A: the blocks between a reader and a card, on both sides.

Pure: whole frames without their CRC go in and come out, and nothing here knows a clock. `Picc`
is the card's end around a `Plastic`, `Pcd` the end of a reader that runs the protocol itself.
The rules in the comments are those of ISO/IEC 14443-4, 7.5.3 (letters) and 7.5.4 (numbers).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum, unique

from simulator.crc import CRC_BYTES
from simulator.plastic import Plastic

# FSDI and FSCI to bytes of a frame, CRC included (ISO/IEC 14443-4, 5.1 and 5.2.3).
FRAME_BYTES = (16, 24, 32, 40, 48, 64, 96, 128, 256)
RATS, HLTA, PPSS = 0xE0, bytes.fromhex("5000"), 0xD0
ATS_EMPTY = b"\x01"
CID_RFU = 15
CARRIER_HZ = 13_560_000
FWI_DEFAULT, FSCI_DEFAULT = 4, 2
# An extended APDU; a reader that chains for ever is not listened to any more.
COMMAND_BYTES_MAX = 65_544
# Errors in a row after which a reader gives a block up, and blocks it sends for one answer.
ERRORS_MAX = 2
ROUNDS_MAX = 64


class AirFault(Exception):
    """What a reader sent got no answer that it can use."""


class Silence(AirFault):
    """Nothing came back in time."""


class Distortion(AirFault):
    """Something came back, and its CRC is wrong."""


class ProtocolFault(AirFault):
    """What came back is no block that may come here."""


@unique
class BitRate(IntEnum):
    """Bit rates of the air by the divisor's code in PPS1 and in CIU_TxMode."""

    KBIT_106 = 0
    KBIT_212 = 1
    KBIT_424 = 2
    KBIT_848 = 3


@unique
class Kind(IntEnum):
    """Blocks by the bits of their PCB that tell them apart."""

    I = 0x02  # noqa: E741 - the standard's name
    R_ACK = 0xA2
    R_NAK = 0xB2
    S_DESELECT = 0xC2
    S_WTX = 0xF2


# The bits of a PCB that are fixed for its kind; the others are number, chaining and CID (7.1.1).
PCB_MASKS = {
    Kind.I: 0xE6,
    Kind.R_ACK: 0xF6,
    Kind.R_NAK: 0xF6,
    Kind.S_DESELECT: 0xF7,
    Kind.S_WTX: 0xF7,
}

# What follows the PCB, and the CID, of blocks that carry no data of the card's user.
DATA_BYTES = {Kind.R_ACK: 0, Kind.R_NAK: 0, Kind.S_DESELECT: 0, Kind.S_WTX: 1}


@unique
class State(Enum):
    """Where a card stands in activation (ISO/IEC 14443-3, 6.3; PROTOCOL is of part 4)."""

    IDLE = "idle"
    ACTIVE = "active"
    PROTOCOL = "protocol"
    HALT = "halt"


@dataclass(frozen=True, slots=True)
class Ats:
    """What an answer to select says (ISO/IEC 14443-4, 5.2)."""

    fsc_bytes: int
    offered: int
    fwi: int
    supports_cid: bool

    @classmethod
    def parse(cls, ats: bytes) -> Ats:
        """Read an ATS that begins with TL; what is missing has the standard's default."""
        optional = list(ats[2 : ats[0]])
        present = ats[1] if ats[0] > 1 else FSCI_DEFAULT
        offered = optional.pop(0) if present & 0x10 and optional else 0
        tb = optional.pop(0) if present & 0x20 and optional else FWI_DEFAULT << 4
        tc = optional.pop(0) if present & 0x40 and optional else 0x02
        fsci = min(present & 0x0F, len(FRAME_BYTES) - 1)
        return cls(FRAME_BYTES[fsci], offered, tb >> 4, bool(tc & 0x02))

    @property
    def fwt_s(self) -> float:
        """How long the card may take to answer a block (7.2)."""
        return float(4096 / CARRIER_HZ * 2**self.fwi)

    def offers(self, *, to_card: BitRate, to_reader: BitRate) -> bool:
        """Whether TA(1) allows these rates; 106 kbit/s both ways always is (5.2.4)."""
        if self.offered & 0x80 and to_card is not to_reader:
            return False
        return _has(self.offered, to_card) and _has(self.offered >> 4, to_reader)


@dataclass(frozen=True, slots=True)
class Block:
    """One block; `number` and `more` mean nothing in an S-block."""

    kind: Kind
    number: int = 0
    more: bool = False
    cid: int | None = None
    data: bytes = b""

    @classmethod
    def parse(cls, frame: bytes) -> Block | None:
        """Read a block; None when it is none, or carries a NAD, which nobody here supports."""
        if not frame:
            return None
        pcb, rest = frame[0], frame[1:]
        cid = None
        if pcb & 0x08:
            if not rest:
                return None
            cid, rest = rest[0] & 0x0F, rest[1:]
        kind = next((kind for kind, mask in PCB_MASKS.items() if pcb & mask == kind), None)
        if kind is None or (kind in DATA_BYTES and len(rest) != DATA_BYTES[kind]):
            return None
        if kind in (Kind.S_DESELECT, Kind.S_WTX):
            return cls(kind, cid=cid, data=rest)
        is_chained = kind is Kind.I and bool(pcb & 0x10)
        return cls(kind, number=pcb & 0x01, more=is_chained, cid=cid, data=rest)

    def to_bytes(self) -> bytes:
        """The frame, without CRC."""
        pcb = self.kind | self.number | (self.more << 4)
        if self.cid is None:
            return bytes([pcb]) + self.data
        return bytes([pcb | 0x08, self.cid]) + self.data


Execute = Callable[[bytes], bytes | None]


class Picc:
    """The card's end: it answers frames, and hands whole commands to its card.

    `execute` stands between the two and is the card's own `transmit` unless another is given.
    """

    def __init__(self, card: Plastic, execute: Execute | None = None) -> None:
        self.card = card
        self._execute = execute or card.transmit
        self._ats = Ats.parse(card.ats or ATS_EMPTY)
        self._wtxm: int | None = None
        self.power_up()

    def power_up(self) -> None:
        """The field came on, or went: the card has forgotten everything that it may forget."""
        self._fall_back(State.IDLE)

    def request(self) -> bool:
        """Hear REQA; whether the card answers with its ATQA. An active one falls idle (6.3)."""
        if self.state is State.ACTIVE:
            self._fall_back(State.IDLE)
            return False
        return self.state is State.IDLE

    def wake_up(self) -> bool:
        """Hear WUPA, which a halted card answers too."""
        return self.request() or self.state is State.HALT

    def select(self) -> None:
        """Be the one that anticollision found."""
        self.state = State.ACTIVE

    def receive(self, frame: bytes) -> bytes | None:
        """Answer one frame; None when the card stays mute."""
        if self.state is State.ACTIVE:
            return self._activate(frame)
        if self.state is State.PROTOCOL:
            return self._protocol(frame)
        return None

    def ask_for_time(self, multiplier: int = 1) -> None:
        """Let the answer to the next command be preceded by S(WTX) (rule 9)."""
        self._wtxm = multiplier

    def _fall_back(self, state: State) -> None:
        self.card.reset()
        self.state = state
        self.to_card = self.to_reader = BitRate.KBIT_106
        self._wtxm = None
        self._begin(fsd_bytes=0, cid=0)

    def _begin(self, *, fsd_bytes: int, cid: int) -> None:
        self._fsd_bytes = fsd_bytes
        self._cid = cid
        self._number = 1  # rule C
        self._last: Block | None = None
        self._gathered = b""
        self._answer: bytes | None = None
        self._asked_s_wtx: bytes | None = None
        self._may_pps = False

    def _activate(self, frame: bytes) -> bytes | None:
        """Wait for RATS (5.6.1.2), or for HLTA."""
        if frame == HLTA:
            self._fall_back(State.HALT)
            return None
        ats = self.card.ats
        if ats is None or len(frame) != 2 or frame[0] != RATS or frame[1] & 0x0F == CID_RFU:
            return None
        self._ats = Ats.parse(ats)
        fsdi = min(frame[1] >> 4, len(FRAME_BYTES) - 1)
        self._begin(fsd_bytes=FRAME_BYTES[fsdi], cid=frame[1] & 0x0F)
        self._may_pps = True
        self.state = State.PROTOCOL
        return ats

    def _protocol(self, frame: bytes) -> bytes | None:
        may_pps, self._may_pps = self._may_pps, False
        if len(frame) + CRC_BYTES > self._ats.fsc_bytes:
            return None
        if may_pps and frame[:1] == bytes([PPSS | self._cid]):
            return self._pps(frame)
        block = Block.parse(frame)
        if block is None or not self._is_addressed(block):
            return None
        answer = self._respond(block)
        return answer.to_bytes() if answer else None

    def _pps(self, frame: bytes) -> bytes | None:
        """Change the bit rates, if the ATS offers them (5.3)."""
        if len(frame) == 2 and frame[1] == 0x01:
            return frame[:1]
        if len(frame) != 3 or frame[1] != 0x11 or frame[2] & 0xF0:
            return None
        to_card, to_reader = BitRate(frame[2] & 3), BitRate(frame[2] >> 2)
        if not self._ats.offers(to_card=to_card, to_reader=to_reader):
            return None
        self.to_card, self.to_reader = to_card, to_reader
        return frame[:1]

    def _is_addressed(self, block: Block) -> bool:
        """Whether the block carries this card's CID, or none and this card's is 0 (7.1.1.2)."""
        if block.cid is None:
            return self._cid == 0
        return self._ats.supports_cid and block.cid == self._cid

    def _respond(self, block: Block) -> Block | None:
        match block.kind:
            case Kind.I:
                return self._take(block)
            case Kind.R_ACK | Kind.R_NAK:
                return self._repair(block)
            case Kind.S_DESELECT:
                self._fall_back(State.HALT)
                return block
            case Kind.S_WTX:
                if block.data != self._asked_s_wtx:
                    return None
                self._asked_s_wtx = None
                return self._next(block.cid)

    def _take(self, block: Block) -> Block | None:
        """Take a command or a part of one; it is executed when its last block is here."""
        self._number ^= 1  # rule D
        self._last = self._answer = self._asked_s_wtx = None
        self._gathered += block.data
        if len(self._gathered) > COMMAND_BYTES_MAX:
            return None
        if block.more:
            return self._send(Block(Kind.R_ACK, self._number, cid=block.cid))  # rule 2
        command, self._gathered = self._gathered, b""
        self._answer = self._execute(command)
        if self._answer is None:
            return None
        if self._wtxm is not None:
            self._asked_s_wtx, self._wtxm = bytes([self._wtxm]), None
            return self._send(Block(Kind.S_WTX, cid=block.cid, data=self._asked_s_wtx))
        return self._next(block.cid)  # rule 10

    def _repair(self, block: Block) -> Block | None:
        if block.number == self._number:
            return self._last  # rule 11
        if block.kind is Kind.R_NAK:
            return Block(Kind.R_ACK, self._number, cid=block.cid)  # rule 12
        if not self._answer:
            return None
        self._number ^= 1  # rules E and 13
        return self._next(block.cid)

    def _next(self, cid: int | None) -> Block | None:
        """Send as much of the answer as fits the reader's frame."""
        if self._answer is None:
            return None
        room = self._fsd_bytes - CRC_BYTES - (1 if cid is None else 2)
        data, self._answer = self._answer[:room], self._answer[room:]
        return self._send(Block(Kind.I, self._number, bool(self._answer), cid, data))

    def _send(self, block: Block) -> Block:
        self._last = block
        return block


Air = Callable[[bytes], bytes]


class Pcd:
    """The end of a reader that runs the protocol itself, for one activated card, without CID.

    `air` carries one frame to the card and returns its answer, or raises Silence or Distortion.
    """

    def __init__(self, air: Air, ats: Ats) -> None:
        self._air = air
        self._room = ats.fsc_bytes - CRC_BYTES - 1
        self._number = 0  # rule A

    def exchange(self, command: bytes) -> bytes:
        """Send a command, or the last part of one, and return the whole answer.

        Raises AirFault: what the card executed is unknown then.
        """
        parts = _cut(command, self._room)
        self._chain(parts[:-1])
        block = self._converse(Block(Kind.I, self._number, data=parts[-1]), Kind.I)
        answer = block.data
        while block.more:
            block = self._converse(Block(Kind.R_ACK, self._number), Kind.I)
            answer += block.data
        return answer

    def send_part(self, data: bytes) -> None:
        """Send a part of a command of which more will come; raises AirFault."""
        self._chain(_cut(data, self._room))

    def deselect(self) -> None:
        """Halt the card; raises AirFault when it does not say yes."""
        request = Block(Kind.S_DESELECT).to_bytes()
        if self._air(request) != request:
            raise ProtocolFault("no S(DESELECT)")

    def is_present(self) -> bool:
        """Ask R(NAK), which a card that waits for a command answers with the other R(ACK)."""
        heard = Block.parse(self._air(Block(Kind.R_NAK, self._number).to_bytes()))
        return heard == Block(Kind.R_ACK, self._number ^ 1)

    def _chain(self, parts: list[bytes]) -> None:
        for part in parts:
            self._converse(Block(Kind.I, self._number, more=True, data=part), Kind.R_ACK)

    def _converse(self, block: Block, wanted: Kind) -> Block:
        """Send a block and see to it that the card's next one is heard (rules 3 to 7)."""
        outgoing, errors = block, 0
        for _ in range(ROUNDS_MAX):
            try:
                heard = self._hear(outgoing)
            except AirFault:
                errors += 1
                if errors > ERRORS_MAX:
                    raise
                is_chained = block.kind is Kind.R_ACK
                outgoing = Block(Kind.R_ACK if is_chained else Kind.R_NAK, self._number)
                continue
            if heard.kind is Kind.S_WTX:
                outgoing = heard
            elif heard.kind is Kind.R_ACK and heard.number != self._number:
                if block.kind is not Kind.I:
                    raise ProtocolFault("R(ACK) to R(ACK)")
                outgoing = block  # rule 6
            elif heard.kind is wanted and heard.number == self._number:
                self._number ^= 1  # rule B
                return heard
            else:
                raise ProtocolFault(f"no {wanted.name}: {heard}")
        raise ProtocolFault("the card answers without end")

    def _hear(self, outgoing: Block) -> Block:
        heard = Block.parse(self._air(outgoing.to_bytes()))
        if heard is None:
            raise ProtocolFault("no block")
        return heard


def _has(offered: int, rate: BitRate) -> bool:
    return rate is BitRate.KBIT_106 or bool(offered >> (rate - 1) & 1)


def _cut(data: bytes, size: int) -> list[bytes]:
    """At least one part, so that an empty command is a block too."""
    return [data[start : start + size] for start in range(0, len(data), size)] or [b""]
