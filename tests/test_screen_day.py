"""The day's end on the screen: looked at, closed once, made up, and what is left to the caisse."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from cardkit.bodies import Closure, ClosurePeriod, EntryKind
from simulator.card import VirtualCard
from tests.screen_world import Stall, story
from tests.terminal_world import World, debits_cents

COMMIT_TRANSACTION = 9
"""Of the nine exchanges of a sale the one that debits (docs/protocol.md, 1.1)."""


async def sell(stall: Stall, card: VirtualCard, amount: str) -> None:
    """One sale, from the keypad to the keypad."""
    await stall.idle()
    await stall.type(f"{amount}\n")
    await stall.tap(card)
    await stall.sees("PAYÉ", amount)
    await stall.type("\n")
    await stall.idle()


async def park(stall: Stall, card: VirtualCard, amount: str) -> None:
    """A sale whose card was taken away too early: debited, and nobody here knows."""
    await stall.idle()
    await stall.type(f"{amount}\n")
    await stall.sees("Présentez la carte")
    stall.world.field.tear_after(COMMIT_TRANSACTION)
    await stall.tap(card)
    await stall.choose("Mettre de côté")
    await stall.idle()


async def closures(stall: Stall) -> list[Closure]:
    """The closures that the journal holds, oldest first."""
    entries = await stall.app.do(lambda till: till.journal.entries(0, 500))
    return [it.body for it in entries if isinstance(it.body, Closure)]


@story
async def test_a_day_is_closed_once(tmp_path: Path) -> None:
    """Promise: who closes twice is told so, and the books hold one closure of that day."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    async with Stall.open(world) as stall:
        await sell(stall, card, "12,50")
        await stall.type("/")
        await stall.choose("Clôturer la journée")
        await stall.sees("Ventes : 12,50 € (1)")
        await stall.choose("Oui, clôturer")
        await stall.sees("Journée clôturée (Z)", "Total perpétuel : 12,50 €")
        await stall.choose("OK")
        await stall.idle()
        await stall.type("/")
        await stall.choose("Ventes du jour")
        await stall.sees("Ventes du jour : 1, 12,50 €")
        await stall.type("-")
        await stall.idle()
        await stall.type("/")
        await stall.choose("Clôturer la journée", "Oui, clôturer")
        await stall.sees("La journée est déjà clôturée", "12,50 €")
        (closed,) = await closures(stall)
        assert (closed.period, closed.business_date) == (ClosurePeriod.DAY, date(2026, 10, 1))
        assert (closed.sales, closed.sales_cents, closed.perpetual_cents) == (1, 12_50, 12_50)
        assert not closed.late


@story
async def test_looking_closes_nothing(tmp_path: Path) -> None:
    """Promise: a lecture X shows the totals, is written down, and the day goes on."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    async with Stall.open(world) as stall:
        await sell(stall, card, "12,50")
        await stall.type("/")
        await stall.choose("Totaux du jour")
        await stall.sees("Ventes : 12,50 € (1)", "Rien n’est clôturé.")
        await stall.choose("OK")
        await sell(stall, card, "7,50")
        await stall.type("/")
        await stall.choose("Totaux du jour")
        await stall.sees("Ventes : 20,00 € (2)")
        assert await closures(stall) == []
        entries = await stall.app.do(lambda till: till.journal.entries(0, 500))
        assert [it.envelope.kind for it in entries].count(EntryKind.READING) == 2


@story
async def test_a_forgotten_day_is_made_up(tmp_path: Path) -> None:
    """Promise: whoever forgot to close finds it done at the next opening, as a late one."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    async with Stall.open(world) as stall:
        await sell(stall, card, "12,50")
    world.clock.pass_time(timedelta(days=2))
    async with Stall.open(world) as stall:
        await stall.sees("Clôtures oubliées, faites maintenant : 1.")
        await stall.type("\n")
        await stall.idle()
        (made,) = await closures(stall)
        assert (made.business_date, made.sales_cents, made.late) == (date(2026, 10, 1), 12_50, True)
        await sell(stall, card, "5,00")
        await stall.type("/")
        await stall.choose("Clôturer la journée")
        await stall.sees("Ventes : 5,00 € (1)")
    async with Stall.open(world) as stall:
        await stall.idle()
        assert "Clôtures oubliées" not in stall.text
    assert debits_cents(card) == [12_50, 5_00]


@story
async def test_what_is_put_aside_is_named_before_the_day_is_closed(tmp_path: Path) -> None:
    """Promise: at closing it is said what is not settled and that the caisse decides about it."""
    world = World.make(tmp_path)
    card, other = world.new_card(50_00), world.new_card(50_00)
    world.publish()
    async with Stall.open(world) as stall:
        await park(stall, card, "12,50")
        await sell(stall, other, "5,00")
        await stall.type("/")
        await stall.choose("Clôturer la journée")
        await stall.sees("Pas encore réglées : 1", "la caisse décidera")
        await stall.choose("Les voir d’abord")
        await stall.sees("Ventes à vérifier", "12,50", "mise de côté")
        await stall.type("-")
        await stall.idle()
        assert await closures(stall) == []
        await stall.type("/")
        await stall.choose("Clôturer la journée", "Clôturer quand même", "Oui, clôturer", "OK")
        await stall.idle()
        (closed,) = await closures(stall)
        assert closed.sales_cents == 5_00, "what nobody knows is no turnover"
        kinds = [kind for kind, _cents in await stall.books()]
        assert kinds[-1] is EntryKind.INDETERMINATE
        await stall.type("/")
        await stall.sees("Menu")
        assert "Ventes à vérifier" not in stall.text
    assert debits_cents(card) == [12_50]
    assert debits_cents(other) == [5_00]


@story
async def test_its_card_settles_a_sale_before_the_day_is_closed(tmp_path: Path) -> None:
    """Promise: once its card came back, a sale that was put aside is turnover like any other."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    async with Stall.open(world) as stall:
        await park(stall, card, "12,50")
        await stall.type("*")
        await stall.lay(card)
        await stall.sees("12,50 € avait été débitée")
        await stall.lift()
        await stall.idle()
        await stall.type("/")
        await stall.choose("Clôturer la journée")
        await stall.sees("Ventes : 12,50 € (1)")
        await stall.choose("Oui, clôturer", "OK")
        (closed,) = await closures(stall)
        assert closed.sales_cents == 12_50
    assert debits_cents(card) == [12_50]


@story
async def test_a_new_day_begins_while_the_stall_is_open(tmp_path: Path) -> None:
    """Promise: a till that stays on over night closes each day by itself, none with another."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    async with Stall.open(world) as stall:
        await sell(stall, card, "12,50")
        world.clock.pass_time(timedelta(days=1))
        await stall.until(lambda: now(stall) == date(2026, 10, 2))
        await sell(stall, card, "5,00")
        await stall.type("/")
        await stall.choose("Clôturer la journée", "Oui, clôturer", "OK")
        await stall.idle()
        found = await closures(stall)
        assert [(it.business_date, it.sales_cents) for it in found] == [
            (date(2026, 10, 1), 12_50),
            (date(2026, 10, 2), 5_00),
        ]


def now(stall: Stall) -> date:
    """The day that the screen knows of."""
    assert stall.app.situation is not None
    return stall.app.situation.now.at.date()
