"""The scripts of a card's first start, held to a disk and a checker; the whole runs in a real root.

That is `tools/check_image.sh`, which takes minutes; `docs/adr/0024` says what it showed.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needed_tools import need

SYSTEM = Path(__file__).parent.parent / "systemd"
SCRIPTS = sorted((SYSTEM / "setup").iterdir())
PARTITION = SYSTEM / "setup/data-partition"
GIB = 1 << 30


def run(*command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the system."""
    environment = os.environ | more
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)


@pytest.mark.parametrize(
    "script", [*SCRIPTS, *sorted((SYSTEM / "server").iterdir())], ids=lambda it: it.name
)
def test_scripts_are_clean(script: Path) -> None:
    """Promise: no word is split, no variable misspelt, in what runs as root on a card."""
    need("shellcheck")
    done = run("shellcheck", "-s", "sh", script)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_folder_of_the_system_is_installed() -> None:
    """Promise: what lies in systemd/ for a till comes to its place by one script, and no other."""
    text = (SYSTEM / "setup/units").read_text()
    elsewhere = {"boot", "setup", "caddy", "server"}
    for folder in (it for it in SYSTEM.iterdir() if it.is_dir() and it.name not in elsewhere):
        assert f'"$from"/{folder.name}/' in text, folder
    assert "systemctl mask ctrl-alt-del.target emergency.target rescue.target" in text


def test_a_slot_s_guard_is_called_as_it_is_written() -> None:
    """Promise: both calls around the till's start go to the copy on the system's own partition."""
    calls = re.findall(r"^ExecSt\w+=-\+(.*)$", (SYSTEM / "slots.conf").read_text(), re.MULTILINE)
    guard = "/usr/bin/python3 -I /usr/local/lib/clafoutis/slots.py"
    assert calls == [
        f"{guard} begin /data/app",
        f"{guard} confirm /data/app /var/lib/clafoutis/terminal/opened",
    ]


class Disk:
    """A memory card with a stock image on it: a FAT partition, and an ext4 that fills little."""

    def __init__(self, image: Path, gib: int) -> None:
        with image.open("wb") as file:
            file.truncate(gib * GIB)
        table = "label: dos\n,256M,c\n,400M,83\n"
        subprocess.run(["sfdisk", "-q", image], input=table, text=True, check=True)
        done = run("losetup", "--find", "--show", image)
        self.path = Path(done.stdout.strip())
        run("partx", "--add", self.path)
        self.is_there = done.returncode == 0 and self.part(2).exists()
        if self.is_there:
            run("mkfs.ext4", "-q", "-F", self.part(2))

    def part(self, number: int) -> Path:
        """The device of a partition."""
        return Path(f"{self.path}p{number}")

    def divide(self, *, gib: str = "1") -> subprocess.CompletedProcess[str]:
        """Do what the first start does."""
        return run("sh", PARTITION, self.path, self.part(2), CLAFOUTIS_ROOT_GIB=gib)

    def layout(self) -> list[tuple[int, int]]:
        """Where each partition begins and how long it is, in sectors."""
        found = re.findall(r"start= *(\d+), size= *(\d+)", run("sfdisk", "-d", self.path).stdout)
        return [(int(start), int(length)) for start, length in found]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A card of 4 GiB."""
    need("sfdisk")
    if os.geteuid() != 0:
        pytest.skip("only root makes partitions")
    made = Disk(tmp_path / "card.img", 4)
    try:
        if not made.is_there:
            pytest.skip("this machine has no loop devices with partitions")
        yield made
    finally:
        run("partx", "--delete", made.path)
        run("losetup", "--detach", made.path)


def test_the_rest_of_a_card_is_for_the_data(disk: Disk) -> None:
    """Promise: the system gets its part and no more, the sales the rest; again changes nothing."""
    done = disk.divide()
    assert done.returncode == 0, done.stderr
    boot, system, data = disk.layout()
    assert boot == (2048, 256 * 2048)
    assert GIB // 512 <= system[1] <= GIB // 512 + 8192
    assert data[0] == sum(system)
    assert data[1] > 2 * GIB // 512
    assert run("blkid", "-p", "-o", "value", "-s", "LABEL", disk.part(3)).stdout == "clafoutis\n"
    assert run("e2fsck", "-fn", disk.part(2)).returncode == 0
    before, identity = disk.layout(), run("blkid", "-p", disk.part(3)).stdout
    assert disk.divide().returncode == 0
    assert (disk.layout(), run("blkid", "-p", disk.part(3)).stdout) == (before, identity)


def test_what_may_hold_sales_is_never_formatted(disk: Disk, tmp_path: Path) -> None:
    """Promise: a partition that has a file system keeps it, and what is in it."""
    disk.divide()
    content = tmp_path / "journal.db"
    content.write_text("sales")
    run("debugfs", "-w", "-R", f"write {content} journal.db", disk.part(3))
    assert disk.divide().returncode == 0
    assert run("debugfs", "-R", "cat journal.db", disk.part(3)).stdout == "sales"


def test_a_cut_after_the_table_is_taken_up_again(disk: Disk) -> None:
    """Promise: a table that was written and a partition that was not formatted end as the rest."""
    disk.divide()
    run("wipefs", "--all", disk.part(3))
    assert disk.divide().returncode == 0
    assert run("blkid", "-p", "-o", "value", "-s", "TYPE", disk.part(3)).stdout == "ext4\n"


def test_a_card_that_the_system_fills_is_refused(disk: Disk) -> None:
    """Promise: a card that was started before, or is too small, is left as it is, in words."""
    before = disk.layout()
    done = disk.divide(gib="4")
    assert done.returncode != 0
    assert "too small" in done.stderr
    assert disk.layout() == before
