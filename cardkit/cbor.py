"""Deterministic CBOR (RFC 8949, 4.2.1): one value, one sequence of bytes.

Only what our documents need: integers of 64 bits, byte and text strings, arrays, maps with
small unsigned or private-use keys, booleans and null. No floats, no tags, nothing indefinite.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import cbor2

from cardkit.errors import DocumentMalformed

Value: TypeAlias = "int | bytes | str | bool | list[Value] | dict[int, Value] | None"

BYTES_MAX: Final = 4 * 1024 * 1024
"""More than a month of sales of the busiest stall in one exchange."""

DEPTH_MAX: Final = 8
"""Deeper than any document of ours; a hostile one stops here and not in the C stack."""

_BYTE_STRING: Final = 0x40
_ONE_BYTE_LENGTH: Final = 24
_TWO_BYTE_LENGTH: Final = 25
"""Major type 2 and how it says its length (RFC 8949, 3 and 3.1)."""


def encode(value: Value) -> bytes:
    """Return the one canonical encoding of a value."""
    return cbor2.dumps(value, canonical=True)


def byte_string(data: bytes) -> bytes:
    """Return what `encode` makes of a byte string, for frames whose other bytes never change."""
    length = len(data)
    if length < _ONE_BYTE_LENGTH:
        return bytes([_BYTE_STRING | length]) + data
    if length < 1 << 8:
        return bytes([_BYTE_STRING | _ONE_BYTE_LENGTH, length]) + data
    if length < 1 << 16:
        return bytes([_BYTE_STRING | _TWO_BYTE_LENGTH]) + length.to_bytes(2) + data
    return encode(data)


def decode(data: bytes) -> Value:
    """Read canonical bytes back; raises DocumentMalformed for anything else."""
    if len(data) > BYTES_MAX:
        raise DocumentMalformed(f"{len(data)} bytes of CBOR")
    try:
        value: Value = cbor2.loads(data, tag_hook=_refuse_tag)
        _check(value, DEPTH_MAX)
        canonical = encode(value)
    except (cbor2.CBORError, ArithmeticError, RuntimeError, ValueError, TypeError) as error:
        raise DocumentMalformed(f"not CBOR: {type(error).__name__}") from error
    if canonical != data:
        raise DocumentMalformed("not the canonical encoding")
    return value


def _refuse_tag(_decoder: object, tag: cbor2.CBORTag) -> object:
    raise DocumentMalformed(f"tag {tag.tag} is not used here")


def _check(value: object, depth: int) -> None:
    if depth < 0:
        raise DocumentMalformed("nested too deeply")
    match value:
        case bool() | None | bytes() | str():
            return
        case int():
            if not -(2**63) <= value < 2**64:
                raise DocumentMalformed("integer beyond 64 bits")
        case list():
            for item in value:
                _check(item, depth - 1)
        case dict():
            for key, item in value.items():
                if type(key) is not int:
                    raise DocumentMalformed("map key is not an integer")
                _check(item, depth - 1)
        case _:
            raise DocumentMalformed(f"{type(value).__name__} is not used here")
