"""How an input is changed: bytes that are moved about, and CBOR that stays canonical.

Random bytes hardly ever are canonical CBOR. So half of the changes are made to the value that
the bytes say, at any depth, and written down again.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final

import cbor2

from tests.fuzz_target import BYTES_MAX

_NUMBERS: Final = (
    *(2**bits + step for bits in (0, 5, 7, 8, 15, 16, 31, 32, 53, 63) for step in (-1, 0, 1)),
    2**64 - 1,
    2**64,
    253_402_300_799,
    250_246_627_199,
    253_402_300_800,
    99_991_231,
    -1,
    -(2**63),
    -(2**63) - 1,
    -65537,
)
"""Where bounds of ours and of others lie."""
_OTHERS: Final[tuple[Any, ...]] = (None, True, False, b"", "", [], {}, 1.5, b"\0" * 7, "\0", "=1")


def mutate(data: bytes, chance: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """Change an input once or a few times; `others` are inputs to take pieces from."""
    for _ in range(1 + int(chance.random() ** 3 * 5)):
        if chance.random() < 0.5:
            data = _bytes(data, chance, others)
        else:
            data = cbor_mutated(data, chance) or _bytes(data, chance, others)
    return data[:BYTES_MAX]


def cbor_mutated(data: bytes, chance: random.Random) -> bytes | None:
    """Change the value that an input says, up to two bytes into it; None when it is no CBOR."""
    for skip in (0, 1, 2):
        try:
            value = cbor2.loads(data[skip:])
            if isinstance(value, (dict, list, bytes, str)):
                return data[:skip] + cbor2.dumps(_value(value, chance, 4), canonical=True)
        except Exception:  # noqa: BLE001, S112 - whatever a stranger's decoder raises, it is no CBOR
            continue
    return None


def _bytes(  # noqa: PLR0911 - one return a way
    data: bytes, chance: random.Random, others: Sequence[bytes]
) -> bytes:
    place = chance.randrange(len(data) + 1)
    length = 1 + int(chance.random() ** 4 * 32)
    head, middle, tail = data[:place], data[place : place + length], data[place + length :]
    match chance.randrange(8):
        case 0:
            return head + bytes(byte ^ 1 << chance.randrange(8) for byte in middle) + tail
        case 1:
            return head + chance.randbytes(length) + tail
        case 2:
            return head + chance.randbytes(length) + middle + tail
        case 3:
            return head + tail
        case 4:
            return head + middle + middle + tail
        case 5:
            size = chance.choice((1, 2, 4, 8))
            number = (chance.choice(_NUMBERS) % (1 << 8 * size)).to_bytes(size)
            return head + chance.choice((number, number[::-1])) + data[place + size :]
        case 6 if others:
            other = chance.choice(others)
            begin = chance.randrange(len(other) + 1)
            return head + other[begin : begin + length * 4] + tail
        case _:
            return head


def _value(value: Any, chance: random.Random, depth: int) -> Any:  # noqa: PLR0911 - one a kind
    """Change one thing in a value."""
    if depth == 0 or chance.random() < 0.1:
        return chance.choice((*_OTHERS, *_NUMBERS))
    match value:
        case dict() if value:
            return _map(value, chance, depth)
        case list() if value:
            return _list(value, chance, depth)
        case bytes():
            inner = cbor_mutated(value, chance) if value and chance.random() < 0.5 else None
            return inner or _bytes(value, chance, ())
        case bool() | None:
            return chance.choice(_OTHERS)
        case int():
            step = chance.choice((-1, 1, 60, -60, 2**31, -(2**31)))
            return chance.choice((value + step, chance.choice(_NUMBERS)))
        case str():
            return chance.choice(
                (value + "\0", value * 2, value[1:], "é" * 40, "=cmd", value + "\n")
            )
    return chance.choice((*_OTHERS, *_NUMBERS))


def _map(value: dict[Any, Any], chance: random.Random, depth: int) -> dict[Any, Any]:
    key, changed = chance.choice(list(value)), dict(value)
    match chance.randrange(8):
        case 0:
            del changed[key]
        case 1:
            changed[chance.choice((0, 1, 7, 23, 24, 31, 255, -1, 2**32))] = value[key]
        case 2:
            changed[key] = value[chance.choice(list(value))]
        case _:
            changed[key] = _value(value[key], chance, depth - 1)
    return changed


def _list(value: list[Any], chance: random.Random, depth: int) -> list[Any]:
    place, changed = chance.randrange(len(value)), list(value)
    match chance.randrange(8):
        case 0:
            del changed[place]
        case 1:
            changed.insert(place, value[place])
        case 2:
            changed = value * chance.choice((2, 3, 20))
        case _:
            changed[place] = _value(value[place], chance, depth - 1)
    return changed
