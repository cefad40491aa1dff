"""Deterministic CBOR (RFC 8949, 4.2.1): one value, one sequence of bytes.

Only what our documents need: integers of 64 bits, byte and text strings, arrays, maps with
small unsigned or private-use keys, booleans and null. No floats, no tags, nothing indefinite.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from io import BytesIO
from typing import Final, TypeAlias

import cbor2

from cardkit.errors import DocumentMalformed

Value: TypeAlias = "int | bytes | str | bool | list[Value] | dict[int, Value] | None"

BYTES_MAX: Final = 4 * 1024 * 1024
"""More than a month of sales of the busiest stall in one exchange."""

DEPTH_MAX: Final = 8
"""Deeper than any document of ours; a hostile one stops here and not in the C stack."""

_WHOLE: Final = frozenset({bytes, str, bool, type(None)})
"""Types that hold nothing more to look at."""

_BYTE_STRING: Final = 0x40
_ONE_BYTE_LENGTH: Final = 24
_TWO_BYTE_LENGTH: Final = 25
"""Major type 2 and how it says its length (RFC 8949, 3 and 3.1)."""


class _Kept(threading.local):
    """A thread's own encoder: to make one costs more than most documents."""

    def __init__(self) -> None:
        self.encoder = cbor2.CBOREncoder(BytesIO())


_KEPT: Final = _Kept()


def encode(value: Value) -> bytes:
    """Return the one canonical encoding of a value."""
    return cbor2.dumps(value, canonical=True)


def encode_rising(value: Value) -> bytes:
    """Return what `encode` does, where the keys of every map are unsigned and stand in order.

    Half of the work of `encode` is to sort maps that nearly always are sorted already.
    """
    return _KEPT.encoder.encode_to_bytes(value)


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
        canonical = encode_rising(value) if _check((value,), DEPTH_MAX) else encode(value)
    except (cbor2.CBORError, ArithmeticError, RuntimeError, ValueError, TypeError) as error:
        raise DocumentMalformed(f"not CBOR: {type(error).__name__}") from error
    if canonical != data:
        raise DocumentMalformed("not the canonical encoding")
    return value


def _refuse_tag(_decoder: object, tag: cbor2.CBORTag) -> object:
    raise DocumentMalformed(f"tag {tag.tag} is not used here")


def _check(values: Iterable[object], depth: int) -> bool:
    """Refuse what is not used here, and say whether `encode_rising` may write the values."""
    do_rise = True
    for value in values:
        if depth < 0:
            raise DocumentMalformed("nested too deeply")
        kind = type(value)
        if kind in _WHOLE:
            continue
        if isinstance(value, int):
            if not -(2**63) <= value < 2**64:
                raise DocumentMalformed("integer beyond 64 bits")
        elif isinstance(value, list):
            do_rise &= _check(value, depth - 1)
        elif isinstance(value, dict):
            do_rise &= _keys_rise(value) & _check(value.values(), depth - 1)
        else:
            raise DocumentMalformed(f"{kind.__name__} is not used here")
    return do_rise


def _keys_rise(content: dict[object, object]) -> bool:
    do_rise, before = True, -1
    for key in content:
        if type(key) is not int:
            raise DocumentMalformed("map key is not an integer")
        do_rise &= key > before
        before = key
    return do_rise
