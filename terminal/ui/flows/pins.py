"""The producer's PIN: asked for, chosen, changed, and replaced when it was forgotten."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cardkit.entries import OperatorRole
from cardkit.pin import RESET_DIGITS, challenge
from terminal import pin
from terminal.guesses import Guesses
from terminal.ui.amount import CountPage, PinPage
from terminal.ui.choose import ChoicePage
from terminal.ui.flows.asking import tell
from terminal.ui.widgets import Choice

if TYPE_CHECKING:
    from terminal.ui.app import TillApp


_SET, _NONE = "set", "none"
"""What the books say of a PIN."""


async def may_manage(app: TillApp) -> bool:
    """Ask for the producer's PIN where one was chosen; a helper is asked, too.

    What follows is the producer's act, whoever has sold until then.
    """
    return not app.merchant_settings.pin or await is_producer(app, app.selling.merchant)


async def is_producer(app: TillApp, merchant: int) -> bool:
    """Ask for a merchant's PIN until it is right or given up; a forgotten one can be replaced."""
    _ = app.words.gettext
    text = ""
    while True:
        kept = app.parts.settings.merchant(merchant).pin
        typed = await app.show(PinPage(_("PIN of the producer"), text=text))
        if typed is None:
            return await _has_forgotten(app, merchant)
        until_s = await asyncio.to_thread(app.guesses.wait_s, merchant)
        if until_s:
            text = _("Too many wrong PINs: wait {seconds} s.").format(seconds=until_s)
        elif await asyncio.to_thread(_is_right, app.guesses, merchant, typed, kept):
            return True
        else:
            text = _("That is not the PIN. − leads back, and to a forgotten PIN.")


def _is_right(guesses: Guesses, merchant: int, typed: str, kept: str) -> bool:
    """Look at a guess; it counts as wrong beforehand, so that no cut makes it one for free."""
    guesses.wrong(merchant)
    if not pin.is_pin(typed, kept):
        return False
    guesses.right(merchant)
    return True


async def _has_forgotten(app: TillApp, merchant: int) -> bool:
    """Ask whether the PIN was forgotten; with the caisse's code a new one is chosen at once."""
    _ = app.words.gettext
    choices = (Choice(_("Back")), Choice(_("PIN forgotten"), _("the caisse reads out a code")))
    if await app.show(ChoicePage(_("PIN of the producer"), choices)) != 1:
        return False
    asked = challenge()
    text = _("Call the caisse and read out: {digits}\nThen type the code that it answers.")
    page = CountPage(_("Code of the caisse"), unit="", most=10**RESET_DIGITS - 1,
                     text=text.format(digits=f"{asked[:3]} {asked[3:]}"))  # fmt: skip
    answered = await app.show(page)
    if answered is None:
        return False
    code = f"{answered:0{RESET_DIGITS}d}"
    if not await app.do(lambda till: till.is_reset_code(asked, code)):
        await tell(app, _("PIN of the producer"), _("That is not the code for these digits."))
        return False
    await asyncio.to_thread(app.guesses.right, merchant)
    return await choose_pin(app, merchant)


async def choose_pin(app: TillApp, merchant: int) -> bool:
    """Let a producer choose a PIN, typed twice; False when it was given up."""
    _ = app.words.gettext
    text = _("4 to 8 digits.")
    while True:
        first = await app.show(PinPage(_("Choose a PIN"), text=text))
        if first is None:
            return False
        second = await app.show(PinPage(_("The same PIN once more")))
        if second == first:
            await keep_hash(app, merchant, await asyncio.to_thread(pin.hash_pin, first))
            return True
        text = _("These were two different PINs. Choose again.")


async def keep_hash(app: TillApp, merchant: int, pin_hash: str) -> None:
    """Keep a PIN's hash, empty for none; the books say that it changed, and never what it is."""
    before = app.parts.settings.merchant(merchant).pin
    await app.do(
        lambda till: till.note_setting(
            "pin",
            _SET if before else _NONE,
            _SET if pin_hash else _NONE,
            merchant=merchant,
            operator=OperatorRole.PRODUCER,
        )
    )
    app.parts.settings.set_pin(merchant, pin_hash)
    app.reload_settings()
