"""The terminal's secrets: files that only its own user can read.

The journal key signs entries, the transport key signs requests (the sync process reads no
other), the token key makes the tokens on cards, and the card masters open cards.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import field
from pathlib import Path
from typing import Final

from cardkit import cbor
from cardkit.card.keys import TRAINING_SYSTEM_ID, TerminalCardKeys
from cardkit.errors import DocumentMalformed, KeyStoreError
from cardkit.frozen import dataclass
from cardkit.pairing import CardMasters
from cardkit.schema import pack, unpack
from cardkit.signing import SigningKey
from terminal.files import write_atomically

TOKEN_KEY_BYTES: Final = 32
_JOURNAL: Final = "journal.pem"
_TRANSPORT: Final = "transport.pem"
_TOKENS: Final = "tokens.key"
_CARDS: Final = "cards.cbor"
_OTHERS: Final = 0o077
_CHECK_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """What the till process needs."""

    journal: SigningKey
    token: bytes = field(repr=False)
    cards: TerminalCardKeys


def write_keyring(
    folder: Path, *, journal: SigningKey, transport: SigningKey, token: bytes, cards: CardMasters
) -> None:
    """Keep a terminal's secrets; raises KeyStoreError."""
    try:
        write_atomically(folder / _JOURNAL, journal.to_pem())
        write_atomically(folder / _TRANSPORT, transport.to_pem())
        write_atomically(folder / _TOKENS, _with_check(token))
        write_atomically(folder / _CARDS, _with_check(cbor.encode(pack(cards))))
    except OSError as error:
        raise KeyStoreError(f"{folder}: {error.strerror}") from error


def read_keyring(folder: Path, *, caisse: str) -> Keyring:
    """Read what the till process needs; raises KeyStoreError."""
    token = _checked(folder / _TOKENS)
    if len(token) != TOKEN_KEY_BYTES:
        raise KeyStoreError(f"{_TOKENS} has {len(token)} bytes")
    return Keyring(
        journal=_signing_key(folder / _JOURNAL, caisse=caisse),
        token=token,
        cards=_card_keys(folder / _CARDS),
    )


def read_transport_key(folder: Path, *, caisse: str) -> SigningKey:
    """Read the one key that the sync process has a use for; raises KeyStoreError."""
    return _signing_key(folder / _TRANSPORT, caisse=caisse)


def _signing_key(path: Path, *, caisse: str) -> SigningKey:
    try:
        return SigningKey.from_pem(_read(path), caisse=caisse)
    except (ValueError, TypeError) as error:
        raise KeyStoreError(f"{path.name} is damaged") from error


def _card_keys(path: Path) -> TerminalCardKeys:
    try:
        held = unpack(CardMasters, cbor.decode(_checked(path)))
    except DocumentMalformed as error:
        raise KeyStoreError(f"{path.name} is damaged") from error
    masters = {master.version: master.key for master in held.masters}
    if not masters:
        raise KeyStoreError(f"{path.name} holds no key")
    if held.system_id == TRAINING_SYSTEM_ID:
        raise KeyStoreError(f"{path.name} names members' cards as training cards are")
    return TerminalCardKeys(held.system_id, masters)


def _with_check(content: bytes) -> bytes:
    """Add what tells a rotten key from the one that was written: nothing else would."""
    return content + hashlib.sha256(content).digest()


def _checked(path: Path) -> bytes:
    held = _read(path)
    content = held[:-_CHECK_BYTES]
    if not hmac.compare_digest(held, _with_check(content)):
        raise KeyStoreError(f"{path.name} is damaged")
    return content


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_mode & _OTHERS:
            raise KeyStoreError(f"{path.name} can be read by others: chmod 600 {path}")
        return path.read_bytes()
    except OSError as error:
        raise KeyStoreError(f"{path.name}: {error.strerror}") from error
