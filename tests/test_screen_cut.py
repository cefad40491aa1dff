"""Power cuts at the stall: what was on the screen is there again, and no cent twice or never."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from cardkit.bodies import EntryKind
from simulator.field import Field
from terminal.catalogue import Product
from terminal.settings import MerchantSettings, Mode
from tests.screen_reader import Cable
from tests.screen_world import Stall, story, world_with_card
from tests.terminal_world import World, debits_cents

TILL = MerchantSettings(mode=Mode.TILL, products=(Product(label="Pain", price_cents=3_20),))
INTENT, SALE, RESOLUTION = EntryKind.INTENT, EntryKind.SALE, EntryKind.RESOLUTION


def cut(world: World, path: Path) -> World:
    """Take away the power: what is on the disk at this moment goes on elsewhere."""
    shutil.copytree(world.data().root, path / world.data().root.name)
    world.clock.reboot()
    return replace(world, path=path, field=Field())


@story
async def test_everything_is_there_after_a_cut(tmp_path: Path) -> None:
    """Promise: after a cut the basket, parked doubts, unsent sales and the last sale are there."""
    world, card = world_with_card(tmp_path / "before")
    other = world.new_card(30_00)
    world.publish()
    async with Stall.open(world, merchant=TILL) as stall:
        await stall.doubt(card, "9", executed=True)
        await stall.type("1")
        await stall.idle()
        await stall.type("4\n")
        await stall.tap(other)
        await stall.sees("PAYÉ", "4,00 €")
        await stall.type("\n")
        await stall.idle()
        await stall.type("+1")
        await stall.sees("Pain 3,20 €")
        await stall.idle()
        dark = cut(world, tmp_path / "after")
    async with Stall.open(dark) as stall:
        await stall.idle()
        await stall.sees("Pain 3,20 €", "✔ 4,00 € à 10:00", "1 à vérifier", "1 à envoyer 4,00 €")
        assert (stall.amount, stall.waiting_cents) == ("3,20 €", [9_00])
        await stall.type("\n")
        await stall.lay(card)
        await stall.sees("9,00 € avait été débitée : elle est payée")
        await stall.lift()
        await stall.type("1")
        await stall.sees("Présentez la carte", "3,20 €")
        await stall.tap(card)
        await stall.sees("PAYÉ", "3,20 €")
        assert await stall.books() == [
            (INTENT, 9_00), (RESOLUTION, 0), (INTENT, 4_00), (SALE, 4_00),
            (SALE, 9_00), (INTENT, 3_20), (SALE, 3_20),
        ]  # fmt: skip
    assert (debits_cents(card), debits_cents(other)) == ([9_00, 3_20], [4_00])


@story
async def test_a_cut_while_the_card_is_debited(tmp_path: Path) -> None:
    """Promise: cut between debit and green, the sale waits, and its card tells that it had paid."""
    world, card = world_with_card(tmp_path / "before")
    cable = Cable(world.field)
    async with Stall.open(world, find_reader=cable.find) as stall:
        await stall.type("7\n")
        await stall.sees("Présentez la carte")
        cable.hold_after(9)
        world.field.place(card)
        cable.wait_until_held()
        dark = cut(world, tmp_path / "after")
        cable.go_on()
    assert debits_cents(card) == [7_00]
    async with Stall.open(dark) as stall:
        await stall.idle()
        assert (stall.waiting_cents, await stall.books()) == ([7_00], [(INTENT, 7_00)])
        await stall.sees("1 à vérifier")
        await stall.type("*")
        await stall.lay(card)
        await stall.sees("7,00 € avait été débitée : elle est payée", "43,00 €")
        assert await stall.books() == [(INTENT, 7_00), (SALE, 7_00)]
        assert stall.waiting_cents == []
    assert debits_cents(card) == [7_00]
