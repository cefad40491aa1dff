"""The words of letters: which placeholders a kind has, what is wrong with a text, and filling it.

A text is plain: an empty line begins a paragraph, a line that begins with "- " is one of a list.
Nothing in it is a command of whatever prints it, and nothing that is filled in is a placeholder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

SUBJECT_MAX: Final = 120
BODY_MAX: Final = 4_000
COMMON: Final = ("nom", "jour", "caisse", "adresse", "telephone", "courriel", "horaires")
OF_KIND: Final[Mapping[str, tuple[str, ...]]] = {
    "welcome": ("carte", "perdue", "allocation"),
    "dues_call": ("mois", "montant", "reference", "payer"),
    "reminder": ("mois", "montant", "reference", "payer"),
    "second_reminder": ("mois", "montant", "reference", "payer"),
    "renewal": ("fin", "suite", "montant", "duree"),
    "commitment_end": ("fin", "reste"),
}
"""What only this kind knows, by the value of a `LetterKind`."""

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_ITEM: Final = "- "


@unique
class Wrong(StrEnum):
    """What is wrong with a text."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    SUBJECT_OF_LINES = "subject_of_lines"
    """A subject is one line."""
    LONE_BRACE = "lone_brace"
    UNKNOWN_PLACEHOLDER = "unknown_placeholder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why a text is not kept, and the words that it is about."""

    wrong: Wrong
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A paragraph, line by line, or a list."""

    lines: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


def placeholders(kind: str) -> tuple[str, ...]:
    """Return what a text of a kind may name."""
    return (*OF_KIND[kind], *COMMON)


def objection(kind: str, subject: str, body: str) -> Objection | None:
    """Say what is wrong with a text; None: nothing."""
    if not subject.strip() or not body.strip():
        return Objection(wrong=Wrong.EMPTY)
    if len(subject) > SUBJECT_MAX or len(body) > BODY_MAX:
        return Objection(wrong=Wrong.TOO_LONG)
    if len(subject.splitlines()) > 1:
        return Objection(wrong=Wrong.SUBJECT_OF_LINES)
    text = f"{subject}\n{body}"
    if any(it in _PLACEHOLDER.sub("", text) for it in "{}"):
        return Objection(wrong=Wrong.LONE_BRACE)
    known = placeholders(kind)
    unknown = tuple(dict.fromkeys(it for it in _PLACEHOLDER.findall(text) if it not in known))
    return Objection(wrong=Wrong.UNKNOWN_PLACEHOLDER, words=unknown) if unknown else None


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its placeholders filled in, once: what is filled in stays as it is.

    A value is one line, whatever stands in it.
    """
    return _PLACEHOLDER.sub(lambda it: " ".join(values[it[1]].splitlines()), text)


def parts(body: str, values: Mapping[str, str]) -> tuple[Part, ...]:
    """Return a body as paragraphs and lists, filled in."""
    return tuple(
        part
        for block in re.split(r"\n\s*\n", body.replace("\r\n", "\n"))
        for part in _of(block, values)
    )


def as_text(body: tuple[Part, ...]) -> str:
    """Return what a mail says: paragraphs with an empty line between them."""
    return "\n\n".join(
        "\n".join(part.lines or (f"{_ITEM}{item}" for item in part.items)) for part in body
    )


def _of(block: str, values: Mapping[str, str]) -> Iterator[Part]:
    lines: list[str] = []
    items: list[str] = []
    for line in block.strip().splitlines():
        is_item = line.strip().startswith(_ITEM)
        if is_item and lines:
            yield Part(lines=tuple(lines))
            lines = []
        if not is_item and items:
            yield Part(items=tuple(items))
            items = []
        filled = fill(line.strip().removeprefix(_ITEM), values)
        (items if is_item else lines).append(filled)
    if lines:
        yield Part(lines=tuple(lines))
    if items:
        yield Part(items=tuple(items))
