"""The console's addresses."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, path

from server_stub.console.access import pages as access
from server_stub.console.declared import addresses
from server_stub.console.pages import PAGES
from server_stub.console.public.views import public
from server_stub.console.words import choose_language
from server_stub.services.caisse import Caisse


def of_people(caisse: Callable[[], Caisse]) -> list[URLPattern]:
    """What only a person who has logged in may see or do."""
    return [
        *addresses(PAGES, caisse),
        path("logout", login_required(LogoutView.as_view()), name="logout"),
    ]


def of_anybody(caisse: Callable[[], Caisse]) -> list[URLPattern]:
    """What comes before that."""
    return [
        *access.of_anybody(caisse),
        path("language", choose_language, name="language"),
    ]


def of_the_public(caisse: Callable[[], Caisse]) -> list[URLPattern]:
    """What everybody may read."""
    return [path("public/", public(caisse), name="public")]
