"""What whoever runs the service asks it: is it alive, can it work, what has it counted."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import wraps
from ipaddress import ip_address
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from cardkit.errors import KeyStoreError
from server_stub.api.metrics import BooksCollector
from server_stub.api.words import words
from server_stub.services.caisse import Caisse
from server_stub.services.health import look

ALIVE: Final = "healthz"
_FORWARDED: Final = ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "Via")
"""Headers of proxies: what comes through one was not asked on this machine."""

View = Callable[[HttpRequest], HttpResponse]


def addresses_of_anybody() -> list[URLPattern]:
    """What says no more than that somebody is there."""

    @require_safe
    def alive(_request: HttpRequest) -> HttpResponse:
        return words("alive", status=200)

    return [path(ALIVE, alive, name="healthz")]


def addresses(caisse: Callable[[], Caisse]) -> list[URLPattern]:
    """What only this machine may ask, or whoever has the operator's token."""

    @require_safe
    @_for_operators
    def ready(_request: HttpRequest) -> HttpResponse:
        try:
            serving: Caisse | None = caisse()
        except KeyStoreError:
            serving = None
        health = look(serving, settings.DATA_DIR)
        return JsonResponse(health.as_json(), status=200 if health.is_ready else 503)

    @require_safe
    @_for_operators
    def metrics(_request: HttpRequest) -> HttpResponse:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(BooksCollector(caisse()))
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return [path("readyz", ready, name="readyz"), path("metrics", metrics, name="metrics")]


def _for_operators(view: View) -> View:
    """Refuse whoever is neither on this machine nor has the token."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if not (_is_local(request) or _has_token(request)):
            return words("not from here", status=403)
        return view(request)

    return guarded


def _is_local(request: HttpRequest) -> bool:
    if any(header in request.headers for header in _FORWARDED):
        return False
    try:
        return ip_address(str(request.META.get("REMOTE_ADDR", ""))).is_loopback
    except ValueError:
        return False


def _has_token(request: HttpRequest) -> bool:
    token, said = settings.OPERATOR_TOKEN, request.headers.get("Authorization", "")
    return bool(token) and hmac.compare_digest(said.encode(), f"Bearer {token}".encode())
