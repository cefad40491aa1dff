"""The PN532 as a reader of cards: the commands whose names begin with `In` (UM0701-02, 7.3).

Every method takes what follows the command code and returns what follows the answer's code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, unique

from simulator.crc import CRC_BYTES, crc_a
from simulator.isodep import (
    HLTA,
    RATS,
    AirFault,
    Ats,
    BitRate,
    Distortion,
    Pcd,
    Picc,
    Silence,
)
from simulator.pn532_antenna import Antenna
from simulator.pn532_settings import CRC_ENABLED, RETRY_FOR_EVER, Register, Settings

TARGETS_MAX = 2
TYPE_A_106, BAUD_MODULATIONS = 0x00, range(5)
SPEAKS_APDUS = 0x20
# FSD 64 bytes, CID 0: what the firmware's own RATS asks for.
AUTOMATIC_RATS_PARAMETER = 0x50
DATA_BYTES_MAX = 262
MORE, TARGET_NUMBER = 0x40, 0x0F
SENS_REQ = 0x26
POLL_GENERIC_A, POLL_MIFARE, POLL_ISODEP_A = 0x00, 0x10, 0x20
# Silence for so long says yes to HLTA (ISO/IEC 14443-3).
HLTA_S = 0.001
POLL_KINDS = (POLL_GENERIC_A, POLL_MIFARE, POLL_ISODEP_A)
POLL_PERIOD_S = 0.150
PSL_RATES = (BitRate.KBIT_106, BitRate.KBIT_212, BitRate.KBIT_424)


class SyntaxFault(Exception):
    """The command's form is wrong: the chip answers with the error frame."""


@unique
class Status(IntEnum):
    """Error codes in the status byte (UM0701-02, 7.1)."""

    OK = 0x00
    TIMEOUT = 0x01
    CRC = 0x02
    PROTOCOL = 0x0B
    NOT_ALLOWED = 0x26
    WRONG_CONTEXT = 0x27


@dataclass(frozen=True, slots=True)
class Waiting:
    """No answer yet: a card may come until `timeout_s` is over; None is for ever."""

    timeout_s: float | None


@dataclass(slots=True)
class Target:
    """A card that was listed; `pcd` is there while it is activated to ISO/IEC 14443-4."""

    number: int
    picc: Picc
    ats: bytes | None = None
    pcd: Pcd | None = None
    unsent: bytes = b""

    def described(self) -> bytes:
        """Target data for 106 kbit/s type A (7.3.5)."""
        card = self.picc.card
        head = bytes([self.number, *card.atqa, card.sak, len(card.uid)])
        return head + card.uid + (self.ats or b"")


Outcome = bytes | Waiting
Pause = Callable[[float], None]


