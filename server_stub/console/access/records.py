"""What people do to their own way in is put on record, whichever page of allauth did it."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import password_changed
from allauth.mfa.signals import authenticator_added, authenticator_removed
from django.http import HttpRequest

from server_stub.models import AccessEventKind
from server_stub.services.second_factor import record


def listen() -> None:
    """Hear of it from now on; once a process."""
    password_changed.connect(_password_changed)
    authenticator_added.connect(_factor_added)
    authenticator_removed.connect(_factor_removed)


def _password_changed(request: HttpRequest, **_: Any) -> None:
    _keep(request, AccessEventKind.PASSWORD_CHANGED)


def _factor_added(request: HttpRequest, **_: Any) -> None:
    _keep(request, AccessEventKind.FACTOR_ADDED)


def _factor_removed(request: HttpRequest, **_: Any) -> None:
    _keep(request, AccessEventKind.FACTOR_REMOVED)


def _keep(request: HttpRequest, kind: AccessEventKind) -> None:
    visit = getattr(request, "visit", None)
    if visit is not None:
        record(visit.caisse, visit.user, kind, by=visit.user)
