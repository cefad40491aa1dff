"""Browsers of people in each role, for tests of the console's pages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.contrib.auth.models import User
from django.test import Client, override_settings

from server_stub.models import ConsoleRole
from server_stub.services.caisse import Caisse
from server_stub.services.seed import console_user
from server_stub.urls import routes


class HasCaisse(Protocol):
    """Whatever has a caisse: a world, or a life that was lived."""

    @property
    def caisse(self) -> Caisse:
        """The service at work."""


World = TypeVar("World", bound=HasCaisse)


@contextmanager
def served(world: World) -> Iterator[World]:
    """Serve a world's caisse over HTTP."""
    patterns = tuple(one for some in routes(lambda: world.caisse).values() for one in some)
    with override_settings(ROOT_URLCONF=patterns):
        yield world


def visitor(world: HasCaisse, *roles: ConsoleRole, merchant: int | None = None) -> Client:
    """A browser of somebody who has just entered with these roles; each call is another person."""
    name = f"visitor{User.objects.count()}"
    console_user(world.caisse, name, *roles, merchant=merchant)
    user = User.objects.get(username=name)
    client = Client()
    client.force_login(user)
    enter(client, user, at=time.time())
    return client


def enter(client: Client, user: User, *, at: float) -> None:
    """Let a session say that its password was given at a moment: seconds since 1970."""
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": at}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
