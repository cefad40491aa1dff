"""The line at the top: reader, what is unsent, the list of cards, the clock, by need."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.widgets import Static

from cardkit.clock import PARIS, ClockTrust
from terminal.situation import STOPS, Situation, Warned, concerns
from terminal.surroundings import Strain, strains
from terminal.words import Words
from terminal.worker import ReaderReady

if TYPE_CHECKING:
    from terminal.ui.app import TillApp


class StatusLine(Static):
    """How things stand; it is asked to draw itself anew after each fact."""

    def __init__(self) -> None:
        super().__init__(id="status")
        self._shown = ""

    def on_mount(self) -> None:
        """Draw it."""
        self.redraw()

    def _strains(self) -> tuple[Strain, ...]:
        surroundings = cast("TillApp", self.app).surroundings
        return () if surroundings is None else strains(surroundings)

    def redraw(self) -> None:
        """Draw what the program knows now, the last parts left out where there is no room."""
        app = cast("TillApp", self.app)
        parts = segments(app.words, app.situation, app.reader, app.merchant_name)
        parts[-1:-1] = [strain_text(app.words, it) for it in self._strains()]
        width = (self.size.width or app.size.width) - 2
        while len(parts) > 1 and sum(len(part) + 3 for part in parts) > width + 3:
            del parts[-2 if len(parts) > 2 else -1]
        left, *right = parts
        rest = " │ ".join(right)
        room = max(1, width - len(left) - len(rest))
        stops = app.situation is not None and any(
            it.concern in STOPS for it in concerns(app.situation)
        )
        self.set_class(stops or not isinstance(app.reader, ReaderReady), "alarm")
        text = f" {left}{' ' * room}{rest} "
        if text != self._shown:  # it is asked every second of a day
            self._shown = text
            self.update(Text(text, no_wrap=True, overflow="ellipsis"), layout=False)


def strain_text(words: Words, strain: Strain) -> str:
    """Name a strain in a few characters."""
    _ = words.gettext
    return {
        Strain.POWER_WEAK: _("! weak power"),
        Strain.BATTERY_LOW: _("! battery low"),
        Strain.DISK_LOW: _("! disk full soon"),
        Strain.HOT: _("! too hot"),
        Strain.OFFLINE: _("· offline"),
    }[strain]


def segments(
    words: Words, situation: Situation | None, reader: object, merchant_name: str
) -> list[str]:
    """Return the parts of the line; who it is first, the time last."""
    _ = words.gettext
    ready = isinstance(reader, ReaderReady)
    parts = [merchant_name or _("Clafoutis")]
    if situation is None:
        return [*parts, _("one moment…")]
    if situation.training:
        parts[0] = f"{parts[0]} · {_('TRAINING')}"
    if not ready:
        parts.append(_("✗ no reader"))
    warned = concerns(situation)
    if warned:
        parts.append(short_concern(words, warned[0]))
    if situation.open_sales:
        parts.append(_("? {count} to check").format(count=len(situation.open_sales)))
    if situation.unsent_sales:
        unsent = _("↑ {count} to send").format(count=situation.unsent_sales)
        parts.append(f"{unsent} {words.euros(situation.unsent_cents)}")
    elif ready:
        parts.append(_("✓ all sent"))
    parts.append(clock_text(situation))
    return parts


def clock_text(situation: Situation) -> str:
    """Return the time in France, with a mark where nobody vouches for it."""
    doubt = "?" if situation.now.trust is ClockTrust.UNTRUSTED else ""
    return f"{situation.now.at.astimezone(PARIS):%H:%M}{doubt}"


def short_concern(words: Words, warned: Warned) -> str:
    """Name a concern in a few characters."""
    _ = words.gettext
    names = {
        "permit expired": _("✗ permit over"),
        "permit ends": _("! permit ends {day}"),
        "no directory": _("✗ no list of cards"),
        "directory expired": _("✗ list too old"),
        "directory ends": _("! list ends {day}"),
        "directory stale": _("! old list"),
        "unsent cap reached": _("✗ send first"),
        "unsent cap near": _("! send soon"),
        "clock": _("! clock"),
    }
    day = "" if warned.at is None else short_day(warned.at)
    return names[warned.concern.value].format(day=day)


def short_day(at: datetime) -> str:
    """Return a day and a month, as on a calendar."""
    return f"{at.astimezone(PARIS):%d/%m}"
