"""A small caisse with a bit of everything in its books, handed out to be checked.

Two stalls, four cards, a refund, a sale that never turned green, a card that is blocked, a burnt
terminal with a recovered sale, two runs that pay, a day's digests, published keys, a dispute that
was returned and one that holds, a slip that is paid and one that was taken back.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cardkit.bodies import RefundReason
from cardkit.clock import business_date
from cardkit.errors import must
from cardkit.resolutions import DisputeKind, DisputeReason
from provisioning.keystore import KeySet, new_keys
from server_stub.models import CardTransaction, Dispute, PaperClaim, PaperSlip, Terminal
from server_stub.rules.settle import Refusal
from server_stub.services import (
    blocks,
    directory,
    disputes,
    paper,
    proof_keys,
    recover,
    reverse,
    settlement,
)
from server_stub.services.audit_export import export_audit
from server_stub.services.caisse import Caisse
from server_stub.services.deciding import Done
from simulator.burnt.caisse import CREDIT_CENTS, LONG_AGO, START, BareCaisse
from simulator.burnt.stall import Stall
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from terminal.outcomes import Amber, Green

TREASURER, COMMITTEE = 2, 3


@dataclass
class Audited:
    """The caisse, and the export of its books."""

    caisse: Caisse
    keys: KeySet
    path: Path


def live(folder: Path, *, using: str) -> Audited:
    """Live it on an empty database, and write the export."""
    keys = new_keys("flers", now=LONG_AGO, step_max_cents=CREDIT_CENTS)
    clock = ManualClock(START)
    bare = BareCaisse.found(keys, clock, using=using)
    clock.pass_time(timedelta(minutes=1))
    cards = [bare.issue_card() for _ in range(4)]
    stalls = [bare.enrol(number, folder / str(number)) for number in (1, 2, 3)]
    _first_day(bare, stalls, cards)
    _pay(bare.caisse, folder)
    _second_day(bare, stalls, cards)
    _pay(bare.caisse, folder)
    clock.pass_time(timedelta(days=1))
    for stall in stalls[:2]:
        stall.sync()
    must(proof_keys.publish_due(bare.caisse) >= 0, "keys are published")
    for stall in stalls[:2]:
        stall.sync()
        stall.close()
    path = folder / "audit.sqlite3"
    export_audit(bare.caisse, path)
    return Audited(bare.caisse, keys, path)


def _first_day(bare: BareCaisse, stalls: list[Stall], cards: list[VirtualCard]) -> None:
    green = _sell(stalls[0], cards[0], 12_50)
    _sell(stalls[1], cards[0], 3_20)
    _sell(stalls[1], cards[1], 7_00)
    _tear(stalls[0], cards[2], 4_40)
    stalls[0].till.refund(green.seq, 2_00, RefundReason.GOODS_RETURNED)
    stalls[0].till.close_day(business_date(bare.clock.now().at))
    _sell(stalls[1], cards[2], 1_10)
    bare.pass_days(1)
    for stall in stalls:
        stall.sync()


def _second_day(bare: BareCaisse, stalls: list[Stall], cards: list[VirtualCard]) -> None:
    _sell(stalls[2], cards[3], 5_50)
    stalls[2].burn()
    bare.declare_lost(3)
    _sell(stalls[0], cards[3], 2_30)
    _sell(stalls[1], cards[1], 9_99)
    blocks.block_card(bare.caisse, bare.row(cards[1]), by=TREASURER)
    directory.publish(bare.caisse)
    bare.pass_days(1)
    for stall in stalls[:2]:
        stall.sync()
    burnt = Terminal.objects.using(bare.caisse.using).get(id=3)
    recovered = recover.recovered(bare.caisse, burnt)
    must(len(recovered) == 1, "the burnt sale is recovered")
    for sale in recovered:
        recover.confirm(bare.caisse, sale, by=TREASURER)
    _decisions(bare, cards)


def _decisions(bare: BareCaisse, cards: list[VirtualCard]) -> None:
    """Return a disputed sale, hold another one, pay a slip; each as two people, and one undone."""
    caisse = bare.caisse
    disputed = _dispute(caisse, 3_20, DisputeKind.NOT_BOUGHT)
    for person in (TREASURER, COMMITTEE):
        reason = DisputeReason.SHOWN
        disputes.decide(caisse, disputed, to_member=True, reason=reason, by=person)
    _dispute(caisse, 9_99, DisputeKind.DOUBTED)
    merchant = CardTransaction.objects.using(caisse.using).get(amount_cents=9_99).merchant
    paper.hand_out(caisse, 6, merchant=merchant, first_slip=1, last_slip=50, by=TREASURER)
    for slip in (1, 2):
        _slip(caisse, slip, cards[0].uid.hex())
        done = paper.confirm(caisse, 6, slip, amount_cents=6_60, doubts=15, by=COMMITTEE)
        must(isinstance(done, Done), f"a slip is paid: {done}")
    last = PaperClaim.objects.using(caisse.using).latest("act")
    for person in (TREASURER, COMMITTEE):
        reverse.take_back(caisse, last.act_id, by=person)


def _dispute(caisse: Caisse, amount_cents: int, kind: DisputeKind) -> Dispute:
    sale = CardTransaction.objects.using(caisse.using).get(amount_cents=amount_cents)
    made = disputes.open_dispute(caisse, sale, kind, by=TREASURER)
    must(isinstance(made, Dispute), f"a dispute: {made}")
    return made  # type: ignore[return-value]  # narrowed by must()


def _slip(caisse: Caisse, number: int, card: str) -> None:
    made = paper.enter(
        caisse,
        6,
        number,
        day=business_date(caisse.now()),
        card_number=card,
        amount_cents=6_60,
        is_initialled=True,
        by=TREASURER,
    )
    must(isinstance(made, PaperSlip), f"a slip: {made}")


def _sell(stall: Stall, card: VirtualCard, amount_cents: int) -> Green:
    outcome = stall.sell(card, amount_cents)
    must(isinstance(outcome, Green), f"a sale: {outcome}")
    return outcome  # type: ignore[return-value]  # narrowed by must()


def _tear(stall: Stall, card: VirtualCard, amount_cents: int) -> None:
    """Sell to a card that pays and is taken away before anybody sees it."""
    stall.tear_commit()
    outcome = stall.sell(card, amount_cents)
    must(isinstance(outcome, Amber), f"an amber sale: {outcome}")


def _pay(caisse: Caisse, folder: Path) -> None:
    draft = settlement.draw_up(caisse, by=TREASURER)
    must(not isinstance(draft, Refusal), f"a run is drawn up: {draft}")
    name = str(getattr(draft, "name", ""))
    run = settlement.approve(caisse, name, by=COMMITTEE)
    must(not isinstance(run, Refusal), f"a run is approved: {run}")
    sent = settlement.mark_sent(caisse, name, by=TREASURER, backup=lambda: folder)
    must(not isinstance(sent, Refusal), f"a run is sent: {sent}")
    done = settlement.confirm(caisse, name, by=TREASURER)
    must(not isinstance(done, Refusal), f"a run is confirmed: {done}")


def rows(path: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Ask an export."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute(sql, values).fetchall()


def change(path: Path, sql: str, *values: object) -> int:
    """Change an export; returns how many rows."""
    with closing(sqlite3.connect(path)) as db, db:
        return db.execute(sql, values).rowcount
