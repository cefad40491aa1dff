"""The auditor and the service come to the same books, each by its own way."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.world.founding import founding

SEEDS = range(600, 612)


@pytest.mark.django_db
@pytest.mark.parametrize("seed", SEEDS)
def test_the_auditor_agrees_with_the_books_of_a_world(seed: int, tmp_path: Path) -> None:
    """Promise 6: whatever goes wrong among honest people, both compute the same."""
    founding()
    from auditor.audit import audit
    from auditor.export import read_export
    from server_stub.services.audit_export import export_audit
    from simulator.world.world import World

    world = World(seed, hostile=())
    verdict = world.live()
    path = tmp_path / "audit.sqlite3"
    export_audit(world.centre.caisse, path)
    report = audit(read_export(path))
    assert verdict.violations == ()
    assert [str(one) for one in report.findings] == []
