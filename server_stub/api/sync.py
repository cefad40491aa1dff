"""Where terminals send what happened, and learn what they need for the next day."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from cardkit.cbor import BYTES_MAX
from cardkit.errors import DocumentError, DocumentForeign, SignatureInvalid
from cardkit.httpsig import verify_post
from cardkit.signing import PublicKey
from cardkit.sync import CONTENT_TYPE, PATH, decode_request, terminal_key_id
from server_stub.api.words import too_large, words
from server_stub.models import Terminal
from server_stub.request_log import note
from server_stub.services.caisse import Caisse
from server_stub.services.sync import sync

logger = logging.getLogger(__name__)

REQUEST_BYTES_MAX: Final = BYTES_MAX


def addresses(caisse: Callable[[], Caisse]) -> list[URLPattern]:
    """The terminals' one address once they are enrolled."""

    @csrf_exempt
    @require_POST
    def view(request: HttpRequest) -> HttpResponse:
        if too_large(request, REQUEST_BYTES_MAX):
            return words("too large", status=413)
        serving = caisse()
        try:
            key_id = verify_post(
                request.build_absolute_uri(),
                request.headers,
                request.body,
                find_key=lambda key_id: _transport_key(serving, key_id),
            )
            asked = decode_request(request.body)
            if key_id != terminal_key_id(asked.terminal):
                raise DocumentForeign(f"{key_id} speaks for terminal {asked.terminal}")
        except SignatureInvalid as error:
            logger.warning("request refused", extra={"what": type(error).__name__})
            return words("not an enrolled terminal", status=401)
        except DocumentForeign as error:
            logger.warning("request refused", extra={"what": type(error).__name__})
            return words("another terminal's request", status=403)
        except DocumentError as error:
            return words(str(error), status=400)
        note(request, terminal=asked.terminal, entries=len(asked.entries))
        return HttpResponse(sync(serving, asked), content_type=CONTENT_TYPE)

    return [path(PATH.removeprefix("/"), view, name="sync")]


def _transport_key(caisse: Caisse, key_id: str) -> PublicKey | None:
    """The key of a terminal of any standing: one that was revoked may still tell its facts."""
    prefix, _, number = key_id.rpartition("-")
    if not number.isascii() or not number.isdecimal() or len(number) > 10:
        return None
    terminal = Terminal.objects.using(caisse.using).filter(id=int(number)).first()
    if terminal is None or key_id != terminal_key_id(terminal.id) or not prefix:
        return None
    return PublicKey.from_bytes(terminal.transport_key)
