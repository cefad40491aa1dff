"""After the sale: looking for it, giving back, a receipt, the balance, the account."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cardkit.bodies import EntryKind, Refund, RefundReason
from cardkit.decide import Reason
from cardkit.language import ENGLISH, FRENCH
from cardkit.sync import MerchantAccount, Payout
from server_stub.rules import intents, verdict
from simulator.card import VirtualCard
from terminal.held_words import held_reason
from terminal.history import alias
from terminal.settings import TerminalSettings
from terminal.ui.flows.sales import EARLIER_AT_ONCE
from terminal.words import Words
from tests.escpos_printer import OUT, EscposPrinter, NetworkPrinter
from tests.screen_papers import enrol, tell_accounts
from tests.screen_world import Stall, story
from tests.terminal_world import MERCHANT, World, debits_cents

HELD = {
    intents.NOT_GENUINE,
    intents.CARD_UNKNOWN,
    intents.TWO_PROOFS,
    intents.REFUND_NOT_GRANTED,
    intents.RETURNED_BEFORE,
    verdict.DOCUMENTS_UNKNOWN,
    *(reason.name.lower() for reason in Reason),
}
"""What the service holds a sale for; the rules' reasons carry their own names."""


async def sell(stall: Stall, card: VirtualCard, amount: str) -> None:
    """One sale, from the keypad to the keypad."""
    await stall.idle()
    await stall.type(f"{amount}\n")
    await stall.tap(card)
    await stall.sees("PAYÉ", amount)
    await stall.type("\n")
    await stall.idle()


async def sales_of_the_day(stall: Stall) -> None:
    """Open the list."""
    await stall.idle()
    await stall.type("/")
    await stall.choose("Ventes du jour")
    await stall.sees("Ventes du jour :")


async def refunds(stall: Stall) -> list[tuple[int, RefundReason]]:
    """What the journal says was given back, and why."""
    entries = await stall.app.do(lambda till: till.journal.entries(0, 200))
    return [(it.body.amount_cents, it.body.reason) for it in entries if isinstance(it.body, Refund)]


@story
async def test_the_days_sales_show_no_balance_and_no_name(tmp_path: Path) -> None:
    """Promise: whoever looks over a shoulder learns amounts and hours, and nothing of a member."""
    world = World.make(tmp_path)
    card, other = world.new_card(50_00), world.new_card(73_00)
    world.publish()
    async with Stall.open(world) as stall:
        await sell(stall, card, "12,50")
        world.clock.pass_time(timedelta(minutes=7))
        await sell(stall, other, "8,00")
        await sales_of_the_day(stall)
        assert "Ventes du jour : 2, 20,50 €" in stall.text
        assert stall.text.index("10:07  8,00") < stall.text.index("10:00  12,50")
        for private in ("37,50", "65,00", "50,00", "73,00", card.uid.hex().upper()):
            assert private not in stall.text
        assert alias(card.uid) in stall.text


@story
async def test_a_neighbours_sales_are_the_neighbours(tmp_path: Path) -> None:
    """Promise: who shares a terminal sees, prints and gives back the own sales alone."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    async with Stall.open(world, merchants=(MERCHANT, 8)) as stall:
        await stall.choose("Ferme 8")
        await sell(stall, card, "12,50")
        await stall.type("/")
        await stall.choose("Changer de vendeur", "Ferme 7")
        await sales_of_the_day(stall)
        assert "Ventes du jour : 0, 0,00 €" in stall.text
        assert "10:00  12,50" not in stall.text
        await stall.choose("Ventes précédentes")
        await stall.sees("Pas de vente plus ancienne")
    assert debits_cents(card) == [12_50]


@story
async def test_a_part_goes_back_and_no_more_than_the_rest(tmp_path: Path) -> None:
    """Promise: of one sale at most its amount goes back, in however many parts."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    async with Stall.open(world) as stall:
        await sell(stall, card, "12,50")
        await sales_of_the_day(stall)
        await stall.choose("12,50", "Rembourser une partie")
        await stall.sees("Combien rembourser ?")
        await stall.type("4,2\n")
        await stall.choose("Marchandise rendue")
        await stall.sees("4,20 € reviennent à la carte")
        await stall.choose("Oui, rembourser", "OK", "12,50")
        await stall.sees("4,20 € remboursés", "8,30")
        await stall.choose("Rembourser une partie")
        await stall.sees("Combien rembourser ?")
        await stall.type("8,31\n")
        await stall.sees("8,30 € au plus.")
        await stall.type("-" * 4 + "8,3\n")
        await stall.choose("Autre raison", "Oui, rembourser", "OK", "12,50")
        await stall.sees("12,50 € remboursés")
        await stall.type("2")
        assert stall.page == "ChoicePage", "nothing is left to give back"
        assert await refunds(stall) == [
            (4_20, RefundReason.GOODS_RETURNED),
            (8_30, RefundReason.OTHER),
        ]
    assert debits_cents(card) == [12_50]


