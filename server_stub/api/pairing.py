"""Where a terminal asks to be let in: unsigned, because nobody knows its key yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from cardkit import cbor
from cardkit.errors import DocumentError
from cardkit.pairing import PATH, PairRequest
from cardkit.schema import unpack
from cardkit.sync import CONTENT_TYPE
from server_stub.api.words import too_large, words
from server_stub.api.workshop import said
from server_stub.services.caisse import Caisse
from server_stub.services.pairing import StillWaiting, ask_to_pair

REQUEST_BYTES_MAX: Final = 512
"""A request has 160; anybody may post here."""


def addresses(caisse: Callable[[], Caisse]) -> list[URLPattern]:
    """The terminals' one address before they are enrolled.

    200 and a PairResult, or 202 while the workshop has not decided: then the terminal posts the
    same request again.
    """

    @csrf_exempt
    @require_POST
    def view(request: HttpRequest) -> HttpResponse:
        if too_large(request, REQUEST_BYTES_MAX):
            return words("too large", status=413)
        if request.headers.get("Content-Type") != CONTENT_TYPE:
            return words(f"expected {CONTENT_TYPE}", status=415)
        try:
            asked = unpack(PairRequest, cbor.decode(request.body))
        except DocumentError as error:
            return words(str(error), status=400)
        answer = ask_to_pair(caisse(), asked)
        if isinstance(answer, StillWaiting):
            return HttpResponse(status=202)
        return said(answer)

    return [path(PATH.removeprefix("/"), view)]
