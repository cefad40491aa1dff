"""Torn twice: a sale whose end nobody saw, and a second fault while it is being found out.

A first fault that leaves nothing open is a single fault again, so firsts are those that leave an
amber sale. Of these the states are four, executed or not, in a till that lives on or was cut; the
default run goes through each, and `pytest -m slow` through every pair.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from simulator.faults import FLIPS, Fault, FaultKind, every_flip
from tests.torn_cases import (
    EXECUTED,
    NOT_EXECUTED,
    OVERWRITTEN,
    SALE,
    balance,
    books_of,
    every_moment,
    leaving_open,
    play,
)
from tests.torn_world import COMMIT, PRICE_CENTS, Act, Market, Moment, Step, StepKind, sale

logger = logging.getLogger(__name__)

CARDS: Final = 16
ASIDES: Final = {
    "nothing": (),
    "smaller": (3,),
    "equal": (PRICE_CENTS,),
    "larger": (8,),
    "two": (PRICE_CENTS, PRICE_CENTS),
    "nine": (PRICE_CENTS,) * 9,
}
EVERY_DAY: Final = ("nothing", "equal", "larger")
"""The others are left to `pytest -m slow`."""
INTENT_WRITE: Final = 1
CUT: Final[dict[str, Moment]] = {
    "executed": Fault(FaultKind.KILLED_AFTER, COMMIT),
    "not executed": Step(StepKind.KILLED_AFTER_WRITE, INTENT_WRITE),
}
LIFTED: Final[dict[str, Moment]] = {"executed": EXECUTED, "not executed": NOT_EXECUTED}
AT_LEAST: Final = 100
"""What `pytest -m slow` has of everything."""
FLOORS: Final = {
    "executed, nothing elsewhere": 94,
    "executed, equal elsewhere": 94,
    "executed, larger elsewhere": 94,
    "not executed, nothing elsewhere": 122,
    "not executed, equal elsewhere": 198,
    "not executed, larger elsewhere": 198,
    "executed, cut": 94,
    "not executed, cut": 122,
}
"""Distinct pairs by what they are about."""


@pytest.fixture
def market(db: None, tmp_path: Path) -> Iterator[Market]:
    """A market whose cards never run out of credit."""
    with Market.opened(tmp_path, cards=CARDS) as made:
        yield made


def tell(name: str, pairs: Sequence[tuple[Moment, Moment]]) -> None:
    """Say how many pairs there were, and that they are no fewer than they were."""
    assert len(pairs) == len(set(pairs)), "distinct pairs"
    logger.warning("%s: %s pairs", name, len(pairs))
    assert len(pairs) >= FLOORS.get(name, AT_LEAST)


def play_again(
    market: Market, first: Moment, aside: str, second: Moment, *, again: Act = sale
) -> bool:
    """Play a first fault and one during the next tap at the same till; say whether that was hit."""
    return play(
        market,
        SALE,
        first,
        aside_cents=ASIDES[aside],
        second=second,
        again=again,
        may_doubt=OVERWRITTEN if aside == "nine" else frozenset(),
    )


def pairs_of(
    market: Market, first: Moment, aside: str, *, again: Act = sale
) -> Iterator[tuple[Moment, Moment]]:
    """Play and yield each pair that begins with a fault, but for garbled bytes."""
    for second in every_moment(partial(play_again, market, first, aside, again=again)):
        yield first, second


@pytest.mark.parametrize("aside", EVERY_DAY)
@pytest.mark.parametrize("end", LIFTED)
def test_torn_again_while_it_is_found_out(market: Market, end: str, aside: str) -> None:
    """Promise: however often a card slips, one debit is one sale, and no green is without one."""
    tell(f"{end}, {aside} elsewhere", list(pairs_of(market, LIFTED[end], aside)))


@pytest.mark.parametrize("end", CUT)
def test_torn_again_after_a_cut(market: Market, end: str) -> None:
    """Promise: the same for a till that was opened anew, and the caisse pays for what was sold."""
    pairs = list(pairs_of(market, CUT[end], "nothing"))
    books_of(market)
    tell(f"{end}, cut", pairs)


@pytest.mark.slow
@pytest.mark.parametrize("aside", ASIDES)
@pytest.mark.parametrize("again", [sale, balance])
def test_every_pair(market: Market, again: Act, aside: str) -> None:
    """Promise: the same for every first fault that leaves a sale open, and for a balance after."""
    firsts = [moment for moment, _ in leaving_open(market)]
    pairs = [pair for first in firsts for pair in pairs_of(market, first, aside, again=again)]
    tell(f"every pair, {aside} elsewhere, then a {again.__name__}", pairs)


@pytest.mark.slow
@pytest.mark.parametrize("aside", ASIDES)
@pytest.mark.parametrize("end", LIFTED)
def test_a_byte_is_garbled_while_it_is_found_out(market: Market, end: str, aside: str) -> None:
    """Promise: no byte that comes out wrong while the card is asked makes a sale of nothing."""
    again = partial(play_again, market, LIFTED[end], aside)
    pairs = [(LIFTED[end], second) for second in every_flip(again, flips=FLIPS[:1])]
    tell(f"{end}, {aside} elsewhere, garbled", pairs)
