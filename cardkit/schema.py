"""Documents as frozen dataclasses whose fields say how they stand in a CBOR map.

    @document
    class Void:
        intent_seq: int = wire(1, U32)
        reason: VoidReason = wire(2, Choice(VoidReason))

`pack` gives the map, `unpack` reads it back. Keys that a reader does not know are ignored: the
signed bytes are what is stored and forwarded, so nothing of a newer version is ever lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, field, fields
from datetime import UTC, date, datetime
from enum import IntEnum
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar, cast, dataclass_transform

from cardkit.cbor import Value
from cardkit.errors import DocumentMalformed, must
from cardkit.frozen import dataclass

T = TypeVar("T")
D = TypeVar("D")
E = TypeVar("E", bound=IntEnum)

_WIRE: Final = "wire"


class Codec(Protocol[T]):
    """How one kind of value stands in CBOR."""

    def pack(self, value: T, /) -> Value:
        """Return the CBOR value; a value out of bounds is our own mistake."""

    def unpack(self, raw: Value, /) -> T:
        """Read the CBOR value; raises DocumentMalformed when it is out of bounds."""


@dataclass(frozen=True, slots=True)
class Int:
    """An integer within bounds."""

    low: int
    high: int

    def pack(self, value: int) -> Value:
        """Return the integer."""
        must(self.low <= value <= self.high, "an integer within its bounds")
        return int(value)

    def unpack(self, raw: Value) -> int:
        """Read an integer."""
        if type(raw) is not int or not self.low <= raw <= self.high:
            raise DocumentMalformed(f"expected an integer in {self.low}..{self.high}")
        return raw


U8: Final = Int(0, 255)
U31: Final = Int(0, 2**31 - 1)
U32: Final = Int(0, 2**32 - 1)
U63: Final = Int(0, 2**63 - 1)
S64: Final = Int(-(2**63), 2**63 - 1)
DAYS: Final = Int(0, 3660)
"""A duration of at most ten years."""
_INSTANT: Final = Int(0, 250_246_627_199)
"""Up to the end of the year 9899: every zone has a day for it, and ten years more too."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A byte string of `low` to `high` bytes."""

    low: int
    high: int

    def pack(self, value: bytes) -> Value:
        """Return the bytes."""
        must(self.low <= len(value) <= self.high, "a byte string within its bounds")
        return bytes(value)

    def unpack(self, raw: Value) -> bytes:
        """Read bytes."""
        if not isinstance(raw, bytes) or not self.low <= len(raw) <= self.high:
            raise DocumentMalformed(f"expected {self.low} to {self.high} bytes")
        return raw


def exactly(length: int) -> Blob:
    """Return the codec of a byte string of one length."""
    return Blob(length, length)


@dataclass(frozen=True, slots=True)
class Text:
    """A text of at most `high` characters, none of them NUL, which PostgreSQL can't store."""

    high: int

    def pack(self, value: str) -> Value:
        """Return the text."""
        must(len(value) <= self.high, "a text within its bounds")
        return value

    def unpack(self, raw: Value) -> str:
        """Read a text."""
        if not isinstance(raw, str) or len(raw) > self.high or "\0" in raw:
            raise DocumentMalformed(f"expected a text of at most {self.high} characters")
        return raw


class _Flag:
    def pack(self, value: bool) -> Value:
        return value

    def unpack(self, raw: Value) -> bool:
        if not isinstance(raw, bool):
            raise DocumentMalformed("expected a boolean")
        return raw


class _Instant:
    """Seconds since 1970, UTC."""

    def pack(self, value: datetime) -> Value:
        must(value.tzinfo is UTC and value.microsecond == 0, "whole seconds of UTC")
        return _INSTANT.pack(int(value.timestamp()))

    def unpack(self, raw: Value) -> datetime:
        return datetime.fromtimestamp(_INSTANT.unpack(raw), UTC)


