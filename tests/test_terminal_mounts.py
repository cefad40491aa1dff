"""Finding the stick among what is mounted, and its folder's terminal by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardkit.stick import terminal_of
from terminal.mounts import find_stick, stick_at, sticks

TABLE = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 8:1 / /media/clafoutis rw,nosuid - vfat /dev/sda1 rw,uid=999
31 22 8:17 / /run/media/pi/CL\\303\\211\\040USB rw - exfat /dev/sdb1 rw
32 22 8:33 / /media/backup rw - ext4 /dev/sdc1 rw
33 22 8:49 / /boot/firmware rw - vfat /dev/mmcblk0p1 rw
34 22 8:65 / /media rw - vfat /dev/sdd1 rw
nonsense
35 22 8 / /media/x rw - vfat /dev/sde1 rw
36 22 8:81 / /media/y rw vfat /dev/sde1 rw
"""


def test_sticks_are_found_among_mounts() -> None:
    """Promise: a stick, wherever a desktop or our unit mounts it; no boot partition, no disk."""
    first, second = sticks(TABLE)
    assert (first.path, first.medium) == (Path("/media/clafoutis"), "sda1 clafoutis")
    assert (first.device, second.device) == (0x801, 0x811)
    assert second.path.name.endswith(" USB")
    assert len(second.medium.encode()) <= 64


def test_no_stick_is_no_error(tmp_path: Path) -> None:
    """Promise: without a table, and without a stick, there is simply none."""
    assert find_stick(tmp_path / "nothing") is None
    (tmp_path / "table").write_text(TABLE.splitlines()[0])
    assert find_stick(tmp_path / "table") is None
    (tmp_path / "table").write_text(TABLE)
    found = find_stick(tmp_path / "table")
    assert found == sticks(TABLE)[1]


@pytest.mark.parametrize(
    ("name", "terminal"),
    [
        ("flers-3", 3),
        ("flers-03", None),
        ("flers-", None),
        ("flers-3x", None),
        ("lyon-3", None),
        ("flers-99999999999", None),
        ("-3", None),
    ],
)
def test_folders_name_one_terminal(name: str, terminal: int | None) -> None:
    """Promise: one terminal has one folder, and a folder never two readings."""
    assert terminal_of(name, caisse="flers") == terminal


def test_a_folder_that_somebody_names(tmp_path: Path) -> None:
    """Promise: any folder can stand for a stick, and one that is not there can't."""
    named = stick_at(tmp_path)
    assert named is not None
    assert (named.path, named.device) == (tmp_path, tmp_path.stat().st_dev)
    assert stick_at(tmp_path / "nothing") is None
