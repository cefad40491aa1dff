"""A till says by itself which fiscal perimeter it runs, once for each that it ever ran."""

from __future__ import annotations

from pathlib import Path

from cardkit.bodies import EntryKind, SettingChanged
from terminal.fiscal.perimeter import SETTING, perimeter_digest
from terminal.software import Software, Source
from terminal.wiring import open_till
from tests.terminal_world import SOFTWARE, World

FIRST = (Source("terminal/till.py", b"1" * 32), Source("terminal/ui/app.py", b"2" * 32))
SCREEN_CHANGED = (FIRST[0], Source("terminal/ui/app.py", b"3" * 32))
TILL_CHANGED = (Source("terminal/till.py", b"4" * 32), FIRST[1])


def test_a_start_names_a_perimeter_that_is_new(tmp_path: Path) -> None:
    """Promise: who changes what is recorded makes another till, and says so (D1, J1)."""
    world = World.make(tmp_path)
    data = world.enrol()
    for sources in (FIRST, FIRST, SCREEN_CHANGED, TILL_CHANGED):
        software = Software(SOFTWARE.digest, SOFTWARE.version, None, sources)
        till = open_till(data, clock=world.clock, software=software)
        till.start()
        till.stop()
    till = world.till()
    noted = [
        it.body
        for it in till.journal.entries(0, 100)
        if it.envelope.kind == EntryKind.SETTING_CHANGED
    ]
    till.stop()
    first, changed = (perimeter_digest(it).hex() for it in (FIRST, TILL_CHANGED))
    assert noted == [
        SettingChanged(name=SETTING, before="", after=first),
        SettingChanged(name=SETTING, before=first, after=changed),
    ]
