"""What silicon settled of a card profile, as a small TOML file that the bench writes.

Three data of a `CardProfile` are only assumed until a real card was asked: which commands leave
their mark in the Transaction MAC Input, in which form amounts do, and how a transaction is emptied.
Nothing else of a profile can be said in a file: a file can't give anybody a right on a card.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace

from cardkit.card.apdu import Ins
from cardkit.card.profile import CardProfile, ClearBy
from cardkit.errors import DocumentMalformed
from cardkit.frozen import dataclass

AMOUNT_FORM = "one block"
"""The one form that `cardkit.card.tmac` builds: command, file and value in 16 bytes."""

_KEYS = frozenset({"profile", "clear_by", "amount_form", "sale_tmi", "birth_tmi"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledFacts:
    """What a bench saw; `amount_form` is free text, of which only AMOUNT_FORM can be loaded."""

    profile: str
    clear_by: ClearBy
    amount_form: str
    sale_tmi: tuple[Ins, ...]
    birth_tmi: tuple[Ins, ...]


def write_facts(facts: SettledFacts) -> str:
    """The text of the file."""
    lines = [
        "# What a real card answered to clafoutis-provision bench; docs/hardware-log.md.",
        f'profile = "{facts.profile}"',
        f'clear_by = "{facts.clear_by.name}"',
        f'amount_form = "{facts.amount_form}"',
        f"sale_tmi = {_names(facts.sale_tmi)}",
        f"birth_tmi = {_names(facts.birth_tmi)}",
    ]
    return "\n".join(lines) + "\n"


def with_facts(text: str, base: CardProfile) -> CardProfile:
    """The profile `base` as silicon has it.

    Raises DocumentMalformed when the text is not such a file, speaks of another profile, or tells
    a form of the Transaction MAC Input that this version can't build.
    """
    found = _parsed(text)
    if found["profile"] != base.name:
        raise DocumentMalformed(f"facts of profile {found['profile']!r}, not of {base.name!r}")
    if found["amount_form"] != AMOUNT_FORM:
        raise DocumentMalformed(f"amounts in the form {found['amount_form']!r} can't be proven")
    clear_by = str(found["clear_by"])
    if clear_by not in ClearBy.__members__:
        raise DocumentMalformed(f"clear_by {clear_by!r}")
    marks = (_commands(found["sale_tmi"]), _commands(found["birth_tmi"]))
    known = (base.sale_tmi, base.birth_tmi)
    if marks not in (known, (without_reads(base.sale_tmi), without_reads(base.birth_tmi))):
        raise DocumentMalformed(f"card facts: no transactions consist of {marks}")
    sale_tmi, birth_tmi = marks
    return replace(base, clear_by=ClearBy[clear_by], sale_tmi=sale_tmi, birth_tmi=birth_tmi)


def without_reads(commands: tuple[Ins, ...]) -> tuple[Ins, ...]:
    """What is left of a transaction where reading leaves no mark."""
    return tuple(ins for ins in commands if ins is not Ins.GET_VALUE)


def _parsed(text: str) -> dict[str, object]:
    try:
        found: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DocumentMalformed(f"card facts: {error}") from None
    if set(found) != _KEYS:
        raise DocumentMalformed(f"card facts: keys {sorted(found)}")
    return found


def _commands(value: object) -> tuple[Ins, ...]:
    """Commands by their names."""
    names = [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
    commands = tuple(Ins[name] for name in names if name in Ins.__members__)
    if not isinstance(value, list) or len(commands) != len(value):
        raise DocumentMalformed(f"card facts: commands {value!r}")
    return commands


def _names(commands: tuple[Ins, ...]) -> str:
    return "[" + ", ".join(f'"{command.name}"' for command in commands) + "]"
