"""A secret that k of n people have together: words of SLIP-39, 20 for each of them.

What is shared is not a key but a secret of 128 bits, under which a bundle is sealed anew: so the
words are few, and who has all of them but not the paper has nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shamir_mnemonic import MnemonicError, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.share import Share
from shamir_mnemonic.wordlist import WORDLIST

from cardkit.errors import KeyStoreError
from provisioning.language import _

SECRET_BYTES: Final = 16
PEOPLE_MAX: Final = 16
_UNIQUE_LETTERS: Final = 4
"""The first letters of a word tell it from all others (SLIP-39, "Wordlist")."""
_WORDS: Final = {word[:_UNIQUE_LETTERS]: word for word in WORDLIST}
_FORM: Final = re.compile(r"(\d{1,2})\s*(?:of|sur|/)\s*(\d{1,2})")


@dataclass(frozen=True, slots=True)
class Sharing:
    """How many of how many people."""

    needed: int
    people: int

    @classmethod
    def from_text(cls, text: str) -> Sharing:
        """Read `2of3` or `2sur3`; raises ValueError."""
        found = _FORM.fullmatch(text.strip().lower())
        if found is None:
            raise ValueError(text)
        needed, people = int(found[1]), int(found[2])
        if not 2 <= needed <= people <= PEOPLE_MAX:
            raise ValueError(text)
        return cls(needed, people)


def new_secret() -> bytes:
    """Make what is to be shared."""
    return os.urandom(SECRET_BYTES)


def split(secret: bytes, sharing: Sharing) -> list[str]:
    """Return one person's words each."""
    words: list[str]
    (words,) = generate_mnemonics(1, [(sharing.needed, sharing.people)], secret)
    return words


def words_of(typed: str) -> str:
    """Return the words of one person as they should stand; raises KeyStoreError.

    Four letters of each are enough. No error repeats a word: it may be read over a shoulder.
    """
    words = []
    for number, word in enumerate(typed.lower().split(), 1):
        known = _WORDS.get(word[:_UNIQUE_LETTERS])
        if known is None or not known.startswith(word) or len(word) < _UNIQUE_LETTERS:
            raise KeyStoreError(_("word {n} is not in the list").format(n=number))
        words.append(known)
    mnemonic = " ".join(words)
    try:
        Share.from_mnemonic(mnemonic)
    except MnemonicError as error:
        raise KeyStoreError(_("these words have a slip, or one is missing")) from error
    return mnemonic


class Gathering:
    """The words that people have typed so far; its repr shows none."""

    def __init__(self) -> None:
        self._shares: dict[int, str] = {}
        self._first: Share | None = None

    @property
    def needed(self) -> int | None:
        """How many people are needed; None before the first."""
        return None if self._first is None else self._first.member_threshold

    @property
    def is_complete(self) -> bool:
        """Whether the secret can be put together."""
        return self.needed is not None and len(self._shares) >= self.needed

    def add(self, typed: str) -> int:
        """Take one person's words and return how many have come; raises KeyStoreError."""
        mnemonic = words_of(typed)
        share = Share.from_mnemonic(mnemonic)
        if self._first is None:
            self._first = share
        if share.common_parameters() != self._first.common_parameters():
            raise KeyStoreError(_("these words belong to another paper"))
        if share.index in self._shares:
            raise KeyStoreError(_("these words came already"))
        self._shares[share.index] = mnemonic
        return len(self._shares)

    def secret(self) -> bytes:
        """Put the secret together; raises KeyStoreError."""
        return combined(list(self._shares.values()))

    def __repr__(self) -> str:
        return f"Gathering({len(self._shares)} of {self.needed})"


def combined(mnemonics: Sequence[str]) -> bytes:
    """Return the secret of enough people's words; raises KeyStoreError."""
    try:
        secret: bytes = combine_mnemonics(mnemonics)
    except MnemonicError as error:
        raise KeyStoreError(_("these words do not go together")) from error
    return secret
