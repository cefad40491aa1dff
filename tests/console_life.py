"""A caisse that was lived, served to every kind of visitor: what all pages are tried on.

Names in it are code: a page that shows one as it is runs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from pytest_django import DjangoDbBlocker

from server_stub.console.declared import Page
from server_stub.models import (
    Account,
    ActRow,
    BankLine,
    Card,
    Dispute,
    Finding,
    Merchant,
    Person,
    Posting,
    RoleGrant,
    Settlement,
    Terminal,
    Wave,
)
from simulator.life.making import Made, make
from simulator.life.plan import Plan
from tests.console_visitors import served

HOSTILE = '<script>alert("x")</script>'
NOBODY = 999_999
PLAN = Plan(until=date(2026, 11, 26), months=2, members=8, producers=3, seed=2026)


@pytest.fixture(scope="module")
def life(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Made]:
    """Two months of a small caisse, rolled back when the module is over."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = make(PLAN, tell=lambda _month: None)
        if not request.config.getoption("--pictures"):  # those show people as they are called
            Person.objects.update(name=HOSTILE, address=HOSTILE)
            Merchant.objects.update(name=HOSTILE)
        with served(made):
            yield made
        transaction.set_rollback(True)


def arguments(page: Page) -> dict[str, object]:
    """Something that is there for each argument of a page's address; nobody's where nothing is."""
    return {name: _there(name) for name in _names(page.path)}


def _names(path: str) -> Iterator[str]:
    for part in path.split("<")[1:]:
        yield part.partition(">")[0].rpartition(":")[2]


def _there(name: str) -> object:
    match name:
        case "card":
            return bytes(Card.objects.latest("id").uid).hex().upper()
        case "run":
            return Settlement.objects.latest("act").name
        case "dispute":
            dispute = Dispute.objects.first()
            return str(NOBODY) if dispute is None else bytes(dispute.number).hex()
        case "rule":
            return "monthly_credit_cents"
        case "finding":
            rows: QuerySet[Any] = Finding.objects.filter(closed_at__isnull=True)
        case _:
            model = MODELS.get(name)
            if model is None:
                return NOBODY
            rows = model._default_manager.all()
    found = rows.order_by("pk").values_list("pk", flat=True).first()
    return NOBODY if found is None else found


MODELS = {
    "person": Person,
    "account": Account,
    "merchant": Merchant,
    "terminal": Terminal,
    "line": BankLine,
    "wave": Wave,
    "grant": RoleGrant,
    "user": User,
    "act": ActRow,
    "posting": Posting,
}
