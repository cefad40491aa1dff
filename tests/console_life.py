"""A caisse that was lived, served to every kind of visitor: what all pages are tried on.

Names in it are code: a page that shows one as it is runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from pytest_django import DjangoDbBlocker

from server_stub.console.declared import Page
from server_stub.models import (
    Account,
    ActRow,
    BankLine,
    CardTransaction,
    Dispute,
    Finding,
    Letter,
    Merchant,
    Person,
    Posting,
    RoleGrant,
    Settlement,
    SettlementDraft,
    Terminal,
    Wave,
)
from simulator.life.making import Made, make
from simulator.life.plan import Plan
from tests.console_furnished import CARNET, SLIP, furnish
from tests.console_visitors import served

HOSTILE = '<script>alert("x")</script>'
NOBODY = 999_999
PLAN = Plan(until=date(2026, 11, 26), months=2, members=8, producers=3, seed=2026)
PICTURED = Plan(until=date(2026, 11, 26), months=6, members=40, producers=8, seed=2026)
"""A caisse as it might be, for those who look at pictures; a minute or two."""


@pytest.fixture(scope="module")
def life(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Made]:
    """Two months of a small caisse, rolled back when the module is over."""
    are_pictures = bool(request.config.getoption("--pictures"))
    with django_db_blocker.unblock(), transaction.atomic():
        made = make(PICTURED if are_pictures else PLAN, tell=lambda _month: None)
        label = "VIR SEPA MME LEBRUN" if are_pictures else HOSTILE
        furnish(made.caisse, label=label)
        if not are_pictures:  # those show people as they are called
            Person.objects.update(name=HOSTILE, address=HOSTILE)
            Merchant.objects.update(name=HOSTILE)
        with served(made):
            yield made
        transaction.set_rollback(True)


def arguments(page: Page) -> dict[str, object]:
    """Something that is there for each argument of a page's address; nobody's where nothing is."""
    return {name: _there(page, name) for name in _names(page.path)}


def _names(path: str) -> Iterator[str]:
    for part in path.split("<")[1:]:
        yield part.partition(">")[0].rpartition(":")[2]


def _there(page: Page, name: str) -> object:
    chosen = CHOSEN.get(name)
    if chosen is not None:
        return chosen(page)
    model = MODELS.get(name)
    if model is None:
        return NOBODY
    found = model._default_manager.order_by("pk").values_list("pk", flat=True).first()
    return NOBODY if found is None else found


def _card(_page: Page) -> str:
    """One that has bought something."""
    return bytes(CardTransaction.objects.latest("id").card.uid).hex().upper()


def _run(page: Page) -> str:
    draft = SettlementDraft.objects.first() if page.name in DRAWN_UP else None
    return Settlement.objects.latest("act").name if draft is None else draft.name


def _dispute(_page: Page) -> str:
    dispute = Dispute.objects.first()
    return str(NOBODY) if dispute is None else bytes(dispute.number).hex()


def _finding(_page: Page) -> int:
    finding = Finding.objects.filter(closed_at__isnull=True).order_by("pk").first()
    return NOBODY if finding is None else finding.pk


def _letter(_page: Page) -> int:
    """One that has left."""
    letter = Letter.objects.filter(content__isnull=False).order_by("pk").first()
    return NOBODY if letter is None else letter.pk


DRAWN_UP = {"payout_approve", "payout_drop"}
"""Pages about a run that nobody has approved yet."""
KINDS = {
    "dispute_decide": "return",
    "finding_do": "accept",
    "letter_text": "reminder",
    "merchant_paper": "convention",
    "paper": "notice-information",
    "payout_file": "etat-liquidatif.pdf",
}
CHOSEN: dict[str, Callable[[Page], object]] = {
    "card": _card,
    "run": _run,
    "dispute": _dispute,
    "finding": _finding,
    "rule": lambda _page: "monthly_credit_cents",
    "kind": lambda page: KINDS.get(page.name, str(NOBODY)),
    "letter": _letter,
    "carnet": lambda _page: CARNET,
    "slip": lambda _page: SLIP,
}
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
