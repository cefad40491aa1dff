"""Who may do what in the console today; granted by somebody else, and ended at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum, unique
from typing import Self

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from cardkit.clock import business_date
from server_stub.models import ConsoleRole, Merchant, RoleEnd, RoleGrant
from server_stub.services.caisse import Caisse


@unique
class NotGranted(Enum):
    """Why nobody is given a role, or none is taken from them."""

    NO_USER = "nobody of that number may log in"
    OWN_RIGHTS = "nobody gives rights to themselves"
    NO_MERCHANT = "the role of a merchant needs a merchant, and no other role has one"
    NO_LENGTH = "it ends before it begins"
    HAS_IT = "they have it already"
    NO_GRANT = "no such grant in force"
    LAST_ADMINISTRATOR = "nobody would be left to let people in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What one user may do on a day."""

    user: int
    roles: frozenset[ConsoleRole]
    merchants: frozenset[int]
    """Whose sales they may see as a merchant; empty without that role."""

    @classmethod
    def none(cls) -> Self:
        """Nobody's."""
        return cls(user=0, roles=frozenset(), merchants=frozenset())


def holdings(caisse: Caisse, user: int) -> Holdings:
    """Return what a user may do today; one query."""
    today = business_date(caisse.now())
    held = list(in_force(caisse, today).filter(user=user))
    return Holdings(
        user=user,
        roles=frozenset(ConsoleRole(one.role) for one in held),
        merchants=frozenset(one.merchant_id for one in held if one.merchant_id is not None),
    )


def in_force(caisse: Caisse, day: date) -> QuerySet[RoleGrant]:
    """Return the grants that count on a day and were not ended."""
    grants = RoleGrant.objects.using(caisse.using).filter(from_day__lte=day, end__isnull=True)
    return grants.filter(Q(until_day__isnull=True) | Q(until_day__gt=day), user__is_active=True)


def grant(
    caisse: Caisse,
    user: int,
    role: ConsoleRole,
    *,
    by: int,
    merchant: int | None = None,
    from_day: date | None = None,
    until_day: date | None = None,
) -> RoleGrant | NotGranted:
    """Give a role, from today by default and until it is ended; `by` 0 is the server's command."""
    begins = from_day or business_date(caisse.now())
    if by == user:
        return NotGranted.OWN_RIGHTS
    if until_day is not None and until_day <= begins:
        return NotGranted.NO_LENGTH
    with caisse.alone():
        if not User.objects.using(caisse.using).filter(id=user, is_active=True).exists():
            return NotGranted.NO_USER
        if (role is ConsoleRole.MERCHANT) != _is_merchant(caisse, merchant):
            return NotGranted.NO_MERCHANT
        if _has(caisse, user, role, merchant, begins):
            return NotGranted.HAS_IT
        return RoleGrant.objects.using(caisse.using).create(
            user_id=user,
            role=role,
            merchant_id=merchant,
            from_day=begins,
            until_day=until_day,
            granted_by=by,
            granted_at=caisse.now(),
        )


def end(caisse: Caisse, number: int, *, by: int) -> NotGranted | None:
    """Take a role away at once; the last administrator keeps theirs."""
    today = business_date(caisse.now())
    with caisse.alone():
        ends = RoleGrant.objects.using(caisse.using).filter(id=number, end__isnull=True).first()
        if ends is None:
            return NotGranted.NO_GRANT
        if ends.role == ConsoleRole.ADMINISTRATOR and by:
            others = in_force(caisse, today).filter(role=ConsoleRole.ADMINISTRATOR)
            if not others.exclude(user=ends.user_id).exists():
                return NotGranted.LAST_ADMINISTRATOR
        RoleEnd.objects.using(caisse.using).create(grant=ends, ended_by=by, ended_at=caisse.now())
        return None


def _is_merchant(caisse: Caisse, number: int | None) -> bool:
    if number is None:
        return False
    return Merchant.objects.using(caisse.using).filter(id=number).exists()


def _has(caisse: Caisse, user: int, role: ConsoleRole, merchant: int | None, day: date) -> bool:
    same = in_force(caisse, day).filter(user=user, role=role, merchant=merchant)
    return same.filter(until_day__isnull=True).exists()
