"""The card's end of the EV2 secure channel: one authenticated session, no I/O.

AN12343 section 6: a MAC over every command and answer, a counter and a transaction identifier
in each, and AES-CBC over the data where the file or the command asks for it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Protocol

from simulator.desfire.crypto import (
    BLOCK,
    MAC_BYTES,
    decrypt,
    encrypt,
    pad,
    padded_bytes,
    short_mac,
    unpad,
)
from simulator.desfire.status import Mode, Status, require

COUNTER_MAX = 0xFFFF


def wire_bytes(mode: Mode, header_bytes: int, data_bytes: int) -> int:
    """Length on the wire of a command whose clear header and data have these lengths."""
    if mode is Mode.PLAIN:
        return header_bytes + data_bytes
    if mode is Mode.FULL and data_bytes:
        data_bytes = padded_bytes(data_bytes)
    return header_bytes + data_bytes + MAC_BYTES


class Channel(Protocol):
    """One authenticated session, of whichever generation of the family."""

    key_no: int

    def wire_bytes(self, mode: Mode, header_bytes: int, data_bytes: int) -> int:
        """Length on the wire of a command with so many bytes of clear header and data."""

    def unwrap(self, ins: int, payload: bytes, *, header_bytes: int, mode: Mode) -> bytes:
        """Check one command and return its plain header and data; raises Fault."""

    def wrap(self, status: Status, data: bytes, *, mode: Mode) -> bytes:
        """Protect an answer."""


@dataclass(slots=True)
class Session:
    """Keys, transaction identifier and counter between one authentication and its end."""

    key_no: int
    enc_key: bytes = field(repr=False)
    mac_key: bytes = field(repr=False)
    ti: bytes
    counter: int = 0

    def wire_bytes(self, mode: Mode, header_bytes: int, data_bytes: int) -> int:
        """Length on the wire of a command whose clear header and data have these lengths."""
        return wire_bytes(mode, header_bytes, data_bytes)

    def unwrap(self, ins: int, payload: bytes, *, header_bytes: int, mode: Mode) -> bytes:
        """Check one command and return its plain header and data.

        The caller has checked that the length can be right. Raises Fault INTEGRITY_ERROR when
        the MAC or the padding is wrong.
        """
        require(self.counter < COUNTER_MAX, Status.AUTHENTICATION_ERROR)
        if mode is Mode.PLAIN:
            return payload
        body, received = payload[:-MAC_BYTES], payload[-MAC_BYTES:]
        expected = self._mac(ins, self.counter, body)
        require(hmac.compare_digest(received, expected), Status.INTEGRITY_ERROR)
        header, data = body[:header_bytes], body[header_bytes:]
        if mode is Mode.FULL and data:
            data = unpad(decrypt(self.enc_key, data, self._iv(0xA55A, self.counter)))
        return header + data

    def wrap(self, status: Status, data: bytes, *, mode: Mode) -> bytes:
        """Count one command and protect its answer; returns what stands before 91 SS."""
        self.counter += 1
        if mode is Mode.PLAIN:
            return data
        if mode is Mode.FULL and data:
            data = encrypt(self.enc_key, pad(data), self._iv(0x5AA5, self.counter))
        return data + self._mac(status, self.counter, data)

    def _mac(self, code: int, counter: int, data: bytes) -> bytes:
        prefix = bytes([code]) + counter.to_bytes(2, "little") + self.ti
        return short_mac(self.mac_key, prefix + data)

    def _iv(self, label: int, counter: int) -> bytes:
        seed = label.to_bytes(2, "big") + self.ti + counter.to_bytes(2, "little")
        return encrypt(self.enc_key, seed.ljust(BLOCK, b"\x00"))
