"""From the merchant's catalogue into the basket: a button, a price where it is free, a weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from terminal.catalogue import PRICE_CENTS_MAX, Pricing, Product
from terminal.ui.amount import AmountPage, CountPage
from terminal.ui.choose import ChoicePage
from terminal.ui.flows.asking import tell
from terminal.ui.widgets import Choice

if TYPE_CHECKING:
    from terminal.ui.app import TillApp

GRAMS_MAX = 99_999


async def add_item(app: TillApp) -> None:
    """Choose one button and add its line; a quantity that was typed before counts."""
    _ = app.words.gettext
    products = app.merchant_settings.products
    if not products:
        text = _("No items yet. Menu, Settings, Items: make a button for what you sell.")
        await tell(app, _("Items"), text)
        return
    choices = [Choice(it.label, price_hint(app, it)) for it in products]
    index = await app.show(ChoicePage(_("Items"), choices))
    if index is None:
        return
    product = products[index]
    line = None
    match product.pricing:
        case Pricing.FIXED:
            line = product.line(quantity=app.cart.quantity)
        case Pricing.FREE:
            style = app.merchant_settings.amount_entry
            title = _("Price of {item}").format(item=product.label)
            cents = await app.show(AmountPage(title, style=style, most_cents=PRICE_CENTS_MAX))
            if cents is not None:
                line = product.line(quantity=app.cart.quantity, price_cents=cents)
        case Pricing.WEIGHED:
            title = _("Grams of {item}").format(item=product.label)
            grams = await app.show(CountPage(title, unit="g", most=GRAMS_MAX))
            if grams is not None:
                line = product.line(quantity=app.cart.quantity * grams)
    if line is not None:
        before = app.cart
        app.change_cart(before.with_line(line))
        if app.cart is before:
            await tell(app, _("Items"), _("The basket is full: charge it, then go on."))


def price_hint(app: TillApp, product: Product) -> str:
    """Say what a product costs, in a few characters."""
    _, euros = app.words.gettext, app.words.euros
    match product.pricing:
        case Pricing.FIXED:
            return euros(product.price_cents)
        case Pricing.WEIGHED:
            return f"{euros(product.price_cents)}/kg"
        case Pricing.FREE:
            return _("price typed")
