"""A small plausible caisse to try things with: rules, producers, accounts, a console user."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from django.contrib.auth.models import User

from cardkit.clock import business_date
from cardkit.errors import must
from server_stub.models import Account, ConsoleRole, Merchant, RoleGrant
from server_stub.rules.conventions import Category, Span, Terms
from server_stub.services import conventions, roles, second_factor
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import start_rules

ACCOUNTS: Final = 10
CONSOLE_USER: Final = "coordination"
TRIAL: Final = timedelta(days=30)
"""How long somebody made to try things with may enter without a second factor."""
MERCHANTS: Final = (
    "Ferme des Trois Chênes",
    "Le Jardin de Marthe",
    "Fromagerie du Noireau",
    "Biocoop du Bocage",
    "Pain de la Vère",
)
_ACCOUNT_BYTES: Final = 16
_PASSWORD_BYTES: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """What was made; a password is told once, and None where the person was there already."""

    merchants: tuple[Merchant, ...]
    accounts: tuple[Account, ...]
    user: str
    password: str | None = field(repr=False)


def seed(caisse: Caisse) -> Seeded:
    """Make what is not there yet; calling it again changes nothing."""
    with caisse.alone():
        today = business_date(caisse.now())
        start_rules(caisse, from_day=date(today.year, 1, 1))
        return Seeded(
            merchants=tuple(_merchants(caisse, today)),
            accounts=tuple(_accounts(caisse)),
            user=CONSOLE_USER,
            password=console_user(caisse, CONSOLE_USER),
        )


def console_user(
    caisse: Caisse, name: str, *held: ConsoleRole, merchant: int | None = None
) -> str | None:
    """Make a console user with a random password; None when there is one of that name.

    They coordinate unless other roles are named; `merchant` is whose sales a merchant sees. For
    30 days they may enter without a second factor: this is for trying things out.
    """
    users = User.objects.using(caisse.using)
    if users.filter(username=name).exists():
        return None
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    user = User(username=name)
    user.set_password(password)
    user.save(using=caisse.using)
    second_factor.exempt(caisse, user.pk, lasting=TRIAL)
    for role in held or (ConsoleRole.COORDINATOR,):
        whose = merchant if role is ConsoleRole.MERCHANT else None
        given = roles.grant(caisse, user.pk, role, by=0, merchant=whose)
        must(isinstance(given, RoleGrant), "a new user can be given any role")
    return password


def _merchants(caisse: Caisse, today: date) -> list[Merchant]:
    days = Span(date(today.year, 1, 1), date(today.year + 2, 1, 1))
    terms = Terms(distance_km=0, categories=(Category(name="Produits de la ferme"),))
    manager = Merchant.objects.using(caisse.using)
    merchants = []
    for number, name in enumerate(MERCHANTS, start=1):
        merchant, is_new = manager.get_or_create(id=number, defaults={"name": name})
        if is_new:
            conventions.sign(caisse, number, days, terms, signed_on=today)
        merchants.append(merchant)
    return merchants


def _accounts(caisse: Caisse) -> list[Account]:
    manager = Account.objects.using(caisse.using)
    missing = ACCOUNTS - manager.count()
    for _ in range(missing):
        manager.create(number=secrets.token_bytes(_ACCOUNT_BYTES))
    return list(manager.order_by("id")[:ACCOUNTS])
