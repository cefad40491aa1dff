"""The exchange by stick: where what lies on it, and how a request is signed that no line carries.

The layout is in docs/protocol.md, "By stick". Nothing on a stick is believed for lying there:
requests are signed by the terminal's transport key, answers by the service, and each names whom
it is of or for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cardkit import cbor
from cardkit.errors import DocumentForeign
from cardkit.frozen import dataclass
from cardkit.schema import unpack
from cardkit.signing import ContentType, PublicKey, SigningKey, verify
from cardkit.sync import SyncRequest

ROOT: Final = "CLAFOUTIS"
REQUESTS: Final = "requests"
ANSWER: Final = "answer.cbor"
DIAGNOSTICS: Final = "diagnostics"
SUFFIX: Final = ".cbor"
PAIRING: Final = "pairing"
"""A folder beside those of the terminals, for one that is none yet."""
REQUEST_BYTES_MAX: Final = cbor.BYTES_MAX
ANSWER_BYTES_MAX: Final = cbor.BYTES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class StickFolder:
    """One terminal's place on a stick that is mounted somewhere; others may lie beside it."""

    stick: Path
    caisse: str
    terminal: int

    @property
    def path(self) -> Path:
        """Everything of this terminal."""
        return self.stick / ROOT / f"{self.caisse}-{self.terminal}"

    @property
    def requests(self) -> Path:
        """What the terminal tells, each file a signed request named by its first and last entry."""
        return self.path / REQUESTS

    @property
    def answer(self) -> Path:
        """What the service answered last."""
        return self.path / ANSWER

    @property
    def diagnostics(self) -> Path:
        """What the coordinator looks at when something is wrong."""
        return self.path / DIAGNOSTICS


@dataclass(frozen=True, slots=True)
class PairingFolder:
    """What travels between the workshop and a terminal that has no network, or no keyboard."""

    stick: Path

    @property
    def path(self) -> Path:
        """All of it."""
        return self.stick / ROOT / PAIRING

    @property
    def ticket(self) -> Path:
        """The ticket's text, as its QR code has it."""
        return self.path / "ticket.txt"

    def request(self, pairing_id: bytes) -> Path:
        """What the terminal asks for; nothing in it is secret."""
        return self.path / f"{pairing_id.hex()}-request{SUFFIX}"

    def answer(self, pairing_id: bytes) -> Path:
        """What it starts with: its secrets are sealed to keys that have not left it."""
        return self.path / f"{pairing_id.hex()}-answer{SUFFIX}"


def terminal_of(name: str, *, caisse: str) -> int | None:
    """Return the terminal that a folder's name speaks of; None for any other name."""
    prefix, _, number = name.rpartition("-")
    if prefix != caisse or not number.isascii() or not number.isdecimal() or len(number) > 10:
        return None
    return int(number) if number == str(int(number)) else None


def sign_request(body: bytes, *, key: SigningKey) -> bytes:
    """Sign the body of a request, as `encode_request` gives it, with the transport key."""
    return key.sign_encoded(ContentType.REQUEST, body).encoded


def open_request(data: bytes, *, key: PublicKey, caisse: str, terminal: int) -> SyncRequest:
    """Verify a request of this terminal; raises DocumentError."""
    signed = verify(data, ContentType.REQUEST, caisse=caisse, keys=[key])
    request = unpack(SyncRequest, cbor.decode(signed.payload))
    if request.terminal != terminal:
        raise DocumentForeign(f"a request of terminal {request.terminal}")
    return request
