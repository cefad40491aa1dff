"""Selling on the screen: from an amount to green, and every way in which it is not the whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cardkit.bodies import EntryKind, Intent
from simulator.strangers import STRANGERS
from terminal.feedback import Moment
from tests.screen_reader import Cable
from tests.screen_world import Stall, story, world_with_card
from tests.terminal_world import CAPS, World, debits_cents

INTENT, SALE, REFUND = EntryKind.INTENT, EntryKind.SALE, EntryKind.REFUND
DECLINED = EntryKind.DECLINED


def tone(stall: Stall) -> set[str]:
    """The colours that the page on top has, by their names."""
    return {"paid", "neutral", "refused", "amber"} & set(stall.app.screen.classes)


@story
async def test_a_sale_in_five_keys_and_a_tap(tmp_path: Path) -> None:
    """Promise: typing an amount and tapping a card is all; the sale stays on the edge after it."""
    world, card = world_with_card(tmp_path)
    async with Stall.open(world) as stall:
        await stall.type("12,5\n")
        await stall.sees("Présentez la carte", "12,50 €")
        await stall.tap(card, lift=False)
        await stall.sees("PAYÉ", "12,50 €", "solde : 37,50 €")
        assert tone(stall) == {"paid"}
        assert stall.ear.heard == [Moment.SEEN, Moment.PAID]
        await stall.lift()
        await stall.until(lambda: "solde" not in stall.text)
        assert stall.page == "PaidPage", "the balance goes with the card, the amount stays"
        await stall.type("3")
        await stall.idle()
        await stall.sees("3,00 €", "✔ 12,50 € à 10:00")
        assert await stall.books() == [(INTENT, 12_50), (SALE, 12_50)]
    assert debits_cents(card) == [12_50]


@story
async def test_a_wrong_amount_is_put_right_with_the_same_card(tmp_path: Path) -> None:
    """Promise: who typed 52 for 25 gives it back and charges anew, and nobody lost a cent."""
    world, card = world_with_card(tmp_path, 60_00)
    async with Stall.open(world) as stall:
        await stall.type("52\n")
        await stall.tap(card)
        await stall.sees("PAYÉ", "52,00 €")
        await stall.type("/1")
        await stall.sees("Ventes du jour", "52,00 €")
        await stall.type("1")
        await stall.touch("Montant faux")
        await stall.touch("Oui, rembourser")
        await stall.sees("Recrédité 52,00 €")
        await stall.type("1")
        await stall.idle()
        await stall.type("25\n")
        await stall.tap(card)
        await stall.sees("PAYÉ", "25,00 €")
        assert await stall.books() == [
            (INTENT, 52_00), (SALE, 52_00), (REFUND, 52_00), (INTENT, 25_00), (SALE, 25_00),
        ]  # fmt: skip
    assert debits_cents(card) == [52_00, 25_00]


@story
async def test_not_enough_keeps_its_dignity(tmp_path: Path) -> None:
    """Promise: not enough is no alarm; the card pays its part, and the till says what remains."""
    world, card = world_with_card(tmp_path, 8_20)
    async with Stall.open(world) as stall:
        await stall.type("12,5\n")
        await stall.tap(card)
        await stall.sees("La carte peut payer 8,20 €, reste 4,30 €.")
        assert tone(stall) == {"neutral"}
        assert stall.ear.heard == [Moment.SEEN, Moment.NOT_ENOUGH]
        await stall.touch("Encaisser 8,20 €")
        await stall.sees("Présentez la carte", "8,20 €", "sur 12,50 € ; 4,30 € autrement")
        await stall.tap(card)
        await stall.sees("PAYÉ", "8,20 €", "reste 4,30 € à payer autrement")
        assert Moment.REFUSED not in stall.ear.heard
        assert await stall.books() == [(DECLINED, 0), (INTENT, 8_20), (SALE, 8_20)]
        intent = await stall.app.do(lambda till: till.journal.last(INTENT))
        assert intent is not None
        assert isinstance(intent.body, Intent)
        assert (intent.body.total_cents, intent.body.remainder_cents) == (12_50, 4_30)
    assert debits_cents(card) == [8_20]


@story
async def test_not_enough_can_be_given_up_or_typed_anew(tmp_path: Path) -> None:
    """Promise: who puts a jar back types less; who gives up leaves nothing behind."""
    world, card = world_with_card(tmp_path, 8_20)
    async with Stall.open(world) as stall:
        await stall.type("12\n")
        await stall.tap(card)
        await stall.touch("Autre montant")
        await stall.idle()
        assert stall.app.cart.total_cents == 12_00
        await stall.type("\n")
        await stall.tap(card)
        await stall.touch("Annuler cette vente")
        await stall.idle()
        assert stall.app.cart.is_empty
        assert await stall.books() == [(DECLINED, 0), (DECLINED, 0)]
    assert debits_cents(card) == []


@story
async def test_an_empty_card_is_refused_softly(tmp_path: Path) -> None:
    """Promise: a card with nothing left shames nobody: no red, no alarm, nothing debited."""
    world, card = world_with_card(tmp_path, 5_00)
    async with Stall.open(world) as stall:
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("PAYÉ")
        await stall.type("3\n")
        await stall.tap(card)
        await stall.sees("Pas payé avec cette carte")
        assert tone(stall) == {"neutral"}
        assert stall.ear.heard[-1] is Moment.NOT_ENOUGH
        assert await stall.books() == [(INTENT, 5_00), (SALE, 5_00), (DECLINED, 0)]
    assert debits_cents(card) == [5_00]


@story
async def test_the_same_amount_within_two_minutes_asks_once(tmp_path: Path) -> None:
    """Promise: who missed the green and types again is asked; after two minutes nobody is."""
    world, card = world_with_card(tmp_path)
    async with Stall.open(world) as stall:
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("PAYÉ")
        world.clock.pass_time(timedelta(seconds=50))
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("Déjà encaissé", "5,00 €", "50 s")
        assert tone(stall) == {"amber"}
        assert debits_cents(card) == [5_00]
        await stall.touch("C’est payé")
        await stall.idle()
        assert stall.app.cart.is_empty
        await stall.type("5\n")
        await stall.tap(card)
        await stall.touch("Encaisser encore une fois")
        await stall.sees("Présentez la carte")
        await stall.tap(card)
        await stall.sees("PAYÉ")
        world.clock.pass_time(timedelta(seconds=121))
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("PAYÉ")
        assert await stall.books() == [(INTENT, 5_00), (SALE, 5_00)] * 3
    assert debits_cents(card) == [5_00] * 3


@story
async def test_a_small_amount_asks_once(tmp_path: Path) -> None:
    """Promise: 0,12 typed for 12 euros is asked about; 1,00 is not."""
    world, card = world_with_card(tmp_path)
    async with Stall.open(world) as stall:
        await stall.type(",12\n")
        await stall.sees("C’est bien ça ?", "0,12 €, c’est un petit montant.")
        await stall.type("2")
        await stall.idle()
        assert stall.app.cart.total_cents == 12, "what was typed is still there"
        await stall.type("\n1")
        await stall.sees("Présentez la carte", "0,12 €")
        await stall.tap(card)
        await stall.sees("PAYÉ")
        await stall.type("1\n")
        await stall.sees("Présentez la carte", "1,00 €")
        await stall.type("-")
        await stall.idle()
        assert await stall.books() == [(INTENT, 12), (SALE, 12)]
    assert debits_cents(card) == [12]


@story
async def test_a_blocked_card_is_red(tmp_path: Path) -> None:
    """Promise: a blocked card is red with the low sound, and nothing is debited."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.members[card.uid].blocked = True
    world.publish()
    async with Stall.open(world) as stall:
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("Pas payé avec cette carte", "Carte bloquée ou remplacée")
        assert tone(stall) == {"refused"}
        assert stall.ear.heard == [Moment.SEEN, Moment.REFUSED]
        assert await stall.books() == [(DECLINED, 0)]
    assert debits_cents(card) == []


