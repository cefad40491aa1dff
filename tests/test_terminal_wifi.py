"""Joining networks: against a program that answers as nmcli does, and against nmcli itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.language import ENGLISH, FRENCH
from terminal.nmcli import Nmcli, WifiTrouble, secret_line, split_terse, trouble_of
from terminal.wifi import Network, NetworkState, SavedNetwork, Security, Wifi, profile
from terminal.wifi_words import sentence
from terminal.words import Words
from tests.networkmanager_alone import NAMES
from tests.scripted_nmcli import UUID, Scripted

PASSWORD = "tomme de  chèvre \\o/"
FIT = "tomme de vache \\o/"
TREE = Path(__file__).parent.parent
NO_OUTPUT = (0, "", "")


@pytest.fixture
def scripted(tmp_path: Path) -> Scripted:
    """A program that nobody has asked yet."""
    return Scripted(tmp_path)


SCAN = """\
 :81:WPA2:Bar de la Place
*:64:WPA2 WPA3:Ferme\\: chez \\\\Léa
 :50:WPA3:box-neuve
 :40::mairie-libre
 :39:WPA2:Ferme\\: chez \\\\Léa
 :30:WPA2 802.1X:eduroam
 :20:WEP:vieux
 :90:WPA2:
"""


def test_networks_in_reach(scripted: Scripted) -> None:
    """Promise: every name as it is, colons and backslashes too; each once; hidden ones left out."""
    found = scripted.wifi(device_wifi_list=(0, SCAN, "")).networks()
    assert found == (
        Network(ssid="Ferme: chez \\Léa", signal=64, security=Security.PSK, is_joined=True),
        Network(ssid="Bar de la Place", signal=81, security=Security.PSK),
        Network(ssid="box-neuve", signal=50, security=Security.SAE),
        Network(ssid="mairie-libre", signal=40, security=Security.OPEN),
        Network(ssid="eduroam", signal=30, security=Security.OTHER),
        Network(ssid="vieux", signal=20, security=Security.OTHER),
    )


SAVED = f"""\
802-11-wireless:{uuid.UUID(int=1)}:maison
802-3-ethernet:{uuid.UUID(int=2)}:Wired
802-11-wireless:{uuid.UUID(int=3)}:marché
"""


def test_saved_networks(scripted: Scripted) -> None:
    """Promise: Wi-Fi networks that the system knows, and no cable among them."""
    saved = scripted.wifi(connection_show=(0, SAVED, "")).saved()
    assert saved == (
        SavedNetwork(name="maison", uuid=str(uuid.UUID(int=1))),
        SavedNetwork(name="marché", uuid=str(uuid.UUID(int=3))),
    )


def test_a_network_is_joined_and_kept_once(scripted: Scripted) -> None:
    """Promise: the new profile first, then the old one of that name goes: no moment without."""
    wifi = scripted.wifi(
        connection_show=(0, SAVED, ""),
        connection_add=NO_OUTPUT,
        connection_up=NO_OUTPUT,
        connection_delete=NO_OUTPUT,
    )
    assert wifi.join("maison", Security.PSK, FIT) is None
    asked = [arguments[3:] for arguments, _ in scripted.calls]
    assert asked[1] == list(profile("maison", Security.PSK, identifier=str(UUID)))
    assert asked[2] == ["connection", "up", "uuid", str(UUID), "passwd-file", "/dev/stdin"]
    assert asked[3:] == [["connection", "delete", "uuid", str(uuid.UUID(int=1))]]


def test_the_password_is_no_argument(scripted: Scripted) -> None:
    """Promise: what every process can read never holds a password; standard input does, escaped."""
    wifi = scripted.wifi(
        connection_show=(0, "", ""), connection_add=NO_OUTPUT, connection_up=NO_OUTPUT
    )
    assert wifi.join("maison", Security.PSK, FIT) is None
    assert not any("tomme" in argument for asked, _ in scripted.calls for argument in asked)
    secrets = [stdin for _, stdin in scripted.calls if stdin]
    assert secrets == ["802-11-wireless-security.psk:tomme\\ de\\ vache\\ \\\\o/\n"]
    assert "tomme" not in repr(wifi)


def test_an_open_network_is_asked_no_password(scripted: Scripted) -> None:
    """Promise: nothing is sent where nothing is asked for."""
    wifi = scripted.wifi(
        connection_show=(0, "", ""), connection_add=NO_OUTPUT, connection_up=NO_OUTPUT
    )
    assert wifi.join("mairie-libre", Security.OPEN, "") is None
    assert not any(stdin for _, stdin in scripted.calls)


def test_what_could_not_be_joined_is_not_kept(scripted: Scripted) -> None:
    """Promise: a wrong password leaves no profile that fails at every market, nor takes the old."""
    wifi = scripted.wifi(
        connection_show=(0, SAVED, ""),
        connection_add=NO_OUTPUT,
        connection_up=(4, "", "Error: Connection activation failed: (7) Secrets were required\n"),
        connection_delete=NO_OUTPUT,
    )
    assert wifi.join("maison", Security.PSK, FIT) is WifiTrouble.REJECTED
    deleted = [asked[-1] for asked, _ in scripted.calls if "delete" in asked]
    assert deleted == [str(UUID)]


@pytest.mark.parametrize(
    ("ssid", "security", "password", "trouble"),
    [
        ("maison", Security.PSK, "court", WifiTrouble.MALFORMED),
        ("maison", Security.PSK, "x" * 64, WifiTrouble.MALFORMED),
        ("maison", Security.SAE, PASSWORD, WifiTrouble.MALFORMED),
        ("maison", Security.PSK, "12345678\n", WifiTrouble.MALFORMED),
        ("eduroam", Security.OTHER, "12345678", WifiTrouble.UNSUPPORTED),
        ("", Security.OPEN, "", WifiTrouble.NOT_FOUND),
        ("é" * 17, Security.OPEN, "", WifiTrouble.NOT_FOUND),
    ],
)
def test_what_cannot_work_is_not_tried(
    scripted: Scripted, ssid: str, security: Security, password: str, trouble: WifiTrouble
) -> None:
    """Promise: a person hears at once that a password is too short, not after a minute."""
    assert scripted.wifi().join(ssid, security, password) is trouble
    assert not (scripted.folder / "calls").exists()


def test_a_raw_key_is_a_password(scripted: Scripted) -> None:
    """Promise: 64 hexadecimal digits, as some boxes print them, are taken."""
    wifi = scripted.wifi(
        connection_show=(0, "", ""), connection_add=NO_OUTPUT, connection_up=NO_OUTPUT
    )
    assert wifi.join("maison", Security.PSK, "0a" * 32) is None


DEVICES = """\
GENERAL.DEVICE:wlan0
GENERAL.TYPE:wifi
GENERAL.DRIVER:brcmfmac
GENERAL.STATE:100 (connected)
GENERAL.CONNECTION:Ferme: chez Léa

