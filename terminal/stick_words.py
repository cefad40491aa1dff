"""What happened at a stick, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.errors import StickError, StickFull, StickReadOnly
from terminal.stick import StickExchanged
from terminal.words import Words


def missing(words: Words) -> str:
    """Say that there is none."""
    _ = words.gettext
    return _("No USB stick is plugged in. Plug one in (FAT or exFAT), then try again.")


def trouble(words: Words, error: StickError) -> str:
    """Say what happened, what was kept and what to do."""
    _ = words.gettext
    if isinstance(error, StickFull):
        return _("The stick is full. Make room on it, or take another one. Nothing is lost.")
    if isinstance(error, StickReadOnly):
        return _("The stick cannot be written to. Unlock it, or take another one. Nothing is lost.")
    return _("The stick was pulled out too early. Nothing is lost: plug it in and start again.")


def exchanged(words: Words, done: StickExchanged) -> Iterator[str]:
    """Say what was read, what was written, and that the stick may go."""
    _ = words.gettext
    if done.answers:
        yield _("The caisse's answer was taken in.")
    if done.others:
        folders = ", ".join(done.others)
        yield _("Also on this stick, and left alone: {folders}").format(folders=folders)
    text = _("Entries up to {seq} are on the stick, for the caisse. It can be pulled out.")
    yield text.format(seq=done.written_up_to_seq)
