"""Letting a terminal in: a ticket, four words that a person reads and types, a certificate.

The words are typed and never confirmed: whoever would only press a key could be hurried past a
stranger's terminal. The secret in the ticket is ours and the terminal's; the service, which
carries the request, can't make one of its own.
"""

from __future__ import annotations

import hmac
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, unique
from pathlib import Path
from typing import Final

from cardkit import cbor
from cardkit.certificates import Certificate, Role, certify
from cardkit.clock import Clock
from cardkit.errors import DocumentError, DocumentForeign, ServerRefused, must
from cardkit.keyfiles import CaissePublic, RootKeys, WorkshopKeys
from cardkit.pairing import (
    PAIRING_MINUTES,
    PATH,
    SECRET_BYTES,
    CardMasters,
    PairRequest,
    Ticket,
    workshop_purpose,
)
from cardkit.schema import pack, unpack
from cardkit.sealing import seal
from cardkit.signing import PublicKey, SigningKey
from cardkit.stick import PairingFolder
from cardkit.sync import CONTENT_TYPE
from cardkit.workshop import PairingApprove, PairingOpen, PairingShow
from provisioning.client import ServiceClient, Transport

logger = logging.getLogger(__name__)

WORDS_ATTEMPTS: Final = 3
POLL_S: Final = 2.0
CERTIFICATE_DAYS: Final = 3 * 365
_LIFE_MS: Final = PAIRING_MINUTES * 60 * 1000
_OK, _WAITING = 200, 202


@unique
class NotEnrolledReason(Enum):
    """Why a terminal was not let in."""

    NOBODY_CAME = "the ticket ran out before the terminal asked"
    WRONG_WORDS = "the words typed are not the terminal's"
    TWO_CAME = "two terminals asked with the same ticket: somebody copied it"
    NOT_ON_STICK = "the stick came back without the terminal's request, or with another's"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The terminal may fetch what it starts with."""

    terminal: int


@dataclass(frozen=True, slots=True)
class NotEnrolled:
    """Nothing was given away; the ticket is dead and a new one is needed."""

    reason: NotEnrolledReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What enrolling says and asks: a command line, a window or a test."""

    show_ticket: Callable[[Ticket], None]
    ask_words: Callable[[int], str]
    """Asks the person at the terminal for its words; told how many attempts are left."""
    wait: Callable[[float], None]
    """Lets seconds pass while the terminal has not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalWorkshop:
    """What it takes to let terminals in: the root key and the masters of key 1."""

    public: CaissePublic
    keys: WorkshopKeys
    root: SigningKey = field(repr=False)
    clock: Clock

    @classmethod
    def with_root(
        cls, *, public: CaissePublic, keys: WorkshopKeys, root: RootKeys, clock: Clock
    ) -> TerminalWorkshop:
        """Check that the root key is this caisse's; raises DocumentForeign."""
        key = root.signing_key(public.caisse)
        if key.public.encoded != public.root:
            raise DocumentForeign("the root key of another caisse")
        return cls(public=public, keys=keys, root=key, clock=clock)

    def enrol(
        self,
        client: ServiceClient,
        conversation: Conversation,
        *,
        merchants: tuple[int, ...],
        service_url: str | None = None,
    ) -> Enrolled | NotEnrolled:
        """Enrol one terminal for its merchants; raises SyncError.

        `service_url` is how the terminal reaches the service, when it is not how we do.
        """
        must(bool(merchants), "a terminal sells for somebody")
        deadline_ms = self.clock.monotonic_ms() + _LIFE_MS
        ticket = self._new_ticket(service_url or client.url)
        opened = client.open_pairing(PairingOpen(pairing_id=ticket.pairing_id, merchants=merchants))
        conversation.show_ticket(ticket)
        request = self._wait_for_request(client, conversation, ticket, deadline_ms)
        if request is None:
            return NotEnrolled(NotEnrolledReason.NOBODY_CAME)
        if not _words_typed(request, conversation):
            return NotEnrolled(NotEnrolledReason.WRONG_WORDS)
        if len(_genuine_requests(client, ticket)) != 1:
            return NotEnrolled(NotEnrolledReason.TWO_CAME)
        client.approve_pairing(self._approval(request, ticket, opened.terminal))
        logger.info("terminal %s enrolled", opened.terminal)
        return Enrolled(opened.terminal)

    def enrol_by_stick(
        self,
        client: ServiceClient,
        conversation: Conversation,
        stick: Path,
        *,
        transport: Transport,
        merchants: tuple[int, ...],
        bring_back: Callable[[], None],
    ) -> Enrolled | NotEnrolled:
        """Enrol a terminal that has no network: we carry its request, and its answer.

        `bring_back` returns when the stick has been at the terminal. The ten minutes of a pairing
        begin only then. Raises SyncError, OSError, and DocumentMalformed for a damaged file.
        """
        must(bool(merchants), "a terminal sells for somebody")
        folder = PairingFolder(stick)
        ticket = self._new_ticket(client.url)
        folder.path.mkdir(parents=True, exist_ok=True)
        folder.ticket.write_text(ticket.text, encoding="ascii")
        bring_back()
        path = folder.request(ticket.pairing_id)
        content = path.read_bytes() if path.is_file() else b""
        request = _genuine(content, ticket)
        if request is None:
            return NotEnrolled(NotEnrolledReason.NOT_ON_STICK)
        opened = client.open_pairing(PairingOpen(pairing_id=ticket.pairing_id, merchants=merchants))
        carried = _Courier(client.url + PATH, content, transport)
        carried.ask()
        if not _words_typed(request, conversation):
            return NotEnrolled(NotEnrolledReason.WRONG_WORDS)
        client.approve_pairing(self._approval(request, ticket, opened.terminal))
        folder.answer(ticket.pairing_id).write_bytes(carried.ask())
        logger.info("terminal %s enrolled by stick", opened.terminal)
        return Enrolled(opened.terminal)

    def _new_ticket(self, url: str) -> Ticket:
        secret = os.urandom(SECRET_BYTES)
        return Ticket(url, self.public.caisse, self.root.public.digest, secret)

    def _wait_for_request(
        self,
        client: ServiceClient,
        conversation: Conversation,
        ticket: Ticket,
        deadline_ms: int,
    ) -> PairRequest | None:
        while self.clock.monotonic_ms() < deadline_ms:
            genuine = _genuine_requests(client, ticket)
            if genuine:
                return genuine[0]
            conversation.wait(POLL_S)
        return None

    def _approval(self, request: PairRequest, ticket: Ticket, terminal: int) -> PairingApprove:
        masters = CardMasters(system_id=self.public.system_id, masters=self.keys.masters)
        return PairingApprove(
            pairing_id=request.pairing_id,
            mac=request.mac,
            certificate=certify(self.root, self._certificate(request, terminal)).encoded,
            sealed_card_masters=seal(
                cbor.encode(pack(masters)),
                request.sealing_key,
                purpose=workshop_purpose(ticket.secret),
            ),
        )

    def _certificate(self, request: PairRequest, terminal: int) -> Certificate:
        now = self.clock.now().at
        return Certificate(
            role=Role.TERMINAL,
            subject=terminal,
            valid_from=now,
            valid_until=now + timedelta(days=CERTIFICATE_DAYS),
            public_key=PublicKey.from_bytes(request.public_key).encoded,
            transport_key=PublicKey.from_bytes(request.transport_key).encoded,
        )


