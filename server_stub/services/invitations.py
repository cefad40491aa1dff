"""People who are let into the console: by a link that opens once, and for two days.

A link's secret is told to whoever made it, once; the database keeps a hash. It lets one person
choose a password: a new one who was invited, or one who has forgotten theirs.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum, unique
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from server_stub.models import (
    AccessEventKind,
    AccessLink,
    AccessLinkEnd,
    ConsoleRole,
    LinkEndKind,
)
from server_stub.services import roles
from server_stub.services.caisse import Caisse
from server_stub.services.roles import NotGranted
from server_stub.services.second_factor import end_sessions, record

LASTING: Final = timedelta(hours=48)
_TOKEN_BYTES: Final = 32
USERNAME_MAX: Final = 60
FULL_NAME_MAX: Final = 100


@unique
class NotInvited(Enum):
    """Why no link was made."""

    NAME_TAKEN = "somebody enters under that name already"
    NO_ROLE = "whoever is let in has something to do here"
    NO_USER = "nobody of that number may enter"
    OWN = "nobody makes a link for themselves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A role that somebody is invited to, from a day until a day."""

    role: ConsoleRole
    merchant: int | None = None
    from_day: date | None = None
    """None: today."""
    until_day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """A person who may now choose a password; the token is told once."""

    user: int
    token: str = field(repr=False)


def invite(
    caisse: Caisse, username: str, full_name: str, wishes: Sequence[Wish], *, by: int
) -> Invited | NotInvited | NotGranted:
    """Make a person with roles and a link; nothing at all is made where one role is refused.

    `by` is an administrator, or 0: typed on the server itself.
    """
    if not wishes:
        return NotInvited.NO_ROLE
    with caisse.alone():
        users = User.objects.using(caisse.using)
        if users.filter(username__iexact=username).exists():
            return NotInvited.NAME_TAKEN
        user = User(username=username, first_name=full_name)
        user.set_unusable_password()
        user.save(using=caisse.using)
        for wish in wishes:
            given = roles.grant(
                caisse,
                user.pk,
                wish.role,
                by=by,
                merchant=wish.merchant,
                from_day=wish.from_day,
                until_day=wish.until_day,
            )
            if isinstance(given, NotGranted):
                transaction.set_rollback(True, using=caisse.using)
                return given
        return Invited(user=user.pk, token=_make(caisse, user.pk, by))


def renew(caisse: Caisse, user: int, *, by: int) -> Invited | NotInvited:
    """Make another link for somebody who is known: the first one ran out, a password is forgotten.

    Nothing changes for them before they use it; an older link opens nothing from now on.
    """
    if by == user:
        return NotInvited.OWN
    with caisse.alone():
        if not User.objects.using(caisse.using).filter(id=user, is_active=True).exists():
            return NotInvited.NO_USER
        _end(caisse, open_links(caisse).filter(user=user), LinkEndKind.REPLACED, by)
        return Invited(user=user, token=_make(caisse, user, by))


def revoke(caisse: Caisse, user: int, *, by: int) -> bool:
    """Let somebody's link open nothing any more; false where none was open."""
    with caisse.alone():
        return _end(caisse, open_links(caisse).filter(user=user), LinkEndKind.REVOKED, by) > 0


def opens_for(caisse: Caisse, token: str) -> User | None:
    """Return whom a link lets in, without using it; None: it opens nothing."""
    links = open_links(caisse).filter(token_hash=_hash(token), user__is_active=True)
    link = links.select_related("user").first()
    return None if link is None else link.user


def accept(caisse: Caisse, token: str, password: str) -> User | None:
    """Give the person of a link their password, and end the link and their other sessions."""
    with caisse.alone():
        user = opens_for(caisse, token)
        if user is None:
            return None
        user.set_password(password)
        user.save(using=caisse.using, update_fields=["password"])
        _end(caisse, open_links(caisse).filter(user=user), LinkEndKind.USED, user.pk)
        end_sessions(caisse, user.pk)
        record(caisse, user.pk, AccessEventKind.PASSWORD_CHOSEN, by=user.pk)
        return user


def open_links(caisse: Caisse) -> QuerySet[AccessLink]:
    """Return the links that still open something."""
    links = AccessLink.objects.using(caisse.using)
    return links.filter(expires_at__gt=caisse.now(), end__isnull=True)


def _make(caisse: Caisse, user: int, by: int) -> str:
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    AccessLink.objects.using(caisse.using).create(
        user_id=user,
        token_hash=_hash(token),
        made_by=by,
        made_at=caisse.now(),
        expires_at=caisse.now() + LASTING,
    )
    return token


def _end(caisse: Caisse, links: QuerySet[AccessLink], kind: LinkEndKind, by: int) -> int:
    ended = [AccessLinkEnd(link=link, kind=kind, by=by, at=caisse.now()) for link in links]
    return len(AccessLinkEnd.objects.using(caisse.using).bulk_create(ended))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