class _Day:
    """A calendar day as the integer YYYYMMDD."""

    def pack(self, value: date) -> Value:
        return value.year * 10_000 + value.month * 100 + value.day

    def unpack(self, raw: Value) -> date:
        number = Int(1_01_01, 9999_12_31).unpack(raw)
        try:
            return date(number // 10_000, number // 100 % 100, number % 100)
        except ValueError as error:
            raise DocumentMalformed("no such day") from error


Flag: Final = _Flag()
Seconds: Final = _Instant()
Day: Final = _Day()


@dataclass(frozen=True, slots=True)
class Choice(Generic[E]):
    """A member of a closed set, by its number."""

    choices: type[E]

    def pack(self, value: E) -> Value:
        """Return the member's number."""
        return int(value)

    def unpack(self, raw: Value) -> E:
        """Read a member."""
        try:
            return self.choices(U32.unpack(raw))
        except ValueError as error:
            raise DocumentMalformed(f"no {self.choices.__name__} {raw!r}") from error


@dataclass(frozen=True, slots=True)
class ListOf(Generic[T]):
    """A tuple of at most `high` values of one kind."""

    inner: Codec[T]
    high: int

    def pack(self, value: tuple[T, ...]) -> Value:
        """Return the array."""
        must(len(value) <= self.high, "a list within its bounds")
        return [self.inner.pack(item) for item in value]

    def unpack(self, raw: Value) -> tuple[T, ...]:
        """Read an array."""
        if not isinstance(raw, list) or len(raw) > self.high:
            raise DocumentMalformed(f"expected at most {self.high} items")
        return tuple(self.inner.unpack(item) for item in raw)


@dataclass(frozen=True, slots=True)
class Nested(Generic[D]):
    """A document inside a document."""

    cls: type[D]

    def pack(self, value: D) -> Value:
        """Return the inner map."""
        return pack(value)

    def unpack(self, raw: Value) -> D:
        """Read the inner map."""
        return unpack(self.cls, raw)


class _Slot(NamedTuple):
    """Where a field stands in the map; a required field's default is dataclasses.MISSING."""

    name: str
    key: int
    pack: Callable[[Any], Value]
    unpack: Callable[[Value], object]
    default: object


_LAYOUTS: Final[dict[type[object], tuple[_Slot, ...]]] = {}
"""Filled by `document` when a class is made, and never after."""


def wire(key: int, codec: Codec[Any]) -> Any:
    """Declare a field that is always in the map, under this key."""
    return field(metadata={_WIRE: (key, codec)})


def maybe(key: int, codec: Codec[Any], *, default: Any) -> Any:
    """Declare a field that is left out of the map while it has its default."""
    return field(default=default, metadata={_WIRE: (key, codec)})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(wire, maybe))
def document(cls: type[D]) -> type[D]:
    """Make a class a frozen document; every field needs `wire` or `maybe`, with its own key."""
    made = dataclass(frozen=True, slots=True, kw_only=True)(cls)
    slots = []
    for item in fields(cast(Any, made)):
        key, codec = item.metadata[_WIRE]
        must(key >= 0, f"unsigned keys in {cls.__name__}")
        slots.append(_Slot(item.name, key, codec.pack, codec.unpack, item.default))
    must(len(slots) == len({slot.key for slot in slots}), f"distinct keys in {cls.__name__}")
    _LAYOUTS[made] = tuple(sorted(slots, key=lambda slot: slot.key))
    return made


def pack(value: object) -> dict[int, Value]:
    """Return the CBOR map of a document, whose keys rise (`cbor.encode_rising`)."""
    packed: dict[int, Value] = {}
    for name, key, pack_content, _, default in _LAYOUTS[type(value)]:
        content = getattr(value, name)
        if default is MISSING or content != default:
            packed[key] = pack_content(content)
    return packed


def unpack(cls: type[D], raw: Value) -> D:
    """Read a document from its CBOR map; raises DocumentMalformed naming the field."""
    if not isinstance(raw, dict):
        raise DocumentMalformed(f"{cls.__name__}: expected a map")
    make = cast("Callable[..., D]", cls)
    content: dict[str, object] = {}
    for name, key, _, unpack_content, _ in _LAYOUTS[cls]:
        if key in raw:
            try:
                content[name] = unpack_content(raw[key])
            except DocumentMalformed as error:
                raise DocumentMalformed(f"{cls.__name__}.{name}: {error}") from error
    try:
        return make(**content)
    except TypeError as error:
        raise DocumentMalformed(f"{cls.__name__}: a field is missing") from error
