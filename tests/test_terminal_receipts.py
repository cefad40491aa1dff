"""Receipts: what stands on them, how they look, and how they are counted.

The pictures are kept under `snapshots/receipts` and compared dot by dot. After a change that is
meant: `UPDATE_RECEIPTS=1 .venv/bin/pytest tests/test_terminal_receipts.py`, and look at each.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

from cardkit.bodies import ClosurePeriod, EntryKind, ReceiptPrinted, RefundReason
from cardkit.entries import Entry
from simulator.card import VirtualCard
from terminal.basket import (
    LINES_MAX,
    VAT_TOTALS_MAX,
    BasketLine,
    LineKind,
    Unit,
    line,
    total_cents,
    vat_totals,
)
from terminal.outcomes import Amber, Basket, Green, Refunded
from terminal.receipts.content import (
    BillFacts,
    ClosureFacts,
    Facts,
    GivenBack,
    Issuer,
    ReadingFacts,
    Receipt,
    RefundFacts,
    SaleFacts,
    VatShare,
    bill_facts,
    net_cents,
    vat_shares,
)
from terminal.receipts.desk import Receipts
from terminal.receipts.layout import Style, lay_out
from terminal.receipts.picture import FONTS, PaperWidth, draw
from terminal.receipts.preview import in_letters, preview
from terminal.till import Till
from terminal.words import Words
from tests.terminal_world import MERCHANT, World

SNAPSHOTS = Path(__file__).parent / "snapshots" / "receipts"
AT = datetime(2026, 10, 24, 8, 3, 7, tzinfo=UTC)
FARM = Issuer(name="Ferme du Gué", heading=("12 rue des Lilas, 61100 Flers", "SIRET 123 456 789"))
LINES = (
    line(LineKind.PRODUCT, "Tomates cœur-de-bœuf", 3_20, quantity=450, unit=Unit.GRAM),
    line(LineKind.PRODUCT, "Pain de campagne au levain", 4_10),
    line(LineKind.PRODUCT, "Cidre", 4_50, quantity=2, vat_bp=2_000, coverage_bp=0),
    line(LineKind.DEPOSIT_RETURNED, "Consigne", 50, quantity=2, vat_bp=2_000, coverage_bp=0),
)
SALE = SaleFacts(
    lines=LINES,
    vat=vat_shares(vat_totals(LINES, 5_54)),
    total_cents=total_cents(LINES),
    paid_cents=5_54,
    remainder_cents=total_cents(LINES) - 5_54,
    refunds=(GivenBack(at=AT, amount_cents=1_44),),
    card="0A1B",
)
AMOUNT = SaleFacts(
    lines=(),
    vat=(),
    total_cents=12_50,
    paid_cents=12_50,
    remainder_cents=0,
    refunds=(),
    card=None,
)
REFUND = RefundFacts(
    sale_seq=42, amount_cents=1_44, reason=RefundReason.GOODS_RETURNED, vat=(), card=None
)
DAY = ClosureFacts(
    period=ClosurePeriod.DAY,
    business_date=date(2026, 10, 24),
    first_seq=1,
    last_seq=1_204,
    sales=311,
    sales_cents=4_120_50,
    refunds=2,
    refunds_cents=18_20,
    perpetual_cents=1_231_990_10,
    vat=(VatShare(vat_bp=550, gross_cents=4_102_30, net_cents=3_888_44),),
    late=True,
)
READING = ReadingFacts(
    business_date=date(2026, 10, 24), sales=40, sales_cents=412_50, refunds_cents=8_00
)
KINDS: dict[str, Facts] = {
    "sale": SALE,
    "sale-of-an-amount": AMOUNT,
    "refund": REFUND,
    "day": DAY,
    "month": replace(DAY, period=ClosurePeriod.MONTH, late=False),
    "year": replace(DAY, period=ClosurePeriod.YEAR, late=False),
    "reading": READING,
    "bill": bill_facts(LINES),
}


def receipt(facts: Facts, *, copy: int = 0, training: bool = False) -> Receipt:
    """A receipt of the morning of 24 October."""
    is_bill = isinstance(facts, BillFacts)
    return Receipt(
        seq=None if is_bill else 42,
        at=AT,
        caisse="flers",
        terminal=3,
        merchant=MERCHANT,
        issuer=FARM,
        facts=facts,
        signature="" if is_bill else "43:ABCDEFGH",
        copy=copy,
        training=training,
    )


def maximal_basket() -> tuple[BasketLine, ...]:
    """As many lines and rates as a basket may hold, each with the longest words and figures."""
    return tuple(
        line(
            LineKind.PRODUCT,
            f"Œuf de poule élevée en plein air sur le plateau d’à côté, lot {number:03}"[:64],
            9_999_99,
            quantity=99_999,
            unit=Unit.GRAM,
            vat_bp=100 * (number % VAT_TOTALS_MAX),
        )
        for number in range(LINES_MAX)
    )


def maximal_sale() -> SaleFacts:
    """The sale of the greatest basket."""
    lines = maximal_basket()
    whole_cents = total_cents(lines)
    return replace(
        SALE,
        lines=lines,
        vat=vat_shares(vat_totals(lines, whole_cents)),
        total_cents=whole_cents,
        paid_cents=whole_cents,
        remainder_cents=0,
    )


def assert_as_kept(picture: Image.Image, name: str) -> None:
    """Compare with the picture that was looked at; kept anew where that is asked for."""
    path = SNAPSHOTS / f"{name}.png"
    if os.environ.get("UPDATE_RECEIPTS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, optimize=True)
    with Image.open(path) as kept:
        assert (picture.mode, picture.size) == (kept.mode, kept.size)
        assert ImageChops.logical_xor(picture, kept).getbbox() is None, f"{name} looks different"


def text_of(shown: Receipt, language: str = "fr") -> str:
    """Everything that can be read on a receipt."""
    return "\n".join(row.text for row in lay_out(shown, Words(language), 32))


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_receipt_looks_as_it_was_approved(kind: str, language: str) -> None:
    """Promise: no receipt changes its look without somebody looking at it."""
    assert_as_kept(draw(receipt(KINDS[kind]), Words(language)), f"{kind}-{language}")


def test_the_greatest_basket_on_both_papers() -> None:
    """Promise: a receipt with all that a basket may hold has every line of it, on any paper."""
    shown = receipt(maximal_sale(), copy=12, training=True)
    for paper in PaperWidth:
        picture = draw(shown, Words("fr"), paper)
        assert picture.width == paper
        assert_as_kept(picture, f"greatest-{paper}")
    assert text_of(shown).count("TVA") == VAT_TOTALS_MAX


def test_a_duplicate_and_training_look_as_they_were_approved() -> None:
    """Promise: nobody takes a copy for the original, or an exercise for a sale."""
    assert_as_kept(draw(receipt(AMOUNT, copy=1), Words("fr")), "duplicate")
    assert_as_kept(draw(receipt(AMOUNT, training=True), Words("fr")), "training")


@pytest.mark.parametrize(
    ("shown", "banner"),
    [
        (receipt(AMOUNT, copy=3), "DUPLICATA n° 3"),
        (receipt(AMOUNT, training=True), "FORMATION — SANS VALEUR"),
        (receipt(KINDS["bill"]), "CECI N’EST PAS UN TICKET"),
        (receipt(READING), "CECI N’EST PAS UNE CLÔTURE"),
    ],
)
def test_what_is_no_original_says_so_at_both_ends(shown: Receipt, banner: str) -> None:
    """Promise: neither half of a torn paper passes for a ticket that it is not."""
    banners = [row.text.strip() for row in lay_out(shown, Words("fr"), 32) if _is_banner(row.style)]
    assert banners == [banner, banner]


def test_an_original_has_no_banner() -> None:
    """Promise: a ticket that is what it says carries no warning."""
    rows = lay_out(receipt(SALE), Words("fr"), 32)
    assert not any(_is_banner(row.style) for row in rows)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("columns", [32, 48])
def test_every_row_fits(kind: str, language: str, columns: int) -> None:
    """Promise: nothing is cut off at the edge of the paper."""
    for row in lay_out(receipt(KINDS[kind]), Words(language), columns):
        assert len(row.text) * (2 if row.style is Style.LARGE else 1) <= columns


def test_figures_of_a_whole_country_fit() -> None:
    """Promise: no sum that an entry can hold is too wide for the paper."""
    cents = 2**62
    facts = replace(DAY, sales_cents=cents, refunds_cents=0, perpetual_cents=cents)
    picture = draw(receipt(facts), Words("fr"))
    assert picture.width == PaperWidth.MM_58
    assert "46116860184273879,04 €" in text_of(receipt(facts))


def test_what_no_paper_can_show_is_left_out() -> None:
    """Promise: control characters in a name neither move text nor reach a screen."""
    facts = bill_facts((replace(LINES[0], label="Pain\x1b[2J\x07\ncomplet"),))
    assert "Pain [2J  complet" in text_of(receipt(facts))


@given(label=st.text(max_size=64), name=st.text(max_size=64))
def test_whatever_was_typed_is_drawn(label: str, name: str) -> None:
    """Promise: no name of a merchant or a product stops a receipt."""
    odd = replace(LINES[0], label=label)
    facts = bill_facts((odd,))
    shown = replace(receipt(facts), issuer=Issuer(name=name, heading=(label,)))
    assert draw(shown, Words("fr")).height > 0


@given(
    gross_cents=st.integers(-(10**9), 10**9), vat_bp=st.sampled_from([0, 210, 550, 1_000, 2_000])
)
def test_tax_and_net_make_the_gross(gross_cents: int, vat_bp: int) -> None:
    """Promise: the VAT on a ticket is exact to half a cent, the same for a sale and its refund."""
    net = net_cents(gross_cents, vat_bp)
    assert net == -net_cents(-gross_cents, vat_bp)
    assert abs(2 * (net * (10_000 + vat_bp) - gross_cents * 10_000)) <= 10_000 + vat_bp


def test_the_font_goes_with_its_licence() -> None:
    """Promise: whoever gets the terminal gets the licence that its font asks for."""
    licence = (FONTS / "OFL.txt").read_text("utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert "Atkinson Hyperlegible Mono" in licence


def test_the_time_is_that_of_france_to_the_second() -> None:
    """Promise: a ticket bears date and time to the second, as the tax office asks."""
    assert "24/10/2026 10:03:07" in text_of(receipt(SALE))


def test_a_preview_of_every_dot_is_the_picture() -> None:
    """Promise: the screen shows the very bitmap that is printed."""
    picture = draw(receipt(AMOUNT), Words("fr"))
    rows = preview(picture, picture.width)
    dark = {
        (x, 2 * y + lower)
        for y, row in enumerate(rows)
        for x, block in enumerate(row)
        for lower in range(2)
        if block in ("█", "▀▄"[lower])
    }
    everywhere = ((x, y) for x in range(picture.width) for y in range(picture.height))
    assert dark == {at for at in everywhere if not picture.getpixel(at)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_preview_in_letters_says_what_the_paper_says(kind: str) -> None:
    """Promise: what a small screen shows can be read, and is all that is printed."""
    rows = lay_out(receipt(KINDS[kind], copy=1), Words("fr"), 32)
    shown = in_letters(rows, 32)
    assert max(map(len, shown)) <= 32
    for row, line_shown in zip(rows, shown, strict=True):
        said = line_shown[::2] if row.style is Style.LARGE else line_shown.strip("─█ ")
        assert said.strip() == row.text.strip()
    assert "████████ DUPLICATA n° 1 ████████" in shown


@pytest.mark.parametrize("columns", [1, 20, 48, 100])
def test_a_preview_is_no_wider_than_its_screen(columns: int) -> None:
    """Promise: a preview fits on the screen that it is shown on."""
    assert max(map(len, preview(draw(receipt(SALE), Words("fr")), columns))) <= columns


class Kept:
    """Baskets that a test keeps."""

    def __init__(self, lines: tuple[BasketLine, ...]) -> None:
        self._lines = lines

    def of(self, lines_hash: bytes) -> tuple[BasketLine, ...] | None:
        """The lines of the one basket there is."""
        return self._lines if lines_hash == bytes(32) else None


def desk(till: Till, *, shows_card: bool = False) -> Receipts:
    """The receipts of a till, with a signature that names its entry."""
    issuer = replace(FARM, shows_card=shows_card)
    return Receipts(till.journal, Kept(LINES), issuer_of=lambda _: issuer, sign=_sign)


def sell(world: World, till: Till, card: VirtualCard, amount_cents: int) -> int:
    """Sell, and return the number of the sale."""
    sold = world.sell(till, card, amount_cents)
    assert isinstance(sold, Green)
    return sold.seq


def _sign(entry: Entry) -> str:
    return entry.digest.hex()[:8].upper()


def _is_banner(style: Style) -> bool:
    return style is Style.BANNER


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A caisse."""
    return World.make(tmp_path)


