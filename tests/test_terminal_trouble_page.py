"""The page of troubles: when it comes, what it says, how it goes, and how little it needs."""

from __future__ import annotations

import io
import os
import pty
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from terminal.context import Exit
from terminal.trouble import (
    CONTACT_VARIABLE,
    NOTHING,
    SEEN,
    System,
    Trouble,
    find_trouble,
    print_page,
    trouble_of,
    wait_for_person,
    words_of,
)
from terminal.watchdog import Watchdog

COLUMNS, ROWS = 60, 18
"""The smallest screen of a till."""
HERE = System.of_this_computer()
TREE = Path(__file__).parent.parent
FORGETFUL = Path("/dev/shm")
MOUSE_PRESS = b"\x1b[M !!"
OWN_MOUNTS = ("unshare", "--mount", *(() if os.geteuid() == 0 else ("--user", "--map-root-user")))
TIMEOUT_S = 30.0


def system_with(fstab: str) -> System:
    """Return a computer whose disks are all good, also where a container's are none."""
    return System(root_device=HERE.root_device, fstab=fstab, mounts="")


PLAIN = system_with("")


def test_good_data_is_no_trouble(tmp_path: Path) -> None:
    """Promise: neither a till that has sold nor one that is yet to be paired is held up."""
    (tmp_path / "journal.db").write_bytes(b"sold")
    (tmp_path / "keys").mkdir()
    assert find_trouble(tmp_path, PLAIN) is None
    assert find_trouble(tmp_path / "not/made/yet", PLAIN) is None


def test_a_memory_that_forgets_is_seen() -> None:
    """Promise: nothing is sold into a filesystem whose content is gone with the power."""
    if HERE.kind(FORGETFUL.stat().st_dev) != "tmpfs":
        pytest.skip(f"{FORGETFUL} is no tmpfs here")
    assert find_trouble(FORGETFUL / "clafoutis", HERE) is Trouble.FORGETFUL


def test_an_overlay_is_a_memory_that_forgets(tmp_path: Path) -> None:
    """Promise: overlayroot, which reaches into other partitions unless told not to, is noticed."""
    device = tmp_path.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    mounts = f"22 1 {number} / / rw,relatime shared:1 - overlay overlayroot rw,lowerdir=/ro\n"
    overlaid = System(root_device=device, fstab="", mounts=mounts)
    assert find_trouble(tmp_path, overlaid) is Trouble.FORGETFUL


@pytest.mark.parametrize("point", ["{data}", "{data}/.."], ids=["itself", "above"])
def test_a_partition_that_is_not_there_is_missed(tmp_path: Path, point: str) -> None:
    """Promise: a till whose partition did not come is no new till that could be paired again."""
    data = tmp_path / "data"
    data.mkdir()
    mounted_at = Path(point.format(data=data)).resolve()
    if tmp_path.stat().st_dev != HERE.root_device:
        pytest.skip(f"{tmp_path} lies on a partition of its own")
    promised = system_with(f"# comment\n/dev/mmcblk0p3 {mounted_at} ext4 nofail 0 2\n")
    assert find_trouble(data, promised) is Trouble.ABSENT


def test_fstab_may_speak_of_other_places(tmp_path: Path) -> None:
    """Promise: the system's own partition, a stick and a comment promise nothing about the data."""
    others = "/dev/sda1 / ext4 defaults 0 1\n/dev/sdb1 /media/stick vfat noauto 0 0\n"
    assert find_trouble(tmp_path, system_with(f"{others}#/dev/x {tmp_path} ext4\n")) is None


def test_what_cannot_be_read_is_seen(tmp_path: Path) -> None:
    """Promise: a file that opens and does not read, as on a dying memory card, is noticed."""
    # A process's memory at address 0 is such a file: read(2) says EIO.
    (tmp_path / "journal.db").symlink_to("/proc/self/mem")
    assert find_trouble(tmp_path, PLAIN) is Trouble.UNREADABLE


