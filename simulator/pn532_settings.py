"""What a host has told a PN532 to remember: registers, parameters, timings and retries."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, unique

from simulator.isodep import BitRate

AUTOMATIC_RATS = 0x10  # SetParameters (UM0701-02, 7.2.9)
CRC_ENABLED, FRAMING, SPEED = 0x80, 0x03, 0x70  # CIU_TxMode (data sheet)
RETRY_FOR_EVER = 0xFF


@unique
class Register(IntEnum):
    """The registers of the contactless interface that matter here."""

    TX_MODE = 0x6302
    RX_MODE = 0x6303
    FIFO_DATA = 0x6339
    BIT_FRAMING = 0x633D


@dataclass(slots=True)
class Settings:
    """As after power-on (UM0701-02, 7.2.9 and 7.3.1); registers that nobody wrote read 0."""

    parameters: int = 0x14
    exchange_timeout_code: int = 0x0A
    passive_retries: int = RETRY_FOR_EVER
    registers: dict[int, int] = field(default_factory=dict)

    @property
    def exchange_timeout_s(self) -> float:
        """How long InCommunicateThru waits for an answer (7.3.1, item 02); 0 would be for ever."""
        return 100e-6 * float(1 << (max(self.exchange_timeout_code, 1) - 1))

    @property
    def sends_rats(self) -> bool:
        """Whether cards that speak ISO/IEC 14443-4 are activated to the end."""
        return bool(self.parameters & AUTOMATIC_RATS)

    @property
    def rates(self) -> tuple[BitRate | None, BitRate | None]:
        """Bit rates to and from the card as the registers have them; None is none of ISO 14443."""
        return self._rate(Register.TX_MODE), self._rate(Register.RX_MODE)

    @property
    def is_type_a(self) -> bool:
        """Whether frames of ISO/IEC 14443 type A in whole bytes are sent and expected."""
        modes = self.read(Register.TX_MODE) | self.read(Register.RX_MODE)
        return not modes & FRAMING and not self.read(Register.BIT_FRAMING) & 0x07

    def read(self, register: int) -> int:
        """The value of a register."""
        return self.registers.get(register, 0)

    def set_rates(self, to_card: BitRate, to_reader: BitRate) -> None:
        """Program type A with CRC at these rates, as the firmware does for its own exchanges."""
        self.registers[Register.TX_MODE] = CRC_ENABLED | to_card << 4
        self.registers[Register.RX_MODE] = CRC_ENABLED | to_reader << 4

    def _rate(self, register: Register) -> BitRate | None:
        code = (self.read(register) & SPEED) >> 4
        return BitRate(code) if code < len(BitRate) else None
