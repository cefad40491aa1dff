"""Which of the thinkable Transaction MAC Inputs a card has computed its value over.

The bench knows the key of its own Transaction MAC file, so it can try them all (LIGHT-DS 10.3.4.2
names the first of each; the others are what a reader of that text could take it for).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from cardkit.card.aes import BLOCK_BYTES
from cardkit.card.tmac import session_mac_key, tmv
from provisioning.bench.answers import Said

READER_FORM = "both"
"""What CommitReaderID leaves by AN12343 table 32, and what every service computes with."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One command's possible contributions to the input, by what they are called."""

    forms: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit answered, and what its CommitReaderID may have left."""

    tmc: int
    tmv: bytes
    reader: Trace


def amount(cmd: int, file_no: int, value: int) -> Trace:
    """Debit, Credit, LimitedCredit with what was sent; GetValue with what was answered."""
    head, tail = bytes([cmd, file_no]), value.to_bytes(4, "little", signed=True)
    return Trace(
        {
            Said.ONE_BLOCK.value: filled(head + tail),
            Said.TWO_BLOCKS.value: filled(head) + filled(tail),
            Said.NO_TRACE.value: b"",
        }
    )


def content(header: bytes, data: bytes) -> Trace:
    """Reads and writes: command, file, place and length, then the data."""
    return Trace(
        {
            Said.EACH_FILLED.value: filled(header) + filled(data),
            Said.DATA_UNFILLED.value: filled(header) + data,
            Said.RUN_ON.value: filled(header + data),
            Said.NO_TRACE.value: b"",
        }
    )


def either_command(sent: int, other: int, rest: bytes, data: bytes) -> Trace:
    """A write whose command byte is in question; its name is the byte in hex."""
    return Trace(
        {f"{cmd:02X}": filled(bytes([cmd]) + rest) + filled(data) for cmd in (sent, other)}
    )


def reader_id(cmd: int, tmri: bytes, enc_tmri: bytes) -> Trace:
    """CommitReaderID, with the encrypted last one or without."""
    both, alone = filled(bytes([cmd]) + tmri + enc_tmri), filled(bytes([cmd]) + tmri)
    return Trace({READER_FORM: both, "alone": alone, "none": b""})


def found(
    traces: Sequence[Trace], committed: Committed, *, key: bytes, uid: bytes
) -> tuple[str, ...]:
    """The form of each trace, CommitReaderID's last, that together give the card's TMV.

    Empty when none do.
    """
    mac_key = session_mac_key(key, uid=uid, tmc=committed.tmc)
    for choice in product(*(trace.forms.items() for trace in (*traces, committed.reader))):
        message = filled(b"".join(part for _, part in choice))
        if message and tmv(mac_key, message) == committed.tmv:
            return tuple(name for name, _ in choice)
    return ()


def filled(part: bytes) -> bytes:
    """Zeros up to a whole block, none when it is one."""
    return part + bytes(-len(part) % BLOCK_BYTES)
