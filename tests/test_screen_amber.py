"""Amber on the screen: nobody knows yet whether it is paid, and the queue goes on all the same."""

from __future__ import annotations

from pathlib import Path

from cardkit.bodies import EntryKind, Resolution, ResolutionChoice
from terminal.feedback import Moment
from tests.screen_world import Stall, story, world_with_card
from tests.terminal_world import debits_cents

INTENT, SALE, VOID = EntryKind.INTENT, EntryKind.SALE, EntryKind.VOID
REFUND, RESOLUTION = EntryKind.REFUND, EntryKind.RESOLUTION
UNKNOWN = "On ne sait pas encore si c’est payé"


async def resolved(stall: Stall) -> list[ResolutionChoice]:
    """What people said of sales in doubt, as the journal has it."""
    entries = await stall.app.do(lambda till: till.journal.entries(0, 1_000))
    return [it.body.choice for it in entries if isinstance(it.body, Resolution)]


@story
async def test_the_same_card_again_is_green(tmp_path: Path) -> None:
    """Promise: the same card tells that it had paid, and is not debited twice."""
    world, card = world_with_card(tmp_path)
    async with Stall.open(world) as stall:
        await stall.doubt(card, "9", executed=True)
        assert stall.app.screen.has_class("amber")
        assert stall.ear.heard == [Moment.SEEN, Moment.AMBER]
        assert await stall.books() == [(INTENT, 9_00)]
        await stall.lay(card)
        await stall.sees("PAYÉ", "9,00 €")
        assert stall.ear.heard[-1] is Moment.PAID
        await stall.type("\n")
        await stall.idle()
        assert (stall.waiting_cents, stall.app.cart.is_empty) == ([], True)
        assert await stall.books() == [(INTENT, 9_00), (SALE, 9_00)]
    assert debits_cents(card) == [9_00]


@story
async def test_voided_and_paid_by_one_tap(tmp_path: Path) -> None:
    """Promise: a card that had not paid is debited by the tap that tells so, and once."""
    world, card = world_with_card(tmp_path)
    async with Stall.open(world) as stall:
        await stall.doubt(card, "9", executed=False)
        assert debits_cents(card) == []
        await stall.lay(card)
        await stall.sees("PAYÉ", "9,00 €", "n’avait pas été débitée")
        assert await stall.books() == [(INTENT, 9_00), (VOID, 0), (INTENT, 9_00), (SALE, 9_00)]
        assert stall.waiting_cents == []
    assert debits_cents(card) == [9_00]


@story
async def test_parked_and_resolved_after_two_other_sales(tmp_path: Path) -> None:
    """Promise: the queue goes on past a doubt; its card settles it whenever it comes again."""
    world, card = world_with_card(tmp_path)
    others = world.new_card(30_00), world.new_card(30_00)
    world.publish()
    async with Stall.open(world) as stall:
        await stall.doubt(card, "9", executed=True)
        await stall.touch("Mettre de côté")
        await stall.idle()
        for other in others:
            await stall.type("4\n")
            await stall.tap(other)
            await stall.sees("PAYÉ", "4,00 €", "1 à vérifier")
        assert stall.waiting_cents == [9_00]
        await stall.type("2\n")
        await stall.lay(card)
        await stall.sees("vente précédente est réglée", "9,00 € avait été débitée : elle est payée")
        assert debits_cents(card) == [9_00], "the new sale is not made by the tap that settles"
        assert stall.ear.heard[-2:] == [Moment.SEEN, Moment.AMBER], "nor does it sound as if"
        await stall.lift()
        await stall.type("1")
        await stall.sees("Présentez la carte", "2,00 €")
        await stall.tap(card)
        await stall.sees("PAYÉ", "2,00 €")
        assert stall.waiting_cents == []
        assert await resolved(stall) == [ResolutionChoice.PARKED]
        assert await stall.books() == [
            (INTENT, 9_00), (RESOLUTION, 0), *[(INTENT, 4_00), (SALE, 4_00)] * 2,
            (SALE, 9_00), (INTENT, 2_00), (SALE, 2_00),
        ]  # fmt: skip
    assert debits_cents(card) == [9_00, 2_00]


