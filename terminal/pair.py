"""A new terminal gets its identity: what the ticket promised is checked before anything is kept.

The terminal makes its own keys and shows four words, which the coordinator types. What comes
back is believed because of the root key's digest on the ticket, and of nothing else
(docs/protocol.md, "Pairing"). The journal is begun last: a pairing that was cut short leaves
nothing that looks like a terminal.
"""

from __future__ import annotations

import hmac
import logging
from pathlib import Path
from typing import Final, Self

import requests

from cardkit import cbor
from cardkit.bodies import Enrolled
from cardkit.certificates import (
    Role,
    Trust,
    open_certificate,
    terminal_keys,
)
from cardkit.clock import Clock
from cardkit.errors import (
    AlreadyPaired,
    DocumentError,
    DocumentForeign,
    DocumentMalformed,
    KeyStoreError,
    ServerRefused,
)
from cardkit.frozen import dataclass
from cardkit.pairing import (
    PATH,
    SERVICE_PURPOSE,
    CardMasters,
    PairRequest,
    PairResult,
    Ticket,
    pair_request,
    workshop_purpose,
)
from cardkit.permit import accept_permit
from cardkit.schema import pack, unpack
from cardkit.sealing import SealingKey
from cardkit.signing import PublicKey, SigningKey, parse
from cardkit.sync import CONTENT_TYPE
from terminal.config import DataDirectory
from terminal.documents import Document, Documents, Identity
from terminal.files import write_atomically
from terminal.floored import FlooredClock
from terminal.journal import Journal
from terminal.keyring import TOKEN_KEY_BYTES, write_keyring
from terminal.software import Software
from terminal.store import Store
from terminal.sync import READ_TIMEOUT_S, post

logger = logging.getLogger(__name__)

