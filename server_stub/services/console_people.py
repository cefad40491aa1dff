"""Who may enter the console: their roles, links and second factors, and the end of it all."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, unique

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from cardkit.clock import business_date
from server_stub.models import AccessEvent, AccessEventKind, ConsoleRole, RoleGrant
from server_stub.services import roles
from server_stub.services.caisse import Caisse
from server_stub.services.invitations import open_links, revoke
from server_stub.services.roles import NotGranted
from server_stub.services.second_factor import Held, end_sessions, held_by, record

EVENTS_SHOWN = 30


@unique
class NotClosed(Enum):
    """Why somebody may still enter, or still not."""

    OWN = "nobody closes their own way in"
    NO_USER = "nobody of that number"
    LAST_ADMINISTRATOR = "nobody would be left to let people in"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolePerson:
    """Somebody who may enter the console, might before, or was invited to."""

    number: int
    username: str
    full_name: str
    is_open: bool
    has_password: bool
    last_login: datetime | None
    grants: tuple[RoleGrant, ...]
    """What counts today or later, the merchant of each with it."""
    held: Held
    link_until: datetime | None
    """Until when a link waits for them; None: none does."""


def everybody(caisse: Caisse) -> list[ConsolePerson]:
    """Return all people of the console, those who may enter first; four queries."""
    return _people(caisse, User.objects.using(caisse.using).order_by("-is_active", "username"))


def one(caisse: Caisse, number: int) -> ConsolePerson | None:
    """Return one of them."""
    found = _people(caisse, User.objects.using(caisse.using).filter(id=number))
    return found[0] if found else None


def events(caisse: Caisse, user: int | None = None) -> QuerySet[AccessEvent]:
    """Return what was last done to somebody's way in, or to anybody's; the newest first."""
    rows = AccessEvent.objects.using(caisse.using).select_related("user").order_by("-id")
    return (rows if user is None else rows.filter(user_id=user))[:EVENTS_SHOWN]


def close(caisse: Caisse, user: int, *, by: int) -> NotClosed | None:
    """Let somebody in no more: roles, links and sessions end; the last administrator stays."""
    if user == by:
        return NotClosed.OWN
    with caisse.alone():
        person = User.objects.using(caisse.using).filter(id=user, is_active=True).first()
        if person is None:
            return NotClosed.NO_USER
        held = list(_lasting(caisse).filter(user=user))
        held.sort(key=lambda grant: grant.role != ConsoleRole.ADMINISTRATOR)
        for grant in held:
            if roles.end(caisse, grant.pk, by=by) is NotGranted.LAST_ADMINISTRATOR:
                return NotClosed.LAST_ADMINISTRATOR
        revoke(caisse, user, by=by)
        _set_open(caisse, person, is_open=False)
        end_sessions(caisse, user)
        record(caisse, user, AccessEventKind.CLOSED, by=by)
    return None


def reopen(caisse: Caisse, user: int, *, by: int) -> NotClosed | None:
    """Let somebody in again who was before, with their password and without any role."""
    with caisse.alone():
        person = User.objects.using(caisse.using).filter(id=user, is_active=False).first()
        if person is None:
            return NotClosed.NO_USER
        _set_open(caisse, person, is_open=True)
        record(caisse, user, AccessEventKind.REOPENED, by=by)
    return None


def _set_open(caisse: Caisse, person: User, *, is_open: bool) -> None:
    person.is_active = is_open
    person.save(using=caisse.using, update_fields=["is_active"])


def _people(caisse: Caisse, users: QuerySet[User]) -> list[ConsolePerson]:
    found = list(users)
    numbers = [user.pk for user in found]
    grants: defaultdict[int, list[RoleGrant]] = defaultdict(list)
    for grant in _lasting(caisse).filter(user__in=numbers).select_related("merchant"):
        grants[grant.user_id].append(grant)
    links = open_links(caisse).filter(user__in=numbers)
    until = dict(links.values_list("user_id", "expires_at"))
    held = held_by(caisse, numbers)
    return [
        ConsolePerson(
            number=user.pk,
            username=user.username,
            full_name=user.first_name,
            is_open=user.is_active,
            has_password=user.has_usable_password(),
            last_login=user.last_login,
            grants=tuple(grants[user.pk]),
            held=held[user.pk],
            link_until=until.get(user.pk),
        )
        for user in found
    ]


def _lasting(caisse: Caisse) -> QuerySet[RoleGrant]:
    """Return the grants that count today or will, and were not ended."""
    today = business_date(caisse.now())
    grants = RoleGrant.objects.using(caisse.using).filter(end__isnull=True)
    return grants.filter(Q(until_day__isnull=True) | Q(until_day__gt=today))