@story
async def test_a_card_of_strangers_is_red(tmp_path: Path) -> None:
    """Promise: each wrong card is red with the low sound and its own words, and debits nothing."""
    world, card = world_with_card(tmp_path)
    said = {"another caisse": "d’une autre caisse", "bank": "Une carte bancaire ne paie pas ici."}
    async with Stall.open(world) as stall:
        await stall.type("5\n")
        await stall.sees("Présentez la carte")
        for kind, words in said.items():
            await stall.tap(STRANGERS[kind]())
            await stall.sees(words, "Rien n’a été débité")
            assert stall.app.screen.query_one("#say").has_class("refused")
            assert stall.ear.heard[-2:] == [Moment.SEEN, Moment.REFUSED]
        await stall.tap(card)
        await stall.sees("PAYÉ", "5,00 €")
        assert await stall.books() == [(INTENT, 5_00), (SALE, 5_00)]
    assert debits_cents(card) == [5_00]


@story
async def test_two_cards_at_once_pay_nothing(tmp_path: Path) -> None:
    """Promise: with two cards on the reader none is debited, until one lies there alone."""
    world, card = world_with_card(tmp_path)
    cable = Cable(world.field, has_two_cards=True)
    async with Stall.open(world, find_reader=cable.find) as stall:
        await stall.type("5\n")
        await stall.sees("Présentez la carte")
        await stall.lay(card)
        await stall.sees("Plusieurs cartes", "Rien n’a été débité")
        assert stall.app.screen.query_one("#say").has_class("refused")
        assert stall.ear.heard == [Moment.REFUSED]
        assert (await stall.books(), debits_cents(card)) == ([], [])
        cable.has_two_cards = False
        await stall.lift()
        await stall.tap(card)
        await stall.sees("PAYÉ", "5,00 €")
    assert debits_cents(card) == [5_00]


