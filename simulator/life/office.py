"""The office of the life: what coordinator, treasurer and committee do, by the service's own hands.

Django has to be prepared before this module is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from django.contrib.auth.models import User

from cardkit.clock import business_date
from cardkit.errors import must
from cardkit.membership import CommitmentChangeKind
from cardkit.resolutions import DisputeKind
from cardkit.till_box import Means
from provisioning.keystore import KeySet
from server_stub.models import (
    Account,
    Card,
    CardTransaction,
    Commitment,
    ConsoleRole,
    Convention,
    Dispute,
    Merchant,
    MerchantKind,
    Terminal,
)
from server_stub.models import Person as PersonRow
from server_stub.rules.conventions import Category, Span, Terms
from server_stub.rules.facts import State
from server_stub.rules.payments import WITH_QUITTANCE
from server_stub.rules.scheme import RuleName
from server_stub.rules.settle import Refusal
from server_stub.services import (
    bank_details,
    blocks,
    cash_box,
    commitments,
    conventions,
    disputes,
    exits,
    issue,
    payments,
    people,
    recover,
    settlement,
    waves,
)
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import set_rule, start_rules
from server_stub.services.seed import console_user
from simulator.burnt.caisse import BareCaisse
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.field import Field
from simulator.life.cards import CardTable
from simulator.life.keys import drawing
from simulator.life.people import Person
from simulator.life.plan import Plan
from simulator.life.shops import Shop
from simulator.life.stall import LifeStall

COORDINATOR, TREASURER, COMMITTEE = "coordination", "tresorerie", "comite"
CONVENTION_YEARS: Final = 3
_BANK: Final = 30_999
"""No bank of France has this number."""


@dataclass
class Office:
    """The service as people use it, and the workshop beside the desk."""

    caisse: Caisse
    keys: KeySet = field(repr=False)
    plan: Plan
    reader: Field
    draw: Callable[[int], bytes] = field(repr=False)
    cards: CardTable
    passwords: dict[str, str] = field(default_factory=dict, repr=False)
    """Of the console, told once."""
    terminals: int = 0
    payments: int = 0
    _numbers: dict[str, int] = field(default_factory=dict)

    @classmethod
    def found(cls, caisse: Caisse, keys: KeySet, plan: Plan, reader: Field) -> Office:
        """Found the caisse: people who run it, rules in force, conventions signed."""
        office = cls(
            caisse,
            keys,
            plan,
            reader,
            drawing(plan.seed, "numbers"),
            CardTable(caisse, keys, reader),
        )
        for name, role in (
            (COORDINATOR, ConsoleRole.COORDINATOR),
            (TREASURER, ConsoleRole.TREASURER),
            (COMMITTEE, ConsoleRole.COMMITTEE),
        ):
            password = console_user(caisse, name, role)
            must(password is not None, "nobody was there before")
            office.passwords[name] = password or ""
        start_rules(caisse, from_day=plan.first_day.replace(day=1))
        set_rule(
            caisse,
            RuleName.COMMITMENT_NEEDED,
            1,
            from_day=plan.first_day + timedelta(days=1),
            voted_on=plan.first_day,
            by=office.number(COMMITTEE),
        )
        for merchant, shop in enumerate(plan.shops, start=1):
            office._sign_convention(merchant, shop)
        return office

    def number(self, name: str) -> int:
        """Return the number of one of those who run it."""
        if name not in self._numbers:
            self._numbers[name] = User.objects.using(self.caisse.using).get(username=name).pk
        return self._numbers[name]

    # Members

    def apply(self, person: Person) -> PersonRow:
        """Put somebody on the waiting list."""
        return people.register(
            self.caisse,
            person.name,
            draw=self.draw,
            address=person.address,
            telephone=person.telephone,
            email=person.email,
            reached_through=person.reached_through,
        )

    def promise(self, account: Account, monthly_cents: int, first_month: date) -> Commitment:
        """Take down a commitment of the voted length."""
        promised = commitments.commit(
            self.caisse,
            account,
            monthly_cents,
            first_month=first_month,
            by=self.number(COORDINATOR),
            draw=self.draw,
        )
        must(isinstance(promised, commitments.Promised), f"a promise is taken: {promised}")
        return promised.commitment  # type: ignore[union-attr]  # narrowed by must()

    def admit(self, places: int) -> tuple[PersonRow, ...]:
        """Take a wave from the waiting list, in the voted order."""
        made = waves.admit(self.caisse, places=places, by=self.number(COORDINATOR))
        must(isinstance(made, waves.WaveDraw), f"a wave is admitted: {made}")
        return made.admitted  # type: ignore[union-attr]  # narrowed by must()

    def change(
        self, promise: Commitment, kind: CommitmentChangeKind, *, from_month: date, cents: int = 0
    ) -> bool:
        """Change a commitment, as only the caisse may; False where a rule forbids it."""
        changed = commitments.change(
            self.caisse,
            promise,
            kind,
            from_month=from_month,
            monthly_cents=cents,
            by=self.number(COORDINATOR),
        )
        return isinstance(changed, commitments.Promised)

    def receive(self, account: Account, cents: int, means: Means) -> None:
        """Note what comes in today: of the bank's statement, or over the counter."""
        today, by_bank = business_date(self.caisse.now()), means not in WITH_QUITTANCE
        self.payments += by_bank
        taken = payments.take(
            self.caisse,
            account,
            cents,
            means=means,
            value_date=today,
            reference=f"VIR-{today:%Y%m}-{self.payments:05}" if by_bank else "",
            by=self.number(TREASURER),
        )
        must(isinstance(taken, payments.Taken), f"a payment is taken: {taken}")

    def hand_money_in(self) -> None:
        """Bring cash and cheques to the bank, where there are any."""
        by, today = self.number(TREASURER), business_date(self.caisse.now())
        for hand_in, slip in (
            (cash_box.hand_in_cheques, f"CHQ-{today:%Y%m}"),
            (partial(cash_box.hand_in_cash, amount_cents=None), f"ESP-{today:%Y%m}"),
        ):
            hand_in(self.caisse, day=today, reference=slip, by=by)

    def leave(self, account: Account) -> None:
        """Let a member go, whose card comes back."""
        left = exits.leave(
            self.caisse, account, card=exits.CardIs.BACK, by=self.number(COORDINATOR)
        )
        must(isinstance(left, exits.Leaving), f"a member leaves: {left}")

    def dispute(self, card: VirtualCard) -> bool:
        """Dispute the last sale of a card; False where none is owed."""
        sales = CardTransaction.objects.using(self.caisse.using).filter(
            card=self.row(card), state=State.PAYABLE.value
        )
        sale = sales.select_related("card").order_by("tmc").last()
        if sale is None:
            return False
        opened = disputes.open_dispute(
            self.caisse,
            sale,
            DisputeKind.WRONG_AMOUNT,
            amount_cents=sale.amount_cents // 2,
            by=self.number(COORDINATOR),
            draw=self.draw,
        )
        return isinstance(opened, Dispute)

    # Cards

    def hand_out(self, account: Account) -> VirtualCard:
        """Issue a card of an account."""
        return self.cards.hand_out(account)

    def issue_month(self) -> int:
        """Sign what months are due, and let lapse what leavers had left."""
        exits.lapse_due(self.caisse)
        return issue.issue_due(self.caisse)

    def replace(self, lost: VirtualCard) -> VirtualCard:
        """Block a lost card and hand out another one."""
        by = self.number(COORDINATOR)
        row = self.row(lost)
        blocks.block_card(self.caisse, row, by=by)
        card = self.hand_out(row.account)
        blocks.replace_card(self.caisse, row, self.row(card), by=by)
        return card

    def move_remainder(self, lost: VirtualCard, card: VirtualCard) -> bool:
        """Give the new card what the lost one had; False while a stall may still sell to that."""
        moved = blocks.move_remainder(self.caisse, self.row(lost), self.row(card))
        return not isinstance(moved, blocks.NotYet)

    def row(self, card: VirtualCard) -> Card:
        """The service's row of a card."""
        cards = Card.objects.using(self.caisse.using).select_related("account")
        return cards.get(uid=card.uid)

    # Terminals

    def enrol(self, merchant: int, shop: Shop, folder: Path) -> LifeStall:
        """Give a merchant a terminal."""
        self.terminals += 1
        clock, terminal = ManualClock(self.caisse.now()), self.terminals
        bare = BareCaisse(self.caisse, self.keys, clock, self.reader)
        home = folder / str(terminal)
        stall = bare.enrol(terminal, home, merchant=merchant)
        return LifeStall(
            shop=shop,
            merchant=merchant,
            terminal=terminal,
            folder=home,
            stall=stall,
            clock=clock,
            reader=self.reader,
            enrolled_on=business_date(self.caisse.now()),
        )

    def declare_lost(self, terminal: int) -> int:
        """Say that a terminal will send nothing any more."""
        row = Terminal.objects.using(self.caisse.using).get(id=terminal)
        return recover.declare_lost(self.caisse, row, by=self.number(COORDINATOR))

    def confirm_recovered(self, terminal: int, *, leave: int = 0) -> None:
        """Confirm what cards prove of a lost terminal, but for the last few."""
        row = Terminal.objects.using(self.caisse.using).get(id=terminal)
        sales = recover.recovered(self.caisse, row)
        for sale in sales[: len(sales) - leave]:
            recover.confirm(self.caisse, sale, by=self.number(COORDINATOR))

    # Merchants are paid

    def draw_up(self) -> str | None:
        """Draft a run; None when nobody is owed anything."""
        draft = settlement.draw_up(self.caisse, by=self.number(TREASURER))
        return None if isinstance(draft, Refusal) else draft.name

    def send(self, name: str) -> None:
        """Approve a run as a second person, and hand it to the bank."""
        approved = settlement.approve(self.caisse, name, by=self.number(COORDINATOR))
        must(not isinstance(approved, Refusal), f"a run is approved: {approved}")
        sent = settlement.mark_sent(self.caisse, name, by=self.number(TREASURER), backup=_no_copy)
        must(not isinstance(sent, Refusal), f"a run is sent: {sent}")

    def confirm(self, name: str) -> None:
        """Find a run in the bank's statement."""
        settlement.confirm(self.caisse, name, by=self.number(TREASURER))

    def revoke(self, name: str) -> None:
        """Take back a run that the bank has refused."""
        settlement.revoke(self.caisse, name, by=self.number(TREASURER))

    def change_account(self, merchant: int, *, holder: str) -> None:
        """Take down another bank account, which a second person has not confirmed yet."""
        row = Merchant.objects.using(self.caisse.using).get(id=merchant)
        iban = iban_of(merchant, number=2)
        bank_details.enter(self.caisse, row, iban=iban, holder=holder, by=self.number(COORDINATOR))

    # Small things

    def _sign_convention(self, merchant: int, shop: Shop) -> None:
        begins = self.plan.first_day
        row = conventions.register(
            self.caisse,
            shop.name,
            kind=MerchantKind.GROCERY if shop.online else MerchantKind.PRODUCER,
        )
        must(row.id == merchant, "merchants are numbered in their order")
        signed = conventions.sign(
            self.caisse,
            merchant,
            Span(begins, begins.replace(year=begins.year + CONVENTION_YEARS)),
            Terms(distance_km=shop.distance_km, categories=(Category(name=shop.category),)),
            signed_on=begins,
            by=self.number(COORDINATOR),
        )
        must(isinstance(signed, Convention), f"a convention is signed: {signed}")
        entered = bank_details.enter(
            self.caisse,
            row,
            iban=iban_of(merchant, number=1),
            holder=shop.name,
            by=self.number(COORDINATOR),
        )
        must(not isinstance(entered, bank_details.BankRefusal), f"an account: {entered}")
        bank_details.confirm(self.caisse, entered, by=self.number(TREASURER))  # type: ignore[arg-type]  # narrowed by must()


def iban_of(merchant: int, *, number: int) -> str:
    """Return a bank account that passes every check of digits, and that no bank has."""
    account = f"{_BANK:05}00001{merchant:05}{number:06}"
    key = 97 - int(account + "00") % 97
    basic = f"{account}{key:02}"
    return f"FR{98 - int(f'{basic}152700') % 97:02}{basic}"


def _no_copy() -> None:
    """No copy is made of books that nobody will miss."""
