"""A terminal's way in, as far as the service has a say: it carries, the workshop decides.

The service never learns the ticket's secret: it can't tell a genuine request from another, and
can't make one. So it keeps every different request, up to a bound, until the workshop names the
one that it certified (docs/protocol.md, "Pairing").
"""

from __future__ import annotations

import hmac
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, unique
from typing import Final

from django.db.models import Max

from cardkit import cbor
from cardkit.acts import DocumentHeld
from cardkit.certificates import Role, open_certificate
from cardkit.errors import DocumentError
from cardkit.pairing import (
    PAIRING_MINUTES,
    REQUESTS_MAX,
    SERVICE_PURPOSE,
    PairRequest,
    PairResult,
)
from cardkit.schema import pack, unpack
from cardkit.sealing import seal
from cardkit.signing import PublicKey
from cardkit.workshop import (
    PairingApprove,
    PairingApproved,
    PairingOpen,
    PairingOpened,
    PairingShow,
    PairingShown,
)
from server_stub.keys import KeyRing, token_key_purpose
from server_stub.models import (
    Merchant,
    Pairing,
    PairingRequest,
    PairingState,
    Terminal,
    TokenKey,
)
from server_stub.services.acts import record
from server_stub.services.caisse import Caisse
from server_stub.services.issue import issue_permit

logger = logging.getLogger(__name__)

TOKEN_KEY_BYTES: Final = 32
_LIFE: Final = timedelta(minutes=PAIRING_MINUTES)

RandomBytes = Callable[[int], bytes]


@unique
class PairingRefusal(Enum):
    """Why a pairing does not go on."""

    MERCHANT_UNKNOWN = "no such merchant"
    NO_PAIRING = "no such pairing, or its time is over"
    TOO_MANY = "too many different requests"
    TAKEN = "another terminal was let in"
    NO_REQUEST = "no such request"
    CERTIFICATE_WRONG = "the certificate is not the root's for this terminal's keys"


@dataclass(frozen=True, slots=True)
class StillWaiting:
    """The request is kept; ask again."""


def open_pairing(caisse: Caisse, opening: PairingOpen) -> PairingOpened | PairingRefusal:
    """Expect a terminal, and say which number it will have."""
    with caisse.alone():
        pairings = Pairing.objects.using(caisse.using)
        held = pairings.filter(pairing_id=opening.pairing_id).first()
        if held is not None:
            return PairingOpened(terminal=held.terminal_number)
        wanted = set(opening.merchants)
        known = Merchant.objects.using(caisse.using).filter(pk__in=wanted)
        if not wanted or known.count() != len(wanted):
            return PairingRefusal.MERCHANT_UNKNOWN
        now = caisse.now()
        pairing = pairings.create(
            pairing_id=opening.pairing_id,
            terminal_number=_next_terminal(caisse),
            merchants=sorted(wanted),
            opened_at=now,
            expires_at=now + _LIFE,
        )
        return PairingOpened(terminal=pairing.terminal_number)


def show_pairing(caisse: Caisse, show: PairingShow) -> PairingShown | PairingRefusal:
    """Tell the workshop who has come."""
    with caisse.alone():
        pairing = _alive(caisse, show.pairing_id)
        if pairing is None:
            return PairingRefusal.NO_PAIRING
        return PairingShown(requests=tuple(held.content for held in pairing.requests.all()))


def ask_to_pair(caisse: Caisse, request: PairRequest) -> PairResult | StillWaiting | PairingRefusal:
    """Take a terminal's request; once it is approved, the same request fetches the result."""
    with caisse.alone():
        pairing = _alive(caisse, request.pairing_id)
        if pairing is None:
            return PairingRefusal.NO_PAIRING
        return _asked(caisse, pairing, request)


