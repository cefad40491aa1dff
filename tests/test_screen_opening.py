"""Opening a stall: who sells, what day it is, and what the caisse's papers allow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cardkit.bodies import EntryKind
from cardkit.clock import ClockTrust
from simulator.clock import ManualClock
from tests.screen_papers import enrol
from tests.screen_world import Stall, story
from tests.terminal_world import CAPS, MERCHANT, START, World, debits_cents

NEIGHBOUR = 8
LONG_PERMIT = timedelta(days=400)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)


async def merchants_of_sales(stall: Stall) -> list[int]:
    """For whom the journal says that was sold."""
    entries = await stall.app.do(lambda till: till.journal.entries(0, 100))
    return [it.envelope.merchant for it in entries if it.envelope.kind == EntryKind.SALE]


async def knows_unsent(stall: Stall, sales: int) -> None:
    """Wait until the screen knows of so many sales that only this terminal holds."""
    await stall.until(
        lambda: stall.app.situation is not None and stall.app.situation.unsent_sales == sales
    )
    await stall.idle()


@story
async def test_two_merchants_share_a_terminal(tmp_path: Path) -> None:
    """Promise: a sale is the chosen merchant's, and who sold last is offered first."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    async with Stall.open(world, merchants=(MERCHANT, NEIGHBOUR)) as stall:
        await stall.sees("Qui vend ?", "Ferme 7", "Ferme 8")
        await stall.type("2")
        await stall.idle()
        assert "Ferme 8" in stall.text
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("PAYÉ", "5,00")
        assert await merchants_of_sales(stall) == [NEIGHBOUR]
    async with Stall.open(world) as stall:
        await stall.sees("Qui vend ?")
        assert stall.text.index("Ferme 8") < stall.text.index("Ferme 7")
        await stall.type("2")
        await stall.idle()
        await stall.type("/")
        await stall.choose("Changer de vendeur")
        await stall.sees("Qui vend ?")
        assert stall.text.index("Ferme 7") < stall.text.index("Ferme 8")
        await stall.type("1")
        await stall.idle()
        assert "✔ 5,00 €" not in stall.text, "a neighbour's last sale is the neighbour's"
        await stall.type("6\n")
        await stall.tap(card)
        await stall.sees("PAYÉ", "6,00")
        assert await merchants_of_sales(stall) == [NEIGHBOUR, MERCHANT]
    assert debits_cents(card) == [5_00, 6_00]


@story
async def test_the_day_is_asked_where_nothing_vouches_for_it(tmp_path: Path) -> None:
    """Promise: on the 1st, a stall without a clock is set by its person, and the credit is there.

    It can't be set before what the caisse has signed.
    """
    eve = NOVEMBER - timedelta(hours=8)
    world = World(tmp_path, ManualClock(eve))
    card = world.new_card(5_00, 20_00)
    world.publish()
    world.enrol()
    world.clock = ManualClock(datetime(2020, 1, 1, tzinfo=UTC), trust=ClockTrust.UNTRUSTED)
    async with Stall.open(world) as stall:
        await stall.sees("Jour et heure", "Sommes-nous le samedi 31/10/2026 17:00 ?")
        await stall.type("2" + "301020260830" + "\n")
        await stall.sees("Trop tôt", "31/10/2026")
        await stall.type("\n")
        await stall.sees("__/__/____")
        await stall.type("011120260830\n")
        await stall.idle()
        assert "08:30" in stall.text
        await stall.type("20\n")
        await stall.tap(card)
        await stall.sees("PAYÉ", "20,00")
        entries = await stall.app.do(lambda till: till.journal.entries(0, 100))
        sold = next(it for it in entries if it.envelope.kind == EntryKind.SALE)
        assert sold.envelope.at == NOVEMBER + timedelta(hours=7, minutes=30)
        assert sold.envelope.clock == ClockTrust.DECLARED
    assert debits_cents(card) == [20_00]


@story
async def test_later_leaves_the_new_months_credit_for_later(tmp_path: Path) -> None:
    """Promise: who has no time for the clock sells on, within what is surely there."""
    world = World(tmp_path, ManualClock(NOVEMBER - timedelta(hours=8)))
    card = world.new_card(5_00, 20_00)
    world.publish()
    world.enrol()
    world.clock = ManualClock(datetime(2020, 1, 1, tzinfo=UTC), trust=ClockTrust.UNTRUSTED)
    async with Stall.open(world) as stall:
        await stall.choose("Plus tard")
        await stall.idle()
        assert "17:00?" in stall.text
        await stall.type("20\n")
        await stall.tap(card)
        await stall.sees("La carte peut payer 5,00 €, reste 15,00 €")
    assert debits_cents(card) == []


