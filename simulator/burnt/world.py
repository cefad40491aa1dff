"""One world: customers shop, a terminal burns before it has sent, and the cards go on.

Django has to be prepared before this module is imported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum, unique
from pathlib import Path
from random import Random
from typing import Final

from cardkit.acts import RuleSet
from cardkit.errors import must
from provisioning.keystore import new_keys
from server_stub.models import CardTransaction
from server_stub.rules.scheme import RuleName
from server_stub.scratch import empty_books
from server_stub.services import acts
from simulator.burnt.caisse import CREDIT_CENTS, LONG_AGO, START, BareCaisse
from simulator.burnt.share import BurntSale, ProvenSale, Share, back
from simulator.burnt.stall import Stall
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from terminal.outcomes import Green

TERMINALS: Final = 4
BURNS: Final = 1
LATER_TAPS_MAX: Final = 6
LOYALTY: Final = 0.6
"""How often a loyal customer goes to the same stall."""
PRICES_CENTS: Final = (1_00, 24_99)
TAPS_A_DAY: Final = (2, 3)
"""Half of the customers each: 2.5 on average, as in the model on paper."""
WORLD: Final = "burnt"


@unique
class Customers(StrEnum):
    """How customers choose a stall."""

    UNIFORM = "uniform"
    LOYAL = "loyal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is lived."""

    cards: int
    days: int
    seed: int
    customers: Customers


def live(plan: Plan, folder: Path, *, using: str) -> tuple[Share, ...]:
    """Live one world; returns what is known after 0, 1, 2 … later taps of each card."""
    random = Random(plan.seed)
    caisse = _found(using)
    cards = [caisse.issue_card() for _ in range(plan.cards)]
    stalls = [caisse.enrol(number, folder / str(number)) for number in range(1, TERMINALS + 1)]
    favourites = {card.uid: random.randrange(TERMINALS) for card in cards}
    burnt: list[BurntSale] = []

    def choose(card: VirtualCard, open_stalls: Sequence[Stall]) -> Stall:
        favourite = stalls[favourites[card.uid]]
        loyal = plan.customers is Customers.LOYAL and favourite in open_stalls
        if loyal and random.random() < LOYALTY:
            return favourite
        return random.choice(open_stalls)

    for _ in range(plan.days):
        taps = [card for card in cards for _ in range(random.choice(TAPS_A_DAY))]
        random.shuffle(taps)
        for card in taps:
            green = _sell(choose(card, stalls), card, random)
            if green is not None:
                burnt.append(green)
        caisse.pass_days(1)
        for stall in stalls[BURNS:]:
            stall.sync()
    stalls[BURNS - 1].burn()
    caisse.declare_lost(BURNS)
    survivors = stalls[BURNS:]
    shares = [_share(caisse, cards, burnt)]
    for _ in range(LATER_TAPS_MAX):
        for card in random.sample(cards, len(cards)):
            _sell(choose(card, survivors), card, random)
        caisse.pass_days(1)
        for stall in survivors:
            stall.sync()
        shares.append(_share(caisse, cards, burnt))
    for stall in survivors:
        stall.close()
    return tuple(shares)


def empty_database() -> AbstractContextManager[str]:
    """Give an empty database in memory, for one world."""
    return empty_books(WORLD)


def _found(using: str) -> BareCaisse:
    clock = ManualClock(START)
    keys = new_keys("flers", now=LONG_AGO, step_max_cents=CREDIT_CENTS)
    caisse = BareCaisse.found(keys, clock, using=using)
    clock.pass_time(timedelta(minutes=1))
    generous = RuleSet(
        name=RuleName.MONTHLY_CREDIT_CENTS, value=CREDIT_CENTS, from_day=LONG_AGO.date()
    )
    acts.record(caisse.caisse, generous)
    return caisse


def _sell(stall: Stall, card: VirtualCard, random: Random) -> BurntSale | None:
    """Sell; returns the sale when it is one that will burn."""
    amount_cents = random.randint(*PRICES_CENTS)
    outcome = stall.sell(card, amount_cents)
    must(isinstance(outcome, Green), f"every customer pays here: {outcome}")
    if not isinstance(outcome, Green) or stall.terminal != BURNS:
        return None
    return BurntSale(card.uid, outcome.tmc, outcome.seq, outcome.amount_cents)


def _share(caisse: BareCaisse, cards: Sequence[VirtualCard], burnt: Sequence[BurntSale]) -> Share:
    proven: dict[bytes, list[ProvenSale]] = defaultdict(list)
    rows = CardTransaction.objects.using(caisse.caisse.using).select_related("card")
    for row in rows:
        sale = ProvenSale(row.tmc, row.terminal, row.seq, row.amount_cents)
        proven[row.card.uid].append(sale)
    must({sale.uid for sale in burnt} <= {card.uid for card in cards}, "cards of this world")
    return Share.of(back(sale, proven[sale.uid], terminal=BURNS) for sale in burnt)
