"""What the terminal says of its printer: why it did not print, and what it tells of its paper."""

from __future__ import annotations

from cardkit.errors import (
    PrinterBusy,
    PrinterError,
    PrinterForbidden,
    PrinterMissing,
    PrinterOutOfPaper,
)
from terminal.printer import Paper
from terminal.words import Words


def printer_trouble(words: Words, error: PrinterError) -> str:
    """Say why a receipt was not printed and what to do; that the sale stands comes first."""
    _ = words.gettext
    sentences: tuple[tuple[type[PrinterError], str], ...] = (
        (PrinterOutOfPaper, _("The printer has no paper. Put in a roll, then print again.")),
        (
            PrinterMissing,
            _("No printer was found. Plug it in and switch it on, or check Settings."),
        ),
        (PrinterBusy, _("Another program holds the printer. Close it, then print again.")),
        (
            PrinterForbidden,
            _("The system refuses the printer to this program. Call the workshop."),
        ),
    )
    unreachable = _("The printer does not answer. Look at its lamps and lid, then print again.")
    sentence = next((it for kind, it in sentences if isinstance(error, kind)), unreachable)
    return f"{_('The sale is kept.')} {sentence}"


def paper_state(words: Words, paper: Paper) -> str:
    """Say what a printer tells of its paper."""
    _ = words.gettext
    return {
        Paper.UNKNOWN: _("this printer does not tell whether it has paper"),
        Paper.FINE: _("paper: enough"),
        Paper.LOW: _("paper: the roll is nearly used up"),
        Paper.OUT: _("paper: none"),
    }[paper]