GENERAL.DEVICE:usb0
GENERAL.TYPE:ethernet
GENERAL.DRIVER:rndis_host
GENERAL.STATE:100 (connected)
GENERAL.CONNECTION:Wired connection 2

GENERAL.DEVICE:eth0
GENERAL.TYPE:ethernet
GENERAL.DRIVER:bcmgenet
GENERAL.STATE:20 (unavailable)
GENERAL.CONNECTION:
"""


def test_what_is_connected(scripted: Scripted) -> None:
    """Promise: a telephone on the cable is called a telephone, and a cable that hangs is none."""
    state = scripted.wifi(device_show=(0, DEVICES, "")).state()
    assert state == NetworkState(wifi="Ferme: chez Léa", cable=None, phone="usb0")


@pytest.mark.parametrize(
    ("status", "stderr", "trouble"),
    [
        (8, "Error: NetworkManager is not running.", WifiTrouble.NOT_RUNNING),
        (1, "Error: Could not create NMClient object: …", WifiTrouble.NOT_RUNNING),
        (1, "Error: Failed to add 'x': Insufficient privileges", WifiTrouble.NOT_ALLOWED),
        (
            1,
            "Error: not authorized: Not authorized to control networking.",
            WifiTrouble.NOT_ALLOWED,
        ),
        (10, "Error: No Wi-Fi device found.", WifiTrouble.NO_DEVICE),
        (10, "Error: unknown connection", WifiTrouble.NOT_FOUND),
        (4, "Error: Connection activation failed: (53) The Wi-Fi network …", WifiTrouble.NOT_FOUND),
        (4, "Error: Connection activation failed: (5) IP configuration …", WifiTrouble.NO_ADDRESS),
        (3, "Error: Timeout expired (45 seconds)", WifiTrouble.TIMED_OUT),
        (1, "", WifiTrouble.FAILED),
    ],
)
def test_failures_have_names(status: int, stderr: str, trouble: WifiTrouble) -> None:
    """Promise: the reason counts first, so that each gets its own sentence."""
    assert trouble_of(status, stderr) is trouble


def test_a_failure_is_a_value_everywhere(scripted: Scripted, tmp_path: Path) -> None:
    """Promise: no exception reaches a screen, whether nmcli fails or is not there."""
    failing = (8, "", "Error: NetworkManager is not running.")
    for wifi, trouble in (
        (scripted.wifi(device=failing, connection=failing), WifiTrouble.NOT_RUNNING),
        (Wifi(Nmcli(str(tmp_path / "absent"))), WifiTrouble.NOT_INSTALLED),
    ):
        assert wifi.networks() is trouble
        assert wifi.saved() is trouble
        assert wifi.state() is trouble
        assert wifi.forget(str(UUID)) is trouble
        assert wifi.join("maison", Security.PSK, FIT) is trouble


def test_one_that_never_ends_is_ended(tmp_path: Path) -> None:
    """Promise: a screen that waits for the network is not waiting for ever."""
    program = tmp_path / "nmcli"
    program.write_text("#!/bin/sh\nexec cat /dev/zero > /dev/null\n")
    program.chmod(0o755)
    assert Wifi(Nmcli(str(program), timeout_s=0.2)).networks() is WifiTrouble.TIMED_OUT


@given(st.lists(st.text(st.characters(exclude_characters="\n\r")), min_size=1))
def test_terse_output_is_read_exactly(fields: list[str]) -> None:
    """Promise: whatever a neighbour calls his network, the columns stay where they are."""
    line = ":".join(field.replace("\\", "\\\\").replace(":", "\\:") for field in fields)
    assert split_terse(line) == fields


def test_every_trouble_has_a_sentence_in_both_languages() -> None:
    """Promise: whatever fails, a person reads what to do, in French of its own."""
    for trouble in WifiTrouble:
        english, french = (sentence(Words(it), trouble) for it in (ENGLISH, FRENCH))
        assert french != english


# nmcli itself


@pytest.fixture
def nmcli() -> str:
    """The real program, which needs no daemon for what is asked here."""
    program = shutil.which("nmcli")
    if program is None:
        pytest.skip("network-manager is not installed")
    return program


@pytest.mark.parametrize("security", [Security.OPEN, Security.PSK, Security.SAE])
@pytest.mark.parametrize("ssid", ["maison", "-x", "--", "Ferme: chez \\Léa", "a b", "é" * 16])
def test_nmcli_understands_a_profile(nmcli: str, ssid: str, security: Security) -> None:
    """Contract: any name is a name and no option, and the profile asks for what we say."""
    command = [nmcli, "--offline", *profile(ssid, security, identifier=str(UUID))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    kept = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert kept["uuid"] == str(UUID)
    assert kept["id"].replace("\\\\", "\\") == ssid
    assert kept.get("key-mgmt", "") == security.value
    assert "psk" not in kept


def test_networkmanager_itself(tmp_path: Path) -> None:
    """Contract: a real daemon takes our profiles, and its answers are what we take them for."""
    command = ["unshare", "--net", "--mount"]
    programs = ("NetworkManager", "dbus-daemon", "nmcli", "unshare")
    missing = [name for name in programs if shutil.which(name) is None]
    if missing or subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip(f"needs {', '.join(missing) or 'the right to have a network of its own'}")
    command += [sys.executable, "-m", "tests.networkmanager_alone", str(tmp_path)]
    done = subprocess.run(command, cwd=TREE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + (tmp_path / "log").read_text()
    told = json.loads(done.stdout)
    assert told == {
        "made": True,
        "saved": sorted(NAMES),
        "joined": WifiTrouble.NO_DEVICE.name,
        "kept": len(NAMES),
        "forgotten": [None] * len(NAMES),
        "again": WifiTrouble.NOT_FOUND.name,
        "networks": "()",
        "state": str(NetworkState()),
    }


def test_nmcli_without_a_daemon_is_a_value(nmcli: str) -> None:
    """Contract: what it says without a daemon is what we take it for."""
    if Path("/run/dbus/system_bus_socket").exists():
        pytest.skip("a system bus runs here, and maybe a network")
    assert Wifi(Nmcli(nmcli)).networks() is WifiTrouble.NOT_RUNNING


def test_a_passwd_file_is_one_line() -> None:
    """Promise: blanks and backslashes of a password reach the network as they were typed."""
    assert secret_line("a.b", " x\\ ") == b"a.b:\\ x\\\\\\ \n"
