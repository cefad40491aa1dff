"""The auditor and the service come to the same books, each by its own way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from auditor.audit import audit
from auditor.export import read_export
from auditor.findings import Class
from simulator.world.founding import founding

pytestmark = pytest.mark.no_cover  # tracing every line of a world would cost minutes

if TYPE_CHECKING:
    from auditor.audit import Report
    from simulator.world.verdict import Verdict

SEEDS = range(600, 612)
HOSTILE_SEEDS = (109, 502, 706, 921, 2014)
"""An insider who confirms another sale, sales that only cards tell of, a restore in a run, a
counter that goes back."""
OF_WHAT_THIEVES_SIGN = frozenset(
    {Class.CERTIFICATE, Class.CHAIN, Class.TOTAL, Class.DIGEST, Class.WITNESS}
)
"""Journals that fork or hide, totals that are made up, a terminal that no root key knows."""


def audited(seed: int, folder: Path, **options: Any) -> tuple[Verdict, Report]:
    """Live a world, and audit what its service hands out."""
    founding()
    from server_stub.services.audit_export import export_audit
    from server_stub.services.proof_keys import publish_due
    from simulator.world.world import World

    world = World(seed, **options)
    verdict = world.live()
    publish_due(world.centre.caisse)
    path = folder / "audit.sqlite3"
    export_audit(world.centre.caisse, path)
    return verdict, audit(read_export(path))


@pytest.mark.django_db
@pytest.mark.parametrize("seed", SEEDS)
def test_the_auditor_agrees_with_the_books_of_a_world(seed: int, tmp_path: Path) -> None:
    """Promise 6: whatever goes wrong among honest people, both compute the same."""
    verdict, report = audited(seed, tmp_path, hostile=())
    assert verdict.violations == ()
    assert [str(one) for one in report.findings] == []


@pytest.mark.django_db
@pytest.mark.parametrize("seed", HOSTILE_SEEDS)
def test_who_means_harm_parts_them_not(seed: int, tmp_path: Path) -> None:
    """Promise 6: what thieves sign is named, and moves no cent in one of the two books only.

    Red when a confirmation counts for another sale than its own.
    """
    _, report = audited(seed, tmp_path)
    assert [str(one) for one in report.findings if one.kind not in OF_WHAT_THIEVES_SIGN] == []
