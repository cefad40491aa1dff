"""The week itself: everything that people do, in the order of their clocks.

Django has to be prepared (`simulator.market.service`) before this module is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Final

from cardkit.bodies import ResolutionChoice
from cardkit.decide import Reason
from cardkit.errors import must
from cardkit.money import format_cents
from server_stub.models import AllowanceIssued
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.market import plan
from simulator.market.caisse import MarketCaisse
from simulator.market.counter import Counter
from simulator.market.plan import MONDAY, SHOPS, Happening, Visit, local
from simulator.market.stall import Log, Stall
from terminal.outcomes import Amber, Basket, Green, Refused, SaleOutcome

Tell = Callable[[str], None]

BIG_FAMILY: Final = 4
"""The member whose card runs dry before the month is over."""
LOSES_CARD: Final = 9
BURNING: Final = "bruyere"
DAY_NAMES: Final = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")


@dataclass
class Week:
    """The caisse, its stalls, and how far the week has come."""

    caisse: MarketCaisse
    clock: ManualClock
    counter: Counter
    tell: Tell
    random: Random
    log: Log = field(default_factory=Log)
    stalls: dict[str, Stall] = field(default_factory=dict)
    lost_card: VirtualCard | None = None
    torn: int = 0
    recovered: int = 0
    declined: dict[Reason, int] = field(default_factory=dict)

    def set_up(self, folder: Path) -> None:
        """Welcome members, sign conventions, enrol terminals."""
        members = plan.members(self.random)
        for number, shop in enumerate(SHOPS, start=1):
            self.caisse.found_merchant(number, shop.name)
        for member in members:
            self.caisse.welcome(member, paid_on=MONDAY - timedelta(days=3))
        contributed = format_cents(sum(member.contribution_cents for member in members))
        self.tell(f"{len(members)} membres ont cotisé {contributed} € et reçu leur carte.")
        self.caisse.issue_month()
        for number, shop in enumerate(SHOPS, start=1):
            stall = Stall(
                shop,
                merchant=number,
                folder=folder / shop.key,
                counter=self.counter,
                clock=self.clock,
                log=self.log,
            )
            stall.enrol(self.caisse.enrolling, self.caisse.client)
            stall.sync()
            self.stalls[shop.key] = stall
        self.tell(f"{len(self.stalls)} terminaux appariés, chacun par quatre mots tapés.")

    def play(self, visits: tuple[Visit, ...]) -> None:
        """Live from Monday to Saturday evening."""
        for offset in range(6):
            day = MONDAY + timedelta(days=offset)
            self._turn_of_month(day)
            todays = [visit for visit in visits if visit.at.date() == day]
            before = len(self.log.greens)
            for visit in self._with_happenings(day, todays):
                self._advance_to(visit.at)
                self._serve(visit)
            self._evening(day)
            sold = self.log.greens[before:]
            amount = format_cents(sum(green.amount_cents for green in sold))
            self.tell(f"{DAY_NAMES[offset].capitalize():9} {len(sold):3} ventes, {amount:>8} €")

    def settle(self) -> None:
        """Saturday evening to Monday: what burnt is recovered, what was lost is replaced."""
        self._advance_to(local(MONDAY + timedelta(days=7), time(9)))
        self._sync_all()
        stall = self.stalls[BURNING]
        found = self.caisse.declare_lost(stall.terminal)
        self.recovered = self.caisse.confirm_recovered(stall.terminal)
        self.tell(
            f"Du terminal brûlé, les cartes prouvent {found} ventes ; {self.recovered} confirmées."
        )
        self._sync_all()
        self._sync_all()
        if self.lost_card is not None:
            moved = self.caisse.move_remainder(self.lost_card, LOSES_CARD)
            must(isinstance(moved, AllowanceIssued), f"no stall can sell to it any more: {moved}")
            self.tell("Tous les terminaux savent la carte perdue : son reste passe à la nouvelle.")

    def close(self) -> None:
        """Switch every terminal off."""
        for stall in self.stalls.values():
            stall.close()

    # Days

    def _turn_of_month(self, day: date) -> None:
        if day.day == 1:
            self._advance_to(local(day, time(0, 5)))
            signed = self.caisse.issue_month()
            self.tell(f"1er octobre : le crédit du mois est signé pour {signed} cartes.")

    def _evening(self, day: date) -> None:
        self._advance_to(local(day, time(20)))
        for stall in self.stalls.values():
            if stall.burnt or day.weekday() not in stall.shop.days:
                continue
            stall.close_day(self.clock.now().at)
            if not stall.shop.online and day.weekday() == 5:
                continue  # Saturday's sales of the offline stalls wait for Monday
            if stall.shop.key == "epicerie" and day == MONDAY + timedelta(days=1):
                stall.sync_on_a_bad_line()
                self.tell(
                    "La ligne coupe pendant l'envoi de l'épicerie ; elle renvoie : rien en double."
                )
            else:
                stall.sync()

    def _with_happenings(self, day: date, visits: list[Visit]) -> Iterator[Visit]:
        """The day's visits, and before or after them what only happens on that day."""
        match day.weekday():
            case 1:
                self._lose_a_card(day)
                yield from visits
            case 2:
                yield from _with_torn_cards(visits)
                self._refund_a_cheese()
            case 3:
                yield from visits
                self._learn_the_new_month()
            case 5:
                morning = [visit for visit in visits if visit.shop != "epicerie"]
                yield from sorted((*morning, _family_at_the_stall(day)), key=lambda it: it.at)
                self._burn(day)
                yield from (visit for visit in visits if visit.shop == "epicerie")
                self._tap_at_the_grocery(day)
            case _:
                yield from visits

    # One visit

    def _serve(self, visit: Visit) -> None:
        stall, card = self.stalls[visit.shop], self.caisse.cards[visit.member]
        if stall.burnt:
            return
        match visit.happening:
            case Happening.TORN_BEFORE | Happening.TORN_AFTER | Happening.TORN_AND_GONE:
                self._serve_torn(stall, card, visit)
            case Happening.NEW_MONTH:
                self._serve_from_the_card(stall, card, visit)
            case _:
                self._pay(stall, card, visit.amount_cents)
        if stall.shop.online:
            stall.sync()

    def _serve_torn(self, stall: Stall, card: VirtualCard, visit: Visit) -> None:
        executed = visit.happening is not Happening.TORN_BEFORE
        outcome = stall.sell_torn(card, visit.amount_cents, executed=executed)
        self.torn += isinstance(outcome, Amber)
        if visit.happening is Happening.TORN_AND_GONE:
            stall.answer_amber(ResolutionChoice.CLIENT_LEFT)
            self.tell("Carte arrachée, le client est parti : la caisse tranchera avec la carte.")
            return
        self._pay(stall, card, visit.amount_cents)

    def _serve_from_the_card(self, stall: Stall, card: VirtualCard, visit: Visit) -> None:
        """The stall's directory knows September only; what October gives stands on the card."""
        outcome = self._pay(stall, card, visit.amount_cents)
        must(isinstance(outcome, Green), f"the card told the stall of its new month: {outcome}")
        amount = format_cents(visit.amount_cents)
        self.tell(f"Un étal hors ligne apprend d'une carte le mois nouveau : {amount} € encaissés.")

    def _pay(self, stall: Stall, card: VirtualCard, amount_cents: int) -> SaleOutcome:
        """Sell; who has not enough pays what the card can, and the rest in cash."""
        outcome = stall.sell(card, amount_cents)
        if isinstance(outcome, Refused):
            declined = outcome.declined
            self.declined[declined.reason] = self.declined.get(declined.reason, 0) + 1
            if declined.payable_cents > 0:
                rest_cents = amount_cents - declined.payable_cents
                paid, rest = format_cents(declined.payable_cents), format_cents(rest_cents)
                self.tell(f"Une carte peut payer {paid} € ; reste {rest} €, payés en espèces.")
                basket = Basket(total_cents=amount_cents, remainder_cents=rest_cents)
                return stall.sell(card, declined.payable_cents, basket=basket)
        return outcome

    # What only happens once

    def _lose_a_card(self, day: date) -> None:
        self._advance_to(local(day, time(8, 30)))
        self.lost_card = self.caisse.replace_lost_card(LOSES_CARD)
        bakery = self.stalls["moulin"]
        bakery.sync()
        outcome = bakery.sell(self.lost_card, 4_50)
        blocked = isinstance(outcome, Refused) and outcome.declined.reason is Reason.CARD_BLOCKED
        must(blocked, f"a blocked card buys nothing: {outcome}")
        self.tell("Une carte perdue est bloquée et remplacée ; qui la trouve essuie un refus.")

    def _refund_a_cheese(self) -> None:
        stall = self.stalls[BURNING]
        sold = [green for green in self.log.greens if green.terminal == stall.terminal]
        largest = max(sold, key=lambda green: green.amount_cents)
        part_cents = largest.amount_cents // 5
        stall.refund(largest.seq, part_cents)
        self.tell(f"Un fromage sur cinq était mauvais : {format_cents(part_cents)} € recrédités.")

    def _learn_the_new_month(self) -> None:
        """Some members look at their balance where there is network: October is on their cards."""
        for member in (BIG_FAMILY, 11, 17, 23):
            self.stalls["epicerie"].show_balance(self.caisse.cards[member])

    def _burn(self, day: date) -> None:
        self._advance_to(local(day, time(13, 5)))
        stall = self.stalls[BURNING]
        unsent = stall.till.journal.unsent_cents()
        stall.burn()
        self.tell(f"Le terminal de la fromagerie brûle avec {format_cents(unsent)} € non envoyés.")

    def _tap_at_the_grocery(self, day: date) -> None:
        """Every card is laid once on the grocery's reader, as it would be within a week or two."""
        self._advance_to(local(day, time(18, 30)))
        for card in self.caisse.all_cards:
            self.stalls["epicerie"].inspect(card)

    def _sync_all(self) -> None:
        for stall in self.stalls.values():
            if not stall.burnt:
                stall.sync()

    def _advance_to(self, at: datetime) -> None:
        now = self.clock.now().at
        if at > now:
            self.clock.pass_time(at - now)


