"""What the database itself refuses, whatever the code above it does."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import Model

from cardkit.errors import Bug
from server_stub.models import (
    ActRow,
    Card,
    CardTransaction,
    Finding,
    Posting,
    PostingLine,
    Rule,
    StoredEntry,
)
from server_stub.rules.ledger import Book, Line
from server_stub.services.books import post
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse with one sale."""
    world = ServiceWorld.make()
    card, stall = world.card(), world.stall()
    stall.sell(card, 12_50)
    stall.sync()
    return world


@pytest.mark.parametrize("model", [StoredEntry, ActRow, Posting, PostingLine])
def test_facts_and_books_are_append_only(world: ServiceWorld, model: type[Model]) -> None:
    """Promise 6: no entry, act or posting is ever changed or deleted, not even by mistake."""
    table, key = model._meta.db_table, model._meta.pk.column
    update = f"UPDATE {table} SET {key} = {key}"  # noqa: S608 - names of our own models
    for change in (update, f"DELETE FROM {table}"):  # noqa: S608 - see above
        with (
            pytest.raises(IntegrityError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(change)


CHANGING = frozenset(
    {
        "Account",
        "ActText",
        "AllowanceIssued",
        "Application",
        "Balance",
        "BankLineText",
        "Batch",
        "CacheRow",
        "CaisseDetails",
        "Card",
        "CardDecision",
        "CardTransaction",
        "Claim",
        "Deputy",
        "DirectoryRow",
        "DirectoryVersion",
        "Erasure",
        "Finding",
        "HandoverNote",
        "Helper",
        "JobRun",
        "Letter",
        "LoginFailure",
        "Merchant",
        "MerchantDetails",
        "Pairing",
        "PairingRequest",
        "PaperPaid",
        "PaperSlip",
        "PayoutProven",
        "PermitIssued",
        "Person",
        "Proposal",
        "PublicFigures",
        "PublishedKey",
        "RecordSeen",
        "RefundClaim",
        "Rule",
        "SettledTold",
        "SettlementDraft",
        "Sighting",
        "StaleCard",
        "Terminal",
        "TerminalReport",
        "TokenKey",
    }
)
"""Tables that are computed, or about what is so now, or erasable; every other one is a fact."""


def test_every_table_of_facts_is_append_only(db: None) -> None:
    """Promise 6: a table is append-only unless it stands above with the others that may change."""
    sql = (
        "SELECT DISTINCT tbl_name FROM sqlite_schema WHERE type = 'trigger'"
        " AND name LIKE '%_no_update'"
        if connection.vendor == "sqlite"
        else "SELECT DISTINCT event_object_table FROM information_schema.triggers"
        " WHERE trigger_name LIKE '%append_only'"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        kept = {table for (table,) in cursor.fetchall()}
    models = apps.get_app_config("clafoutis").get_models()
    changing = {model.__name__ for model in models if model._meta.db_table not in kept}
    assert changing == CHANGING


def test_a_card_proves_a_counter_once(world: ServiceWorld) -> None:
    """Promise 1, exactly once: (card life, TMC) is unique among proven transactions."""
    row = CardTransaction.objects.get()
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def test_an_entry_is_stored_once(world: ServiceWorld) -> None:
    """Promise 1: an entry's hash is unique."""
    row = StoredEntry.objects.all()[0]
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


@pytest.mark.parametrize("amount_cents", [0, -1, 2**31])
def test_amounts_are_positive_and_fit_a_card(world: ServiceWorld, amount_cents: int) -> None:
    """Promise 2: no negative, empty or impossible amount gets into the books by SQL."""
    row = CardTransaction.objects.get()
    row.amount_cents = amount_cents
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


def test_an_empty_line_is_refused(world: ServiceWorld) -> None:
    """A line of zero cents says nothing and hides something."""
    posting = Posting.objects.all()[0]
    with pytest.raises(IntegrityError), transaction.atomic():
        PostingLine.objects.create(posting=posting, account="payable", amount_cents=0)


def test_a_card_in_use_has_a_proven_birth(world: ServiceWorld) -> None:
    """Promise 2: no card becomes active without the transaction that ends its issuing."""
    with pytest.raises(IntegrityError), transaction.atomic():
        Card.objects.update(birth_tmv=None)


def test_one_open_finding_for_one_observation(world: ServiceWorld) -> None:
    """The same observation is not shown twice."""
    facts = {"kind": "gap", "key": "x", "facts": {}, "opened_at": world.now}
    Finding.objects.create(**facts)
    with pytest.raises(IntegrityError), transaction.atomic():
        Finding.objects.create(**facts)


def test_one_value_of_a_rule_a_day(world: ServiceWorld) -> None:
    """Two votes of one day can't both be in force."""
    rule = Rule.objects.all()[0]
    rule.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        rule.save(force_insert=True)


def test_postings_sum_to_zero(world: ServiceWorld) -> None:
    """Promise 8: lines that do not balance are our own mistake, and are not entered."""
    lines = (Line(Book.SPENT, 0, -5), Line(Book.PAYABLE, 7, 4))
    with pytest.raises(Bug, match="sums to zero"):
        post(world.caisse, card=None, subject="x", lines=lines)
    for posting in Posting.objects.all():
        assert sum(line.amount_cents for line in posting.lines.all()) == 0


def test_migrations_make_just_the_models(world: ServiceWorld) -> None:
    """No table differs from what the models say."""
    call_command("makemigrations", "clafoutis", check=True, dry_run=True, verbosity=0)
