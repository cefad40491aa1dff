"""What goes wrong in the life, once or now and then: what the coordinator will find on her page.

Django has to be prepared before this module is imported.
"""

from __future__ import annotations

import copy
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from cardkit.errors import must
from simulator.card import VirtualCard
from simulator.desfire.memory import Key, TmacFile
from simulator.issued import AID, KEY_VERSION, TMAC_FILE
from simulator.life.plan import Plan
from terminal.outcomes import Green, SaleOutcome

if TYPE_CHECKING:
    from simulator.life.life import Life, Member
    from simulator.life.stall import LifeStall

FOUND_AGAIN, BURNT, DECEIVED, SILENT, CHANGES_BANK = 3, 2, 5, 8, 4
"""Merchants to whom something happens; where there are fewer, it is another."""
LOST_CARDS_A_YEAR: Final = 0.15
"""Of a hundred members fifteen lose their card in a year."""
CLOCK_AHEAD: Final = timedelta(hours=7)
_LEFT_TO_CONFIRM: Final = 3


class Mishaps:
    """Plans the mishaps of a life: at its end something of each kind is still open."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._plan: Plan = life.plan

    def plan(self) -> None:
        """Plan them all."""
        plan, deed = self._plan, self._life.plan_deed
        self._terminal_is_lost_and_found(plan.at(0.4))
        self._terminal_burns(plan.before_end(14))
        self._clock_runs_ahead(plan.at(0.25), merchant=1)
        self._clock_runs_ahead(plan.before_end(5), merchant=6)
        self._cards_are_lost()
        silent = plan.until - timedelta(days=24)
        deed(max(plan.first_day + timedelta(days=14), silent), self._stall_falls_silent)
        deed(plan.before_end(6), self._card_is_a_copy)
        deed(plan.before_end(1), self._card_is_torn_and_gone)
        deed(plan.until - timedelta(days=1), self._bank_account_changes)
        deed(plan.until - timedelta(days=1), self._sale_is_disputed)
        deed(plan.until, self._run_is_drafted)

    # Terminals

    def _terminal_is_lost_and_found(self, day: date) -> None:
        """It is left behind after a market; what it had not sent stands on the cards."""
        life = self._life
        lost: list[LifeStall] = []

        def lose() -> None:
            stall = self._stall(FOUND_AGAIN)
            if stall is not None:
                lost.append(stall)
                stall.is_on = False

        def declare() -> None:
            for stall in lost:
                life.office.declare_lost(stall.terminal)
                life.enrol(stall.merchant, stall.shop)

        def confirm() -> None:
            for stall in lost:
                life.office.confirm_recovered(stall.terminal)

        def find() -> None:
            for stall in lost:
                life.send(stall)
                stall.stall.close()

        steps = ((1, lose), (8, declare), (36, confirm), (75, find))
        for days, step in steps:
            life.plan_deed(day + timedelta(days=days), step)

    def _terminal_burns(self, day: date) -> None:
        """A market's sales are on its disk alone; cards bring them back, and a person confirms."""
        life = self._life
        burnt: list[LifeStall] = []

        def keep_silent() -> None:
            stall = self._stall(BURNT)
            if stall is not None:
                burnt.append(stall)
                stall.silent_from = life.today

        def burn() -> None:
            for stall in burnt:
                stall.switch_off()

        def declare() -> None:
            for stall in burnt:
                life.office.declare_lost(stall.terminal)
                life.enrol(stall.merchant, stall.shop)

        def confirm() -> None:
            for stall in burnt:
                life.office.confirm_recovered(stall.terminal, leave=_LEFT_TO_CONFIRM)

        steps = ((0, keep_silent), (1, burn), (4, declare), (10, confirm))
        for days, step in steps:
            life.plan_deed(day + timedelta(days=days), step)

    def _clock_runs_ahead(self, day: date, *, merchant: int) -> None:
        """For one market; by the next somebody has looked at it."""
        life = self._life

        def go_wrong() -> None:
            stall = self._stall(merchant)
            if stall is not None:
                stall.go_wrong(CLOCK_AHEAD)

        def set_right() -> None:
            stall = self._stall(merchant)
            if stall is not None:
                stall.set_right(life.clock.now().at)

        life.plan_deed(day, go_wrong)
        life.plan_deed(day + timedelta(days=1), set_right)

    def _stall_falls_silent(self) -> None:
        """It goes on selling where no network is."""
        stall = self._stall(SILENT)
        if stall is not None:
            stall.silent_from = self._life.today

    # Cards

    def _cards_are_lost(self) -> None:
        plan, random = self._plan, self._life.random
        count = round(plan.members * plan.months / 12 * LOST_CARDS_A_YEAR * 0.7)
        days = (plan.until - plan.first_day).days
        for _ in range(max(1, count)):
            day = plan.first_day + timedelta(days=random.randrange(min(20, days), days))
            self._life.plan_deed(day, self._card_is_lost)
        self._life.plan_deed(plan.until - timedelta(days=2), self._card_is_lost)

    def _card_is_lost(self) -> None:
        member = self._life.some_member()
        if member is not None:
            self._life.replace_card(member)

    def _card_is_a_copy(self) -> None:
        """Somebody has got hold of the key that opens cards, but of none that proves a sale."""
        stall = self._stall(DECEIVED)
        for member in self._in_any_order():
            if stall is None or isinstance(self._copied(stall, member), Green):
                return

    def _copied(self, stall: LifeStall, member: Member) -> SaleOutcome:
        return stall.sell(counterfeit(member.card), stall.shop.baskets_cents[0])

    def _card_is_torn_and_gone(self) -> None:
        """The member leaves for a while right after; only the card knows whether it has paid."""
        stall, member = self._stall(1), self._life.some_member()
        if stall is not None and member is not None:
            stall.sell_torn(member.card, stall.shop.baskets_cents[0], executed=True)
            stall.answer_amber()

    # The office

    def _sale_is_disputed(self) -> None:
        """Somebody was charged twice as much as was said, and says so."""
        for member in self._in_any_order():
            if self._life.office.dispute(member.card):
                return

    def _bank_account_changes(self) -> None:
        merchant = self._one_of(CHANGES_BANK)
        self._life.office.change_account(merchant, holder=self._plan.shops[merchant - 1].name)

    def _run_is_drafted(self) -> None:
        self._life.office.draw_up()

    def _in_any_order(self) -> list[Member]:
        here = [it for it in self._life.members if it.here]
        return self._life.random.sample(here, len(here))

    def _stall(self, merchant: int) -> LifeStall | None:
        return self._life.stall_of(self._one_of(merchant))

    def _one_of(self, merchant: int) -> int:
        return (merchant - 1) % self._plan.producers + 1


def counterfeit(card: VirtualCard) -> VirtualCard:
    """Return what looks like a card in every way that a till can check, and can prove no sale."""
    copied = copy.deepcopy(card)
    file = copied.memory.applications[AID].files[TMAC_FILE]
    must(isinstance(file, TmacFile), "the file that proves sales")
    file.key = Key(bytes(16), KEY_VERSION)  # type: ignore[attr-defined]  # narrowed by must()
    return copied
