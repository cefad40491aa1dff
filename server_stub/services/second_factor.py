"""Second factors: who has one, who may do without for a while, and what if one is lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, unique
from importlib import import_module
from typing import Final

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, Q

from server_stub.models import (
    AccessEvent,
    AccessEventKind,
    CacheRow,
    ConsoleRole,
    FactorExemption,
)
from server_stub.services.caisse import Caisse

NEEDED_BY: Final = frozenset(
    {ConsoleRole.COORDINATOR, ConsoleRole.TREASURER, ConsoleRole.ADMINISTRATOR}
)
"""Who moves money, sees members or lets people in."""

FACTORS: Final = (Authenticator.Type.WEBAUTHN, Authenticator.Type.TOTP)
"""What counts as one; recovery codes only stand in for it."""


@unique
class NotReset(Enum):
    """Why nobody's second factor was taken away."""

    OWN = "nobody takes away their own by this way"
    NO_USER = "nobody of that number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The second factors of one person, as a list of people shows them."""

    passkeys: int
    has_app: bool
    codes_left: int

    @property
    def is_any(self) -> bool:
        """Whether there is one at all."""
        return bool(self.passkeys) or self.has_app


def may_enter(caisse: Caisse, user: int) -> bool:
    """Say whether somebody has a second factor, or may do without one today; one query."""
    has = Authenticator.objects.using(caisse.using).filter(user=OuterRef("pk"), type__in=FACTORS)
    exempt = FactorExemption.objects.using(caisse.using).filter(
        user=OuterRef("pk"), until__gt=caisse.now()
    )
    users = User.objects.using(caisse.using).filter(id=user)
    return users.filter(Q(Exists(has)) | Q(Exists(exempt))).exists()


def exempt(caisse: Caisse, user: int, *, lasting: timedelta, by: int = 0) -> None:
    """Let somebody in without a second factor for a while: for trying things out, and said so."""
    FactorExemption.objects.using(caisse.using).create(
        user_id=user, until=caisse.now() + lasting, granted_by=by, granted_at=caisse.now()
    )


def held_by(caisse: Caisse, users: Iterable[int]) -> dict[int, Held]:
    """Return the second factors of several people; one query, and whoever has none is there too."""
    wanted = list(users)
    rows: dict[int, list[Authenticator]] = {user: [] for user in wanted}
    for row in Authenticator.objects.using(caisse.using).filter(user__in=wanted):
        rows[row.user_id].append(row)
    return {user: _held(kept) for user, kept in rows.items()}


def reset(caisse: Caisse, user: int, *, by: int) -> NotReset | None:
    """Take all of somebody's second factors away, end their sessions, and put it on record.

    `by` is another administrator, or 0: typed on the server itself.
    """
    if user == by:
        return NotReset.OWN
    with caisse.alone():
        if not User.objects.using(caisse.using).filter(id=user).exists():
            return NotReset.NO_USER
        Authenticator.objects.using(caisse.using).filter(user_id=user).delete()
        end_sessions(caisse, user)
        record(caisse, user, AccessEventKind.FACTORS_RESET, by=by)
    return None


def end_sessions(caisse: Caisse, user: int, *, but: str = "") -> int:
    """End somebody's sessions everywhere, but for one; return how many there were."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    rows = UserSession.objects.using(caisse.using).filter(user_id=user).exclude(session_key=but)
    keys = list(rows.values_list("session_key", flat=True))
    for key in keys:
        store.delete(key)
    rows.delete()
    return len(keys)


def forget_ended(caisse: Caisse) -> None:
    """Forget sessions that are over, from where they came, and what the cache keeps too long."""
    now = caisse.now()
    alive = Session.objects.using(caisse.using).filter(expire_date__gte=now)
    Session.objects.using(caisse.using).filter(expire_date__lt=now).delete()
    sessions = UserSession.objects.using(caisse.using)
    sessions.exclude(session_key__in=alive.values("session_key")).delete()
    CacheRow.objects.using(caisse.using).filter(expires__lt=now).delete()


def record(caisse: Caisse, user: int, kind: AccessEventKind, *, by: int) -> None:
    """Put on record what was done to somebody's way in."""
    AccessEvent.objects.using(caisse.using).create(user_id=user, kind=kind, by=by, at=caisse.now())


def _held(rows: list[Authenticator]) -> Held:
    codes = [row for row in rows if row.type == Authenticator.Type.RECOVERY_CODES]
    return Held(
        passkeys=sum(row.type == Authenticator.Type.WEBAUTHN for row in rows),
        has_app=any(row.type == Authenticator.Type.TOTP for row in rows),
        codes_left=sum(len(row.wrap().get_unused_codes()) for row in codes),
    )
