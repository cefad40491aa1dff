"""What the workshop asks by HTTP: card keys, births, pairings; signed with its certified key."""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum
from typing import Final, TypeVar

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from cardkit import cbor
from cardkit.errors import DocumentError, KeyStoreError, SignatureInvalid
from cardkit.httpsig import verify_post
from cardkit.schema import pack, unpack
from cardkit.signing import PublicKey
from cardkit.sync import CONTENT_TYPE
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
    CardFinish,
    PairingApprove,
    PairingOpen,
    PairingShow,
    RekeyBegin,
    RekeyFinish,
    VersionsAsk,
)
from server_stub.api.words import too_large, words
from server_stub.services.caisse import Caisse
from server_stub.services.card_issue import CardRefusal, begin_card, finish_card
from server_stub.services.card_rekey import (
    RekeyRefusal,
    begin_rekey,
    count_versions,
    finish_rekey,
)
from server_stub.services.pairing import (
    PairingRefusal,
    approve_pairing,
    open_pairing,
    show_pairing,
)

logger = logging.getLogger(__name__)

REQUEST_BYTES_MAX: Final = 64 * 1024
"""The longest carries a certificate and sealed masters."""
REFUSED: Final[dict[Enum, int]] = {
    CardRefusal.ACCOUNT_UNKNOWN: 404,
    CardRefusal.ANOTHER_ACCOUNTS: 409,
    CardRefusal.NOT_BEGUN: 404,
    CardRefusal.NOT_PROVEN: 422,
    CardRefusal.BORN_OTHERWISE: 409,
    RekeyRefusal.NOT_ISSUED: 404,
    RekeyRefusal.NOT_IN_USE: 409,
    RekeyRefusal.VERSION_FELL: 409,
    PairingRefusal.MERCHANT_UNKNOWN: 404,
    PairingRefusal.NO_PAIRING: 404,
    PairingRefusal.TOO_MANY: 429,
    PairingRefusal.TAKEN: 409,
    PairingRefusal.NO_REQUEST: 404,
    PairingRefusal.CERTIFICATE_WRONG: 422,
}

M = TypeVar("M")
View = Callable[[HttpRequest], HttpResponse]


def addresses(caisse: Callable[[], Caisse]) -> list[URLPattern]:
    """The workshop's addresses, served by the caisse that is asked for at each request."""
    views = {
        CARD_BEGIN_PATH: _view(caisse, CardBegin, begin_card),
        CARD_FINISH_PATH: _view(caisse, CardFinish, finish_card),
        CARD_REKEY_PATH: _view(caisse, RekeyBegin, begin_rekey),
        CARD_REKEYED_PATH: _view(caisse, RekeyFinish, finish_rekey),
        CARD_VERSIONS_PATH: _view(caisse, VersionsAsk, count_versions),
        PAIRING_OPEN_PATH: _view(caisse, PairingOpen, open_pairing),
        PAIRING_SHOW_PATH: _view(caisse, PairingShow, show_pairing),
        PAIRING_APPROVE_PATH: _view(caisse, PairingApprove, approve_pairing),
    }
    return [path(address.removeprefix("/"), view) for address, view in views.items()]


def said(answer: object) -> HttpResponse:
    """A document as CBOR, or a refusal as its status and words."""
    if isinstance(answer, Enum):
        return words(answer.value, status=REFUSED[answer])
    return HttpResponse(cbor.encode(pack(answer)), content_type=CONTENT_TYPE)


def _view(
    caisse: Callable[[], Caisse], kind: type[M], serve: Callable[[Caisse, M], object]
) -> View:
    @csrf_exempt
    @require_POST
    def view(request: HttpRequest) -> HttpResponse:
        if too_large(request, REQUEST_BYTES_MAX):
            return words("too large", status=413)
        serving = caisse()
        try:
            verify_post(
                request.build_absolute_uri(),
                request.headers,
                request.body,
                find_key=lambda key_id: _key(serving, key_id),
            )
            message = unpack(kind, cbor.decode(request.body))
        except (SignatureInvalid, KeyStoreError) as error:
            logger.warning("request refused", extra={"what": type(error).__name__})
            return words("not the workshop", status=401)
        except DocumentError as error:
            return words(str(error), status=400)
        return said(serve(serving, message))

    return view


def _key(caisse: Caisse, key_id: str) -> PublicKey | None:
    return caisse.ring.public.workshop_key(caisse.now()) if key_id == WORKSHOP_KEY_ID else None