class Initiator:
    """Cards found by one chip, at most two, of which one is selected at a time."""

    def __init__(self, antenna: Antenna, settings: Settings, pause: Pause) -> None:
        self._antenna = antenna
        self._settings = settings
        self._pause = pause
        self._targets: dict[int, Target] = {}
        self._current: Target | None = None

    @property
    def targets(self) -> tuple[Target, ...]:
        """What is listed, by number."""
        return tuple(self._targets.values())

    def list_passive_target(self, data: bytes) -> Outcome:
        """InListPassiveTarget: MaxTg, BrTy, and possibly a UID."""
        need(len(data) >= 2 and 1 <= data[0] <= TARGETS_MAX and data[1] in BAUD_MODULATIONS)
        found: list[Target] = []
        if data[1] == TYPE_A_106:
            found = self._list(data[0], _plain_uid(data[2:]), rats=self._settings.sends_rats)
        if not found and self._settings.passive_retries == RETRY_FOR_EVER:
            return Waiting(None)
        return bytes([len(found)]) + b"".join(target.described() for target in found)

    def auto_poll(self, data: bytes) -> Outcome:
        """InAutoPoll: PollNr, period in 150 ms, and up to 15 types of targets (7.3.13)."""
        need(3 <= len(data) <= 17 and data[0] >= 1 and 1 <= data[1] <= 15)
        poll_count, period, *types = data
        kinds = [kind for kind in types if kind in POLL_KINDS]
        listed = self._list(TARGETS_MAX, b"", rats=POLL_ISODEP_A in kinds) if kinds else []
        for kind in kinds:
            found = [target.described() for target in listed if _is_of(kind, target)]
            if found:
                entries = [bytes([kind, len(each)]) + each for each in found]
                return bytes([len(found)]) + b"".join(entries)
        rounds = None if poll_count == RETRY_FOR_EVER else poll_count * len(types)
        return Waiting(None if rounds is None else rounds * period * POLL_PERIOD_S)

    def data_exchange(self, data: bytes) -> bytes:
        """InDataExchange: Tg with MI, and the data (7.3.8)."""
        need(len(data) >= 1)
        target = self._targets.get(data[0] & TARGET_NUMBER)
        if target is None:
            return bytes([Status.WRONG_CONTEXT])
        if not self._switch_to(target):
            return bytes([Status.TIMEOUT])
        if target.unsent and len(data) == 1:
            return self._piece(target)
        try:
            if target.pcd is None:
                target.unsent = self._air(data[1:])
            elif data[0] & MORE:
                target.pcd.send_part(data[1:])
                target.unsent = b""
            else:
                target.unsent = target.pcd.exchange(data[1:])
        except AirFault as fault:
            return bytes([_status(fault)])
        return self._piece(target)

    def communicate_thru(self, data: bytes) -> bytes:
        """InCommunicateThru: one frame as it is, at the registers' rates and framing (7.3.9)."""
        settings = self._settings
        sent: bytes | None = data
        if not settings.read(Register.TX_MODE) & CRC_ENABLED:
            frame, crc = data[:-CRC_BYTES], data[-CRC_BYTES:]
            sent = frame if crc == crc_a(frame) else None
        try:
            if sent is None or not settings.is_type_a:
                self._pause(settings.exchange_timeout_s)
                raise Silence("no card understands this frame")
            answer = self._air(sent)
        except AirFault as fault:
            return bytes([_status(fault)])
        checked = settings.read(Register.RX_MODE) & CRC_ENABLED
        return bytes([Status.OK]) + answer + (b"" if checked else crc_a(answer))

    def psl(self, data: bytes) -> bytes:
        """InPSL: Tg and the bit rates to and from the card (7.3.7)."""
        need(len(data) == 3 and max(data[1:]) < len(PSL_RATES))
        target = self._targets.get(data[0])
        if target is None or target.ats is None:
            return bytes([Status.WRONG_CONTEXT])
        to_card, to_reader = PSL_RATES[data[1]], PSL_RATES[data[2]]
        if not Ats.parse(target.ats).offers(to_card=to_card, to_reader=to_reader):
            return bytes([Status.NOT_ALLOWED])
        if not self._switch_to(target):
            return bytes([Status.TIMEOUT])
        try:
            answer = self._air(bytes([0xD0, 0x11, to_reader << 2 | to_card]))
        except AirFault as fault:
            return bytes([_status(fault)])
        if answer != b"\xd0":
            return bytes([Status.PROTOCOL])
        self._settings.set_rates(to_card, to_reader)
        return bytes([Status.OK])

    def deselect(self, data: bytes) -> bytes:
        """InDeselect: halt a card, or all (Tg 0), and remember it (7.3.10)."""
        return bytes([self._let_go(data)])

    def release(self, data: bytes) -> bytes:
        """InRelease: halt a card, or all (Tg 0), and forget it (7.3.11)."""
        status = self._let_go(data)
        if status is Status.OK:
            for number in [data[0]] if data[0] else list(self._targets):
                del self._targets[number]
        return bytes([status])

    def select(self, data: bytes) -> bytes:
        """InSelect: wake a card that was deselected (7.3.12)."""
        need(len(data) == 1)
        target = self._targets.get(data[0])
        if target is None:
            return bytes([Status.WRONG_CONTEXT])
        return bytes([Status.OK if self._switch_to(target) else Status.TIMEOUT])

    def is_present(self) -> bool:
        """Whether the selected card still answers R(NAK) (7.2.1, Diagnose 06)."""
        if self._current is None or self._current.pcd is None:
            return False
        try:
            return self._current.pcd.is_present()
        except AirFault:
            return False

    def _list(self, count: int, uid: bytes, *, rats: bool) -> list[Target]:
        """Find cards anew; all but the last one are halted so that the next one is heard.

        A known UID is that of one card.
        """
        self._antenna.power(on=True)
        self._targets, self._current = {}, None
        self._settings.set_rates(BitRate.KBIT_106, BitRate.KBIT_106)
        found: list[Target] = []
        while len(found) < (1 if uid else count):
            if found:
                self._halt_current()
            picc = self._look_for(uid)
            if picc is None:
                break
            target = Target(len(found) + 1, picc)
            self._activate(target, rats)
            found.append(target)
        if found:
            self._switch_to(found[-1])  # halted when no other one was heard
        self._targets = {target.number: target for target in found}
        self._settings.registers[Register.FIFO_DATA] = 0 if found else SENS_REQ
        return found

    def _look_for(self, uid: bytes) -> Picc | None:
        """Call the cards; a card that was active hears the first call as an error (see `Picc`).

        One whose UID is known is woken from HALT too: libfreefare selects it like that.
        """
        for _ in range(2 if self._settings.passive_retries else 1):
            picc = self._antenna.wake_up(uid) if uid else self._antenna.request()
            if picc is not None:
                return picc
        return None

    def _activate(self, target: Target, rats: bool) -> None:
        target.ats, target.pcd, target.unsent = None, None, b""
        self._current = target
        if rats and target.picc.card.sak & SPEAKS_APDUS:
            try:
                target.ats = self._air(bytes([RATS, AUTOMATIC_RATS_PARAMETER]))
            except AirFault:
                return
            ats = Ats.parse(target.ats)
            target.pcd = Pcd(lambda frame: self._air(frame, ats.fwt_s), ats)

    def _switch_to(self, target: Target) -> bool:
        """Select a listed card in place of the other one; whether it answered."""
        if self._current is target:
            return True
        had_rats = target.ats is not None
        self._halt_current()
        self._settings.set_rates(BitRate.KBIT_106, BitRate.KBIT_106)
        picc = self._antenna.wake_up(target.picc.card.uid)
        if picc is None:
            return False
        target.picc = picc
        self._activate(target, had_rats)
        return (target.ats is not None) is had_rats

    def _let_go(self, data: bytes) -> Status:
        need(len(data) == 1)
        if data[0] and data[0] not in self._targets:
            return Status.WRONG_CONTEXT
        if self._current is not None and data[0] in (0, self._current.number):
            self._halt_current()
        return Status.OK

    def _halt_current(self) -> None:
        """S(DESELECT) or HLTA; a card that does not answer it is gone anyway."""
        current, self._current = self._current, None
        if current is None:
            return
        try:
            if current.pcd is not None:
                current.pcd.deselect()
            else:
                self._air(HLTA, HLTA_S)
        except AirFault:
            return

    def _piece(self, target: Target) -> bytes:
        """As much of an answer as fits a frame to the host; the host asks for the rest."""
        piece, target.unsent = target.unsent[:DATA_BYTES_MAX], target.unsent[DATA_BYTES_MAX:]
        return bytes([MORE if target.unsent else Status.OK]) + piece

    def _air(self, frame: bytes, timeout_s: float | None = None) -> bytes:
        """One frame to the cards; raises AirFault, Silence after the time that it takes."""
        to_card, to_reader = self._settings.rates
        try:
            if to_card is None or to_reader is None:
                raise Silence("no card knows this bit rate")
            return self._antenna.transceive(frame, to_card, to_reader)
        except Silence:
            self._pause(self._settings.exchange_timeout_s if timeout_s is None else timeout_s)
            raise


def need(holds: bool) -> None:
    """Raise SyntaxFault unless the command has its form."""
    if not holds:
        raise SyntaxFault


def _plain_uid(initiator_data: bytes) -> bytes:
    """InitiatorData carries the UID with its cascade tags (7.3.5)."""
    match len(initiator_data):
        case 8:
            return initiator_data[1:]
        case 12:
            return initiator_data[1:4] + initiator_data[5:]
    return initiator_data


def _is_of(kind: int, target: Target) -> bool:
    if kind == POLL_ISODEP_A:
        return target.ats is not None
    return kind == POLL_GENERIC_A or not target.picc.card.sak & SPEAKS_APDUS


def _status(fault: AirFault) -> Status:
    if isinstance(fault, Silence):
        return Status.TIMEOUT
    return Status.CRC if isinstance(fault, Distortion) else Status.PROTOCOL