def test_a_ticket_is_numbered_like_its_sale(world: World) -> None:
    """Promise: the number on a ticket finds the sale in the books, and the signature its proof."""
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    seq = sell(world, till, card, 12_50)
    shown = desk(till).of_sale(seq)
    assert shown is not None
    proof = till.journal.outcome(seq)
    assert proof is not None
    assert (shown.seq, shown.copy) == (seq, 0)
    assert shown.signature == f"{proof.seq}:{_sign(proof)}"
    assert shown.at == proof.envelope.at
    assert isinstance(shown.facts, SaleFacts)
    assert (shown.facts.total_cents, shown.facts.paid_cents) == (12_50, 12_50)
    assert "12,50 €" in text_of(shown)


def test_a_copy_is_counted_once_a_printer_took_the_one_before(world: World) -> None:
    """Promise: the original is printed once; each reprint has its number, in the journal too."""
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    seq = sell(world, till, card, 12_50)
    receipts = desk(till)
    assert receipts.of_sale(seq) == receipts.of_sale(seq)  # looking counts for nothing
    for copy in range(3):
        shown = receipts.of_sale(seq)
        assert shown is not None
        assert shown.copy == copy
        receipts.printed(shown)
        entry = till.journal.last(EntryKind.RECEIPT_PRINTED)
        assert entry is not None
        assert entry.body == ReceiptPrinted(seq=seq, copy=copy)
        assert entry.envelope.merchant == MERCHANT
    assert till.journal.verify() == till.journal.head.seq


