"""What the workshop asks of the service: one signed POST of CBOR, one answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar
from urllib.parse import urlsplit

import requests

from cardkit import cbor, httpsig
from cardkit.clock import Clock
from cardkit.errors import AnswerInvalid, DocumentError, ServerRefused, ServerUnreachable
from cardkit.schema import pack, unpack
from cardkit.signing import SigningKey
from cardkit.workshop import (
    CARD_BEGIN_PATH,
    CARD_FINISH_PATH,
    CARD_REKEY_PATH,
    CARD_REKEYED_PATH,
    CARD_VERSIONS_PATH,
    PAIRING_APPROVE_PATH,
    PAIRING_OPEN_PATH,
    PAIRING_SHOW_PATH,
    WORKSHOP_KEY_ID,
    CardBegin,
    CardBegun,
    CardFinish,
    CardFinished,
    PairingApprove,
    PairingApproved,
    PairingOpen,
    PairingOpened,
    PairingShow,
    PairingShown,
    RekeyBegin,
    RekeyBegun,
    RekeyFinish,
    RekeyFinished,
    Versions,
    VersionsAsk,
)

logger = logging.getLogger(__name__)

ANSWER_BYTES_MAX: Final = 64 * 1024
REASON_CHARACTERS_MAX: Final = 200
ATTEMPTS: Final = 3
"""Each request may be repeated; a birth that the service never heard of costs a whole issue."""
_TIMEOUT_S: Final = 20
_OK: Final = 200
_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    body: bytes


class Transport(Protocol):
    """Whatever carries a POST to the service."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send once; raises ServerUnreachable."""


class RequestsTransport:
    """The network: no redirects, no endless answers, no answer later than 20 seconds."""

    def __init__(self) -> None:
        self._session = requests.Session()

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send once; raises ServerUnreachable."""
        try:
            with self._session.post(
                url,
                data=body,
                headers=dict(headers),
                timeout=_TIMEOUT_S,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = b"".join(_at_most(response, ANSWER_BYTES_MAX))
                return Reply(response.status_code, content)
        except requests.RequestException as error:
            raise ServerUnreachable(f"{url}: {type(error).__name__}") from error

    def close(self) -> None:
        """Let go of open connections."""
        self._session.close()


class ServiceClient:
    """The service as the workshop sees it; every method may be called again after an error.

    Raises ServerUnreachable, ServerRefused or AnswerInvalid. What is secret in an answer is
    sealed to a key of the caller's, so TLS is not all that protects it; but requests name
    cards and accounts, and leave this machine by https only.
    """

    def __init__(self, url: str, *, key: SigningKey, clock: Clock, transport: Transport) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _THIS_MACHINE:
            raise ServerUnreachable(f"{url}: only https leaves this machine")
        self.url: Final = url.rstrip("/")
        self._key = key
        self._clock = clock
        self._transport = transport

    def begin_card(self, begin: CardBegin) -> CardBegun:
        """Ask for the keys of one card."""
        return self._post(CARD_BEGIN_PATH, begin, CardBegun)

    def finish_card(self, finish: CardFinish) -> CardFinished:
        """Show the card's birth transaction."""
        return self._post(CARD_FINISH_PATH, finish, CardFinished)

    def begin_rekey(self, begin: RekeyBegin) -> RekeyBegun:
        """Ask for key 0 of a card in use."""
        return self._post(CARD_REKEY_PATH, begin, RekeyBegun)

    def finish_rekey(self, finish: RekeyFinish) -> None:
        """Put the version of its new key 1 on record."""
        self._post(CARD_REKEYED_PATH, finish, RekeyFinished)

    def count_versions(self, ask: VersionsAsk) -> Versions:
        """Ask how many cards in use are still to get a newer key 1."""
        return self._post(CARD_VERSIONS_PATH, ask, Versions)

    def open_pairing(self, opening: PairingOpen) -> PairingOpened:
        """Expect a terminal."""
        return self._post(PAIRING_OPEN_PATH, opening, PairingOpened)

    def show_pairing(self, show: PairingShow) -> PairingShown:
        """Ask who has come."""
        return self._post(PAIRING_SHOW_PATH, show, PairingShown)

    def approve_pairing(self, approval: PairingApprove) -> None:
        """Let a terminal in."""
        self._post(PAIRING_APPROVE_PATH, approval, PairingApproved)

    def _post(self, path: str, message: object, answer: type[A]) -> A:
        url = self.url + path
        body = cbor.encode(pack(message))
        headers = httpsig.sign_post(
            url, body, key=self._key, key_id=WORKSHOP_KEY_ID, created=self._clock.now().at
        )
        reply = self._delivered(url, body, headers)
        logger.info("POST %s: %s", path, reply.status)
        if reply.status != _OK:
            reason = reply.body[:REASON_CHARACTERS_MAX].decode("utf-8", "replace").strip()
            raise ServerRefused(reply.status, reason)
        try:
            return unpack(answer, cbor.decode(reply.body))
        except DocumentError as error:
            raise AnswerInvalid(f"{path}: {error}") from error

    def _delivered(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        for _ in range(ATTEMPTS - 1):
            try:
                return self._transport.post(url, body, headers)
            except ServerUnreachable as error:
                logger.warning("once more: %s", error)
        return self._transport.post(url, body, headers)


def _at_most(response: requests.Response, limit: int) -> list[bytes]:
    """The body in pieces; raises ServerUnreachable when it is longer than anything of ours."""
    pieces: list[bytes] = []
    length = 0
    for piece in response.iter_content(4096):
        length += len(piece)
        if length > limit:
            raise ServerUnreachable(f"an answer of more than {limit} bytes")
        pieces.append(piece)
    return pieces