@story
async def test_a_refund_asks_before_it_is_one(tmp_path: Path) -> None:
    """Promise: who goes back at any page has given nothing back."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    async with Stall.open(world) as stall:
        await sell(stall, card, "12,50")
        await sales_of_the_day(stall)
        await stall.choose("12,50", "Rembourser tout")
        await stall.sees("Pourquoi ?")
        await stall.type("-")
        await stall.choose("12,50", "Rembourser tout", "Autre raison", "Non, revenir")
        await stall.sees("Ventes du jour : 1, 12,50 €")
        assert await refunds(stall) == []


@story
async def test_a_sale_of_last_week_is_found_and_given_back(tmp_path: Path) -> None:
    """Promise: a cheese that comes back next Saturday is given back like one of today."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    async with Stall.open(world) as stall:
        await sell(stall, card, "12,50")
    world.clock.pass_time(timedelta(days=7))
    async with Stall.open(world) as stall:
        await stall.sees("Clôtures oubliées")
        await stall.type("\n")
        await sell(stall, card, "3,00")
        await sales_of_the_day(stall)
        assert "12,50" not in stall.text
        await stall.choose("Ventes précédentes")
        await stall.sees("01/10/2026 10:00", "12,50")
        await stall.choose("12,50", "Rembourser tout", "Marchandise rendue", "Oui, rembourser")
        await stall.sees("Recrédité 12,50 €")
        assert await refunds(stall) == [(12_50, RefundReason.GOODS_RETURNED)]
        await stall.choose("OK")
        await stall.idle()
        await stall.type("49,5\n")
        await stall.tap(card)
        await stall.sees("La carte peut payer 47,00")
    assert debits_cents(card) == [12_50, 3_00]


@story
async def test_a_busy_market_hides_no_earlier_one(tmp_path: Path) -> None:
    """Promise: however many sales came since, the one of last week is found."""
    world = World.make(tmp_path)
    card = world.new_card(500_00)
    world.publish()
    world.enrol()
    till = world.till()
    world.sell(till, card, 12_50)
    for _ in range(EARLIER_AT_ONCE):
        world.sell(till, card, 1_00)
    till.stop()
    till.close()
    world.clock.pass_time(timedelta(days=7))
    async with Stall.open(world) as stall:
        await stall.sees("Clôtures oubliées")
        await stall.type("\n")
        await sales_of_the_day(stall)
        await stall.choose("Ventes précédentes", "Ventes précédentes")
        await stall.sees("12,50")
        await stall.choose("12,50", "Rembourser tout", "Marchandise rendue", "Oui, rembourser")
        await stall.sees("Recrédité 12,50 €")


@story
async def test_what_is_too_old_is_not_given_back(tmp_path: Path) -> None:
    """Promise: after the days that the permit names, a refund is refused with its reason."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    enrol(world, refund_days=5)
    async with Stall.open(world) as stall:
        await sell(stall, card, "12,50")
    world.clock.pass_time(timedelta(days=6))
    async with Stall.open(world) as stall:
        await stall.sees("Clôtures oubliées")
        await stall.type("\n")
        await sales_of_the_day(stall)
        await stall.choose("Ventes précédentes", "12,50", "Rembourser tout", "Autre raison")
        await stall.choose("Oui, rembourser")
        await stall.sees("Le délai", "rembours")
        assert await refunds(stall) == []


@story
async def test_a_receipt_in_letters_is_the_one_on_paper(tmp_path: Path) -> None:
    """Promise: a receipt is seen, then printed; every further print says that it is one."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    rolls = [EscposPrinter(), EscposPrinter()]
    async with Stall.open(world) as stall:
        await sell(stall, card, "12,50")
        for number, roll in enumerate(rolls):
            line = NetworkPrinter(roll)
            stall.app.change_settings(TerminalSettings(printer=line.address))
            await sales_of_the_day(stall)
            await stall.choose("12,50", "Reçu")
            await stall.sees("Ferme 7", "12,50", "imprime")
            assert ("DUPLICATA" in stall.text) == bool(number)
            assert "37,50" not in stall.text, "no balance"
            assert card.uid.hex().upper() not in stall.text
            await stall.type("\n")
            await stall.sees("Ventes du jour :")
            line.wait()
            assert roll.cuts == 1
            await stall.type("-")
        first, second = (roll.picture().size[1] for roll in rolls)
        assert second > first, "the second has a line more"
        entries = await stall.app.do(lambda till: till.journal.entries(0, 100))
        kinds = [it.envelope.kind for it in entries]
        assert kinds.count(EntryKind.RECEIPT_PRINTED) == 2
    assert debits_cents(card) == [12_50]


