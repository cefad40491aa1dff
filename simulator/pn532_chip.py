"""The commands of a PN532 v1.6: what a host frame carries in, what the answer carries out.

NXP UM0701-02, chapter 7. Commands about cards are in `simulator.pn532_initiator`; target mode,
GPIO and NFC-DEP are not played: their commands are answered like unknown ones.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum, unique

from simulator.pn532_antenna import Antenna
from simulator.pn532_initiator import (
    Initiator,
    Outcome,
    Pause,
    Status,
    Waiting,
    need,
)
from simulator.pn532_settings import Settings

# IC 32, version 1.6, supports ISO/IEC 14443 A and B and ISO 18092 (7.2.2).
FIRMWARE = bytes.fromhex("32010607")
# Codes of SetSerialBaudRate (7.2.8); the ninth, 1 288 000, has no name in termios.
BAUDS_BPS = (9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600)
SAM_MODES = range(1, 5)
WAKES_BY_HSU = 0x10  # PowerDown (7.2.11)


@unique
class Command(IntEnum):
    """Command codes (UM0701-02, 7.2 and 7.3)."""

    DIAGNOSE = 0x00
    GET_FIRMWARE_VERSION = 0x02
    GET_GENERAL_STATUS = 0x04
    READ_REGISTER = 0x06
    WRITE_REGISTER = 0x08
    SET_SERIAL_BAUD_RATE = 0x10
    SET_PARAMETERS = 0x12
    SAM_CONFIGURATION = 0x14
    POWER_DOWN = 0x16
    RF_CONFIGURATION = 0x32
    IN_DATA_EXCHANGE = 0x40
    IN_COMMUNICATE_THRU = 0x42
    IN_DESELECT = 0x44
    IN_LIST_PASSIVE_TARGET = 0x4A
    IN_PSL = 0x4E
    IN_RELEASE = 0x52
    IN_SELECT = 0x54
    IN_AUTO_POLL = 0x60


@unique
class Diagnosis(IntEnum):
    """Tests of Diagnose (7.2.1)."""

    LINE = 0x00
    ROM = 0x01
    RAM = 0x02
    ATTENTION = 0x06


@unique
class RfItem(IntEnum):
    """Items of RFConfiguration (7.3.1)."""

    FIELD = 0x01
    TIMINGS = 0x02
    RETRIES_OF_EXCHANGE = 0x04
    RETRIES = 0x05
    ANALOG_106_A = 0x0A
    ANALOG_212_424 = 0x0B
    ANALOG_B = 0x0C
    ANALOG_HIGHER_RATES = 0x0D


RF_ITEM_BYTES = {
    RfItem.FIELD: 1,
    RfItem.TIMINGS: 3,
    RfItem.RETRIES_OF_EXCHANGE: 1,
    RfItem.RETRIES: 3,
    RfItem.ANALOG_106_A: 11,
    RfItem.ANALOG_212_424: 8,
    RfItem.ANALOG_B: 3,
    RfItem.ANALOG_HIGHER_RATES: 9,
}
"""How many bytes of settings each item carries."""


class Chip:
    """A PN532 behind its host interface; `pause` is called for the time that a mute card takes.

    `asked_baud_bps` and `is_asleep` are for the interface, which obeys and clears them.
    """

    def __init__(self, antenna: Antenna, pause: Pause) -> None:
        self._antenna = antenna
        self._settings = Settings()
        self._initiator = Initiator(antenna, self._settings, pause)
        self._unfinished: bytes = b""
        self.asked_baud_bps: int | None = None
        self.is_asleep = False
        self.wakes_by_hsu = True
        initiator = self._initiator
        self._commands: dict[Command, Callable[[bytes], Outcome]] = {
            Command.DIAGNOSE: self._diagnose,
            Command.GET_FIRMWARE_VERSION: self._firmware_version,
            Command.GET_GENERAL_STATUS: self._general_status,
            Command.READ_REGISTER: self._read_register,
            Command.WRITE_REGISTER: self._write_register,
            Command.SET_SERIAL_BAUD_RATE: self._set_serial_baud_rate,
            Command.SET_PARAMETERS: self._set_parameters,
            Command.SAM_CONFIGURATION: self._sam_configuration,
            Command.POWER_DOWN: self._power_down,
            Command.RF_CONFIGURATION: self._rf_configuration,
            Command.IN_DATA_EXCHANGE: initiator.data_exchange,
            Command.IN_COMMUNICATE_THRU: initiator.communicate_thru,
            Command.IN_DESELECT: initiator.deselect,
            Command.IN_LIST_PASSIVE_TARGET: initiator.list_passive_target,
            Command.IN_PSL: initiator.psl,
            Command.IN_RELEASE: initiator.release,
            Command.IN_SELECT: initiator.select,
            Command.IN_AUTO_POLL: initiator.auto_poll,
        }

    @property
    def is_waiting(self) -> bool:
        """Whether the last command still waits for a card."""
        return bool(self._unfinished)

    def handle(self, command: bytes) -> Outcome:
        """Run a command (its code first); raises SyntaxFault.

        The answer begins with the answer's code. After `Waiting`, call `resume` when a card came,
        `give_up` when the time is over, or `abort` when the host lost its patience.
        """
        self._unfinished = b""
        need(bool(command) and command[0] in set(Command))
        outcome = self._commands[Command(command[0])](command[1:])
        if isinstance(outcome, Waiting):
            self._unfinished = command
            return outcome
        return bytes([command[0] + 1]) + outcome

    def resume(self) -> Outcome:
        """Look again for what the last command waits for."""
        return self.handle(self._unfinished)

    def give_up(self) -> bytes:
        """The answer when nothing came: no target."""
        code, self._unfinished = self._unfinished[0], b""
        return bytes([code + 1, 0])

    def abort(self) -> None:
        """Forget the command that waits."""
        self._unfinished = b""

    def _diagnose(self, data: bytes) -> bytes:
        need(len(data) >= 1 and data[0] in set(Diagnosis))
        if data[0] == Diagnosis.LINE:
            return data
        if data[0] == Diagnosis.ATTENTION:
            return bytes([Status.OK if self._initiator.is_present() else Status.TIMEOUT])
        return bytes([Status.OK])

    def _firmware_version(self, data: bytes) -> bytes:
        need(not data)
        return FIRMWARE

    def _general_status(self, data: bytes) -> bytes:
        """No error, no foreign field, and each target with its bit rates (7.2.3)."""
        need(not data)
        targets = self._initiator.targets
        to_card, to_reader = self._settings.rates
        rates = bytes([to_reader or 0, to_card or 0, 0])
        listed = b"".join(bytes([target.number]) + rates for target in targets)
        return bytes([0, 0, len(targets)]) + listed + b"\x00"

    def _read_register(self, data: bytes) -> bytes:
        need(bool(data) and len(data) % 2 == 0)
        return bytes(self._settings.read(int.from_bytes(pair, "big")) for pair in _cut(data, 2))

    def _write_register(self, data: bytes) -> bytes:
        need(bool(data) and len(data) % 3 == 0)
        for written in _cut(data, 3):
            self._settings.registers[int.from_bytes(written[:2], "big")] = written[2]
        return b""

    def _set_serial_baud_rate(self, data: bytes) -> bytes:
        need(len(data) == 1 and data[0] < len(BAUDS_BPS))
        self.asked_baud_bps = BAUDS_BPS[data[0]]
        return b""

    def _set_parameters(self, data: bytes) -> bytes:
        need(len(data) == 1)
        self._settings.parameters = data[0]
        return b""

    def _sam_configuration(self, data: bytes) -> bytes:
        need(1 <= len(data) <= 3 and data[0] in SAM_MODES)
        return b""

    def _power_down(self, data: bytes) -> bytes:
        need(1 <= len(data) <= 2)
        self.is_asleep = True
        self.wakes_by_hsu = bool(data[0] & WAKES_BY_HSU)
        self._antenna.power(on=False)
        return bytes([Status.OK])

    def _rf_configuration(self, data: bytes) -> bytes:
        need(len(data) >= 1 and data[0] in set(RfItem))
        item = RfItem(data[0])
        need(RF_ITEM_BYTES[item] == len(data) - 1)
        match item:
            case RfItem.FIELD:
                self._antenna.power(on=bool(data[1] & 1))
            case RfItem.TIMINGS:
                self._settings.exchange_timeout_code = data[3]
            case RfItem.RETRIES:
                self._settings.passive_retries = data[3]
        return b""


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]
