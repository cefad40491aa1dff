"""A line for each request: which address, how it ended, how long it took; nobody's name."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

logger = logging.getLogger(__name__)

ID_HEADER: Final = "X-Request-Id"
NOTED: Final = "clafoutis_noted"
"""Attribute of a request: numbers that a view adds to its line."""
_ID_BYTES: Final = 8

Respond = Callable[[HttpRequest], HttpResponse]


def logged(respond: Respond) -> Respond:
    """Middleware: give a request an id, and write its line when it is answered."""

    def log(request: HttpRequest) -> HttpResponse:
        number, begun_ns = secrets.token_hex(_ID_BYTES), time.monotonic_ns()
        response = respond(request)
        response.headers[ID_HEADER] = number
        match = request.resolver_match
        fields = {
            "request": number,
            "route": "-" if match is None else match.route,
            "method": request.method,
            "status": response.status_code,
            "ms": (time.monotonic_ns() - begun_ns) // 1_000_000,
        }
        logger.info("request", extra=fields | getattr(request, NOTED, {}))
        return response

    return log


def note(request: HttpRequest, **numbers: int) -> None:
    """Add numbers to a request's line (`log_lines.FIELDS`)."""
    setattr(request, NOTED, getattr(request, NOTED, {}) | numbers)
