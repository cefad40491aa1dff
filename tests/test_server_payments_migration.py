"""Books that were kept before members' money had a place in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from django.apps.registry import Apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import load_backend
from pytest_django import DjangoDbBlocker

from server_stub.database import memory

OLD = "old_books"
AT = datetime(2026, 9, 3, 10, tzinfo=UTC)


@pytest.fixture
def old(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Apps]:
    """A database as it was before, with a contribution and one that was taken back."""
    with django_db_blocker.unblock():
        settings = {**connections[DEFAULT_DB_ALIAS].settings_dict, **memory()}
        wrapper = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, OLD)
        connections[OLD] = wrapper
        try:
            executor = MigrationExecutor(wrapper)
            apps = executor.migrate([("clafoutis", "0011_members")]).apps
            account = apps.get_model("clafoutis", "Account").objects.using(OLD)
            holder = account.create(number=bytes(16))
            for seq, cents in ((1, 20_00), (2, -5_00)):
                act = apps.get_model("clafoutis", "ActRow").objects.using(OLD)
                row = act.create(seq=seq, digest=bytes([seq]) * 32, kind=7, at=AT, content=b"x")
                apps.get_model("clafoutis", "Contribution").objects.using(OLD).create(
                    act=row,
                    account=holder,
                    amount_cents=cents,
                    value_date=date(2026, 9, 3),
                    reference=f"Q-{seq}",
                )
            yield apps
        finally:
            wrapper.close()
            del connections[OLD]


def test_what_came_in_before_is_at_the_bank(old: Apps) -> None:
    """Promise 6: each contribution of old books is posted once, and their lines sum to zero."""
    executor = MigrationExecutor(connections[OLD])
    apps = executor.migrate(executor.loader.graph.leaf_nodes("clafoutis")).apps
    lines = apps.get_model("clafoutis", "PostingLine").objects.using(OLD)
    told = sorted(
        lines.values_list("posting__subject", "account", "amount_cents", "posting__cause")
    )
    assert [(subject, account, cents) for subject, account, cents, _ in told] == [
        ("contribution/1", "banked", 20_00),
        ("contribution/1", "contributed", -20_00),
        ("contribution/2", "banked", -5_00),
        ("contribution/2", "contributed", 5_00),
    ]
    assert {bytes(cause)[0] for _, _, _, cause in told} == {1, 2}
    balances = apps.get_model("clafoutis", "Balance").objects.using(OLD)
    assert dict(balances.values_list("account", "amount_cents")) == {
        "banked": 15_00,
        "contributed": -15_00,
    }