@story
async def test_an_expired_directory_sells_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    """Promise: a list of cards that has ended is said at once, with what helps."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    enrol(world, valid_until=START + LONG_PERMIT)
    world.clock.pass_time(timedelta(days=36))
    async with Stall.open(world) as stall:
        await stall.choose("Oui, c’est bien ça")
        await stall.sees("Trop tard", "synchronisez")
        await stall.type("\n")
        await stall.idle()
        assert "✗ liste expirée" in stall.text
        assert "La liste des cartes a expiré le 05/11/2026" in stall.text
        assert "connectez" in stall.text
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("Plus rien ne peut être vendu")
        assert EntryKind.INTENT not in [kind for kind, _ in await stall.books()]
    assert debits_cents(card) == []


@story
async def test_a_permit_is_said_to_end_before_it_does(tmp_path: Path) -> None:
    """Promise: what will stop sales is said while there is time, and stops them at its date."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    enrol(world, valid_until=START + timedelta(days=2))
    async with Stall.open(world) as stall:
        await stall.idle()
        assert "! autorisation : 03/10" in stall.text
        assert "L’autorisation finit le 03/10/2026 10:00 : connectez" in stall.text
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("PAYÉ")
    world.clock.pass_time(timedelta(days=2, seconds=1))
    async with Stall.open(world) as stall:
        await stall.sees("Clôtures oubliées")
        await stall.type("\n")
        await stall.idle()
        assert "✗ autorisation finie" in stall.text
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("Plus rien ne peut être vendu")
        kinds = [kind for kind, _ in await stall.books()]
        assert kinds == [EntryKind.INTENT, EntryKind.SALE, EntryKind.DECLINED]
    assert debits_cents(card) == [5_00]


@story
async def test_a_terminal_on_loan_serves_several_for_a_day(tmp_path: Path) -> None:
    """Promise: a permit for a day and several merchants sells for each of them that day."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    loan = tuple(range(1, 9))
    enrol(world, merchants=loan, valid_until=START + timedelta(hours=16))
    async with Stall.open(world) as stall:
        await stall.choose("Ferme 8")
        await stall.idle()
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("PAYÉ")
        assert await merchants_of_sales(stall) == [8]
    world.clock.pass_time(timedelta(days=1))
    async with Stall.open(world) as stall:
        await stall.type("\n")
        await stall.choose("Ferme 3")
        await stall.idle()
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("Plus rien ne peut être vendu")
        assert await merchants_of_sales(stall) == [8]
    assert debits_cents(card) == [5_00]


@story
async def test_a_terminal_that_trains_takes_no_money(tmp_path: Path) -> None:
    """Promise: who learns to sell cannot debit a member, and sees on every page that it is play."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    enrol(world, training=True)
    async with Stall.open(world) as stall:
        await stall.sees("FORMATION", "rien n’est de l’argent")
        await stall.type("\n")
        await stall.idle()
        assert "Ferme 7 · FORMATION" in stall.text
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("Terminal de formation", "Rien n’a été débité")
        assert [kind for kind, _ in await stall.books()] == []
    assert debits_cents(card) == []


@story
async def test_a_cap_is_said_before_it_bites(tmp_path: Path) -> None:
    """Promise: what may still be sold before sending is said, and no more than that is sold."""
    world = World.make(tmp_path)
    cards = [world.new_card(100_00) for _ in range(3)]
    world.publish()
    enrol(world, caps=replace(CAPS, unsent_max_cents=100_00))
    async with Stall.open(world) as stall:
        await stall.idle()
        for number, card in enumerate(cards[:2], start=1):
            await stall.type("42\n")
            await stall.tap(card)
            await stall.sees("PAYÉ")
            await stall.type("\n")
            await stall.idle()
            await knows_unsent(stall, number)
            assert ("! envoyez bientôt" in stall.text) == (number == 2)
        await stall.type("42\n")
        await stall.tap(cards[2])
        await stall.sees("La carte peut payer 16,00 €")
        declined = (await stall.books())[-1]
        assert declined[0] is EntryKind.DECLINED
    assert [debits_cents(card) for card in cards] == [[42_00], [42_00], []]
