"""A caisse that pays: two people, a bank that executes what it is given, and backups."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connections

from cardkit import bodies
from server_stub import scratch
from server_stub.models import ActRow, BankDetails, Merchant, Settlement, SettlementLine
from server_stub.rules.settle import Refusal, RunState
from server_stub.services import bank_details, restore, settlement
from server_stub.services.settlement import state_of
from simulator.card import VirtualCard
from tests.service_world import MERCHANT, ServiceWorld, Stall

BOOKS = "payouts"
ANNE, BRUNO = 1, 2
IBANS = {
    MERCHANT: "FR7630006000011234567890189",
    MERCHANT + 1: "FR1420041010050500013M02606",
}


@contextmanager
def empty_books() -> Iterator[sqlite3.Connection]:
    """A database of our own, outside of any transaction, as a copy of it has to be."""
    with scratch.empty_books(BOOKS):
        yield copied()


def copied() -> sqlite3.Connection:
    """A backup of the books as they are."""
    kept = sqlite3.connect(":memory:")
    connections[BOOKS].connection.backup(kept)
    return kept


def put_back(kept: sqlite3.Connection) -> None:
    """Make the books what a backup was."""
    assert not connections[BOOKS].in_atomic_block
    kept.backup(connections[BOOKS].connection)


def backup_of_a_life(
    steps: Sequence[str],
    acts: Sequence[Callable[[], object]],
    *,
    until: str,
    backup_at: str,
) -> sqlite3.Connection:
    """Live up to and including a step; returns the backup made after another."""
    backup = None
    for step, act in zip(steps, acts, strict=True):
        act()
        if step == backup_at:
            backup = copied()
        if step == until:
            break
    assert backup is not None
    return backup


def sync_as_a_till(stall: Stall) -> None:
    """Sync, and journal what was answered."""
    answer = stall.sync()
    stall.append(
        bodies.Acknowledged(
            up_to_seq=answer.up_to_seq,
            head=answer.head,
            epoch=answer.epoch,
            answered_at=answer.answered_at,
            answer=bytes(32),
            settled=answer.settled,
        )
    )


def open_accounts(world: ServiceWorld) -> None:
    """Both merchants have an account that two people have seen."""
    for number, iban in IBANS.items():
        row = Merchant.objects.using(world.caisse.using).get(id=number)
        entered = bank_details.enter(world.caisse, row, iban=iban, holder=row.name, by=ANNE)
        assert isinstance(entered, BankDetails)
        bank_details.confirm(world.caisse, entered, by=BRUNO)


@dataclass
class PayoutWorld:
    """Two stalls of two merchants, one card, and a bank that forgets nothing."""

    world: ServiceWorld
    card: VirtualCard
    stalls: tuple[Stall, ...]
    bank: Counter[tuple[str, int]] = field(default_factory=Counter)
    """What it executed: cents, by name of the run and merchant."""
    sold_cents: Counter[int] = field(default_factory=Counter)
    """Green screens, by merchant."""

    @classmethod
    def make(cls, kept: sqlite3.Connection) -> PayoutWorld:
        """Begin with empty books."""
        put_back(kept)
        world = ServiceWorld.make(using=BOOKS)
        world.merchant(MERCHANT + 1)
        card = world.card()
        stalls = (world.stall(3), world.stall(4, merchants=(MERCHANT + 1,)))
        return cls(world, card, stalls)

    def sell(self, *amounts_cents: int) -> None:
        """Sell at each stall in turn, green."""
        for index, amount_cents in enumerate(amounts_cents):
            stall = self.stalls[index % len(self.stalls)]
            stall.sell(self.card, amount_cents)
            self.sold_cents[stall.merchant] += amount_cents

    def sync(self) -> None:
        """Let every stall sync, and journal what it was answered."""
        for stall in self.stalls:
            sync_as_a_till(stall)

    def draw_up(self) -> str:
        """Draft a run."""
        draft = settlement.draw_up(self.world.caisse, by=ANNE)
        assert not isinstance(draft, Refusal), draft
        return draft.name

    def approve(self, name: str) -> None:
        """Approve it, as somebody else."""
        assert isinstance(settlement.approve(self.world.caisse, name, by=BRUNO), Settlement)

    def send(self, name: str) -> None:
        """Mark a run as sent, and only then hand it to the bank, which executes it."""
        row = settlement.mark_sent(self.world.caisse, name, by=ANNE, backup=copied)
        assert not isinstance(row, Refusal), row
        for line in SettlementLine.objects.using(BOOKS).filter(settlement=name):
            assert (name, line.merchant) not in self.bank
            self.bank[name, line.merchant] = line.amount_cents

    def confirm(self, name: str) -> None:
        """Find a run in the bank's statement."""
        assert not isinstance(settlement.confirm(self.world.caisse, name, by=ANNE), Refusal)

    def trade(self, *amounts_cents: int) -> None:
        """Sell, and sync."""
        self.sell(*amounts_cents)
        self.sync()

    def pay_all(self) -> None:
        """Pay whatever is owed."""
        name = self.draw_up()
        self.approve(name)
        self.send(name)
        self.confirm(name)

    def paid_cents(self, merchant: int) -> int:
        """What the bank has executed for a merchant."""
        return sum(cents for (_, to), cents in self.bank.items() if to == merchant)

    def evidence(self, name: str, merchant: int, cents: int) -> ActRow | Refusal:
        """Enter one payment of the bank's statement, as two people do."""
        return restore.evidence(
            self.world.caisse,
            settlement=name,
            merchant=merchant,
            amount_cents=cents,
            entered_by=ANNE,
            by=BRUNO,
        )

    def enter_statement(self) -> None:
        """Compare the bank's statement with the books, line by line, as two people do."""
        caisse = self.world.caisse
        executed = {name for name, _ in self.bank}
        for name in restore.missing(caisse).runs:
            if name in executed:
                self.confirm(name)
            else:
                settlement.revoke(caisse, name, by=ANNE)
        for (name, merchant), cents in self.bank.items():
            if state_of(caisse, name) in {RunState.SENT, RunState.CONFIRMED}:
                continue
            self.evidence(name, merchant, cents)