@story
async def test_who_types_fast_types_right(tmp_path: Path) -> None:
    """Promise: keys that come faster than pages change keep their order, and end no page twice."""
    world, card = world_with_card(tmp_path)
    async with Stall.open(world) as stall:
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("PAYÉ", "5,00 €")
        for key in ("1", "2", "comma", "3", "4"):
            stall.app.simulate_key(key)
        await stall.idle()
        await stall.sees("12,34 €")
        await stall.type("\n")
        await stall.tap(card)
        await stall.sees("PAYÉ", "12,34 €")
        for key in ("enter", "7", "8"):
            stall.app.simulate_key(key)
        await stall.idle()
        await stall.sees("78,00 €")
        await stall.type("\n")
        await stall.sees("Présentez la carte", "78,00 €")
        for _ in range(2):
            stall.app.simulate_key("minus")
        await stall.idle()
        assert stall.app.cart.total_cents in {78_00, 7_00}, "one left the page, one may erase"
        assert await stall.books() == [(INTENT, 5_00), (SALE, 5_00), (INTENT, 12_34), (SALE, 12_34)]
    assert debits_cents(card) == [5_00, 12_34]


@story
async def test_lifted_too_early_tap_again(tmp_path: Path) -> None:
    """Promise: a card taken away before the debit was not debited, and may simply come again."""
    world, card = world_with_card(tmp_path)
    async with Stall.open(world) as stall:
        await stall.type("5\n")
        await stall.sees("Présentez la carte")
        world.field.tear_before(6)
        await stall.lay(card)
        await stall.sees("retirée trop tôt", "Rien n’a été débité")
        assert stall.ear.heard == [Moment.SEEN, Moment.AMBER]
        assert (await stall.books(), debits_cents(card)) == ([], [])
        await stall.tap(card)
        await stall.sees("PAYÉ", "5,00 €")
        assert await stall.books() == [(INTENT, 5_00), (SALE, 5_00)]
    assert debits_cents(card) == [5_00]


