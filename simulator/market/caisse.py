"""The caisse of the week: keys, members' cards, merchants, and what the coordinator does.

Django has to be prepared (`simulator.market.service`) before this module is imported.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from cardkit.acts import ContributionReceived, RuleSet
from cardkit.errors import must
from provisioning.card_words import Issued
from provisioning.cards import CardWorkshop
from provisioning.client import RequestsTransport, ServiceClient
from provisioning.keystore import KeySet
from provisioning.terminals import TerminalWorkshop
from server_stub.keys import KeyRing
from server_stub.models import (
    Account,
    Card,
    CardTransaction,
    Finding,
    RefundClaim,
    Terminal,
)
from server_stub.rules.facts import State
from server_stub.rules.ledger import Book
from server_stub.rules.scheme import RuleName
from server_stub.services import acts, blocks, directory, issue, rebuild, recover
from server_stub.services.books import balances
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import start_rules
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.maker import Maker
from simulator.market.counter import Counter
from simulator.market.plan import Member
from simulator.market.truth import Books, OwedSale
from simulator.partner import sign_up

COORDINATOR: Final = 1
"""Who the log says it was."""
CONVENTIONS_FROM: Final = datetime(2025, 11, 30, 23, tzinfo=UTC)
CONVENTIONS_UNTIL: Final = datetime(2026, 12, 31, 23, tzinfo=UTC)
RULES_FROM: Final = date(2025, 12, 1)
_SPARE_CARDS_FROM: Final = 900


@dataclass
class MarketCaisse:
    """The service as the coordinator uses it, and the workshop beside her desk."""

    caisse: Caisse
    keys: KeySet = field(repr=False)
    clock: ManualClock
    counter: Counter
    url: str = ""
    maker: Maker = field(default_factory=Maker)
    cards: dict[int, VirtualCard] = field(default_factory=dict)
    """Every member's card in use."""
    all_cards: list[VirtualCard] = field(default_factory=list)

    @classmethod
    def found(cls, keys: KeySet, clock: ManualClock, counter: Counter) -> MarketCaisse:
        """Found the caisse: rules in force, and nobody in it yet."""
        caisse = Caisse(ring=KeyRing(keys.public, keys.service), clock=clock)
        start_rules(caisse, from_day=RULES_FROM)
        only_this_month = RuleSet(name=RuleName.MONTHS_AHEAD, value=0, from_day=RULES_FROM)
        acts.record(caisse, only_this_month, by=COORDINATOR)
        return cls(caisse=caisse, keys=keys, clock=clock, counter=counter)

    @property
    def client(self) -> ServiceClient:
        """The workshop's line to the service."""
        return ServiceClient(
            self.url,
            key=self.keys.workshop.signing_key(self.keys.public.caisse),
            clock=self.clock,
            transport=RequestsTransport(),
        )

    @property
    def enrolling(self) -> TerminalWorkshop:
        """The table where terminals are enrolled."""
        return TerminalWorkshop.with_root(
            public=self.keys.public, keys=self.keys.workshop, root=self.keys.root, clock=self.clock
        )

    def found_merchant(self, merchant: int, name: str) -> None:
        """Sign a convention."""
        sign_up(
            self.caisse,
            merchant,
            name,
            convention_from=CONVENTIONS_FROM,
            convention_until=CONVENTIONS_UNTIL,
        )

    def welcome(self, member: Member, *, paid_on: date) -> None:
        """Open an account, note the contribution, and hand out a card."""
        account = account_number(member.number)
        Account.objects.create(number=account)
        acts.record(
            self.caisse,
            ContributionReceived(
                account=account,
                amount_cents=member.contribution_cents,
                value_date=paid_on,
                reference=f"COT-{paid_on:%Y%m}-{member.number:03}",
            ),
            by=COORDINATOR,
        )
        self.hand_out(member.number, card_number=member.number)

    def hand_out(self, member: int, *, card_number: int) -> VirtualCard:
        """Personalise a blank card for a member."""
        card = self.maker.blank_card(bytes.fromhex("04F1E5") + card_number.to_bytes(4))
        table = CardWorkshop(
            public=self.keys.public,
            keys=self.keys.workshop,
            originality=self.maker.originality,
        )
        issued = self.counter.tap(
            card,
            lambda connection: table.issue(connection, self.client, account=account_number(member)),
        )
        must(isinstance(issued, Issued), f"a blank card is issued: {issued}")
        self.cards[member] = card
        self.all_cards.append(card)
        return card

    def issue_month(self) -> int:
        """Sign the credit that is due and publish it; returns for how many cards."""
        signed = issue.issue_due(self.caisse)
        directory.publish(self.caisse)
        return signed

    def replace_lost_card(self, member: int) -> VirtualCard:
        """Block a lost card and hand out another one; returns the lost one."""
        lost = self.cards[member]
        blocks.block_card(self.caisse, self._row(lost), by=COORDINATOR)
        new = self.hand_out(member, card_number=_SPARE_CARDS_FROM + member)
        blocks.replace_card(self.caisse, self._row(lost), self._row(new), by=COORDINATOR)
        return lost

    def move_remainder(self, lost: VirtualCard, member: int) -> object:
        """Give the new card what the lost one had left, once no stall can sell to it."""
        return blocks.move_remainder(self.caisse, self._row(lost), self._row(self.cards[member]))

    def declare_lost(self, terminal: int) -> int:
        """Say that a terminal burnt; returns how many of its sales the cards prove."""
        return recover.declare_lost(self.caisse, Terminal.objects.get(id=terminal), by=COORDINATOR)

    def confirm_recovered(self, terminal: int) -> int:
        """Confirm each recovered sale by hand; returns how many."""
        sales = recover.recovered(self.caisse, Terminal.objects.get(id=terminal))
        for sale in sales:
            recover.confirm(self.caisse, sale, by=COORDINATOR)
        return len(sales)

    def books(self) -> Books:
        """Return what the books would pay, refunded and returned."""
        sums = balances(self.caisse)
        granted = RefundClaim.objects.filter(granted=True)
        refunded_cents = sum(granted.values_list("amount_cents", flat=True))
        payable = CardTransaction.objects.filter(state=State.PAYABLE.value)
        back_cents = sum(cents for (book, _), cents in sums.items() if book is Book.RETURNED)
        return Books(
            owed=tuple(
                OwedSale(row.terminal, row.seq, row.amount_cents)
                for row in payable.order_by("terminal", "seq")
            ),
            owed_cents=sum(cents for (book, _), cents in sums.items() if book is Book.PAYABLE),
            refunded_cents=refunded_cents,
            returned_cents=back_cents - refunded_cents,
        )

    def open_findings(self) -> int:
        """Return how many findings wait for a person."""
        return Finding.objects.filter(closed_at__isnull=True).count()

    def rebuild_differences(self) -> list[str]:
        """Return where the books differ from what the signed facts come to."""
        return [str(one) for one in rebuild.differences(self.caisse)]

    def _row(self, card: VirtualCard) -> Card:

        return Card.objects.select_related("account").get(uid=card.uid)


def account_number(member: int) -> bytes:
    """Return a member's account: in a real caisse 16 random bytes, here repeatable ones."""
    return hashlib.sha256(b"demo account %d" % member).digest()[:16]