def _with_torn_cards(visits: list[Visit]) -> Iterator[Visit]:
    """Wednesday's market: the first visits at the offline stalls are torn, each its own way."""
    ways = {
        "tilleuls": [Happening.TORN_BEFORE, Happening.TORN_AFTER],
        "bruyere": [Happening.TORN_AFTER, Happening.TORN_AND_GONE],
    }
    for visit in visits:
        left = ways.get(visit.shop)
        happening = left.pop(0) if left and visit.member not in {BIG_FAMILY, LOSES_CARD} else None
        yield Visit(visit.at, visit.shop, visit.member, visit.amount_cents, happening)


def _family_at_the_stall(day: date) -> Visit:
    """October's first shopping of the family, at a stall that has not heard of October."""
    at = local(day, time(9, 1))
    return Visit(at, "tilleuls", BIG_FAMILY, 34_60, Happening.NEW_MONTH)


def family_visits() -> tuple[Visit, ...]:
    """The family's shopping before the month turns: the third time the card can pay a part."""
    days = (MONDAY, MONDAY + timedelta(days=1), MONDAY + timedelta(days=2))
    amounts = (48_20, 39_90, 27_30)
    return tuple(
        Visit(local(day, time(17, 45)), "epicerie", BIG_FAMILY, amount_cents, Happening.RUNS_DRY)
        for day, amount_cents in zip(days, amounts, strict=True)
    )