def test_copies_are_counted_by_ticket(world: World) -> None:
    """Promise: a reprint of one ticket makes no duplicate of another."""
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    first, second = (sell(world, till, card, cents) for cents in (1_00, 2_00))
    receipts = desk(till)
    shown = receipts.of_sale(first)
    assert shown is not None
    receipts.printed(shown)
    other = receipts.of_sale(second)
    assert other is not None
    assert other.copy == 0


def test_a_basket_and_its_refund_stand_on_the_ticket(world: World) -> None:
    """Promise: a ticket of a till lists its lines, what was paid how, and what was given back."""
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    basket = Basket(
        total_cents=total_cents(LINES),
        remainder_cents=total_cents(LINES) - 5_54,
        vat_totals=vat_totals(LINES, 5_54),
        lines_hash=bytes(32),
    )
    sold = world.tap(card, lambda it: till.sell(it, 5_54, merchant=MERCHANT, basket=basket))
    assert isinstance(sold, Green)
    seq = sold.seq
    refunded = till.refund(seq, 1_44, RefundReason.GOODS_RETURNED)
    assert isinstance(refunded, Refunded)
    receipts = desk(till)
    shown = receipts.of_sale(seq)
    assert shown is not None
    assert isinstance(shown.facts, SaleFacts)
    assert shown.facts.lines == LINES
    assert [it.amount_cents for it in shown.facts.refunds] == [1_44]
    back = receipts.of_entry(refunded.seq)
    assert back is not None
    assert isinstance(back.facts, RefundFacts)
    assert (back.seq, back.facts.sale_seq, back.facts.amount_cents) == (
        refunded.seq,
        seq,
        1_44,
    )


