"""Copies of books on PostgreSQL: made by its own programs, read, and searched for the run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connections
from django.db.utils import load_backend

from cardkit.acts import SettlementApproved, SettlementLine
from cardkit.errors import BackupFailed
from server_stub.services import acts
from server_stub.services.backup import back_up
from tests.payout_world import ANNE, BRUNO
from tests.service_world import MERCHANT, ServiceWorld

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db,
    pytest.mark.skipif(shutil.which("pg_dump") is None, reason="pg_dump is not installed"),
]
GONE = "gone"
RUN = SettlementApproved(
    settlement="R1-0001",
    lines=(SettlementLine(merchant=MERCHANT, amount_cents=1, total_cents=1),),
    drawn_up_by=ANNE,
)


def test_a_dump_is_read_and_holds_the_run(postgres: str, tmp_path: Path) -> None:
    """Promise 1: on PostgreSQL too money leaves only behind a copy that opens and holds the run."""
    caisse = ServiceWorld.make(using=postgres).caisse
    path = tmp_path / "books.dump"
    try:
        with pytest.raises(BackupFailed, match="does not hold R1-0001"):
            back_up(caisse, path, holding="R1-0001")
        assert list(tmp_path.iterdir()) == []
        acts.record(caisse, RUN, by=BRUNO)
        back_up(caisse, path, holding="R1-0001")
        assert path.stat().st_mode & 0o077 == 0
        listed = subprocess.run(
            ["pg_restore", "--list", path], check=True, capture_output=True, text=True
        )
        assert "clafoutis_settlement" in listed.stdout
        with pytest.raises(BackupFailed, match="there already"):
            back_up(caisse, path)
    finally:
        forget(postgres)


def test_a_dump_that_does_not_succeed(postgres: str, tmp_path: Path) -> None:
    """Promise 1: a server that is not there any more makes no copy, and says so."""
    caisse = ServiceWorld.make(using=postgres).caisse
    described = {**connections[postgres].settings_dict, "HOST": os.fspath(tmp_path)}
    connections[GONE] = load_backend(described["ENGINE"]).DatabaseWrapper(described, GONE)
    try:
        with pytest.raises(BackupFailed, match="pg_dump"):
            back_up(caisse.on(GONE, replaying=False), tmp_path / "books.dump")
        assert list(tmp_path.iterdir()) == []
    finally:
        del connections[GONE]
        forget(postgres)


def forget(using: str) -> None:
    """Empty what this module wrote: the cluster is every test's."""
    tables = (model._meta.db_table for model in apps.get_app_config("clafoutis").get_models())
    with connections[using].cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