@pytest.mark.parametrize("trouble", ["paper", "unplugged"])
def test_a_printer_in_trouble_costs_no_sale(tmp_path: Path, trouble: str) -> None:
    """Promise: without paper or without a printer the sale stands, and what is wrong is said."""

    @story
    async def play() -> None:
        world = World.make(tmp_path)
        card = world.new_card(50_00)
        world.publish()
        roll = EscposPrinter()
        line = NetworkPrinter(roll)
        if trouble == "paper":
            roll.paper = OUT
        address = line.address if trouble == "paper" else "serial:/dev/no-such-printer"
        settings = TerminalSettings(printer=address)
        async with Stall.open(world, settings=settings) as stall:
            await stall.idle()
            await stall.type("12,5\n")
            await stall.tap(card)
            await stall.sees("PAYÉ")
            await stall.type("+")
            await stall.sees("imprime")
            await stall.type("\n")
            await stall.sees("Imprimante", "papier" if trouble == "paper" else "imprimante")
            await stall.type("\n")
            await stall.idle()
            await stall.sees("✔ 12,50 €")
            assert await stall.books() == [(EntryKind.INTENT, 12_50), (EntryKind.SALE, 12_50)]
        assert debits_cents(card) == [12_50]

    play()


@story
async def test_a_balance_goes_with_its_card(tmp_path: Path) -> None:
    """Promise: what somebody has left is shown while the card lies there, and to nobody after."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    async with Stall.open(world) as stall:
        await sell(stall, card, "12,50")
        await stall.type("*")
        await stall.sees("Solde : présentez la carte")
        await stall.lay(card)
        await stall.sees("Cette carte peut payer", "37,50")
        await stall.lift()
        await stall.idle()
        assert "37,50" not in stall.text
        assert await stall.books() == [(EntryKind.INTENT, 12_50), (EntryKind.SALE, 12_50)]


@story
async def test_a_balance_point_never_sells(tmp_path: Path) -> None:
    """Promise: no key at a balance point leads to a sale; what a card last paid is shown."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    async with Stall.open(world) as stall:
        await sell(stall, card, "12,50")
    async with Stall.open(world, borne=True) as stall:
        for keys in ("", "-", "5\n", "/", "--", "+*"):
            await stall.type(keys)
            await stall.sees("Posez votre carte sur le lecteur", "Ici, rien n’est vendu")
        await stall.lay(card)
        await stall.sees("Cette carte peut payer", "37,50", "− 12,50 € ici, le 01/10/2026")
        await stall.lift()
        await stall.sees("Posez votre carte sur le lecteur")
        assert "37,50" not in stall.text
        assert await stall.books() == [(EntryKind.INTENT, 12_50), (EntryKind.SALE, 12_50)]
    assert debits_cents(card) == [12_50]


@story
async def test_the_account_says_what_comes_and_what_does_not(tmp_path: Path) -> None:
    """Promise: a producer sees what is sold, unsent, payable, waiting and held, and why."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    world.enrol()
    account = MerchantAccount(
        merchant=MERCHANT,
        payable_cents=321_40,
        waiting_cents=18_60,
        held_cents=45_00,
        held_reasons=("card_forked", "a reason of next year"),
        last_payout=Payout(
            amount_cents=412_00, value_date=world.now.date(), reference="CLAF-2026-17"
        ),
    )
    tell_accounts(world, account, answered_at=world.now - timedelta(hours=1))
    async with Stall.open(world) as stall:
        await sell(stall, card, "12,50")
        await stall.type("/")
        await stall.choose("Mon compte")
        await stall.sees(
            "Aujourd’hui 12,50 € · cette semaine 12,50 €",
            "À envoyer : 12,50 € (1)",
            "À la caisse, le 01/10/2026 09:00",
            "à vous verser : 321,40 €",
            "en attente de preuve : 18,60 €",
            "retenu : 45,00 € (carte copiée, a reason of next year)",
            "dernier virement : 412,00 € le 01/10/2026, CLAF-2026-17",
        )


def test_every_reason_to_hold_a_sale_has_words_at_the_stall() -> None:
    """Promise: what the service can send as a reason, a producer reads as words."""
    for language in (FRENCH, ENGLISH):
        words = Words(language)
        said = {held_reason(words, name) for name in HELD}
        assert len(said) == len(HELD)
        assert not said & HELD


@story
async def test_the_coordinator_is_called_with_a_code(tmp_path: Path) -> None:
    """Promise: who calls for help reads out which terminal it is, or shows a code that says it."""
    world = World.make(tmp_path)
    async with Stall.open(world) as stall:
        await stall.idle()
        await stall.type("/")
        await stall.choose("Appeler la coordinatrice")
        await stall.sees("Terminal 3 de flers", "programme 0.0.0", "█")
        await stall.type("-")
        await stall.idle()
