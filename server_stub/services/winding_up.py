"""The end of an experiment: what has still to be over, what is kept of it, and who is forgotten.

Nothing here ends anything: members leave, conventions end and runs are paid by the services that
do so on any other day. This tells what is left of that, and forgets people once nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum, unique
from typing import Final

from cardkit.acts import ActKind
from cardkit.clock import business_date
from cardkit.errors import must
from server_stub.models import (
    Admission,
    Deputy,
    HandoverNote,
    Merchant,
    PaperSlip,
    Person,
    Proposal,
    Settlement,
    SettlementDraft,
    SettlementStep,
    TerminalStatus,
)
from server_stub.rules.ledger import Book
from server_stub.services import books, conventions, fleet, owed, people, resolve
from server_stub.services.caisse import Caisse
from server_stub.services.today import undecided

_ENDED: Final = (ActKind.SETTLEMENT_CONFIRMED, ActKind.SETTLEMENT_REVOKED)


@unique
class Matter(StrEnum):
    """What has to be over, in the order in which it can be."""

    MEMBERS = "members"
    """Admitted, and not left."""
    CONVENTIONS = "conventions"
    """Merchants who may still sell, today or later."""
    ENTRIES = "entries"
    """Numbers of journals that exist and are not here."""
    TERMINALS = "terminals"
    """In use."""
    DECISIONS = "decisions"
    """Findings, disputes, paper slips and proposals that wait for somebody."""
    UNPROVEN = "unproven"
    """Held, waiting or recovered for merchants; what no card has proven and a person has accepted
    as not paid is over."""
    PAYABLE = "payable"
    """Owed to merchants, or owed by them where it is negative."""
    RUNS = "runs"
    """Drawn up, approved or sent, and not confirmed."""
    TILL_BOX = "till_box"
    """Cash and cheques that nobody has brought away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is left of one matter; nothing where both are 0."""

    matter: Matter
    count: int = 0
    amount_cents: int = 0

    @property
    def is_over(self) -> bool:
        """Nothing is left."""
        return not self.count and not self.amount_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How far a caisse is from its end."""

    matters: tuple[Left, ...]
    on_cards_cents: int
    """What cards could still spend; it lapses by the voted rule, and keeps nobody from the end."""
    people: int
    """Whose names are known."""

    @property
    def is_over(self) -> bool:
        """Nobody waits for anything any more."""
        return all(one.is_over for one in self.matters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """How many people nobody knows any more."""

    people: int


def ending(caisse: Caisse) -> Ending:
    """Tell what is left to do before this caisse ends; writes nothing."""
    stands = books.balances(caisse)

    def of(*wanted: Book) -> int:
        return sum(cents for account, cents in stands.items() if account[0] in wanted)

    return Ending(
        matters=tuple(_matters(caisse, of)),
        on_cards_cents=of(Book.CREDIT, Book.SPENT),
        people=Person.objects.using(caisse.using).count(),
    )


def forget(caisse: Caisse, *, by: int) -> Forgotten | Ending:
    """Forget every person, deputy and note; the books stay, and name no member.

    Merchants and where they were paid belong to the books (Code de commerce, L123-22: ten years).
    Where something is not over, nothing is done, and that is told. What copies of the database
    still hold goes with them.
    """
    must(by > 0, "a person ends an experiment")
    with caisse.alone():
        now = ending(caisse)
        if not now.is_over:
            return now
        known = list(Person.objects.using(caisse.using).select_related("account"))
        for person in known:
            people.erase(caisse, person, by=by)
        Deputy.objects.using(caisse.using).all().delete()
        HandoverNote.objects.using(caisse.using).all().delete()
        return Forgotten(people=len(known))


def _matters(caisse: Caisse, of: Callable[..., int]) -> Iterator[Left]:
    using, today = caisse.using, business_date(caisse.now())
    members = Admission.objects.using(using).filter(account__departure__isnull=True)
    yield Left(matter=Matter.MEMBERS, count=members.count())
    merchants = Merchant.objects.using(using).values_list("id", flat=True)
    selling = [it for it in merchants if _may_sell(caisse, it, today)]
    yield Left(matter=Matter.CONVENTIONS, count=len(selling))
    terminals = fleet.fleet(caisse)
    lacking = sum(lacks.numbers.count for one in terminals for lacks in one.missing)
    yield Left(matter=Matter.ENTRIES, count=lacking)
    in_use = [one for one in terminals if one.terminal.status == TerminalStatus.ACTIVE]
    yield Left(matter=Matter.TERMINALS, count=len(in_use))
    yield Left(matter=Matter.DECISIONS, count=_decisions(caisse))
    accounts = [one.account for one in owed.owed_to_merchants(caisse)]
    unproven = sum(it.waiting_cents + it.provisional_cents for it in accounts)
    yield Left(matter=Matter.UNPROVEN, amount_cents=of(Book.HELD) + unproven)
    open_accounts = [it.payable_cents for it in accounts if it.payable_cents]
    yield Left(matter=Matter.PAYABLE, count=len(open_accounts), amount_cents=sum(open_accounts))
    yield Left(matter=Matter.RUNS, count=_runs(caisse))
    yield Left(matter=Matter.TILL_BOX, amount_cents=of(Book.CASH_BOX, Book.CHEQUES))


def _may_sell(caisse: Caisse, merchant: int, today: date) -> bool:
    return any(one.days.until_day > today for one in conventions.of(caisse, merchant))


def _decisions(caisse: Caisse) -> int:
    using = caisse.using
    return (
        len(resolve.open_work(caisse))
        + undecided().using(using).count()
        + PaperSlip.objects.using(using).count()
        + Proposal.objects.using(using).count()
    )


def _runs(caisse: Caisse) -> int:
    using = caisse.using
    ended = SettlementStep.objects.using(using).filter(kind__in=_ENDED).values("settlement")
    under_way = Settlement.objects.using(using).exclude(name__in=ended)
    return SettlementDraft.objects.using(using).count() + under_way.count()