def approve_pairing(
    caisse: Caisse, approval: PairingApprove, *, random: RandomBytes = os.urandom
) -> PairingApproved | PairingRefusal:
    """Let in the terminal that the workshop certified, with a key that we share with it alone."""
    with caisse.alone():
        pairing = _alive(caisse, approval.pairing_id)
        if pairing is None:
            return PairingRefusal.NO_PAIRING
        held = pairing.requests.filter(tag=approval.mac).first()
        if held is None:
            return PairingRefusal.NO_REQUEST
        if pairing.state == PairingState.APPROVED:
            return PairingApproved()
        request = unpack(PairRequest, cbor.decode(held.content))
        if not _certifies(caisse.ring, approval.certificate, request, pairing.terminal_number):
            return PairingRefusal.CERTIFICATE_WRONG
        pairing.requests.exclude(pk=held.pk).delete()
        _let_in(caisse, pairing, request, approval, random(TOKEN_KEY_BYTES))
        return PairingApproved()


def _asked(
    caisse: Caisse, pairing: Pairing, request: PairRequest
) -> PairResult | StillWaiting | PairingRefusal:
    content = cbor.encode(pack(request))
    known = {held.content: held.tag for held in pairing.requests.all()}
    if pairing.result is not None:
        result = unpack(PairResult, cbor.decode(pairing.result))
        return result if content in known else PairingRefusal.TAKEN
    if content in known:
        return StillWaiting()
    if any(hmac.compare_digest(tag, request.mac) for tag in known.values()):
        return PairingRefusal.TAKEN
    if len(known) >= REQUESTS_MAX:
        return PairingRefusal.TOO_MANY
    PairingRequest.objects.using(caisse.using).create(
        pairing=pairing, tag=request.mac, content=content, received_at=caisse.now()
    )
    return StillWaiting()


def _let_in(
    caisse: Caisse,
    pairing: Pairing,
    request: PairRequest,
    approval: PairingApprove,
    token_key: bytes,
) -> None:
    """Enrol the terminal, and keep what it is to fetch."""
    ring = caisse.ring
    terminal = Terminal.objects.using(caisse.using).create(
        id=pairing.terminal_number,
        journal_key=request.public_key,
        transport_key=request.transport_key,
        certificate=approval.certificate,
        enrolled_at=caisse.now(),
        cursor_head=PublicKey.from_bytes(request.public_key).digest,
    )
    sealed = ring.seal(token_key, purpose=token_key_purpose(terminal.id))
    TokenKey.objects.using(caisse.using).create(terminal=terminal, sealed=sealed)
    record(caisse, DocumentHeld(content=approval.certificate))
    permit = issue_permit(caisse, terminal, merchants=pairing.merchants)
    result = PairResult(
        root=ring.public.root,
        certificate=approval.certificate,
        certificates=ring.public.certificates,
        permit=permit.content,
        sealed_token_key=seal(token_key, request.sealing_key, purpose=SERVICE_PURPOSE),
        sealed_card_masters=approval.sealed_card_masters,
    )
    pairing.result = cbor.encode(pack(result))
    pairing.state, pairing.terminal = PairingState.APPROVED, terminal
    pairing.save(using=caisse.using, update_fields=["result", "state", "terminal"])
    logger.info("enrolled", extra={"terminal": terminal.id, "merchants": pairing.merchants})


def _alive(caisse: Caisse, pairing_id: bytes) -> Pairing | None:
    """The pairing while its time is not over, locked to the end of the transaction."""
    pairings = Pairing.objects.using(caisse.using).select_for_update(of=("self",))
    return pairings.filter(pairing_id=pairing_id, expires_at__gt=caisse.now()).first()


def _next_terminal(caisse: Caisse) -> int:
    """A number that no terminal had and no ticket was promised: an id is never used again."""
    pairings, terminals = Pairing.objects.using(caisse.using), Terminal.objects.using(caisse.using)
    promised = pairings.aggregate(highest=Max("terminal_number"))["highest"] or 0
    enrolled = terminals.aggregate(highest=Max("id"))["highest"] or 0
    return int(max(promised, enrolled)) + 1


def _certifies(ring: KeyRing, encoded: bytes, request: PairRequest, terminal: int) -> bool:
    """Say whether the root certified just these keys under just this number."""
    try:
        certificate = open_certificate(encoded, ring.trust.root, caisse=ring.caisse)
    except DocumentError:
        return False
    return (
        certificate.role is Role.TERMINAL
        and certificate.subject == terminal
        and certificate.public_key == request.public_key
        and certificate.transport_key == request.transport_key
    )