@story
async def test_a_reader_unplugged_and_back(tmp_path: Path) -> None:
    """Promise: a pulled cable is said at once, loses nothing, and the sale goes on after it."""
    world, card = world_with_card(tmp_path)
    cable = Cable(world.field)
    async with Stall.open(world, find_reader=cable.find) as stall:
        await stall.type("5\n")
        await stall.sees("Présentez la carte")
        cable.is_plugged = False
        await stall.sees("Le lecteur a été débranché", "✗ pas de lecteur")
        assert stall.ear.heard == [Moment.TROUBLE]
        cable.is_plugged = True
        await stall.sees("Le lecteur est revenu", "5,00 €")
        await stall.tap(card)
        await stall.sees("PAYÉ", "5,00 €")
        assert await stall.books() == [(INTENT, 5_00), (SALE, 5_00)]
    assert debits_cents(card) == [5_00]


@story
async def test_cancelled_as_the_card_lands(tmp_path: Path) -> None:
    """Promise: a sale that the card made is shown, even to who cancelled a moment too late."""
    world, card = world_with_card(tmp_path)
    cable = Cable(world.field)
    async with Stall.open(world, find_reader=cable.find) as stall:
        await stall.type("5\n")
        await stall.sees("Présentez la carte")
        cable.hold_at(1)
        world.field.place(card)
        cable.wait_until_held()
        await stall.type("-")
        cable.go_on()
        await stall.sees("PAYÉ", "5,00 €")
        assert await stall.books() == [(INTENT, 5_00), (SALE, 5_00)]
    assert debits_cents(card) == [5_00]


@story
async def test_the_cap_of_a_sale_and_of_a_day(tmp_path: Path) -> None:
    """Promise: caps cut a sale down and say so in no alarming tone; the rest is paid otherwise."""
    world, card = world_with_card(tmp_path, 600_00)
    async with Stall.open(world) as stall:
        await stall.type("160\n")
        await stall.tap(card)
        await stall.sees("La carte peut payer 150,00 €, reste 10,00 €.")
        assert tone(stall) == {"neutral"}
        await stall.type("1")
        await stall.sees("Présentez la carte")
        await stall.tap(card)
        await stall.sees("PAYÉ", "150,00 €")
        await stall.type("149\n")
        await stall.tap(card)
        await stall.sees("PAYÉ", "149,00 €")
        await stall.type("20\n")
        await stall.tap(card)
        await stall.sees("La carte peut payer 1,00 €, reste 19,00 €.")
        await stall.type("1")
        await stall.sees("Présentez la carte")
        await stall.tap(card)
        await stall.sees("PAYÉ")
        await stall.type("2\n")
        await stall.tap(card)
        await stall.sees("a atteint sa limite du jour")
    assert sum(debits_cents(card)) == CAPS.card_day_max_cents


@story
async def test_the_cap_of_what_is_unsent(tmp_path: Path) -> None:
    """Promise: before the cap of unsent sales bites it is said; at the cap nothing is sold."""
    world = World.make(tmp_path)
    world.caps = replace(CAPS, unsent_max_cents=20_00)
    card = world.new_card(50_00)
    world.publish()
    async with Stall.open(world) as stall:
        await stall.type("16\n")
        await stall.tap(card)
        await stall.sees("PAYÉ", "16,00 €", "! envoyez bientôt")
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("La carte peut payer 4,00 €, reste 1,00 €.")
        await stall.type("1")
        await stall.sees("Présentez la carte", "4,00 €")
        await stall.tap(card)
        await stall.sees("PAYÉ", "4,00 €", "✗ envoyez d’abord")
        await stall.type("3\n")
        await stall.tap(card)
        await stall.sees("Trop de ventes attendent d’être envoyées")
        assert tone(stall) == {"neutral"}
        assert (await stall.books())[-1] == (DECLINED, 0)
    assert debits_cents(card) == [16_00, 4_00]
