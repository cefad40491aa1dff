"""The life itself, day after day: who comes in, pays, shops, and what the office does of it.

Django has to be prepared before this module is imported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Final

from cardkit.membership import CommitmentChangeKind
from server_stub.models import Account, Commitment
from server_stub.services.caisse import Caisse
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.life.mishaps import Mishaps
from simulator.life.office import Office
from simulator.life.people import Person, people
from simulator.life.plan import WAITING, Plan, local, month_before, months_later
from simulator.life.shops import SAT, Shop
from simulator.life.stall import LifeStall
from terminal.outcomes import Amber, Green, SaleOutcome

Deed = Callable[[], None]

VISITS_A_WEEK: Final = 0.42
"""To each stall that somebody likes."""
TOO_LITTLE_CENTS: Final = 1_50
"""With less on the card nobody queues."""
APPLIED_BEFORE: Final = timedelta(days=20)
COMMITMENT_MONTHS: Final = 3
_TORN: Final = 0.008
_CLIENT_LEAVES: Final = 0.1
_REFUNDED: Final = 0.008
_FIRST_DAYS: Final = timedelta(days=10)
_STAYS: Final = 0.97
_FLOOR_CENTS: Final = 20_00
HARDSHIP_CENTS: Final = 10_00


@dataclass
class Member:
    """Somebody with a card, as the life knows them."""

    person: Person
    account: Account
    card: VirtualCard
    monthly_cents: int
    promise: Commitment
    ends: date
    """The first month that the last promise does not speak of."""
    remaining_cents: int | None = None
    """What a till last said; None: nobody has looked since the month began."""
    owes_cents: int = 0
    otherwise_cents: dict[date, int] = field(default_factory=dict)
    """What months ask that the caisse has changed."""
    here: bool = True
    lost: list[VirtualCard] = field(default_factory=list)
    """Blocked cards whose remainder is still to be moved."""


@dataclass(frozen=True, slots=True)
class MonthTold:
    """What a month came to, for who waits in front of the screen."""

    month: date
    members: int
    sales: int
    sales_cents: int


@dataclass
class Life:
    """A caisse, its people and stalls, and the day that it is."""

    plan: Plan
    office: Office
    clock: ManualClock
    folder: Path
    random: Random
    stalls: list[LifeStall] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    deeds: dict[date, list[Deed]] = field(default_factory=lambda: defaultdict(list))
    today: date = date.min
    sales: int = 0
    sales_cents: int = 0
    _applicants: list[Person] = field(default_factory=list)
    _applied: dict[int, Person] = field(default_factory=dict)
    """By their row on the waiting list."""

    @property
    def caisse(self) -> Caisse:
        """The service at work."""
        return self.office.caisse

    def begin(self) -> None:
        """Invent who will apply, enrol the terminals, and plan what is known beforehand."""
        self.today = self.plan.first_day
        self._applicants = list(people(self.random, self.plan.shops, self.plan.members + WAITING))
        self._advance(local(self.plan.first_day, time(6)))
        for number, shop in enumerate(self.plan.shops, start=1):
            self.enrol(number, shop)
        for month, count in self.plan.waves().items():
            self._plan_wave(month, count)
        last = max(self.plan.first_day, self.plan.until - APPLIED_BEFORE)
        for number in range(WAITING):
            day = last + (self.plan.until - last) * number // WAITING
            self.plan_deed(day, self._apply)
        Mishaps(self).plan()

    def live(self) -> Iterator[MonthTold]:
        """Live every day; yields each month that is over, and the last as far as it came."""
        month, before = self.plan.first_day, (0, 0)
        for day in self.plan.days():
            if day.day == 1 and day != month:
                yield self._told(month, before)
                month, before = day, (self.sales, self.sales_cents)
            self._live_day(day)
        yield self._told(month, before)

    def close(self) -> None:
        """Switch every terminal off; what it had to say is said, or was never sent."""
        for stall in self.stalls:
            stall.switch_off()

    # For those who plan

    def plan_deed(self, day: date, deed: Deed) -> None:
        """Let something happen in the morning of a day, if the life comes to that day."""
        self.deeds[day].append(deed)

    def enrol(self, merchant: int, shop: Shop) -> LifeStall:
        """Give a merchant a terminal from today on."""
        stall = self.office.enrol(merchant, shop, self.folder)
        self.stalls.append(stall)
        return stall

    def stall_of(self, merchant: int) -> LifeStall | None:
        """Return the terminal that a merchant sells with."""
        return next((it for it in self.stalls if it.merchant == merchant and it.is_on), None)

    def send(self, stall: LifeStall) -> None:
        """Let a terminal exchange with the service."""
        self._advance(self.clock.now().at + timedelta(minutes=1))
        stall.exchange(self.caisse)

    def some_member(self) -> Member | None:
        """Return anybody who is a member now."""
        here = [it for it in self.members if it.here]
        return self.random.choice(here) if here else None

    # A day

    def _live_day(self, day: date) -> None:
        self.today = day
        self._advance(local(day, time(6)))
        if day.day == 1:
            self._begin_month()
        for deed in self.deeds.pop(day, ()):
            deed()
        for at, stall, member in self._visits(day):
            self._advance(at)
            self._serve(stall, member)
        self._advance(local(day, time(20)))
        self._evening(day)

    def _begin_month(self) -> None:
        self.office.issue_month()
        for member in self.members:
            member.remaining_cents = None
            self._plan_payment(member)
        self.plan_deed(self.today.replace(day=5), self._pay_merchants)
        self.plan_deed(self.today.replace(day=12), self.office.hand_money_in)

    def _evening(self, day: date) -> None:
        for stall in self.stalls:
            if not stall.is_on:
                continue
            stall.close_day()
            if self._sends(stall, day):
                self.send(stall)
        for member in self.members:
            if day.weekday() == SAT and member.lost:
                self._move_remainders(member)

    def _sends(self, stall: LifeStall, day: date) -> bool:
        """On Saturdays, the stalls without network every other week: it keeps the books short."""
        if day.weekday() != SAT or (stall.silent_from is not None and day >= stall.silent_from):
            return False
        weeks_left = (self.plan.before_end(0) - day).days // 7
        return stall.shop.online or weeks_left % 2 == 0 or self._is_new(stall, day)

    def _is_new(self, stall: LifeStall, day: date) -> bool:
        return day - stall.enrolled_on < _FIRST_DAYS

    def _visits(self, day: date) -> list[tuple[datetime, LifeStall, Member]]:
        visits = []
        for member in self.members:
            if not member.here:
                continue
            for index in member.person.favourites:
                shop = self.plan.shops[index]
                often = VISITS_A_WEEK * member.person.thrift / len(shop.days)
                if day.weekday() not in shop.days or self.random.random() >= often:
                    continue
                hour = self.random.randrange(8, 18 if shop.online else 12)
                at = local(day, time(hour, self.random.randrange(60)))
                stall = self.stall_of(index + 1)
                if stall is not None:
                    visits.append((at, stall, member))
        return sorted(visits, key=lambda it: it[0])

    def _serve(self, stall: LifeStall, member: Member) -> None:
        """Let a member pay; once in a while the card is torn away, or the goods come back."""
        if member.remaining_cents is not None and member.remaining_cents < TOO_LITTLE_CENTS:
            return
        low_cents, high_cents = stall.shop.baskets_cents
        usual_cents = (2 * low_cents + high_cents) / 3
        amount_cents = int(self.random.triangular(low_cents, high_cents, usual_cents))
        outcome: SaleOutcome
        if self.random.random() < _TORN:
            outcome = self._serve_torn(stall, member, amount_cents)
        else:
            outcome = stall.sell(member.card, amount_cents)
        if not isinstance(outcome, Green):
            return
        self.sales += 1
        self.sales_cents += outcome.amount_cents
        member.remaining_cents = outcome.remaining_cents
        if self.random.random() < _REFUNDED:
            stall.refund(outcome, max(1, outcome.amount_cents // 4))

    def _serve_torn(self, stall: LifeStall, member: Member, amount_cents: int) -> SaleOutcome:
        """Most clients lay their card down once more; some leave."""
        executed = self.random.random() < 0.5
        leaves = self.random.random() < _CLIENT_LEAVES
        outcome = stall.sell_torn(member.card, amount_cents, executed=executed)
        if isinstance(outcome, Amber) and leaves:
            stall.answer_amber()
            return outcome
        if outcome is None or isinstance(outcome, Amber):
            return stall.sell(member.card, amount_cents)
        return outcome

    def _advance(self, at: datetime) -> None:
        """Let time go by for everybody."""
        delta = at - self.clock.now().at
        if delta > timedelta():
            for clock in (self.clock, *(stall.clock for stall in self.stalls)):
                clock.pass_time(delta)

    def _told(self, month: date, before: tuple[int, int]) -> MonthTold:
        here = sum(member.here for member in self.members)
        return MonthTold(month, here, self.sales - before[0], self.sales_cents - before[1])

    # Members

    def _plan_wave(self, month: date, count: int) -> None:
        """They apply in the weeks before, or, of the first wave, on the first morning."""
        begins = max(self.plan.first_day, month - timedelta(days=8))
        for _ in range(count):
            applied = max(self.plan.first_day, begins - timedelta(days=self.random.randrange(40)))
            self.plan_deed(applied, self._apply)
        self.plan_deed(begins, lambda: self._admit(count, month))

    def _apply(self) -> None:
        person = self._applicants.pop(0)
        self._applied[self.office.apply(person).pk] = person

    def _admit(self, count: int, month: date) -> None:
        """Take a wave in: promises, cards, and the first month's dues."""
        for row in self.office.admit(count):
            person = self._applied[row.pk]
            promise = self.office.promise(row.account, person.monthly_cents, month)
            member = Member(
                person=person,
                account=row.account,
                card=self.office.hand_out(row.account),
                monthly_cents=person.monthly_cents,
                promise=promise,
                ends=months_later(month, COMMITMENT_MONTHS),
            )
            self.members.append(member)
            if month == self.today:
                self._plan_payment(member)
            self._plan_renewal(member)

    def _plan_payment(self, member: Member) -> None:
        """A standing order of the first days; some are late, and some are missed."""
        if not member.here or self.today >= member.ends:
            return
        day, chance = self.random.randint(1, 8), self.random.random()
        cents = member.otherwise_cents.get(self.today, member.monthly_cents)
        if chance < member.person.lateness / 2:
            member.owes_cents += cents
            return
        if chance < member.person.lateness:
            day = self.random.randint(14, 27)
        if member.owes_cents and self.random.random() < 0.6:
            cents, member.owes_cents = cents + member.owes_cents, 0
        if cents:
            payday = self.today + timedelta(days=day)
            self.plan_deed(
                payday, lambda: self.office.receive(member.account, cents, member.person.means)
            )

    def _plan_renewal(self, member: Member) -> None:
        """In the last month, most at its end and some in the month of grace."""
        day = month_before(member.ends) + timedelta(days=self.random.randint(8, 40))
        self.plan_deed(day, lambda: self._renew(member))

    def _renew(self, member: Member) -> None:
        """Promise again, mostly the same; a few leave, and one in a while can't pay as much."""
        if not member.here:
            return
        if self.random.random() >= _STAYS:
            self._leave(member)
            return
        if self.random.random() < 0.1:
            step_cents = self.random.choice((-10_00, -5_00, 5_00, 10_00, 20_00))
            member.monthly_cents = max(_FLOOR_CENTS, member.monthly_cents + step_cents)
        member.promise = self.office.promise(member.account, member.monthly_cents, member.ends)
        is_late = self.today >= member.ends
        member.ends = months_later(member.ends, COMMITMENT_MONTHS)
        if is_late:
            self._plan_payment(member)
        self._plan_renewal(member)
        self._plan_hardship(member)

    def _plan_hardship(self, member: Member) -> None:
        """Now and then somebody is given a lower amount, or a month off, for what is to come."""
        chance, month = self.random.random(), month_before(member.ends)
        if month <= self.today or chance >= 0.05:
            return
        is_off = chance < 0.02
        kind = CommitmentChangeKind.MONTH_OFF if is_off else CommitmentChangeKind.AMOUNT
        cents = 0 if is_off else HARDSHIP_CENTS
        if self.office.change(member.promise, kind, from_month=month, cents=cents):
            member.otherwise_cents[month] = cents

    def _leave(self, member: Member) -> None:
        """Move away: the card comes back."""
        member.here = False
        self.office.leave(member.account)

    def _move_remainders(self, member: Member) -> None:
        moved = [it for it in member.lost if self.office.move_remainder(it, member.card)]
        member.lost = [it for it in member.lost if it not in moved]

    def replace_card(self, member: Member) -> None:
        """Let a member lose their card."""
        member.lost.append(member.card)
        member.card = self.office.replace(member.card)

    # Merchants

    def _pay_merchants(self) -> None:
        """A run a month; the bank shows it three days later."""
        name = self.office.draw_up()
        if name is None:
            return
        self.plan_deed(self.today + timedelta(days=1), lambda: self.office.send(name))
        self.plan_deed(self.today + timedelta(days=4), lambda: self.office.confirm(name))
