"""What a producer sets: buttons, the language, the mode; and settings that rot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cardkit.bodies import EntryKind, SettingChanged
from terminal.basket import LineKind
from terminal.catalogue import Pricing, Product
from terminal.settings import MerchantSettings, Mode, Settings
from tests.screen_world import Stall, story
from tests.terminal_world import MERCHANT, World, debits_cents

EGGS = Product(label="Œufs x6", kind=LineKind.PRODUCT, price_cents=3_20)
TOMME = Product(label="Tomme", kind=LineKind.PRODUCT, pricing=Pricing.WEIGHED, price_cents=26_00)
POT = Product(label="Pot", kind=LineKind.DEPOSIT, price_cents=1_00, vat_bp=0, coverage_bp=0)


@story
async def test_a_button_is_made_and_used(tmp_path: Path) -> None:
    """Promise: a producer makes the stall's buttons alone, on the screen, and sells with them."""
    world = World.make(tmp_path)
    async with Stall.open(world, merchant=MerchantSettings(mode=Mode.TILL)) as stall:
        await stall.idle()
        await stall.type("/")
        await stall.choose("Réglages", "Articles", "Nouvel article", "Aliment")
        await stall.sees("Nom de l’article")
        await stall.pilot.press(*"Tomme", "enter")
        await stall.choose("Au poids")
        await stall.sees("Prix du kilo")
        await stall.type("26\n")
        await stall.choose("Nouvel article", "Consigne")
        await stall.pilot.press(*"Pot", "enter")
        await stall.choose("Prix fixe")
        await stall.type("1\n")
        await stall.sees("Pot", "1,00")
        made = Settings(world.data().settings).merchant(MERCHANT).products
        assert made == (TOMME, POT)
        await stall.type("--")
        await stall.idle()
        await stall.type("+")
        await stall.choose("Tomme")
        await stall.type("500\n")
        await stall.idle()
        assert "Tomme 0,500 kg × 26,00 € 13,00 €" in stall.text


@story
async def test_buttons_are_changed_and_taken_away(tmp_path: Path) -> None:
    """Promise: prices and rates change when they change, and what is not sold any more goes."""
    world = World.make(tmp_path)
    till_mode = MerchantSettings(mode=Mode.TILL, products=(TOMME, POT))
    async with Stall.open(world, merchant=till_mode) as stall:
        await stall.idle()
        await stall.type("/")
        await stall.choose("Réglages", "Articles", "Tomme", "TVA", "10 %")
        await stall.choose("Tomme", "Prix", "Prix fixe")
        await stall.type("7,5\n")
        await stall.choose("Pot", "Supprimer", "Oui, supprimer")
        await stall.sees("Nouvel article", "7,50")
        assert "Pot" not in stall.text
    (kept,) = Settings(world.data().settings).merchant(MERCHANT).products
    assert kept == replace(TOMME, vat_bp=10_00, pricing=Pricing.FIXED, price_cents=7_50)


@story
async def test_another_rate_is_written_down(tmp_path: Path) -> None:
    """Promise (french-conventions.md, D1 J1): rates change in the journal, without a label."""
    world = World.make(tmp_path)
    till_mode = MerchantSettings(mode=Mode.TILL, products=(TOMME, POT))
    async with Stall.open(world, merchant=till_mode) as stall:
        await stall.idle()
        await stall.type("/")
        await stall.choose("Réglages", "Articles", "Tomme", "TVA", "10 %")
        await stall.choose("Tomme", "TVA", "10 %")
        await stall.choose("Tomme", "Part en clafoutis")
        await stall.type("70\n")
        await stall.sees("Nouvel article")
        entries = await stall.app.do(lambda till: till.journal.entries(0, 100))
        changed = [it.body for it in entries if isinstance(it.body, SettingChanged)]
    assert [(it.name, it.before, it.after) for it in changed] == [
        ("item 1 vat_bp", "550", "1000"),
        ("item 1 coverage_bp", "10000", "7000"),
    ]


@story
async def test_the_language_changes_with_a_basket_on_the_keypad(tmp_path: Path) -> None:
    """Promise: who takes over in English finds the same basket, and it is charged once."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    till_mode = MerchantSettings(mode=Mode.TILL, products=(EGGS,))
    async with Stall.open(world, merchant=till_mode) as stall:
        await stall.idle()
        await stall.type("+1")
        await stall.idle()
        await stall.type("4,2+")
        assert "7,40 €" in stall.text
        await stall.type("/")
        await stall.choose("Réglages", "Langue")
        await stall.sees("Settings")
        await stall.type("-")
        await stall.idle()
        await stall.sees("CHARGE", "7.40 €", "Œufs x6", "3.20 €", "4.20 €")
        await stall.type("\n")
        await stall.sees("Present the card")
        await stall.tap(card)
        await stall.sees("PAID", "7.40")
        assert await stall.books() == [(EntryKind.INTENT, 7_40), (EntryKind.SALE, 7_40)]
    assert debits_cents(card) == [7_40]
    async with Stall.open(world) as stall:
        await stall.idle()
        assert "CHARGE" in stall.text


@story
async def test_another_mode_is_written_down(tmp_path: Path) -> None:
    """Promise: between payment terminal and till nobody changes without a trace in the books."""
    world = World.make(tmp_path)
    async with Stall.open(world) as stall:
        await stall.idle()
        assert "ARTICLES" not in stall.text
        await stall.type("/")
        await stall.choose("Réglages", "Mode", "Caisse avec articles")
        await stall.sees("caisse avec articles")
        await stall.type("-")
        await stall.idle()
        await stall.sees("ARTICLES")
        entries = await stall.app.do(lambda till: till.journal.entries(0, 100))
        noted = [it.body for it in entries if isinstance(it.body, SettingChanged)]
        assert ("mode", "payment", "till") in [(it.name, it.before, it.after) for it in noted]


@story
async def test_rotten_settings_cost_no_sale(tmp_path: Path) -> None:
    """Promise: with a rotten file the stall opens as it is made, sells, and can be set anew."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    world.enrol()
    world.data().settings.write_bytes(b'{"check": "rot')
    async with Stall.open(world) as stall:
        await stall.idle()
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("PAYÉ")
        await stall.type("\n")
        await stall.idle()
        await stall.type("/")
        await stall.choose("Réglages", "Couleurs")
        await stall.sees("nuit")
    assert debits_cents(card) == [5_00]
    assert world.data().settings.with_name("settings.json.damaged").exists()


@story
async def test_the_version_page_can_be_read_out(tmp_path: Path) -> None:
    """Promise: which program runs, and over which books, is said on one page."""
    world = World.make(tmp_path)
    async with Stall.open(world) as stall:
        await stall.idle()
        await stall.type("/")
        await stall.choose("Réglages", "Version")
        await stall.sees("Programme :", "Périmètre fiscal :", "Terminal 3 de flers")
