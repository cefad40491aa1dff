"""CRC_A, the checksum of frames of type A and of enciphered D40 data (ISO/IEC 14443-3, 6.2.4)."""

from __future__ import annotations

CRC_BYTES = 2
PRESET = 0x6363
POLYNOMIAL = 0x8408


def crc_a(data: bytes) -> bytes:
    """The checksum as it is sent, least significant byte first."""
    crc = PRESET
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
    return crc.to_bytes(CRC_BYTES, "little")
