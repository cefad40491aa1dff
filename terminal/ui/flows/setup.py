"""Settings: what a producer changes once and then forgets, each with what it is now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cardkit.entries import OperatorRole
from cardkit.language import ENGLISH, FRENCH
from terminal.fiscal.perimeter import installed_perimeter, shown
from terminal.settings import HEADING_LINES_MAX, PAPERS_MM, AmountEntry, Mode, Theme
from terminal.ui.choose import ChoicePage
from terminal.ui.flows import catalogue, opening, pins
from terminal.ui.flows.asking import tell
from terminal.ui.text import TextPage
from terminal.ui.widgets import Choice

if TYPE_CHECKING:
    from terminal.ui.app import TillApp

Step = Callable[["TillApp"], Coroutine[Any, Any, None]]


async def setup(app: TillApp) -> None:
    """Show the settings until they are left; a helper is asked for the PIN."""
    _ = app.words.gettext
    if not await pins.may_manage(app):
        return
    while True:
        entries = _entries(app)
        page = ChoicePage(app.words.gettext("Settings"), [choice for choice, _step in entries])
        index = await app.show(page)
        if index is None:
            return
        await entries[index][1](app)


def _entries(app: TillApp) -> list[tuple[Choice, Step]]:
    _, own, merchant = app.words.gettext, app.settings, app.merchant_settings
    on, off = _("on"), _("off")
    styles = {
        AmountEntry.COMMA: _("12 is 12,00"),
        AmountEntry.CENTS_FIRST: _("1250 is 12,50"),
    }
    modes = {Mode.PAYMENT: _("amounts only"), Mode.TILL: _("till with items")}
    themes = {Theme.DAY: _("day"), Theme.NIGHT: _("night")}
    return [
        (Choice(_("Language"), "Français / English"), _language),
        (Choice(_("Colours"), themes[own.theme]), _theme),
        (Choice(_("Sounds"), on if own.sounds else off), _sounds),
        (Choice(_("Typing amounts"), styles[merchant.amount_entry]), _amount_entry),
        (Choice(_("Mode"), modes[merchant.mode]), _mode),
        (Choice(_("Items"), str(len(merchant.products))), catalogue.edit),
        (Choice(_("Printer"), own.printer or _("none")), _printer),
        (Choice(_("Paper"), f"{own.paper_mm} mm"), _paper),
        (Choice(_("Card on receipts"), on if merchant.shows_card else off), _shows_card),
        (Choice(_("Top of receipts"), " · ".join(merchant.heading)[:24]), _heading),
        (Choice(_("PIN"), on if merchant.pin else off), _pin),
        (Choice(_("Balance after a sale"), on if own.shows_balance else off), _shows_balance),
        (Choice(_("Brightness")), _brightness),
        (Choice(_("Day and hour")), opening.correct_time),
        (Choice(_("Integrity"), _("looks at every entry")), _integrity),
        (Choice(_("Version")), _version),
    ]


async def _language(app: TillApp) -> None:
    language = ENGLISH if app.settings.language == FRENCH else FRENCH
    app.change_settings(replace(app.settings, language=language))
    app.speak(language)


async def _theme(app: TillApp) -> None:
    theme = Theme.NIGHT if app.settings.theme is Theme.DAY else Theme.DAY
    app.change_settings(replace(app.settings, theme=theme))
    app.apply_theme(theme)


async def _sounds(app: TillApp) -> None:
    app.change_settings(replace(app.settings, sounds=not app.settings.sounds))


async def _shows_balance(app: TillApp) -> None:
    app.change_settings(replace(app.settings, shows_balance=not app.settings.shows_balance))


async def _paper(app: TillApp) -> None:
    paper_mm = PAPERS_MM[1] if app.settings.paper_mm == PAPERS_MM[0] else PAPERS_MM[0]
    app.change_settings(replace(app.settings, paper_mm=paper_mm))


async def _shows_card(app: TillApp) -> None:
    shows_card = not app.merchant_settings.shows_card
    app.change_merchant(replace(app.merchant_settings, shows_card=shows_card))


async def _brightness(app: TillApp) -> None:
    """Make the screen brighter or darker, where it can be told."""
    _ = app.words.gettext
    light = app.parts.backlight
    if light is None:
        text = _("This screen has its own buttons: the terminal cannot set it.")
        await tell(app, _("Brightness"), text)
        return
    levels = (100, 75, 50, 25)
    index = await app.show(ChoicePage(_("Brightness"), [Choice(f"{it} %") for it in levels]))
    if index is None:
        return
    if await asyncio.to_thread(light.set_percent, levels[index]):
        app.change_settings(replace(app.settings, brightness_percent=levels[index]))
    else:
        refused = _("The system refuses. Call the workshop.")
        await tell(app, _("Brightness"), refused, tone="amber")


async def _integrity(app: TillApp) -> None:
    """Verify every entry of the journal; nothing is sold meanwhile."""
    _ = app.words.gettext
    count = await app.do(lambda till: till.journal.verify())
    await tell(app, _("Integrity"), _("All {count} entries are whole.").format(count=count))


async def _amount_entry(app: TillApp) -> None:
    is_comma = app.merchant_settings.amount_entry is AmountEntry.COMMA
    style = AmountEntry.CENTS_FIRST if is_comma else AmountEntry.COMMA
    app.change_merchant(replace(app.merchant_settings, amount_entry=style))


async def _mode(app: TillApp) -> None:
    """Change between payment terminal and till, and journal it: the books are kept otherwise."""
    _ = app.words.gettext
    choices = (
        Choice(_("Amounts only"), _("tickets come from another till")),
        Choice(_("Till with items"), _("lines, VAT, tickets from here")),
    )
    index = await app.show(ChoicePage(_("Mode"), choices))
    if index is None:
        return
    before, mode = app.merchant_settings.mode, (Mode.PAYMENT, Mode.TILL)[index]
    if mode is before:
        return
    merchant, producer = app.selling.merchant, OperatorRole.PRODUCER
    await app.do(
        lambda till: till.note_setting(
            "mode", before.value, mode.value, merchant=merchant, operator=producer
        )
    )
    app.change_merchant(replace(app.merchant_settings, mode=mode))


async def _printer(app: TillApp) -> None:
    """Type a printer's address, as its label or the workshop says it."""
    title = app.words.gettext("Printer (usb:04b8:0202, serial:/dev/ttyUSB0, network:192.168.1.50)")
    address = await app.show(TextPage(title, text=app.settings.printer))
    if address is not None:
        app.change_settings(replace(app.settings, printer=address.strip()))


