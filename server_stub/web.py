"""What every answer of the service carries, and what it says while its database is busy."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, cast

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

logger = logging.getLogger(__name__)

RETRY_AFTER_S: Final = 15
"""Less than a terminal waits by itself, and long enough for a queue of deliveries to shorten."""

POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""No script at all, nothing inline, nothing from elsewhere."""

SCRIPTED: Final = f"{POLICY}; script-src 'self'; connect-src 'self'"
"""Of the few pages where a browser is asked for a passkey: our own files, and nothing inline."""

FEATURES: Final = (
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=(), "
    "publickey-credentials-create=(self), publickey-credentials-get=(self)"
)
"""What a browser may be asked for here: passkeys, and nothing else."""

Respond = Callable[[HttpRequest], HttpResponse]


def strict_headers(respond: Respond) -> Respond:
    """Middleware: tell the browser what this site never does, and to keep none of its pages."""

    def strict(request: HttpRequest) -> HttpResponse:
        response = respond(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers["Permissions-Policy"] = FEATURES
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Cache-Control"] = "no-store"
        return response

    return strict


def scripted(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponse]:
    """Return a view whose pages may run the scripts of this site; no other page runs any."""

    @wraps(view)
    def answer(*arguments: Any, **named: Any) -> HttpResponse:
        response = cast("HttpResponse", view(*arguments, **named))
        response.headers["Content-Security-Policy"] = SCRIPTED
        return response

    return answer


class Patience:
    """Middleware: a database that is busy, full or away is no error of ours, and passes.

    The transaction was rolled back whole, so nothing of the request was taken; whoever sent it
    still has it, and is asked to come again.
    """

    def __init__(self, respond: Respond) -> None:
        self._respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Hand the request on."""
        return self._respond(request)

    def process_exception(self, _request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer 503 where the database could not be had; anything else is nobody's business."""
        if not isinstance(error, OperationalError | InterfaceError):
            return None
        logger.error("database not to be had", extra={"what": type(error).__name__})
        text = "busy: nothing was taken, send it again"
        return HttpResponse(
            text,
            status=503,
            content_type="text/plain; charset=utf-8",
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )
