"""Dataclasses that compile late are, in everything that can be seen, those of `dataclasses`."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any, Final

import pytest

from cardkit import frozen

MADE_OF: Final = {"frozen": True, "slots": True}


@frozen.dataclass(frozen=True, slots=True)
class Coin:
    """Made late."""

    cents: int
    name: str = "coin"
    marks: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    notes: list[str] = dataclasses.field(default_factory=list, compare=False)
    euros: int = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Know no debts."""
        if self.cents < 0:
            raise ValueError(self.cents)
        object.__setattr__(self, "euros", self.cents // 100)


@dataclasses.dataclass(frozen=True, slots=True)
class Twin:
    """The same, made at once."""

    cents: int
    name: str = "coin"
    marks: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    notes: list[str] = dataclasses.field(default_factory=list, compare=False)
    euros: int = dataclasses.field(init=False, repr=False, compare=False)


def _fresh() -> type[Any]:
    """Return a class none of whose methods was ever called."""

    @frozen.dataclass(frozen=True, slots=True)
    class Coin:
        cents: int
        name: str = "coin"

    return Coin


@pytest.mark.parametrize(
    "first",
    [
        lambda one, other: one == other,
        lambda one, other: hash(one) == hash(other),
        lambda one, other: repr(one) == repr(other),
        lambda one, other: not one != other,  # noqa: SIM202 - it is `__ne__` that is asked
    ],
)
def test_whichever_is_called_first(first: Callable[[object, object], bool]) -> None:
    """Promise: a value compares, hashes and shows itself the same the first time as ever after."""
    coin = _fresh()
    assert first(coin(5), coin(cents=5, name="coin"))
    assert first(coin(5), coin(5))
    assert coin(5) != coin(6)
    assert coin(5) != _fresh()(5)


def test_the_same_as_at_once() -> None:
    """Promise: fields, defaults, signature of calls and text are those of `dataclasses`."""
    assert repr(Coin(5, notes=["n"])).replace("Coin", "Twin") == repr(Twin(5, notes=["n"]))
    assert Coin(5, notes=["n"]) == Coin(5)
    assert Coin(5).notes is not Coin(5).notes
    assert hash(Coin(5, "x", ("m",))) == hash(Twin(5, "x", ("m",)))
    assert [it.name for it in dataclasses.fields(Coin)] == [
        it.name for it in dataclasses.fields(Twin)
    ]
    assert Coin(512).euros == 5
    assert dataclasses.replace(Coin(5), name="new") == Coin(5, "new")
    assert Coin.__match_args__ == Twin.__match_args__ == ("cents", "name", "marks", "notes")
    with pytest.raises(TypeError):
        Coin()  # type: ignore[call-arg]  # that is the point
    with pytest.raises(TypeError):
        Coin(5, cent=6)  # type: ignore[call-arg]  # that is the point
    with pytest.raises(ValueError, match="-1"):
        Coin(-1)


def test_nothing_changes_one() -> None:
    """Promise: what is frozen stays as it is, and takes nothing that it was not made with."""
    coin = Coin(5)
    for name in ("cents", "colour"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(coin, name, 6)
    with pytest.raises(dataclasses.FrozenInstanceError):
        del coin.cents  # that is the point
    assert coin.cents == 5
    assert not hasattr(coin, "__dict__")


def test_copies() -> None:
    """Promise: a copy, deep or through a pickle, is equal."""
    coin = Coin(5, "x", ("m",), ["n"])
    assert copy.copy(coin) == copy.deepcopy(coin) == coin
    assert pickle.loads(pickle.dumps(coin)) == coin  # noqa: S301 - our own


def test_named_fields_only() -> None:
    """Promise: where fields have to be named, the first call has to name them as well."""

    @frozen.dataclass(frozen=True, slots=True, kw_only=True)
    class Named:
        cents: int

    with pytest.raises(TypeError):
        Named(5)  # type: ignore[call-arg]  # that is the point
    assert Named(cents=5).cents == 5


def test_its_own_methods_stay() -> None:
    """Promise: a method that a class writes itself is not replaced."""

    @frozen.dataclass(frozen=True, slots=True)
    class Secret:
        key: bytes

        def __repr__(self) -> str:
            return "Secret()"

    assert repr(Secret(b"k")) == "Secret()"
    assert Secret(b"k") == Secret(b"k")
    assert repr(Secret(b"k")) == "Secret()"


def test_what_is_no_such_class() -> None:
    """Promise: any other dataclass, and one that has another for its base, is made at once."""

    @frozen.dataclass
    class Open:
        cents: int

    @frozen.dataclass(frozen=True, slots=True, order=True)
    class Ordered:
        cents: int

    held = Open(5)
    held.cents = 6
    assert held == Open(6)
    assert Ordered(5) < Ordered(6)
