"""Key files as text that a camera reads, and that a person can type when it does not.

    CLAFOUTIS/1/K/…    a bundle: cardkit.keyfiles' file, sealed, in base32
    CLAFOUTIS/1/P/…    what is public of the caisse

Those are what a QR code holds, in the letters of its alphanumeric mode. Below each stand lines of
eight groups of four; the two letters behind a line tell whether it was typed right.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

from cardkit.errors import KeyStoreError
from provisioning.language import _

GROUP: Final = 4
GROUPS: Final = 8
CHECK_LETTERS: Final = 2
_PREFIX: Final = "CLAFOUTIS/1/"
_LOOKALIKES: Final = str.maketrans("0189", "OIBG")
"""Digits that base32 does not have (RFC 4648, section 6), read as the letter they look like."""
_TYPED: Final = re.compile(r"([KP])\s*([0-9]+)[\s:.]+(.+)")


@unique
class Part(Enum):
    """What a paper holds."""

    BUNDLE = "K"
    PUBLIC = "P"


@dataclass(frozen=True, slots=True)
class PaperText:
    """The two files that a paper brings back."""

    bundle: bytes
    public: bytes


def code_text(part: Part, content: bytes) -> str:
    """Return what the QR code of a file holds."""
    return f"{_PREFIX}{part.value}/{_letters(content)}"


def typed_lines(part: Part, content: bytes) -> list[str]:
    """Return a file as lines to be typed, such as `K01 ABCD … WXYZ  PQ`."""
    lines = []
    whole, length = _letters(content), GROUP * GROUPS
    for number, start in enumerate(range(0, len(whole), length), 1):
        letters = whole[start : start + length]
        groups = " ".join(letters[at : at + GROUP] for at in range(0, len(letters), GROUP))
        lines.append(f"{_named(part, number)} {groups}  {_check(part, number, letters)}")
    return lines


def read_paper(text: str) -> PaperText:
    """Read what was scanned or typed, in any order; raises KeyStoreError naming a wrong line."""
    letters: dict[Part, dict[int, str]] = {part: {} for part in Part}
    for line in text.upper().splitlines():
        if line.strip().startswith(_PREFIX):
            letter, _slash, scanned = line.strip().removeprefix(_PREFIX).partition("/")
            letters[_part(letter)] = {1: scanned}
        elif line.strip():
            _read_typed(line.strip(), letters)
    return PaperText(*(_content(part, letters[part]) for part in (Part.BUNDLE, Part.PUBLIC)))


def _read_typed(line: str, letters: dict[Part, dict[int, str]]) -> None:
    found = _TYPED.fullmatch(line)
    if found is None:
        raise KeyStoreError(_("not a line of a paper: {start}…").format(start=line[:3]))
    part, number = _part(found[1]), int(found[2])
    typed = "".join(found[3].split()).translate(_LOOKALIKES)
    body, check = typed[:-CHECK_LETTERS], typed[-CHECK_LETTERS:]
    if _check(part, number, body) != check:
        raise KeyStoreError(_("line {line} has a slip").format(line=_named(part, number)))
    letters[part][number] = body


def _content(part: Part, lines: dict[int, str]) -> bytes:
    """Put a file together; raises KeyStoreError when a line is missing or letters are not ours."""
    missing = sorted(set(range(1, max(lines, default=1) + 1)) - set(lines))
    if missing:
        raise KeyStoreError(_("line {line} is missing").format(line=_named(part, missing[0])))
    joined = "".join(lines[number] for number in sorted(lines))
    try:
        return base64.b32decode(joined + "=" * (-len(joined) % 8))
    except binascii.Error as error:
        raise KeyStoreError(_("part {part} is not whole").format(part=part.value)) from error


def _part(letter: str) -> Part:
    try:
        return Part(letter)
    except ValueError as error:
        raise KeyStoreError(
            _("not a line of a paper: {start}…").format(start=letter[:3])
        ) from error


def _named(part: Part, number: int) -> str:
    return f"{part.value}{number:02d}"


def _letters(content: bytes) -> str:
    return base64.b32encode(content).decode("ascii").rstrip("=")


def _check(part: Part, number: int, letters: str) -> str:
    digest = hashlib.sha256(f"{part.value}{number}:{letters}".encode()).digest()
    return _letters(digest)[:CHECK_LETTERS]
