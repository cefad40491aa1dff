"""A till with items on the screen: lines, weights, deposits, discounts, and a card's share."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cardkit.bodies import EntryKind, Intent, PaidOtherwise, VatTotal
from terminal.basket import BasketLine, LineKind, Unit
from terminal.catalogue import Pricing, Product
from terminal.settings import MerchantSettings, Mode
from tests.screen_world import LARGE, Stall, story, world_with_card
from tests.terminal_world import debits_cents

INTENT, SALE = EntryKind.INTENT, EntryKind.SALE
BREAD: Final = Product(label="Pain", price_cents=3_20)
CHEESE: Final = Product(label="Tomme", pricing=Pricing.WEIGHED, price_cents=24_90)
HONEY: Final = Product(label="Miel", pricing=Pricing.FREE, coverage_bp=5_000)
CIDER: Final = Product(label="Cidre", price_cents=4_00, vat_bp=2_000, coverage_bp=0)
BOTTLE: Final = Product(
    label="Consigne", price_cents=30, vat_bp=0, coverage_bp=0, kind=LineKind.DEPOSIT
)
BOTTLE_BACK: Final = Product(
    label="Retour", price_cents=30, vat_bp=0, coverage_bp=0, kind=LineKind.DEPOSIT_RETURNED
)
DISCOUNT: Final = Product(label="Remise", pricing=Pricing.FREE, kind=LineKind.DISCOUNT)
TILL: Final = MerchantSettings(
    mode=Mode.TILL, products=(BREAD, CHEESE, HONEY, CIDER, BOTTLE, DISCOUNT)
)


async def last_sold(stall: Stall) -> tuple[Intent, tuple[BasketLine, ...] | None]:
    """The newest intent, and the lines on the disk behind its hash."""
    entry = await stall.app.do(lambda till: till.journal.last(INTENT))
    assert entry is not None
    intent = entry.body
    assert isinstance(intent, Intent)
    lines_hash = intent.lines_hash
    if lines_hash is None:
        return intent, None
    return intent, await stall.app.do(lambda till: till.lines.of(lines_hash))


@story
async def test_lines_and_a_quantity_without_a_catalogue(tmp_path: Path) -> None:
    """Promise: 3 × 2,50 and a 4,20 are added up on a numpad; a payment terminal keeps no lines."""
    world, card = world_with_card(tmp_path)
    async with Stall.open(world) as stall:
        await stall.type("3*2,5")
        await stall.sees("3 × 2,50 €")
        assert stall.amount == "7,50 €"
        await stall.type("+4,2")
        await stall.sees("3 × 2,50 € 7,50 €")
        assert stall.amount == "11,70 €"
        await stall.type("+1+")
        await stall.type("-")
        assert stall.amount == "11,70 €", "the last line is taken back"
        await stall.type("\n")
        await stall.sees("Présentez la carte", "11,70 €")
        await stall.tap(card)
        await stall.sees("PAYÉ", "11,70 €")
        intent, lines = await last_sold(stall)
        assert (intent.total_cents, intent.vat_totals, lines) == (None, (), None)
        assert await stall.books() == [(INTENT, 11_70), (SALE, 11_70)]
    assert debits_cents(card) == [11_70]


@story
async def test_a_basket_of_items(tmp_path: Path) -> None:
    """Promise: pieces, weights and a discount come to the cent; sums go up, lines stay here."""
    world, card = world_with_card(tmp_path)
    async with Stall.open(world, size=LARGE, merchant=TILL) as stall:
        await stall.type("2*+1")
        await stall.sees("Pain 2 × 3,20 € 6,40 €")
        await stall.type("2*+2")
        await stall.sees("Grammes : Tomme")
        await stall.type("346\n")
        await stall.sees("Tomme 0,692 kg × 24,90 € 17,23 €")
        assert stall.amount == "23,63 €"
        await stall.type("+6")
        await stall.sees("Prix : Remise")
        await stall.type("1,5\n")
        await stall.sees("Remise -1,50 €")
        assert stall.amount == "22,13 €"
        await stall.type("\n")
        await stall.tap(card)
        await stall.sees("PAYÉ", "22,13 €")
        intent, lines = await last_sold(stall)
        assert intent.vat_totals == (
            VatTotal(vat_bp=550, coverage_bp=10_000, gross_cents=22_13, covered_cents=22_13),
        )
        assert lines is not None
        assert [(it.label, it.amount_cents, it.quantity, it.unit) for it in lines] == [
            ("Pain", 6_40, 2, Unit.PIECE),
            ("Tomme", 17_23, 692, Unit.GRAM),
            ("Remise", -1_50, 1, Unit.PIECE),
        ]
        assert stall.app.cart.is_empty
        assert await stall.books() == [(INTENT, 22_13), (SALE, 22_13)]
    assert debits_cents(card) == [22_13]


@story
async def test_a_card_pays_its_share(tmp_path: Path) -> None:
    """Promise: a card pays its share to the cent, the screen says the rest, the books have sums."""
    world, card = world_with_card(tmp_path)
    async with Stall.open(world, merchant=TILL) as stall:
        await stall.type("+1+4+5+3")
        await stall.sees("Prix : Miel")
        await stall.type("8,01\n")
        assert stall.amount == "15,51 €"
        await stall.type("\n")
        await stall.sees("Présentez la carte", "7,20 €", "sur 15,51 € ; 8,31 € autrement")
        await stall.tap(card)
        await stall.sees("PAYÉ", "7,20 €", "reste 8,31 € à payer autrement")
        intent, lines = await last_sold(stall)
        assert (intent.total_cents, intent.remainder_cents) == (15_51, 8_31)
        assert intent.vat_totals == (
            VatTotal(vat_bp=0, coverage_bp=0, gross_cents=30, covered_cents=0),
            VatTotal(vat_bp=550, coverage_bp=5_000, gross_cents=8_01, covered_cents=4_00),
            VatTotal(vat_bp=550, coverage_bp=10_000, gross_cents=3_20, covered_cents=3_20),
            VatTotal(vat_bp=2_000, coverage_bp=0, gross_cents=4_00, covered_cents=0),
        )
        assert lines is not None
        assert [it.label for it in lines] == ["Pain", "Cidre", "Consigne", "Miel"]
        assert await stall.books() == [(INTENT, 7_20), (SALE, 7_20)]
    assert debits_cents(card) == [7_20]


@story
async def test_a_share_and_not_enough(tmp_path: Path) -> None:
    """Promise: a card that cannot pay even its share pays what it can, spread over what it may."""
    world, card = world_with_card(tmp_path, 5_00)
    async with Stall.open(world, merchant=TILL) as stall:
        await stall.type("+1+3")
        await stall.sees("Prix : Miel")
        await stall.type("8\n\n")
        await stall.sees("Présentez la carte", "7,20 €", "sur 11,20 € ; 4,00 € autrement")
        await stall.tap(card)
        await stall.sees("La carte peut payer 5,00 €, reste 6,20 €.")
        await stall.type("1")
        await stall.sees("Présentez la carte", "sur 11,20 € ; 6,20 € autrement")
        await stall.tap(card)
        await stall.sees("PAYÉ", "5,00 €", "reste 6,20 € à payer autrement")
        intent, lines = await last_sold(stall)
        assert (intent.total_cents, intent.remainder_cents) == (11_20, 6_20)
        assert [it.gross_cents for it in intent.vat_totals] == [8_00, 3_20]
        assert [it.covered_cents for it in intent.vat_totals] == [2_78, 2_22]
        assert lines is not None
        assert len(lines) == 2
    assert debits_cents(card) == [5_00]


@story
async def test_a_bottle_alone_asks_for_no_card(tmp_path: Path) -> None:
    """Promise: what clafoutis may not pay asks for no card; money back is no sale either."""
    world, card = world_with_card(tmp_path)
    settings = MerchantSettings(mode=Mode.TILL, products=(BOTTLE, BOTTLE_BACK))
    async with Stall.open(world, merchant=settings) as stall:
        await stall.type("+1\n")
        await stall.sees("Rien dans ce panier ne se paie en clafoutis", "0,30 €")
        await stall.choose("Revenir au montant")
        await stall.idle()
        await stall.type("-")
        await stall.type("+2")
        assert stall.amount == "-0,30 €"
        await stall.type("\n")
        await stall.sees("Rien à encaisser", "Ce panier fait -0,30 €")
        assert await stall.books() == []
    assert debits_cents(card) == []


async def without_card(stall: Stall) -> list[PaidOtherwise]:
    """The baskets that the journal says no card paid."""
    entries = await stall.app.do(lambda till: till.journal.entries(0, 100))
    return [it.body for it in entries if isinstance(it.body, PaidOtherwise)]


@story
async def test_a_basket_without_a_card_leaves_its_trace(tmp_path: Path) -> None:
    """Promise (french-conventions.md, D1 I1): what a till reckons and is paid is recorded."""
    world, card = world_with_card(tmp_path)
    async with Stall.open(world, merchant=TILL) as stall:
        await stall.type("+")
        await stall.choose("Cidre")
        await stall.type("\n")
        await stall.sees("Rien dans ce panier ne se paie en clafoutis", "4,00 €")
        await stall.choose("Payé autrement")
        await stall.sees("Noté : 4,00 € autrement")
        await stall.choose("Reçu")
        await stall.sees("Cidre", "4,00")
        await stall.type("-")
        await stall.idle()
        assert stall.amount == "0,00 €"
        (basket,) = await without_card(stall)
        assert basket.total_cents == 4_00
        lines = await stall.app.do(lambda till: till.lines.of(basket.lines_hash))
        assert lines is not None
        assert [it.label for it in lines] == ["Cidre"]
        assert await stall.books() == []
    assert debits_cents(card) == []


@story
async def test_who_pays_in_cash_after_all_leaves_a_trace(tmp_path: Path) -> None:
    """Promise: a client whose card can't pay may pay another way, and the till says so."""
    world, card = world_with_card(tmp_path, 2_00)
    async with Stall.open(world, merchant=TILL) as stall:
        await stall.type("+1\n")
        await stall.tap(card)
        await stall.sees("La carte peut payer 2,00 €, reste 1,20 €.")
        await stall.choose("Payé autrement")
        await stall.sees("Noté : 3,20 € autrement")
        await stall.choose("OK")
        await stall.idle()
        assert stall.amount == "0,00 €"
        assert [it.total_cents for it in await without_card(stall)] == [3_20]
    assert debits_cents(card) == []
