"""What the terminal calls its lamps and sounds, for the result of their test."""

from __future__ import annotations

from terminal.words import Words


def outputs_found(words: Words, outputs: tuple[str, ...]) -> str:
    """Say in one sentence what a self-test used; whether it was heard only a person can tell."""
    _ = words.gettext
    names = {"lamps": _("lamps"), "buzzer": _("buzzer"), "speaker": _("speaker")}
    if not outputs:
        return _("Sounds and lamps: none found.")
    listed = ", ".join(names[it] for it in outputs)
    return _("Sounds and lamps: {outputs}.").format(outputs=listed)
