"""Which signed release runs: the journal says it, and the release proves itself by opening one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from cardkit.bodies import EntryKind, SettingChanged
from cardkit.entries import OperatorRole
from terminal.files import write_atomically
from terminal.fiscal.perimeter import perimeter_digest
from terminal.journal import Journal
from terminal.software import Software

SETTING: Final = "release"
"""The name under which the journal says which release runs, and that one went back."""


def tell_release(
    journal: Journal, software: Software, opened: Path, *, training: bool = False
) -> None:
    """Journal the release that runs if it is another than the one noted last, and prove it.

    What stands there is version, name and fiscal perimeter. Where the program was not installed
    from a release nothing is said. Raises JournalError.
    """
    if software.release is None:
        return
    perimeter = perimeter_digest(software.sources).hex()
    running = f"{software.version} {software.release} {perimeter}"
    last = journal.last_setting(SETTING)
    before = "" if last is None else last.after
    if running != before:
        journal.append(
            EntryKind.SETTING_CHANGED,
            SettingChanged(name=SETTING, before=before, after=running),
            operator=OperatorRole.NOBODY,
            training=training,
        )
    with suppress(OSError):  # then it is not believed, and the one of before comes back
        write_atomically(opened, software.release.encode("ascii"))
