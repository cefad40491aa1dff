"""What starts an exchange, mounts a stick and lets the till at NetworkManager, held to our facts.

systemd's own checker reads the units in tests/test_house_systemd.py; polkit, udev and
NetworkManager have none that runs here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from terminal.config import DATA_DEFAULT, DataDirectory
from terminal.context import Exit
from terminal.mounts import FILE_SYSTEMS, PLACES

FOLDER = Path(__file__).parent.parent / "systemd"
POLICY = Path("/usr/share/polkit-1/actions/org.freedesktop.NetworkManager.policy")
WANTED = DataDirectory(DATA_DEFAULT).wanted
USER = "clafoutis"


def setting(unit: str, key: str) -> str:
    """The one value of a key in a unit."""
    (value,) = re.findall(rf"^{key}=(.*)$", (FOLDER / unit).read_text(), re.MULTILINE)
    return str(value)


def test_a_wish_starts_the_exchange() -> None:
    """Promise: the file that the till makes is the one that systemd waits for."""
    assert setting("clafoutis-terminal-sync.path", "PathExists") == str(WANTED)
    assert setting("clafoutis-terminal-sync.path", "Unit") == "clafoutis-terminal-sync.service"


def test_the_timer_waits_out_failures() -> None:
    """Promise: what comes by itself leaves quietly while a failure is waited out."""
    command = setting("clafoutis-terminal-sync.service", "ExecStart")
    assert command.endswith(" sync --if-due")
    status = setting("clafoutis-terminal-sync.service", "SuccessExitStatus")
    assert status == str(Exit.SERVICE.value)


def test_wishes_are_bounded() -> None:
    """Promise: a wish that can't be taken away does not start a process for ever."""
    burst = int(setting("clafoutis-terminal-sync.service", "StartLimitBurst"))
    interval_s = int(setting("clafoutis-terminal-sync.service", "StartLimitIntervalSec"))
    assert 0 < burst <= interval_s


@pytest.mark.parametrize(
    ("event", "connectivity", "is_told"),
    [
        ("up", "", True),
        ("connectivity-change", "FULL", True),
        ("connectivity-change", "PORTAL", False),
        ("connectivity-change", "NONE", False),
        ("down", "FULL", False),
        ("pre-up", "", False),
    ],
)
def test_a_network_that_comes_up_asks(
    tmp_path: Path, event: str, connectivity: str, is_told: bool
) -> None:
    """Promise: five minutes of network at a market are used from the first; a page's are not."""
    told = tmp_path / "told"
    stub = tmp_path / "setpriv"
    stub.write_text(f'#!/bin/sh\necho "$@" > {told}\n')
    stub.chmod(0o755)
    script = FOLDER / "networkmanager/50-clafoutis"
    environment = {"PATH": f"{tmp_path}:{os.defpath}", "CONNECTIVITY_STATE": connectivity}
    subprocess.run([str(script), "wlan0", event], env=environment, check=True)
    assert told.exists() == is_told
    if is_told:
        words = told.read_text().split()
        assert words[:3] == [f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        assert words[3:] == ["touch", str(WANTED)]


def test_the_dispatcher_can_run_it() -> None:
    """Promise: nobody but its owner may write the script that root runs."""
    mode = (FOLDER / "networkmanager/50-clafoutis").stat().st_mode
    assert mode & 0o100
    assert not mode & 0o022
    assert shutil.which("setpriv") is not None


def test_sticks_are_mounted_for_the_till_alone() -> None:
    """Promise: a stick runs nothing, opens no device and is read by no other user."""
    assert PLACES[0] in Path(setting("media-clafoutis.mount", "Where")).parents
    options = setting("media-clafoutis.mount", "Options").split(",")
    assert {"nosuid", "nodev", "noexec", f"uid={USER}", "fmask=0177", "dmask=0077"} <= set(options)


def test_the_till_may_write_where_sticks_are_mounted() -> None:
    """Promise: a stick that was there before the till is no read-only folder to it."""
    assert f"-{PLACES[0]}" in setting("clafoutis-terminal.service", "ReadWritePaths").split()
    groups = setting("clafoutis-terminal.service", "SupplementaryGroups").split()
    assert "systemd-journal" in groups, "the diagnostics have a log"


def test_udev_starts_the_mount_for_sticks_that_we_read() -> None:
    """Promise: the file systems that the till looks for, on USB, and no disk to start from."""
    text = (FOLDER / "udev/72-clafoutis-stick.rules").read_text()
    (kinds,) = re.findall(r'ENV\{ID_FS_TYPE\}=="([^"]+)"', text)
    assert set(kinds.split("|")) == FILE_SYSTEMS
    (wanted,) = re.findall(r'ENV\{SYSTEMD_WANTS\}\+="([^"]+)"', text)
    assert (FOLDER / wanted).is_file()
    (link,) = re.findall(r'SYMLINK\+="([^"]+)"', text)
    assert setting("media-clafoutis.mount", "What") == f"/dev/{link}"
    assert 'ENV{ID_BUS}!="usb", GOTO=' in text
    jumps = set(re.findall(r'GOTO="(\w+)"', text))
    assert jumps == set(re.findall(r'^LABEL="(\w+)"$', text, re.MULTILINE))


def asked_of_polkit() -> list[str]:
    """The actions that our rule allows."""
    text = (FOLDER / "polkit/51-clafoutis-network.rules").read_text()
    code = "\n".join(line for line in text.splitlines() if not line.startswith("//"))
    for opening, closing in ("()", "{}", "[]"):
        assert code.count(opening) == code.count(closing)
    assert re.findall(r"subject\.(\w+) === \"(\w+)\"", code) == [("user", USER)]
    assert re.findall(r"polkit\.Result\.(\w+)", code) == ["YES"]
    return re.findall(r"org\.[a-zA-Z._-]+", code)


def test_polkit_lets_the_till_join_networks_and_nothing_else() -> None:
    """Promise: scan, connect, keep; no sharing, no switching off, no host name."""
    assert asked_of_polkit() == [
        "org.freedesktop.NetworkManager.wifi.scan",
        "org.freedesktop.NetworkManager.network-control",
        "org.freedesktop.NetworkManager.settings.modify.system",
    ]


def test_networkmanager_knows_these_actions() -> None:
    """Contract: the actions exist in NetworkManager's own policy, by these names."""
    if not POLICY.exists():
        pytest.skip("network-manager is not installed")
    known = set(re.findall(r'<action id="([^"]+)"', POLICY.read_text()))
    assert set(asked_of_polkit()) <= known
