"""The merchant's own buttons: made, changed and taken away where they are used."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cardkit.entries import OperatorRole
from terminal.basket import WHOLE_BP, LineKind
from terminal.catalogue import (
    LABEL_MAX,
    PRICE_CENTS_MAX,
    PRODUCTS_MAX,
    VAT_RATES_BP,
    Pricing,
    Product,
    shares_bp,
)
from terminal.ui.amount import AmountPage, CountPage
from terminal.ui.choose import ChoicePage
from terminal.ui.flows.asking import is_sure
from terminal.ui.flows.items import price_hint
from terminal.ui.text import TextPage
from terminal.ui.widgets import Choice

if TYPE_CHECKING:
    from terminal.ui.app import TillApp


async def edit(app: TillApp) -> None:
    """Show the buttons until they are left."""
    _ = app.words.gettext
    while True:
        products = app.merchant_settings.products
        choices = [Choice(_("New item"), enabled=len(products) < PRODUCTS_MAX)]
        choices.extend(Choice(it.label, price_hint(app, it)) for it in products)
        text = "" if products else _("No items yet: make a button for what you sell.")
        index = await app.show(ChoicePage(_("Items"), choices, text=text))
        if index is None:
            return
        if index == 0:
            await _new(app)
        else:
            await _one(app, index - 1)


async def _new(app: TillApp) -> None:
    """Ask for what a button needs, one page after the other."""
    kind = await _kind(app)
    if kind is None:
        return
    label = await app.show(TextPage(app.words.gettext("Name of the item"), most=LABEL_MAX))
    if not label:
        return
    whole_bp = next(iter(_shares_bp(app)), WHOLE_BP)
    product = Product(label=label.strip(), kind=kind, coverage_bp=whole_bp)
    if kind in {LineKind.DEPOSIT, LineKind.DEPOSIT_RETURNED}:
        product = replace(product, coverage_bp=0, vat_bp=0)
    priced = await _priced(app, product)
    if priced is None:
        return
    _store(app, (*app.merchant_settings.products, priced))


async def _one(app: TillApp, at: int) -> None:
    """Change one button, or take it away."""
    _ = app.words.gettext
    product = app.merchant_settings.products[at]
    choices = (
        Choice(_("Price"), price_hint(app, product)),
        Choice(_("Name"), product.label),
        Choice(_("VAT"), percent(product.vat_bp)),
        Choice(_("Part in clafoutis"), percent(product.coverage_bp)),
        Choice(_("Take away")),
    )
    index = await app.show(ChoicePage(product.label, choices))
    changed: Product | None = None
    if index == 0:
        changed = await _priced(app, product)
    elif index == 1:
        label = await app.show(TextPage(_("Name of the item"), text=product.label, most=LABEL_MAX))
        changed = replace(product, label=label.strip()) if label else None
    elif index == 2:
        changed = await _taxed(app, product)
        if changed is not None:
            await _note_rate(app, at, "vat_bp", product.vat_bp, changed.vat_bp)
    elif index == 3:
        share_bp = await _share_bp(app)
        if share_bp is not None:
            changed = replace(product, coverage_bp=share_bp)
            await _note_rate(app, at, "coverage_bp", product.coverage_bp, changed.coverage_bp)
    elif index == 4:
        await _take_away(app, at)
    if changed is not None:
        products = list(app.merchant_settings.products)
        products[at] = changed
        _store(app, tuple(products))


def _shares_bp(app: TillApp) -> tuple[int, ...]:
    """What the merchant's convention lets an article's share be; empty: anything."""
    permit = app.situation.permit if app.situation is not None else None
    grant = permit.grant(app.selling.merchant) if permit is not None else None
    return shares_bp(grant.coverages_bp) if grant is not None else ()


async def _share_bp(app: TillApp) -> int | None:
    """Ask how much of an article credit pays: one of the convention's rates where it has some."""
    _ = app.words.gettext
    shares = _shares_bp(app)
    if not shares:
        share = await app.show(CountPage(_("Part in clafoutis, in %"), unit="%", most=100))
        return None if share is None else share * WHOLE_BP // 100
    page = ChoicePage(_("Part in clafoutis"), [Choice(percent(it)) for it in shares])
    index = await app.show(page)
    return None if index is None else shares[index]


async def _note_rate(app: TillApp, at: int, name: str, before_bp: int, after_bp: int) -> None:
    """Journal that a button's rate changed, by its place: a label may say anything."""
    merchant, item = app.selling.merchant, f"item {at + 1} {name}"
    if before_bp != after_bp:
        await app.do(
            lambda till: till.note_setting(
                item, str(before_bp), str(after_bp), merchant=merchant,
                operator=OperatorRole.PRODUCER,
            )
        )  # fmt: skip


async def _take_away(app: TillApp, at: int) -> None:
    _ = app.words.gettext
    products = app.merchant_settings.products
    text = _("What was sold of it stays in the books.")
    if await is_sure(app, products[at].label, text, yes=_("Yes, take it away")):
        _store(app, products[:at] + products[at + 1 :])


async def _kind(app: TillApp) -> LineKind | None:
    _ = app.words.gettext
    kinds = (
        (LineKind.PRODUCT, Choice(_("Food"), _("clafoutis pays it"))),
        (LineKind.DEPOSIT, Choice(_("Deposit"), _("bottles, crates: another way"))),
        (LineKind.DEPOSIT_RETURNED, Choice(_("Deposit returned"), _("taken off the basket"))),
        (LineKind.DISCOUNT, Choice(_("Discount"), _("taken off the basket"))),
    )
    index = await app.show(ChoicePage(_("New item"), [choice for _kind, choice in kinds]))
    return None if index is None else kinds[index][0]


async def _priced(app: TillApp, product: Product) -> Product | None:
    """Ask how the price comes about, and which it is."""
    _ = app.words.gettext
    ways = (
        (Pricing.FIXED, Choice(_("Fixed price"))),
        (Pricing.WEIGHED, Choice(_("By weight"), _("price of a kilogram"))),
        (Pricing.FREE, Choice(_("Typed at each sale"))),
    )
    index = await app.show(ChoicePage(product.label, [choice for _way, choice in ways]))
    if index is None:
        return None
    pricing = ways[index][0]
    if pricing is Pricing.FREE:
        return replace(product, pricing=pricing, price_cents=0)
    style = app.merchant_settings.amount_entry
    title = _("Price of a kilogram") if pricing is Pricing.WEIGHED else _("Price")
    cents = await app.show(AmountPage(title, style=style, most_cents=PRICE_CENTS_MAX))
    return None if cents is None else replace(product, pricing=pricing, price_cents=cents)


async def _taxed(app: TillApp, product: Product) -> Product | None:
    page = ChoicePage(app.words.gettext("VAT"), [Choice(percent(it)) for it in VAT_RATES_BP])
    index = await app.show(page)
    return None if index is None else replace(product, vat_bp=VAT_RATES_BP[index])


def _store(app: TillApp, products: tuple[Product, ...]) -> None:
    app.change_merchant(replace(app.merchant_settings, products=products))


def percent(basis_points: int) -> str:
    """Show a rate: 5,5 % or 100 %."""
    whole, rest = divmod(basis_points, 100)
    decimals = f",{rest:02d}".rstrip("0") if rest else ""
    return f"{whole}{decimals} %"
