"""Fingers on the till: a numpad with NumLock off, ways of typing, and keys that must do nothing."""

from __future__ import annotations

from pathlib import Path

from cardkit.bodies import EntryKind
from terminal.settings import AmountEntry, MerchantSettings
from tests.screen_reader import Cable
from tests.screen_world import Stall, story, world_with_card
from tests.terminal_world import debits_cents

SALE = [EntryKind.INTENT, EntryKind.SALE]


async def press(stall: Stall, *keys: str) -> None:
    """Press keys by the names that the terminal sends."""
    for key in keys:
        await stall.pilot.press(key)
    await stall.pilot.pause()


@story
async def test_a_numpad_without_numlock_does_it_all(tmp_path: Path) -> None:
    """Promise: seventeen keys are enough for a sale, NumLock being off and nobody's to set."""
    world, card = world_with_card(tmp_path)
    async with Stall.open(world) as stall:
        await press(stall, "end", "down", "delete", "pagedown", "left")
        assert stall.amount == "12,34 €"
        await press(stall, *["kp_subtract"] * 5)
        assert stall.amount == "0,00 €"
        await press(stall, "kp_begin", "right", "delete", "home", "up")
        assert stall.amount == "56,78 €"
        await press(stall, *["backspace"] * 5, "pageup", "delete", "insert", "pageup", "kp_enter")
        await stall.sees("Présentez la carte", "9,09")
        await stall.tap(card)
        await stall.sees("PAYÉ", "9,09")
        await press(stall, "kp_enter")
        await stall.idle()
        assert [kind for kind, _ in await stall.books()] == SALE
    assert debits_cents(card) == [9_09]


@story
async def test_a_comma_and_two_decimals_always(tmp_path: Path) -> None:
    """Promise: what stands there is what would be charged, at every key on the way."""
    world, _card = world_with_card(tmp_path)
    async with Stall.open(world) as stall:
        shown = []
        for key in "12,5--,07--":
            await stall.type(key)
            shown.append(stall.amount)
        assert shown == [
            "1,00 €", "12,00 €", "12,00 €", "12,50 €", "12,00 €", "12,00 €",
            "12,00 €", "12,00 €", "12,07 €", "12,00 €", "12,00 €",
        ]  # fmt: skip


@story
async def test_cents_first(tmp_path: Path) -> None:
    """Promise: who comes from a bank terminal types 1250 and charges 12,50."""
    world, card = world_with_card(tmp_path)
    settings = MerchantSettings(amount_entry=AmountEntry.CENTS_FIRST)
    async with Stall.open(world, merchant=settings) as stall:
        shown = []
        for key in "125,":
            await stall.type(key)
            shown.append(stall.amount)
        assert shown == ["0,01 €", "0,12 €", "1,25 €", "125,00 €"]
        await stall.type("--" + "0\n")
        await stall.sees("Présentez la carte", "12,50")
        await stall.tap(card)
        await stall.sees("PAYÉ")
        assert await stall.books() == [(EntryKind.INTENT, 12_50), (EntryKind.SALE, 12_50)]
    assert debits_cents(card) == [12_50]


@story
async def test_the_double_zero_and_touch(tmp_path: Path) -> None:
    """Promise: the whole sale can be touched, 00 included, without a keyboard."""
    world, card = world_with_card(tmp_path, 300_00)
    async with Stall.open(world) as stall:
        await stall.touch("1")
        await stall.touch("00")
        assert stall.amount == "100,00 €"
        await stall.touch("⌫")
        assert stall.amount == "10,00 €"
        await stall.touch("ENCAISSER")
        await stall.sees("Présentez la carte", "10,00")
        await stall.tap(card)
        await stall.sees("PAYÉ")
    assert debits_cents(card) == [10_00]


@story
async def test_under_the_rain_lock_touch_does_nothing(tmp_path: Path) -> None:
    """Promise: raindrops charge nobody; the numpad goes on, and lifts the lock again."""
    world, card = world_with_card(tmp_path)
    async with Stall.open(world) as stall:
        await stall.type("/0")
        await stall.sees("Verrou pluie")
        await stall.touch("Verrou pluie")
        await stall.sees("seul le pavé numérique compte")
        await stall.touch("Oui, verrouiller")
        assert stall.page == "ChoicePage", "who has no numpad must not lock himself out"
        await stall.type("1")
        await stall.idle()
        for label in ("7", "00", "ENCAISSER", "MENU"):
            await stall.touch(label)
        assert (stall.amount, stall.page) == ("0,00 €", "SellPage")
        await stall.type("7\n")
        await stall.tap(card)
        await stall.sees("PAYÉ", "7,00")
        await stall.type("\n/0")
        await stall.sees("Lever le verrou pluie")
        await stall.type("1")
        await stall.idle()
        await stall.touch("8")
        assert stall.amount == "8,00 €"
    assert debits_cents(card) == [7_00]


@story
async def test_keys_wait_while_a_card_is_spoken_to(tmp_path: Path) -> None:
    """Promise: a key pressed while the card is being debited neither cancels nor sells twice."""
    world, card = world_with_card(tmp_path)
    cable = Cable(world.field)
    async with Stall.open(world, find_reader=cable.find) as stall:
        await stall.type("8\n")
        await stall.sees("Présentez la carte")
        cable.hold_at(9)
        await stall.lay(card)
        await stall.sees("Ne bougez plus")
        await stall.until(lambda: cable.is_held)
        await stall.type("-5\n/*+")
        assert stall.page == "PresentPage"
        cable.go_on()
        await stall.sees("PAYÉ", "8,00")
        assert stall.app.cart.is_empty
        assert await stall.books() == [(EntryKind.INTENT, 8_00), (EntryKind.SALE, 8_00)]
    assert debits_cents(card) == [8_00]
