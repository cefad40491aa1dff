"""People who were let into a console as people are: invited, with a password of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from server_stub.models import ConsoleRole
from server_stub.services import invitations
from server_stub.services.invitations import Invited, Wish
from tests.console_visitors import HasCaisse

PASSWORD: Final = "sept cerises dans un panier"


@dataclass(frozen=True)
class Person:
    """Somebody who has chosen a password and no second factor yet."""

    name: str
    user: User


def let_in(world: HasCaisse, name: str, *roles: ConsoleRole) -> Person:
    """Invite somebody, who then chooses the password."""
    invited = invited_to(world, name, *roles)
    user = invitations.accept(world.caisse, invited.token, PASSWORD)
    assert user is not None
    return Person(name, user)


def invited_to(world: HasCaisse, name: str, *roles: ConsoleRole) -> Invited:
    """Invite somebody from the server."""
    wishes = [Wish(role=role) for role in roles]
    invited = invitations.invite(world.caisse, name, name.title(), wishes, by=0)
    assert isinstance(invited, Invited)
    return invited


def give_password(client: Client, name: str, password: str = PASSWORD) -> HttpResponse:
    """Type a name and a password at the door."""
    answer = client.post("/login", {"login": name, "password": password})
    return cast("HttpResponse", answer)


def entered(person: Person) -> Client:
    """A browser in which somebody gave a password, all that they have."""
    client = Client()
    assert give_password(client, person.name).status_code == 302
    return client


def codes_now(secret: str) -> list[str]:
    """The codes that an application shows now: before, at and after this half minute."""
    return [
        format_hotp_value(hotp_value(secret, counter))
        for counter in yield_hotp_counters_from_time()
    ]
