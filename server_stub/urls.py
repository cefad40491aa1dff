"""Every address of the service, under who may call it: there is no other way to add one."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, unique

from django.urls import URLPattern

from server_stub.api import operator, pairing, sync, workshop
from server_stub.console import addresses
from server_stub.services.caisse import Caisse
from server_stub.wiring import caisse


@unique
class Caller(Enum):
    """Who may call an address, and how it is known."""

    TERMINAL = "signed with the transport key of an enrolled terminal"
    WORKSHOP = "signed with the workshop's certified key"
    TICKET_HOLDER = "unsigned: knows a pairing ticket that is open"
    PERSON = "logged in to the console"
    ANYBODY = "unknown: about to log in, or a reader of what is public"
    PROBE = "anybody: learns that the service is there, and nothing else"
    OPERATOR = "on this machine and through no proxy, or with the operator's token"


def routes(serving: Callable[[], Caisse]) -> dict[Caller, list[URLPattern]]:
    """Return every address of a caisse, by who may call it."""
    return {
        Caller.TERMINAL: sync.addresses(serving),
        Caller.WORKSHOP: workshop.addresses(serving),
        Caller.TICKET_HOLDER: pairing.addresses(serving),
        Caller.PERSON: addresses.of_people(serving),
        Caller.ANYBODY: [*addresses.of_anybody(serving), *addresses.of_the_public(serving)],
        Caller.PROBE: operator.addresses_of_anybody(),
        Caller.OPERATOR: operator.addresses(serving),
    }


ROUTES = routes(caisse)
urlpatterns = [pattern for patterns in ROUTES.values() for pattern in patterns]
