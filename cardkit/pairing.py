"""How a new terminal and the caisse come to trust each other.

The terminal scans (or is typed) a ticket: address, caisse, digest of the root key, a secret of
128 bits that only it and the workshop know. It makes its own keys and asks the service to be
enrolled, again and again until it is; the coordinator types the words that the terminal shows,
and the workshop, which holds the root key, certifies it. Secrets come back sealed to a key that
lives only for this pairing (docs/protocol.md, "Pairing").
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import field
from typing import Final, Self
from urllib.parse import parse_qs, quote, urlsplit

from cardkit.certificates import KEY_BYTES
from cardkit.errors import DocumentMalformed
from cardkit.frozen import dataclass
from cardkit.schema import U8, Blob, ListOf, Nested, Text, document, exactly, maybe, wire
from cardkit.sealing import SEALING_KEY_BYTES

PATH: Final = "/v1/pair"
SECRET_BYTES: Final = 16
PAIRING_ID: Final = exactly(8)
PAIRING_MINUTES: Final = 10
"""From the ticket to the terminal's first permit."""
REQUESTS_MAX: Final = 8
"""Different requests to one pairing: a stranger who knows its id must not keep the terminal out,
nor fill a disk."""
MASTERS_MAX: Final = 8
_WORDS_COST: Final = 2**14
"""Of scrypt (RFC 7914), 16 MiB: who photographed the ticket can't try keys until their words are
the terminal's before the ticket is dead."""
SERVICE_PURPOSE: Final = "terminal-token-key"
_WORKSHOP_PURPOSE: Final = b"terminal-card-keys"

_WORDS: Final = (
    "abeille ail amande avoine banane basilic betterave beurre blette brebis brioche cabas "
    "cannelle carotte cassis cerise cidre citron clou colza compote courge cresson datte "
    "endive farine fenouil ferme figue foin fraise fromage galette girolle grange grenade "
    "haricot herbe houblon huile kiwi lait laurier lentille levure mache marron melon menthe "
    "miel moulin mure navet noix oignon olive orge panais pain poire pomme prune radis raisin"
)
WORDS: Final = tuple(_WORDS.split())
"""64 words that a person can read aloud on a bad line: six bits each."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a terminal needs to know before it can trust anybody."""

    url: str
    caisse: str
    root_digest: bytes
    secret: bytes = field(repr=False)

    @property
    def pairing_id(self) -> bytes:
        """What names this pairing on the wire without giving the secret away."""
        return hashlib.sha256(b"clafoutis pairing id" + self.secret).digest()[:8]

    @property
    def text(self) -> str:
        """The text of the QR code."""
        return (
            f"clafoutis:pair?u={quote(self.url, safe='')}&c={quote(self.caisse, safe='')}"
            f"&r={self.root_digest.hex()}&s={self.secret.hex()}"
        )

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read the text of the QR code; raises DocumentMalformed."""
        try:
            parts = urlsplit(text.strip())
            query = parse_qs(parts.query)
            url, caisse, root, secret = (query[key][0] for key in "ucrs")
            ticket = cls(url, caisse, bytes.fromhex(root), bytes.fromhex(secret))
        except (KeyError, ValueError) as error:
            raise DocumentMalformed("not a pairing ticket") from error
        sizes = len(ticket.root_digest), len(ticket.secret)
        if (parts.scheme, parts.path) != ("clafoutis", "pair") or sizes != (32, SECRET_BYTES):
            raise DocumentMalformed("not a pairing ticket")
        return ticket


@document
class PairRequest:
    """A terminal asks to be enrolled."""

    pairing_id: bytes = wire(1, PAIRING_ID)
    public_key: bytes = wire(2, exactly(KEY_BYTES))
    transport_key: bytes = wire(3, exactly(KEY_BYTES))
    sealing_key: bytes = wire(4, exactly(SEALING_KEY_BYTES))
    mac: bytes = wire(5, exactly(32))

    def made_with(self, secret: bytes) -> bool:
        """Say whether whoever made this request knew the ticket's secret."""
        keys = self.public_key + self.transport_key + self.sealing_key
        return hmac.compare_digest(self.mac, _mac(secret, keys))

    @property
    def words(self) -> str:
        """The four words that the terminal shows and the coordinator types."""
        digest = hashlib.scrypt(
            self.mac, salt=b"clafoutis pairing words", n=_WORDS_COST, r=8, p=1, dklen=4
        )
        return " ".join(WORDS[byte % len(WORDS)] for byte in digest)


@document
class CardMaster:
    """One version of the master of key 1, from which a terminal derives every card's key."""

    version: int = wire(1, U8)
    key: bytes = wire(2, exactly(16))

    def __repr__(self) -> str:
        return f"CardMaster(version={self.version})"


@document
class CardMasters:
    """What the workshop seals for a terminal."""

    system_id: bytes = wire(1, Blob(6, 16))
    masters: tuple[CardMaster, ...] = wire(2, ListOf(Nested(CardMaster), MASTERS_MAX))

    def __repr__(self) -> str:
        return f"CardMasters({self.system_id!r}, {len(self.masters)} versions)"


@document
class PairResult:
    """What an enrolled terminal starts with."""

    root: bytes = wire(1, exactly(KEY_BYTES))
    certificate: bytes = wire(2, Blob(1, 1024))
    certificates: tuple[bytes, ...] = wire(3, ListOf(Blob(1, 1024), 16))
    """The caisse's own keys."""
    permit: bytes = wire(4, Blob(1, 16_384))
    sealed_token_key: bytes = wire(5, Blob(1, 256))
    sealed_card_masters: bytes = wire(6, Blob(1, 1024))
    service_url: str | None = maybe(7, Text(256), default=None)


def pair_request(
    ticket: Ticket, *, public_key: bytes, transport_key: bytes, sealing_key: bytes
) -> PairRequest:
    """Make a terminal's request."""
    return PairRequest(
        pairing_id=ticket.pairing_id,
        public_key=public_key,
        transport_key=transport_key,
        sealing_key=sealing_key,
        mac=_mac(ticket.secret, public_key + transport_key + sealing_key),
    )


def workshop_purpose(secret: bytes) -> str:
    """Return the purpose that the workshop seals card keys for.

    It takes the ticket's secret to make it, so a service that lies can't put keys of its own in
    the place of the workshop's.
    """
    proof = hmac.new(secret, b"clafoutis " + _WORKSHOP_PURPOSE, hashlib.sha256)
    return f"{_WORKSHOP_PURPOSE.decode()}/{proof.hexdigest()}"


def _mac(secret: bytes, keys: bytes) -> bytes:
    return hmac.new(secret, b"clafoutis pairing" + keys, hashlib.sha256).digest()
