"""Small questions that several flows ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from terminal.ui.choose import ChoicePage, MessagePage
from terminal.ui.widgets import Choice

if TYPE_CHECKING:
    from terminal.ui.app import TillApp


async def tell(app: TillApp, title: str, text: str, *, tone: str = "") -> None:
    """Say something that has to be read."""
    await app.show(MessagePage(title, text, ok=app.words.gettext("OK"), tone=tone))


async def is_sure(app: TillApp, title: str, text: str, *, yes: str, tone: str = "") -> bool:
    """Ask before something that a slip of a finger should not do."""
    no = app.words.gettext("No, go back")
    choices = (Choice(yes), Choice(no))
    return await app.show(ChoicePage(title, choices, text=text, tone=tone)) == 0