async def _heading(app: TillApp) -> None:
    _ = app.words.gettext
    lines = list(app.merchant_settings.heading)
    for number in range(HEADING_LINES_MAX):
        title = _("Top of receipts, line {number}: address, SIRET…").format(number=number + 1)
        held = lines[number] if number < len(lines) else ""
        text = await app.show(TextPage(title, text=held, most=32))
        if text is None:
            break
        lines[number : number + 1] = [text]
        if not text:
            break
    heading = tuple(it for it in lines if it)
    app.change_merchant(replace(app.merchant_settings, heading=heading))


async def _pin(app: TillApp) -> None:
    """Choose another PIN, or none."""
    _ = app.words.gettext
    merchant = app.selling.merchant
    if not app.merchant_settings.pin:
        await pins.choose_pin(app, merchant)
        return
    choices = (Choice(_("Change the PIN")), Choice(_("No PIN any more")))
    index = await app.show(ChoicePage(_("PIN"), choices))
    if index == 0:
        await pins.choose_pin(app, merchant)
    elif index == 1:
        await pins.keep_hash(app, merchant, "")


async def _version(app: TillApp) -> None:
    """Show which program this is, to be read out on the telephone."""
    _, situation = app.words.gettext, app.situation
    lines = [
        _("Clafoutis {version}").format(version=app.parts.software.version),
        _("Program: {digest}").format(digest=shown(app.parts.software.digest)),
        _("Fiscal perimeter: {digest}").format(digest=shown(installed_perimeter())),
    ]
    if situation is not None:
        entries = _("Terminal {terminal} of {caisse}: {entries} entries, {total} ever")
        lines.append(
            entries.format(
                terminal=situation.terminal,
                caisse=situation.caisse,
                entries=situation.head_seq,
                total=app.words.euros(situation.perpetual_cents),
            )
        )
    await tell(app, _("Version"), "\n".join(lines))
