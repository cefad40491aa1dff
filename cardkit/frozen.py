"""Frozen dataclasses that compile a method when it is first called.

`dataclasses` compiles six functions for each class as it is made. A till has two hundred classes,
of which some sixty are used before its first sale, while a queue waits for its start. Fields are
those of `dataclasses`, and so is what names and compares: it is compiled for a twin of the class.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NoReturn

_MAKES: Final = ("__init__",)
_NAMES: Final = ("__repr__", "__eq__", "__hash__")


def _frozen(cls: type[Any], *, kw_only: bool) -> type[Any]:
    """Return a dataclass with slots, none of whose methods is compiled yet."""
    own = frozenset(cls.__dict__)
    made: Any = dataclasses.dataclass(
        init=False, repr=False, eq=False, slots=True, kw_only=kw_only
    )(cls)
    for group in (_MAKES, _NAMES):
        names = tuple(name for name in group if name not in own)
        for name in names:
            setattr(made, name, _put_off(made, name, names))
    made.__setattr__ = made.__delattr__ = _refuse
    made.__getstate__, made.__setstate__ = _state, _set_state
    return made  # type: ignore[no-any-return]  # the class that it was


def _put_off(made: type[Any], name: str, together: tuple[str, ...]) -> Callable[..., Any]:
    """Return a method that has itself, and those that go with it, compiled when it is called."""

    def method(self: object, *args: object, **more: object) -> object:
        compiled = {"__init__": _maker(made)} if name in _MAKES else _twin(made).__dict__
        for its in together:
            setattr(made, its, compiled[its])
        return getattr(made, name)(self, *args, **more)

    return method


def _maker(made: type[Any]) -> Callable[..., None]:
    """Compile `__init__` alone: a frozen twin would compile three methods for it.

    Fields are set by their slots, which takes half as long as by their names.
    """
    known: dict[str, Any] = {"_made": object()}
    parameters: dict[bool, list[str]] = {False: [], True: []}
    lines = []
    for it in dataclasses.fields(made):
        default, value = "", it.name
        if it.default is not dataclasses.MISSING:
            known[f"_of_{it.name}"], default = it.default, f"=_of_{it.name}"
        elif it.default_factory is not dataclasses.MISSING:
            known[f"_of_{it.name}"], default = it.default_factory, "=_made"
            value = f"_of_{it.name}() if {it.name} is _made else {it.name}"
        if it.init:
            parameters[it.kw_only is True].append(f"{it.name}{default}")
            known[f"_set_{it.name}"] = getattr(made, it.name).__set__
            lines.append(f" _set_{it.name}(self, {value})")
        elif default:
            raise TypeError(f"{it.name} has a default that nobody could replace")
    if hasattr(made, "__post_init__"):
        lines.append(" self.__post_init__()")
    named = ["*", *parameters[True]] if parameters[True] else []
    head = f"def __init__(self, {', '.join((*parameters[False], *named))}):"
    exec("\n".join([head, *(lines or [" pass"])]), known)  # noqa: S102 - names of our own fields
    maker: Callable[..., None] = known["__init__"]
    maker.__qualname__ = f"{made.__qualname__}.__init__"
    return maker


def _twin(made: type[Any]) -> type[Any]:
    """Let `dataclasses` compile what names and compares one."""
    held = {it.name: it for it in dataclasses.fields(made)}
    content: dict[str, object] = dict(held)
    content["__annotations__"] = {name: it.type for name, it in held.items()}
    content["__module__"], content["__qualname__"] = made.__module__, made.__qualname__
    return dataclasses.dataclass(frozen=True, init=False)(type(made.__name__, (), content))


def _refuse(self: object, name: str, *_value: object) -> NoReturn:  # noqa: ARG001 - as Python calls it
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _state(self: Any) -> list[object]:
    return [getattr(self, it.name) for it in dataclasses.fields(self)]


def _set_state(self: Any, state: list[object]) -> None:
    for it, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, it.name, value)


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - exported
else:

    def dataclass(cls=None, /, *, kw_only=False, **asked):
        """Make a dataclass as `dataclasses` does; later, where it is frozen and has slots."""

        def make(cls):
            is_plain = asked == {"frozen": True, "slots": True}
            if is_plain and not any(map(dataclasses.is_dataclass, cls.__mro__[1:])):
                return _frozen(cls, kw_only=kw_only)
            return dataclasses.dataclass(cls, kw_only=kw_only, **asked)

        return make if cls is None else make(cls)