def test_what_cannot_be_written_is_seen(tmp_path: Path) -> None:
    """Promise: after an error of the disk, when Linux lets nobody write, the till does not try."""
    if subprocess.run([*OWN_MOUNTS, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("this container lets nobody mount anything")
    script = (
        'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" -c "'
        "import pathlib, sys; from terminal.trouble import System, find_trouble;"
        " plain = System(root_device=0, fstab='', mounts='');"
        ' print(find_trouble(pathlib.Path(sys.argv[1]), plain))" "$1"'
    )
    done = subprocess.run(
        [*OWN_MOUNTS, "sh", "-c", script, "sh", str(tmp_path), sys.executable],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(TREE), "PATH": os.environ["PATH"]},
    )
    assert done.stdout == f"{Trouble.READ_ONLY}\n"


def test_each_exit_status_has_its_page() -> None:
    """Promise: the page knows the statuses with which the till ends, without loading the till."""
    assert trouble_of(Exit.JOURNAL) is Trouble.DAMAGED
    assert trouble_of(Exit.USAGE) is Trouble.SETTINGS
    assert trouble_of(Exit.TROUBLE) is Trouble.ENDED
    assert trouble_of(137) is Trouble.ENDED


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("trouble", Trouble)
def test_the_page_fits_the_smallest_screen(trouble: Trouble, language: str) -> None:
    """Promise: every page can be read whole, says whom to call, and in which words."""
    file = io.StringIO()
    environment = {"LANGUAGE": language, CONTACT_VARIABLE: "Marie [bold] 06 12 34 56 78"}
    console = Console(file=file, width=COLUMNS, force_terminal=False)
    print_page(console, trouble, environment=environment, note=" 6")
    lines = file.getvalue().splitlines()
    assert len(lines) < ROWS
    assert max(map(len, lines)) <= COLUMNS
    assert "Marie [bold] 06 12 34 56 78" in file.getvalue()
    assert f"({trouble.value} 6)" in lines
    title = {"fr": "Le terminal ne peut pas démarrer", "en": "The till cannot start"}
    assert lines[0].strip() == title[language]


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """A datagram socket that is bound where a service manager's would be."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(TIMEOUT_S)
        yield listener


def test_a_stand_without_anybody_is_tried_again(manager: socket.socket) -> None:
    """Promise: the page goes after a while, because a partition may turn up; systemd hears us."""
    reading, writing = os.pipe()
    watchdog = Watchdog(address=str(manager.getsockname()), interval_s=0.001)
    wait_for_person(reading, watchdog, retry_after_s=0.002)
    assert [manager.recv(64) for _ in range(2)] == [b"WATCHDOG=1"] * 2
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("touch", [b"\x03", b"\x1a", b"\x1c", b"\x11", b"\x04", MOUSE_PRESS])
def test_whatever_is_touched_tries_again(
    tmp_path: Path, manager: socket.socket, touch: bytes
) -> None:
    """Promise: Ctrl with C, Z, backslash, Q or D, and a finger, are keys like others here."""
    ours, theirs = pty.openpty()
    environment = {
        "NOTIFY_SOCKET": str(manager.getsockname()),
        "PYTHONPATH": str(TREE),
        "TERM": "xterm",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "terminal.trouble", str(Exit.JOURNAL.value)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        cwd=tmp_path,
        start_new_session=True,
    ) as page:
        assert manager.recv(64) == b"READY=1"
        os.write(ours, touch)
        assert page.wait(TIMEOUT_S) == SEEN
        shown = os.read(ours, 65_536).decode()
    os.close(ours)
    os.close(theirs)
    assert "Le terminal ne peut pas démarrer" in shown
    assert "\x1b[?1000h" in shown
    assert manager.recv(64) == b"STATUS=no till: damaged 6"


def test_a_till_that_is_well_is_not_held_up(tmp_path: Path) -> None:
    """Promise: without a trouble nothing is shown, and nothing but Python is waited for."""
    if find_trouble(tmp_path, HERE) is Trouble.FORGETFUL:
        pytest.skip(f"{tmp_path} forgets: a page would be right")
    look = (
        "import sys, terminal.trouble as it\n"
        "status = it.main([], {'CLAFOUTIS_TERMINAL_DATA': sys.argv[1]})\n"
        "heavy = {'rich', 'cryptography', 'textual', 'click'} & set(sys.modules)\n"
        "print(status, sorted(heavy))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", look, str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(TREE)},
    )
    assert done.stdout == f"{NOTHING} []\n"


@pytest.mark.parametrize("content", [b"", b"rot", b"rotten and long enough to be read"])
def test_the_page_speaks_without_its_catalogue(tmp_path: Path, content: bytes) -> None:
    """Promise: where the file of French sentences is damaged too, the page comes in English."""
    catalogue = tmp_path / "fr/LC_MESSAGES/clafoutis.mo"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_bytes(content)
    assert words_of({}, tmp_path).gettext("Call the coordinator.") == "Call the coordinator."
    assert words_of({}).gettext("Call the coordinator.") == "Appelez l’animatrice."