WAITING: Final = 202
"""The coordinator has not typed the words yet."""
_UNFINISHED: Final = "pairing.cbor"


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys that a terminal makes for itself."""

    journal: SigningKey
    transport: SigningKey
    sealing: SealingKey

    @classmethod
    def generate(cls, caisse: str) -> Self:
        """Make new keys."""
        return cls(
            SigningKey.generate(caisse=caisse),
            SigningKey.generate(caisse=caisse),
            SealingKey.generate(),
        )


class Pairing:
    """One pairing under way; a restart goes on with the same keys and words."""

    def __init__(
        self,
        data: DataDirectory,
        ticket: Ticket,
        *,
        session: requests.Session,
        read_timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        """Make keys for a data directory; raises AlreadyPaired when a terminal lives there."""
        if data.journal.exists():
            raise AlreadyPaired(f"{data.root} belongs to a terminal already")
        data.create()
        self._data = data
        self._ticket = ticket
        self._session = session
        self._read_timeout_s = read_timeout_s
        self._url = ticket.url.rstrip("/") + PATH
        self._keys = self._unfinished() or self._begin()

    @property
    def request(self) -> PairRequest:
        """What the terminal asks for."""
        return pair_request(
            self._ticket,
            public_key=self._keys.journal.public.encoded,
            transport_key=self._keys.transport.public.encoded,
            sealing_key=self._keys.sealing.public_bytes,
        )

    @property
    def words(self) -> str:
        """The four words that the coordinator has to type."""
        return self.request.words

    def ask(self) -> PairResult | None:
        """Ask once; None while nobody has approved. Raises SyncError or DocumentMalformed."""
        body = cbor.encode(pack(self.request))
        try:
            answer = post(
                self._session,
                self._url,
                body,
                {"Content-Type": CONTENT_TYPE},
                read_timeout_s=self._read_timeout_s,
            )
        except ServerRefused as refused:
            if refused.status == WAITING:
                return None
            raise
        return unpack(PairResult, cbor.decode(answer))

    def finish(self, result: PairResult, *, clock: Clock, software: Software) -> Identity:
        """Check everything against the ticket, then become this terminal.

        Raises DocumentError when something does not fit; then nothing was kept.
        """
        root = PublicKey.from_bytes(result.root)
        if not hmac.compare_digest(root.digest, self._ticket.root_digest):
            raise DocumentForeign("not the root key that the ticket promised")
        terminal = self._check_certificate(result.certificate, root)
        trust = Trust(root, caisse=self._ticket.caisse)
        for certificate in result.certificates:
            trust.accept(certificate)
        permit = accept_permit(result.permit, trust, terminal=terminal)
        token, cards = self._open_secrets(result)
        write_keyring(
            self._data.keys,
            journal=self._keys.journal,
            transport=self._keys.transport,
            token=token,
            cards=cards,
        )
        identity = Identity(
            caisse=self._ticket.caisse,
            terminal=terminal,
            root=root,
            service_url=result.service_url or self._ticket.url,
        )
        documents = Documents(self._data.documents)
        documents.put_content(Document.TERMINAL_CERTIFICATE, result.certificate)
        documents.identity = identity
        enrolled = Enrolled(
            certificate=parse(result.certificate).digest,
            permit=permit.digest,
            software=software.digest,
            board_serial=software.board_serial,
        )
        self._begin_books(result, identity, enrolled, clock)
        self._path.unlink(missing_ok=True)
        return identity

    @property
    def _path(self) -> Path:
        return self._data.keys / _UNFINISHED

    def _check_certificate(self, content: bytes, root: PublicKey) -> int:
        """Return the terminal's number, once the certificate is for the keys made here."""
        certificate = open_certificate(content, root, caisse=self._ticket.caisse)
        ours = self._keys.journal.public, self._keys.transport.public
        if certificate.role is not Role.TERMINAL or terminal_keys(certificate) != ours:
            raise DocumentForeign("a certificate for other keys")
        return certificate.subject

    def _open_secrets(self, result: PairResult) -> tuple[bytes, CardMasters]:
        sealing = self._keys.sealing
        token = sealing.open(result.sealed_token_key, purpose=SERVICE_PURPOSE)
        if len(token) != TOKEN_KEY_BYTES:
            raise DocumentMalformed(f"a token key of {len(token)} bytes")
        masters = sealing.open(
            result.sealed_card_masters, purpose=workshop_purpose(self._ticket.secret)
        )
        return token, unpack(CardMasters, cbor.decode(masters))

    def _begin_books(
        self, result: PairResult, identity: Identity, enrolled: Enrolled, clock: Clock
    ) -> None:
        store = Store.open(self._data)
        try:
            store.accept_certificates(result.certificates)
            store.accept_permit(result.permit)
            Journal.create(
                self._data.journal,
                key=self._keys.journal,
                terminal=identity.terminal,
                clock=FlooredClock(clock, store),
                enrolled=enrolled,
            ).close()
        finally:
            store.close()

    def _begin(self) -> _Keys:
        keys = _Keys.generate(self._ticket.caisse)
        content: list[cbor.Value] = [
            self._ticket.pairing_id,
            keys.journal.to_pem(),
            keys.transport.to_pem(),
            keys.sealing.private_bytes,
        ]
        try:
            write_atomically(self._path, cbor.encode(content))
        except OSError as error:
            raise KeyStoreError(f"{self._path}: {error.strerror}") from error
        return keys

    def _unfinished(self) -> _Keys | None:
        """Return the keys of this ticket's pairing that was cut short."""
        try:
            content = cbor.decode(self._path.read_bytes())
        except (OSError, DocumentError):
            return None
        match content:
            case [self._ticket.pairing_id, bytes(journal), bytes(transport), bytes(sealing)]:
                caisse = self._ticket.caisse
                return _Keys(
                    SigningKey.from_pem(journal, caisse=caisse),
                    SigningKey.from_pem(transport, caisse=caisse),
                    SealingKey.from_bytes(sealing),
                )
        return None
