"""The figures of a burnt terminal: counted from what cards prove, the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.burnt.share import Back, BurntSale, ProvenSale, Share, back, table
from simulator.burnt.world import LATER_TAPS_MAX, Customers, Plan, live

BURNT = BurntSale(b"card", tmc=4, seq=9, amount_cents=5_00)
OWN = ProvenSale(4, 1, 9, 5_00)


def other(tmc: int) -> ProvenSale:
    """A sale of another terminal."""
    return ProvenSale(tmc, 2, 7, 1_00)


@pytest.mark.parametrize(
    ("proven", "known"),
    [
        ([OWN], Back.PROVEN),
        ([ProvenSale(4, 1, 9, 5_01), other(5)], Back.SUM),
        ([ProvenSale(4, 2, 9, 5_00), other(5)], Back.SUM),
        ([other(3), other(5)], Back.CONTINUITY),
        ([other(2), other(5)], Back.SUM),
        ([other(3), other(6)], Back.SUM),
        ([other(3)], Back.NOTHING),
        ([], Back.NOTHING),
    ],
)
def test_how_much_of_a_burnt_sale_is_known(proven: list[ProvenSale], known: Back) -> None:
    """The judge counts only what the service holds for proven, with the right amount and name."""
    assert back(BURNT, proven, terminal=1) is known


def test_first_transaction_after_birth_may_be_alone() -> None:
    """A card's birth is proven, though it is no sale."""
    assert back(BurntSale(b"card", 2, 9, 5_00), [other(3)], terminal=1) is Back.CONTINUITY


def test_table_adds_worlds_up() -> None:
    """Shares are of sales and not of worlds: a big world counts more than a small one."""
    shares = Share.of([Back.PROVEN] * 3) + Share.of([Back.NOTHING])
    assert table([("uniform", [shares])])[-1] == "| uniform | 4 | 75/0/0/25 |"


@pytest.mark.django_db
@pytest.mark.parametrize("customers", Customers)
def test_one_later_tap_brings_nearly_all_back(customers: Customers, tmp_path: Path) -> None:
    """Promise 1: a burnt day's sales come back when each card is tapped once more anywhere.

    Floors of one seed, with real cards, tills and service. Red when records are not read after
    green, and when a hole is not searched.
    """
    plan = Plan(cards=10, days=2, seed=7, customers=customers)
    shares = live(plan, tmp_path, using="default")
    assert len(shares) == LATER_TAPS_MAX + 1
    assert shares[0].sales >= 8
    assert shares[0].percent(Back.NOTHING) > 10, "some cards were not seen again that day"
    assert all(share.percent(Back.PROVEN) >= 95 for share in shares[1:])
    counts = [share.counts[Back.PROVEN] for share in shares]
    assert counts == sorted(counts), "what was proven stays proven"
