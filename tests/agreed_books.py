"""Whether the books conserve every cent, and come to the same for whoever computes them again."""

from __future__ import annotations

import tempfile
from pathlib import Path

from auditor.audit import audit
from auditor.export import read_export
from auditor.findings import Class, Finding
from server_stub.models import PostingLine
from server_stub.rules.ledger import Book
from server_stub.services import rebuild
from server_stub.services.audit_export import export_audit
from tests.service_world import ServiceWorld

ABOUT_MONEY = frozenset(
    {Class.SALE, Class.POSTING, Class.BALANCE, Class.DECISION, Class.SETTLEMENT, Class.DOCUMENT}
)
"""What an audit of a small world is asked: its stalls keep no totals and its days no digests."""


def conserved(world: ServiceWorld) -> None:
    """Hold the books against the line of conservation, the signed log, and the auditor."""
    spent = {Book.PAYABLE, Book.HELD, Book.WAITING, Book.PROVISIONAL, Book.RETURNED, Book.LOSS}
    issued = {Book.CREDIT, Book.WITHHELD, Book.LAPSED}
    paid = {Book.IN_PAYMENT, Book.PAID}
    assert _sum(world, spent | paid) == -_sum(world, {Book.SPENT, Book.PAPER})
    assert _sum(world, issued) == -_sum(world, {Book.ISSUED})
    assert rebuild.differences(world.caisse) == []
    assert audited(world) == []


def audited(world: ServiceWorld) -> list[Finding]:
    """Return what the auditor has to say of the money."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.sqlite3"
        export_audit(world.caisse, path)
        return [one for one in audit(read_export(path)).findings if one.kind in ABOUT_MONEY]


def _sum(world: ServiceWorld, books: set[Book]) -> int:
    rows = PostingLine.objects.using(world.caisse.using)
    lines = rows.filter(account__in=[book.value for book in books])
    return sum(lines.values_list("amount_cents", flat=True))
