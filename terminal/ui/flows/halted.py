"""When the till can't go on: what happened, what is kept, what to do; and small trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cardkit.errors import ClafoutisError
from terminal.ui.choose import ChoicePage
from terminal.ui.flows.asking import tell
from terminal.ui.widgets import Choice

if TYPE_CHECKING:
    from terminal.ui.app import TillApp

FAILED = 1
"""The exit status after which systemd starts the till anew."""


async def tell_trouble(app: TillApp, error: ClafoutisError) -> None:
    """Say what went wrong; the till goes on."""
    await tell(app, app.words.gettext("That did not work"), app.words.trouble(error), tone="amber")


async def halted(app: TillApp, error: Exception) -> None:
    """Say why nothing can be sold any more, and offer the one thing that helps."""
    _ = app.words.gettext
    if isinstance(error, ClafoutisError):
        text = app.words.trouble(error)
    else:
        text = _("Something unforeseen happened. What was journalled is kept.")
    detail = f"{type(error).__name__}: {error}"[:200]
    choices = (Choice(_("Restart the till"), _("everything that was sold is kept")),)
    page = ChoicePage(
        _("Nothing can be sold"), choices, text=f"{text}\n{detail}", tone="refused",
        can_go_back=False,
    )  # fmt: skip
    await app.show(page)
    app.exit(FAILED)
