"""What a sale would take over the air, from the bytes of a real one (ISO/IEC 14443-3 and -4).

A model, with this formula for each exchange of APDUs of c and a bytes:

    blocks(n)  = the fewest I-blocks of at most FSC bytes, 3 of which are PCB and CRC (no CID)
    bytes(n)   = n + 3 × blocks(n)
    bits(n)    = 9 × bytes(n) + 2 × blocks(n)      odd parity on each byte, start and end of frame
    chained    = blocks(c) - 1 + blocks(a) - 1     each is acknowledged by an R-block of 3 bytes
    air        = (bits(c) + bits(a) + 29 × chained) × 128 / fc / (rate / 106)
                 + (blocks(c) + blocks(a) + 2 × chained) × 1236 / fc

fc is 13.56 MHz; 1236 / fc (91 µs) is the shortest pause before a card's frame (14443-3, table 5)
and is taken for the reader's pauses too. What is not in it: anticollision and activation, what
the card itself computes (NXP publishes nothing: `card_ms`), waiting-time extensions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CARRIER_HZ: Final = 13_560_000
RATES_KBITS: Final = (106, 212, 424)
FSC_BYTES: Final = 64
"""As cards are delivered (ATS T0 = 75); the same is assumed of the reader."""

_FRAMING_BYTES: Final = 3
_ETU_CYCLES: Final = 128
_PAUSE_CYCLES: Final = 1236
_R_BLOCK_BITS: Final = 9 * _FRAMING_BYTES + 2


@dataclass(frozen=True, slots=True)
class Exchange:
    """The lengths of one C-APDU and of its R-APDU, status word included."""

    command_bytes: int
    answer_bytes: int


def blocks(apdu_bytes: int) -> int:
    """Return how many I-blocks carry an APDU."""
    return max(1, -(-apdu_bytes // (FSC_BYTES - _FRAMING_BYTES)))


def air_ms(exchanges: tuple[Exchange, ...], *, rate_kbits: int) -> float:
    """Return the milliseconds that some exchanges spend on the air at one bit rate both ways."""
    faster = RATES_KBITS.index(rate_kbits)
    bits = pauses = 0
    for exchange in exchanges:
        sent, answered = blocks(exchange.command_bytes), blocks(exchange.answer_bytes)
        chained = sent + answered - 2
        carried = exchange.command_bytes + exchange.answer_bytes
        bits += 9 * (carried + _FRAMING_BYTES * (sent + answered)) + 2 * (sent + answered)
        bits += _R_BLOCK_BITS * chained
        pauses += sent + answered + 2 * chained
    cycles = bits * _ETU_CYCLES / (1 << faster) + pauses * _PAUSE_CYCLES
    return cycles * 1_000 / CARRIER_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class TapModel:
    """What stands around the air: the host, the reader, the card and the disk, in milliseconds."""

    host_ms: float
    fsyncs: float
    card_ms: float = 0.0
    """What the card computes in each exchange; unknown until a real one has been measured."""

    def tap_ms(
        self,
        exchanges: tuple[Exchange, ...],
        *,
        rate_kbits: int,
        overhead_ms: float,
        fsync_ms: float,
    ) -> float:
        """Return what a tap takes from select to green; `overhead_ms` is the reader's a command."""
        each_ms = overhead_ms + self.card_ms
        on_air_ms = air_ms(exchanges, rate_kbits=rate_kbits)
        return self.host_ms + on_air_ms + len(exchanges) * each_ms + self.fsyncs * fsync_ms
