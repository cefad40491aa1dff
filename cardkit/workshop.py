"""The exchange between the workshop and the service: one card's keys at a time, one terminal's.

The workshop signs its requests as a terminal does (cardkit.sync), with its certified key and
`keyid="workshop"`; each may be repeated, and then says the same. Card keys come sealed to a key
that lives for one card, and their masters never leave the service; key 1 never comes, because
its master belongs to terminals and workshop. The secret of a pairing is made by the workshop and
stays between it and the terminal: a service that knew it could enrol a terminal of its own.
"""

from __future__ import annotations

from typing import Final

from cardkit.allowance import DOCUMENT_BYTES_MAX as ALLOWANCE_BYTES_MAX
from cardkit.bodies import MAC8, UID
from cardkit.membership import ACCOUNT
from cardkit.pairing import PAIRING_ID, REQUESTS_MAX
from cardkit.permit import MERCHANTS_MAX
from cardkit.schema import U8, U31, U32, Blob, Flag, ListOf, Text, document, exactly, maybe, wire
from cardkit.sealing import SEALING_KEY_BYTES

CARD_BEGIN_PATH: Final = "/v1/cards/begin"
CARD_FINISH_PATH: Final = "/v1/cards/finish"
CARD_REKEY_PATH: Final = "/v1/cards/rekey"
CARD_REKEYED_PATH: Final = "/v1/cards/rekeyed"
CARD_VERSIONS_PATH: Final = "/v1/cards/versions"
PAIRING_OPEN_PATH: Final = "/v1/pairings/open"
PAIRING_SHOW_PATH: Final = "/v1/pairings/show"
PAIRING_APPROVE_PATH: Final = "/v1/pairings/approve"
WORKSHOP_KEY_ID: Final = "workshop"
CARD_KEYS_PURPOSE: Final = "one-card-keys"
CARD_KEY_0_PURPOSE: Final = "one-card-key-0"


@document
class CardBegin:
    """A blank card lies on the workshop's reader."""

    uid: bytes = wire(1, UID)
    account: bytes = wire(2, ACCOUNT)
    sealing_key: bytes = wire(3, exactly(SEALING_KEY_BYTES))
    again: bool = maybe(4, Flag, default=False)
    """A person decided that an issued card begins a new life."""


@document
class CardKeys:
    """The keys of one card but key 1: what is sealed with CARD_KEYS_PURPOSE."""

    picc_master: bytes = wire(1, exactly(16))
    app_master: bytes = wire(2, exactly(16))
    closed: bytes = wire(3, exactly(16))
    tmac: bytes = wire(4, exactly(16))
    picc_before: bytes | None = maybe(5, exactly(16), default=None)
    """The card's own master key from a life under an earlier version."""

    def __repr__(self) -> str:
        return "CardKeys(…)"


@document
class CardBegun:
    """What the workshop writes to the card."""

    generation: int = wire(1, U31)
    profile: str = wire(2, Text(32))
    key_version: int = wire(3, U8)
    """Of the service's masters, and of the key-1 master that goes with them."""
    sealed_keys: bytes | None = maybe(4, Blob(1, 512), default=None)
    """Absent when the card is issued already: `generation` is then the one it lives in."""


@document
class CardFinish:
    """The birth transaction of the card, for the service to verify."""

    uid: bytes = wire(1, UID)
    generation: int = wire(2, U31)
    tmc: int = wire(3, U32)
    tmv: bytes = wire(4, MAC8)
    enc_tmri: bytes = wire(5, exactly(16))
    spent_cents: int = wire(6, U31)


@document
class CardFinished:
    """The card is issued; its first allowance can be left on it."""

    allowance: bytes | None = maybe(1, Blob(1, ALLOWANCE_BYTES_MAX), default=None)


@document
class RekeyBegin:
    """An issued card lies on the workshop's reader and is to have a newer key 1."""

    uid: bytes = wire(1, UID)
    sealing_key: bytes = wire(2, exactly(SEALING_KEY_BYTES))


@document
class CardKeyZero:
    """Key 0 of one card, which alone may change its keys: sealed with CARD_KEY_0_PURPOSE."""

    app_master: bytes = wire(1, exactly(16))

    def __repr__(self) -> str:
        return "CardKeyZero(…)"


@document
class RekeyBegun:
    """What the workshop changes key 1 with; what is on record stays as it is until the end."""

    generation: int = wire(1, U31)
    profile: str = wire(2, Text(32))
    terminal_key_version: int = wire(3, U8)
    """The version of key 1 that is on record; a card whose re-keying was torn may be ahead."""
    sealed_key: bytes = wire(4, Blob(1, 256))


@document
class RekeyFinish:
    """The card answered to its new key 1."""

    uid: bytes = wire(1, UID)
    generation: int = wire(2, U31)
    terminal_key_version: int = wire(3, U8)


@document
class RekeyFinished:
    """The new version is on record."""


@document
class VersionsAsk:
    """The workshop asks how many cards in use are to get this version of key 1."""

    terminal_key_version: int = wire(1, U8)


@document
class Versions:
    """Cards in use on record; only the counts, never which."""

    to_go: int = wire(1, U32)
    """With an older key 1."""
    done: int = wire(2, U32)


@document
class PairingOpen:
    """A terminal is to be enrolled for these merchants."""

    pairing_id: bytes = wire(1, PAIRING_ID)
    merchants: tuple[int, ...] = wire(2, ListOf(U32, MERCHANTS_MAX))


@document
class PairingOpened:
    """The number that the terminal will have."""

    terminal: int = wire(1, U32)


@document
class PairingShow:
    """The workshop asks whether the terminal has asked yet."""

    pairing_id: bytes = wire(1, PAIRING_ID)


@document
class PairingShown:
    """The requests (cardkit.pairing.PairRequest) that came; the secret tells which is genuine."""

    requests: tuple[bytes, ...] = wire(1, ListOf(Blob(1, 512), REQUESTS_MAX))


@document
class PairingApprove:
    """The words were right: certificate and card keys for this terminal."""

    pairing_id: bytes = wire(1, PAIRING_ID)
    mac: bytes = wire(2, exactly(32))
    """Of the one request that is approved."""
    certificate: bytes = wire(3, Blob(1, 1024))
    sealed_card_masters: bytes = wire(4, Blob(1, 1024))


@document
class PairingApproved:
    """The terminal may fetch what it starts with."""
