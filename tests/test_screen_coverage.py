"""How much of an article credit pays: what the merchant's convention says, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from terminal.basket import LineKind
from terminal.catalogue import Product, shares_bp
from terminal.settings import MerchantSettings, Mode, Settings
from tests.screen_world import Stall, story
from tests.terminal_world import MERCHANT, World

HONEY = Product(label="Miel", kind=LineKind.PRODUCT, price_cents=8_00)


@pytest.mark.parametrize(
    ("agreed_bp", "offered_bp"),
    [
        ((), ()),
        ((10_000,), (10_000, 0)),
        ((7_000, 3_000), (7_000, 3_000, 0)),
        ((5_000, 0), (5_000, 0)),
    ],
)
def test_the_convention_says_which_shares_there_are(
    agreed_bp: tuple[int, ...], offered_bp: tuple[int, ...]
) -> None:
    """Promise: an article may have a rate of the convention, or none; each once."""
    assert shares_bp(agreed_bp) == offered_bp


@story
async def test_a_till_offers_what_was_agreed(tmp_path: Path) -> None:
    """Promise: nobody types a share that no convention knows; a new article has the highest.

    Red when the till does not look at its permit's rates.
    """
    world = World.make(tmp_path)
    world.coverages_bp = (7_000, 3_000)
    till_mode = MerchantSettings(mode=Mode.TILL, products=(HONEY,))
    async with Stall.open(world, merchant=till_mode) as stall:
        await stall.idle()
        await stall.type("/")
        await stall.choose("Réglages", "Articles", "Miel", "Part en clafoutis")
        await stall.sees("70 %", "30 %", "0 %")
        assert "100 %" not in stall.text
        await stall.choose("30 %")
        await stall.choose("Nouvel article", "Aliment")
        await stall.pilot.press(*"Pain", "enter")
        await stall.choose("Prix fixe")
        await stall.type("4\n")
        await stall.sees("Pain", "4,00")
    kept = Settings(world.data().settings).merchant(MERCHANT).products
    assert [(it.label, it.coverage_bp) for it in kept] == [("Miel", 3_000), ("Pain", 7_000)]
