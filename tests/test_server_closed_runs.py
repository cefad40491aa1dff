"""What comes after a run: the run and its papers stay as they are, and the next one pays it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from server_stub.console.words import REASONS
from server_stub.exports.papers import Letterhead, paper_of, papers_of
from server_stub.exports.runs import Exported
from server_stub.models import (
    ActRow,
    Claim,
    PostingLine,
    SettlementFile,
    SettlementLine,
    SettlementStatement,
)
from server_stub.rules.facts import State
from server_stub.rules.statement import PayeeStatement
from server_stub.services import accept, blocks
from server_stub.services.rebuild import differences
from server_stub.services.statements import statement_of
from tests.payout_world import ANNE, BOOKS, BRUNO, PayoutWorld
from tests.service_world import MERCHANT

HEAD = Letterhead(debtor_name="CCAS de Flers", reasons=REASONS, own=None)
Closed = dict[str, object]


def closed(paying: PayoutWorld, name: str) -> Closed:
    """All that there is of a run: acts and postings up to it, its lines, reasons and papers."""
    caisse = paying.world.caisse
    statement = SettlementStatement.objects.using(BOOKS).get(settlement=name)
    lines = PostingLine.objects.using(BOOKS).filter(posting_id__lte=statement.up_to_posting)
    papers = {
        (form, merchant): paper_of(caisse, name, form, HEAD, by=ANNE, merchant=merchant)
        for form, merchant in papers_of(caisse, name)
    }
    assert all(isinstance(it, Exported) for it in papers.values())
    files = SettlementFile.objects.using(BOOKS).filter(settlement=name).order_by("id")
    return {
        "lines": list(SettlementLine.objects.using(BOOKS).filter(settlement=name).values()),
        "statement": statement.content,
        "postings": list(lines.order_by("id").values()),
        "acts": list(
            ActRow.objects.using(BOOKS).filter(seq__lte=statement.settlement.act.seq).values()
        ),
        "papers": {it: made.content for it, made in papers.items() if isinstance(made, Exported)},
        "files": list(files.values()),
    }


def close(paying: PayoutWorld) -> tuple[str, Closed]:
    """Pay what is owed, and let the bank execute it."""
    name = paying.draw_up()
    paying.approve(name)
    paying.send(name)
    paying.confirm(name)
    return name, closed(paying, name)


def next_part(paying: PayoutWorld) -> PayeeStatement:
    """What the next run says of the first merchant."""
    name, _ = close(paying)
    statement = statement_of(paying.world.caisse, name)
    assert statement is not None
    part = statement.of(MERCHANT)
    assert part is not None
    return part


def late_sale(paying: PayoutWorld) -> Callable[[], object]:
    """A stall that had no network for a month sends what it sold before the run."""
    stall = paying.stalls[0]
    stall.sell(paying.card, 4_00)

    def arrive() -> None:
        paying.world.clock.pass_time(timedelta(days=30))
        stall.sync()

    return arrive


def late_refund(paying: PayoutWorld) -> Callable[[], object]:
    """Goods come back after the run that paid them."""
    stall = paying.stalls[0]
    (sale,) = (entry.seq for entry in stall.entries if entry.envelope.kind == 20)

    def arrive() -> None:
        paying.world.clock.pass_time(timedelta(days=3))
        stall.sell(paying.card, 10_00)
        stall.refund(paying.card, sale, 6_00)
        stall.sync()

    return arrive


def resolved_finding(paying: PayoutWorld) -> Callable[[], object]:
    """Two people pay, after the run, a sale that was held before it."""
    stall = paying.stalls[0]
    stall.permit_digest = b"\x05" * 32
    stall.sell(paying.card, 4_00)
    stall.sync()
    claim = Claim.objects.using(BOOKS).get(state=State.HELD.value)

    def arrive() -> None:
        done = accept.accept(paying.world.caisse, claim, proposed_by=ANNE, by=BRUNO)
        assert isinstance(done, ActRow)

    return arrive


def blocked_card(paying: PayoutWorld) -> Callable[[], object]:
    """A card is blocked, and a sale that it made before arrives."""
    stall = paying.stalls[0]
    stall.sell(paying.card, 4_00)

    def arrive() -> None:
        blocks.block_card(paying.world.caisse, paying.world.row(paying.card), by=ANNE)
        stall.sync()

    return arrive


@pytest.mark.parametrize(
    "lateness", [late_sale, late_refund, resolved_finding, blocked_card], ids=lambda it: it.__name__
)
def test_a_closed_run_never_changes_and_the_next_one_pays(
    paying: PayoutWorld, lateness: Callable[[PayoutWorld], Callable[[], object]]
) -> None:
    """Promise 1: what comes late changes no closed run, and is not lost: the next one pays it."""
    arrive = lateness(paying)
    name, before = close(paying)
    arrive()
    assert closed(paying, name) == before
    part = next_part(paying)
    assert (part.amount_cents, part.carried_cents) == (4_00, 0)
    assert closed(paying, name) == before
    assert differences(paying.world.caisse) == []


def test_what_is_held_is_carried_over_with_its_reason(paying: PayoutWorld) -> None:
    """Promise 8: each run names what it does not pay yet, until a later one does."""
    arrive = resolved_finding(paying)
    name, before = close(paying)
    statement = statement_of(paying.world.caisse, name)
    assert statement is not None
    part = statement.of(MERCHANT)
    assert part is not None
    assert [(it.state, it.reason, it.amount_cents) for it in part.kept] == [
        (State.HELD, "documents_unknown", 4_00)
    ]
    arrive()
    assert next_part(paying).kept == ()
    assert closed(paying, name) == before


def test_a_sale_between_drawing_up_and_approval_is_for_the_next_run(paying: PayoutWorld) -> None:
    """Promise 1: what the second person approves is what the first one counted, to the cent."""
    name = paying.draw_up()
    paying.trade(5_00)
    paying.approve(name)
    statement = statement_of(paying.world.caisse, name)
    assert statement is not None
    part = statement.of(MERCHANT)
    assert part is not None
    assert (part.amount_cents, part.totals.sales) == (12_50, 1)
    paying.send(name)
    part = next_part(paying)
    assert (part.amount_cents, part.carried_cents, part.totals.sales) == (5_00, 0, 1)