def test_what_is_not_known_to_be_paid_has_no_ticket(world: World) -> None:
    """Promise: no ticket of a sale whose end nobody saw, nor of what is no sale."""
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    world.field.tear_after(9)
    torn = world.sell(till, card, 12_50)
    assert isinstance(torn, Amber)
    receipts = desk(till)
    assert receipts.of_sale(torn.seq) is None
    assert receipts.of_entry(torn.seq) is None
    assert receipts.of_sale(1) is None
    assert receipts.of_entry(1) is None
    assert receipts.of_sale(999) is None
    assert receipts.of_entry(999) is None


def test_nobody_is_recognised_by_a_ticket(world: World) -> None:
    """Promise: a ticket bears no card number; its last digits at most, where the merchant asks."""
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    seq = sell(world, till, card, 12_50)
    for shows_card in (False, True):
        shown = desk(till, shows_card=shows_card).of_sale(seq)
        assert shown is not None
        known = repr(shown).upper() + text_of(shown).upper()
        assert card.uid.hex().upper() not in known
        assert ("…" + card.uid.hex().upper()[-4:] in text_of(shown)) is shows_card
        assert "37,50" not in text_of(shown)  # what is left on the card


def test_a_closure_is_printed_and_counted(world: World) -> None:
    """Promise: a ticket Z says what its entry says, and its copies are counted likewise."""
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    world.sell(till, card, 12_50)
    closed = till.close_day(date(2026, 10, 1))
    assert isinstance(closed, Entry)
    receipts = desk(till)
    shown = receipts.of_entry(closed.seq)
    assert shown is not None
    assert isinstance(shown.facts, ClosureFacts)
    assert (shown.facts.sales, shown.facts.sales_cents) == (1, 12_50)
    receipts.printed(shown)
    again = receipts.of_entry(closed.seq)
    assert again is not None
    assert again.copy == 1


def test_a_bill_is_no_entry_and_none_is_made_of_it(world: World) -> None:
    """Promise: a bill before payment has no number, no signature, and leaves the books alone."""
    till = world.till()
    receipts = desk(till)
    bill = receipts.bill(LINES, merchant=MERCHANT, at=AT)
    head = till.journal.head
    receipts.printed(bill)
    assert till.journal.head == head
    text = text_of(bill)
    assert "Ticket n°" not in text
    assert "Signature" not in text
