"""The console's addresses."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, path

from server_stub.console.declared import addresses
from server_stub.console.login import Login
from server_stub.console.pages import PAGES
from server_stub.console.words import choose_language
from server_stub.services.caisse import Caisse


def of_people(caisse: Callable[[], Caisse]) -> list[URLPattern]:
    """What only a person who has logged in may see or do."""
    return [
        *addresses(PAGES, caisse),
        path("logout", login_required(LogoutView.as_view()), name="logout"),
    ]


def of_anybody() -> list[URLPattern]:
    """What comes before that."""
    return [
        path("login", Login.as_view(), name="login"),
        path("language", choose_language, name="language"),
    ]
