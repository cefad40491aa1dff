"""October 2026 of a small caisse, played through the services as people would live it.

Eight people apply, six are admitted, promise and pay; three stalls sell on four market days; three
things do not match and are dealt with; two people pay the merchants. What the caisse must owe is
counted beside it, from green screens alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from auditor.audit import audit
from auditor.export import read_export
from auditor.findings import Class
from cardkit import bodies
from cardkit.clock import business_date
from cardkit.till_box import Means
from server_stub.models import Account, ActRow, Finding, Person
from server_stub.rules.ledger import Book
from server_stub.rules.scheme import RuleName
from server_stub.rules.settle import Refusal
from server_stub.rules.worklist import Deed
from server_stub.services import (
    commitments,
    issue,
    payments,
    people,
    resolve,
    rules_in_force,
    settlement,
    waves,
)
from server_stub.services.audit_export import export_audit
from server_stub.services.backup import back_up
from server_stub.services.books import balances
from server_stub.services.commitments import Promised
from server_stub.services.deciding import Done, NeedsSecond
from server_stub.services.payments import Taken
from server_stub.services.rebuild import differences
from server_stub.services.waves import WaveDraw
from simulator.card import VirtualCard
from tests.payout_world import ANNE, BRUNO, IBANS, open_accounts, sync_as_a_till
from tests.service_world import MERCHANT, ServiceWorld, Stall

FIRST: Final = date(2026, 10, 1)
PROMISED_CENTS: Final = (20_00, 25_00, 100_00, 150_00, 45_00, 60_00)
HELD_CENTS: Final = 6_40
FORGED_CENTS: Final = 50_00


@dataclass
class Month:
    """The caisse, its people and stalls, and what they would tell of it."""

    world: ServiceWorld
    accounts: list[Account] = field(default_factory=list)
    cards: list[VirtualCard] = field(default_factory=list)
    stalls: list[Stall] = field(default_factory=list)
    sold_cents: Counter[int] = field(default_factory=Counter)
    """Green screens less refunds, by merchant."""
    spent_cents: Counter[bytes] = field(default_factory=Counter)
    """Green screens by card."""
    paid_in_cents: int = 0

    @classmethod
    def begin(cls, using: str) -> Month:
        """Vote, sign conventions, and note where merchants are paid."""
        month = cls(ServiceWorld.make(using=using))
        caisse = month.world.caisse
        month.world.merchant(MERCHANT + 1)
        rules_in_force.set_rule(caisse, RuleName.COMMITMENT_NEEDED, 1, from_day=FIRST)
        open_accounts(month.world)
        return month

    # Members

    def enrol(self) -> None:
        """Take people in: a list, a wave, promises, cards."""
        caisse = self.world.caisse
        for number in range(8):
            people.register(caisse, f"Personne {number}", email=f"p{number}@example.org")
        wave = waves.admit(caisse, places=len(PROMISED_CENTS), by=ANNE)
        assert isinstance(wave, WaveDraw)
        admitted = Person.objects.using(caisse.using).filter(account__admission__isnull=False)
        self.accounts = [one.account for one in admitted.order_by("id")]
        for account, cents in zip(self.accounts, PROMISED_CENTS, strict=True):
            made = commitments.commit(caisse, account, cents, first_month=FIRST, by=ANNE)
            assert isinstance(made, Promised)
            self.cards.append(self.world.card(account=bytes(account.number)))

    def collect(self) -> None:
        """Take each member's due for October, by cash, cheque or transfer."""
        means = (Means.CASH, Means.CHEQUE, Means.TRANSFER)
        for number, (account, cents) in enumerate(zip(self.accounts, PROMISED_CENTS, strict=True)):
            by_transfer = means[number % 3] is Means.TRANSFER
            taken = payments.take(
                self.world.caisse,
                account,
                cents,
                means=means[number % 3],
                value_date=business_date(self.world.now),
                reference=f"V-{number}" if by_transfer else "",
                by=ANNE,
            )
            assert isinstance(taken, Taken), taken
            self.paid_in_cents += cents

    # Stalls

    def open_stalls(self) -> None:
        """Enrol a terminal for one merchant and two for the other."""
        issue.issue_due(self.world.caisse)
        self.stalls = [
            self.world.stall(3),
            self.world.stall(4, merchants=(MERCHANT + 1,)),
            self.world.stall(5, merchants=(MERCHANT + 1,)),
        ]

    def market_day(self, *, online: Iterable[int]) -> None:
        """Sell to every card at some stall; only some stalls have network in the evening."""
        for number, card in enumerate(self.cards):
            self.sell(self.stalls[number % 3], card, 3_10 + 85 * number)
        self.sell(self.stalls[0], self.cards[4], 2_05)
        for index in online:
            sync_as_a_till(self.stalls[index])
        self.world.clock.pass_time(timedelta(days=7))

    def sell(self, stall: Stall, card: VirtualCard, amount_cents: int) -> int:
        """Sell, green, and count it."""
        self.sold_cents[stall.merchant] += amount_cents
        self.spent_cents[card.uid] += amount_cents
        return stall.sell(card, amount_cents)

    def refund(self, stall: Stall, card: VirtualCard, sale: int, amount_cents: int) -> None:
        """Give money back at the stall that sold."""
        stall.refund(card, sale, amount_cents)
        self.sold_cents[stall.merchant] -= amount_cents

    def sync_all(self) -> None:
        """The last evening of the month: everybody has network."""
        for stall in self.stalls:
            sync_as_a_till(stall)

    # What does not match

    def make_trouble(self) -> None:
        """A sale on a permit nobody knows, a forged one, and a refund of more than its sale."""
        held, forging, refunding = self.stalls
        permit = held.permit_digest
        held.permit_digest = b"\x05" * 32
        self.sell(held, self.cards[0], HELD_CENTS)
        held.permit_digest = permit
        self.refund(refunding, self.cards[1], self.sell(refunding, self.cards[1], 4_00), 1_50)
        refunding.refund(self.cards[2], self.sell(refunding, self.cards[2], 2_00), 9_00)
        self._forge(forging)
        self.sync_all()

    def _forge(self, stall: Stall) -> None:
        """The stall's owner writes a sale into the journal that no card has made."""
        real = next(it.body for it in stall.entries if isinstance(it.body, bodies.Intent))
        invented = replace(real, tmc0=real.tmc0 + 40, amount_cents=FORGED_CENTS, token=bytes(8))
        seq = stall.append(invented).seq
        stall.append(
            bodies.Sale(
                intent_seq=seq,
                amount_cents=FORGED_CENTS,
                tmc=invented.tmc0 + 1,
                proof=bodies.SaleProof.COMMIT_ANSWERED,
                tmv=bytes(8),
            )
        )

    def resolve(self) -> None:
        """Pay what was held, as two people; accept as they stand the two that cost nothing."""
        caisse = self.world.caisse
        held = self.finding("held")
        first = resolve.pay(caisse, held, by=ANNE)
        assert isinstance(first, NeedsSecond), first
        assert isinstance(resolve.pay(caisse, held, by=BRUNO), Done)
        for kind in ("not_genuine", "refund_waits"):
            done = resolve.handle(caisse, self.finding(kind), Deed.ACCEPT, by=ANNE)
            assert isinstance(done, Done), done
        assert resolve.open_work(caisse) == ()

    def finding(self, kind: str) -> Finding:
        """The one open finding of a kind."""
        return Finding.objects.using(self.world.caisse.using).get(kind=kind, closed_at=None)

    # The end

    def settle(self, folder: Path) -> str:
        """Draw up, approve as somebody else, and send behind a copy."""
        caisse = self.world.caisse
        draft = settlement.draw_up(caisse, by=ANNE)
        assert not isinstance(draft, Refusal), draft
        approved = settlement.approve(caisse, draft.name, by=BRUNO)
        assert not isinstance(approved, Refusal), approved
        copy = partial(back_up, caisse, folder / "books.sqlite3", holding=draft.name)
        sent = settlement.mark_sent(caisse, draft.name, by=ANNE, backup=copy)
        assert isinstance(sent, ActRow)
        return draft.name

    def live(self) -> None:
        """Everything up to the last evening."""
        self.enrol()
        self.collect()
        self.open_stalls()
        self.market_day(online=(0,))
        self.market_day(online=(1, 2))
        self.make_trouble()
        self.market_day(online=())
        self.resolve()
        self.market_day(online=(0, 1))
        self.sync_all()

    def check(self, folder: Path) -> None:
        """Hold the books to what people saw, to themselves, and to an auditor with other code."""
        caisse = self.world.caisse
        held = balances(caisse)
        assert sum(held.values()) == 0
        assert -held[Book.SPENT, 0] == sum(self.spent_cents.values())
        assert -held[Book.CONTRIBUTED, 0] == self.paid_in_cents
        for number in IBANS:
            owed = (Book.PAYABLE, Book.IN_PAYMENT, Book.PAID)
            assert sum(held.get((book, number), 0) for book in owed) == self.sold_cents[number]
        for card in self.cards:
            assert self.world.open(card).spent_cents() == self.spent_cents[card.uid]
        assert differences(caisse) == []
        path = folder / "audit.sqlite3"
        export_audit(caisse, path)
        found = [it for it in audit(read_export(path)).findings if it.kind is not Class.TOTAL]
        assert not found, [str(it) for it in found]  # these stalls count no perpetual total