@story
async def test_paid_in_cash_although_the_card_had_paid(tmp_path: Path) -> None:
    """Promise: who paid cash gets the debit back by itself, and both sides are told."""
    world, card = world_with_card(tmp_path)
    async with Stall.open(world) as stall:
        await stall.doubt(card, "9", executed=True)
        await stall.touch("Payé autrement")
        await stall.idle()
        assert stall.app.cart.is_empty
        await stall.type("2\n")
        await stall.lay(card)
        await stall.sees("9,00 € avait été débitée ; elle est remboursée", "pas encore faite")
        assert stall.ear.heard[-2:] == [Moment.SEEN, Moment.AMBER], "a refund is no sale"
        await stall.lift()
        await stall.type("1")
        await stall.sees("Présentez la carte", "2,00 €")
        await stall.tap(card)
        await stall.sees("PAYÉ", "2,00 €")
        assert await resolved(stall) == [ResolutionChoice.PAID_OTHERWISE]
        assert await stall.books() == [
            (INTENT, 9_00), (RESOLUTION, 0), (SALE, 9_00), (REFUND, 9_00),
            (INTENT, 2_00), (SALE, 2_00),
        ]  # fmt: skip
    assert debits_cents(card) == [9_00, 2_00]


@story
async def test_the_client_left(tmp_path: Path) -> None:
    """Promise: who left without the goods gets the debit back, at a look at the balance too."""
    world, card = world_with_card(tmp_path)
    async with Stall.open(world) as stall:
        await stall.doubt(card, "9", executed=True)
        await stall.type("3")
        await stall.idle()
        assert await resolved(stall) == [ResolutionChoice.CLIENT_LEFT]
        await stall.type("*")
        await stall.sees("Solde : présentez la carte")
        await stall.lay(card)
        await stall.sees("9,00 € avait été débitée ; elle est remboursée", "50,00 €")
        await stall.lift()
        await stall.idle()
        assert await stall.books() == [
            (INTENT, 9_00), (RESOLUTION, 0), (SALE, 9_00), (REFUND, 9_00),
        ]  # fmt: skip
    assert debits_cents(card) == [9_00]


@story
async def test_another_card_at_amber(tmp_path: Path) -> None:
    """Promise: the neighbour's card pays nobody else's doubt; the right one still can."""
    world, card = world_with_card(tmp_path)
    neighbour = world.new_card(30_00)
    world.publish()
    async with Stall.open(world) as stall:
        await stall.doubt(card, "9", executed=False)
        await stall.lay(neighbour)
        await stall.sees("Ce n’est pas la même carte", "Rien n’est débité", UNKNOWN)
        assert (debits_cents(neighbour), await stall.books()) == ([], [(INTENT, 9_00)])
        await stall.lay(card)
        await stall.sees("PAYÉ", "9,00 €")
    assert (debits_cents(card), debits_cents(neighbour)) == ([9_00], [])


@story
async def test_said_later_from_the_menu(tmp_path: Path) -> None:
    """Promise: what was put aside stands first in the menu, and can be told there what happened."""
    world, card = world_with_card(tmp_path)
    async with Stall.open(world) as stall:
        await stall.doubt(card, "9", executed=True)
        await stall.type("1")
        await stall.idle()
        await stall.sees("1 à vérifier")
        await stall.type("/1")
        await stall.sees("Ventes à vérifier", "10:00  9,00 €", "mise de côté")
        await stall.type("1")
        await stall.touch("Payé autrement")
        await stall.sees("C’est noté pour la vente")
        await stall.type("\n")
        await stall.idle()
        assert await resolved(stall) == [ResolutionChoice.PARKED, ResolutionChoice.PAID_OTHERWISE]
    assert debits_cents(card) == [9_00]