@dataclass(frozen=True, slots=True)
class _Courier:
    """Asks the service in a terminal's stead; what it brings back is sealed to that terminal."""

    url: str
    request: bytes
    transport: Transport

    def ask(self) -> bytes:
        """Send the request; returns the answer, which is empty until the terminal was let in."""
        reply = self.transport.post(self.url, self.request, {"Content-Type": CONTENT_TYPE})
        if reply.status not in {_OK, _WAITING}:
            raise ServerRefused(reply.status, "pairing")
        return reply.body if reply.status == _OK else b""


def _genuine_requests(client: ServiceClient, ticket: Ticket) -> list[PairRequest]:
    """The requests whose maker knew the ticket's secret; others are a stranger's, and dropped."""
    shown = client.show_pairing(PairingShow(pairing_id=ticket.pairing_id))
    found = (_genuine(encoded, ticket) for encoded in shown.requests)
    return [request for request in found if request is not None]


def _genuine(encoded: bytes, ticket: Ticket) -> PairRequest | None:
    """Read a request, if whoever made it knew the ticket's secret."""
    try:
        request = unpack(PairRequest, cbor.decode(encoded))
    except DocumentError:
        return None
    return request if request.made_with(ticket.secret) else None


def _words_typed(request: PairRequest, conversation: Conversation) -> bool:
    """Ask for the words on the terminal's screen until they are right, three times at most."""
    words = request.words.encode("ascii")
    for attempts_left in range(WORDS_ATTEMPTS, 0, -1):
        typed = " ".join(conversation.ask_words(attempts_left).lower().split())
        if hmac.compare_digest(words, typed.encode("utf-8")):
            return True
    return False
