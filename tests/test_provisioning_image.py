"""A stock card becomes a terminal's, again and again the same; anything else is left alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from cardkit.clock import SystemClock
from cardkit.keyfiles import PUBLIC_NAME
from cardkit.release import ABOUT_NAME, SIGNED_NAME
from provisioning import cli
from provisioning.image import SET_UP, CardSettings, CardUnfit, SettingInvalid, Wifi, check_card
from provisioning.keystore import new_keys, write_keys
from provisioning.releases import drafted, sign_folder, write_whole
from provisioning.wiring import Wiring
from tests.needed_tools import need
from tests.workshop_world import NOW

KEYS = new_keys("flers", now=NOW, step_max_cents=300_00)
TREE = Path(__file__).parent.parent
PASSPHRASE = "a passphrase of the stall"
SETTINGS = CardSettings(
    name="clafoutis-3",
    country="FR",
    time_zone="Europe/Paris",
    panel="800x480",
    reader="auto",
    contact="Marie 06 12 34 56 78",
    language="fr",
)
STOCK = {
    "cmdline.txt": "console=serial0,115200 console=tty1 root=PARTUUID=8acef004-02 rootfstype=ext4"
    " fsck.repair=yes rootwait resize\n",
    "config.txt": "# http://rptl.io/configtxt\ndtparam=audio=on\n\n[all]\nmax_framebuffers=2\n",
    "meta-data": "dsmode: local\ninstance_id: rpios-image\n",
    "user-data": "# an example\n",
    "network-config": "# an example\n",
    "kernel8.img": "a kernel",
    "start4.elf": "firmware",
}
"""Of Raspberry Pi OS Lite for Debian 13: pi-gen, stage1/00-boot-files and stage2/04-cloud-init."""


def stock(boot: Path) -> Path:
    """The boot partition of a card that nobody has started."""
    boot.mkdir(exist_ok=True)
    for name, content in STOCK.items():
        (boot / name).write_text(content)
    return boot


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directories of a ceremony."""
    out = tmp_path_factory.mktemp("keys")
    out.chmod(0o700)
    write_keys(out, KEYS, passphrases=None)
    return out


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed release with the true system files and a wheel of no worth."""
    folder = tmp_path_factory.mktemp("release")
    shutil.copytree(TREE / "systemd", folder / "system")
    (folder / "wheels").mkdir()
    (folder / "wheels/clafoutis-0.1.0+terminal-py3-none-any.whl").write_bytes(b"a wheel" * 1000)
    about = {
        "version": "0.1.0",
        "machine": "aarch64",
        "software": "00" * 32,
        "perimeter": "11" * 32,
    }
    (folder / ABOUT_NAME).write_text(json.dumps(about))
    draft = drafted(folder, clock=SystemClock())
    sign_folder(folder, KEYS.root.signing_key("flers"), draft)
    return folder


class Table:
    """The coordinator's table: a command line."""

    def __init__(self, keys: Path, release: Path) -> None:
        self.keys = keys
        self.release = release

    def image(self, boot: Path, *more: str, typed: str = "") -> int:
        """Write a card; what is typed comes by a file descriptor."""
        words = ["terminal", "image", "--boot", str(boot), "--release", str(self.release)]
        words += ["--keys", str(self.keys / "workshop"), "--contact", SETTINGS.contact, *more]
        if typed:
            reading, writing = os.pipe()
            os.write(writing, typed.encode())
            os.close(writing)
            words += ["--passphrase-fd", str(reading)]
        return cli.run(words, Wiring())


@pytest.fixture
def table(keys: Path, release: Path) -> Table:
    """A table with keys and a release on it."""
    return Table(keys, release)


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file of a card."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def schema_says(kind: str, path: Path) -> str:
    """What cloud-init's own checker says of a file: nothing when it is right."""
    command = ["cloud-init", "schema", "--config-file", str(path)]
    if kind != "cloud-config":
        command += ["--schema-type", kind]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_a_stock_card_becomes_a_terminal(table: Table, tmp_path: Path) -> None:
    """Promise: one command writes all that the first start needs, and says what it wrote."""
    boot = stock(tmp_path / "boot")
    assert table.image(boot, "--wifi", "Salle des fêtes", typed=f"{PASSPHRASE}\n") == 0
    user_data = yaml.safe_load((boot / "user-data").read_text())
    assert user_data["runcmd"] == [["sh", SET_UP]]
    (user,) = user_data["users"]
    assert (user["name"], user["lock_passwd"], user["shell"]) == (
        "clafoutis",
        True,
        "/usr/sbin/nologin",
    )
    assert user_data["ssh_pwauth"] is False
    assert not {"passwd", "sudo", "ssh_authorized_keys", "ssh_import_id"} & set(user)
    assert not {"packages", "write_files", "bootcmd", "chpasswd", "rpi"} & set(user_data)
    here = boot / SET_UP.removeprefix("/boot/firmware/")
    assert here.read_bytes() == (TREE / "systemd/setup/terminal").read_bytes()
    held = content_of(boot / "clafoutis/release")
    assert held == content_of(table.release)
    assert (boot / f"clafoutis/{PUBLIC_NAME}").exists()


def test_kernel_and_firmware_are_told_what_a_till_needs(table: Table, tmp_path: Path) -> None:
    """Promise: the card is not filled by the system, the serial line is the reader's, the screen
    comes up though it is switched on late, and the clock that keeps time without power is known.
    """
    boot = stock(tmp_path / "boot")
    table.image(boot)
    (line,) = (boot / "cmdline.txt").read_text().splitlines()
    words = line.split()
    assert "resize" not in words
    assert not [word for word in words if word.startswith("console=serial0")]
    assert {"console=tty1", "root=PARTUUID=8acef004-02", "rootwait"} <= set(words)
    assert {"fsck.repair=yes", "video=HDMI-A-1:800x480@60D", "consoleblank=0"} <= set(words)
    assert "cfg80211.ieee80211_regdom=FR" in words
    assert len({word.partition("=")[0] for word in words}) == len(words)
    config = (boot / "config.txt").read_text()
    assert config.startswith(STOCK["config.txt"].rstrip("\n"))
    for wanted in ("enable_uart=1", "dtoverlay=disable-bt", "dtoverlay=i2c-rtc,ds3231"):
        assert f"\n{wanted}\n" in config
    table.image(boot, "--no-clock")
    assert "i2c-rtc" not in (boot / "config.txt").read_text()
    assert (boot / "config.txt").read_text().count("clafoutis: begin") == 1


def test_a_second_time_changes_nothing(
    table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Promise: the same command again writes not one byte, and says so."""
    boot = stock(tmp_path / "boot")
    table.image(boot, "--wifi", "Salle", typed=f"{PASSPHRASE}\n")
    before = {path: path.stat().st_mtime_ns for path in boot.rglob("*") if path.is_file()}
    content = content_of(boot)
    capsys.readouterr()
    assert table.image(boot, "--wifi", "Salle", typed=f"{PASSPHRASE}\n") == 0
    assert capsys.readouterr().out == ""
    assert content_of(boot) == content
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_another_setting_is_another_instance(table: Table, tmp_path: Path) -> None:
    """Promise: a card that was started and is written anew with another Wi-Fi takes it.

    cloud-init does its work again only for an instance that it does not know.
    """
    boot = stock(tmp_path / "boot")
    table.image(boot)
    first = yaml.safe_load((boot / "meta-data").read_text())
    table.image(boot, "--wifi", "Salle", typed=f"{PASSPHRASE}\n")
    second = yaml.safe_load((boot / "meta-data").read_text())
    assert first["instance-id"] != second["instance-id"]
    assert first["dsmode"] == second["dsmode"] == "local"


def test_a_passphrase_is_not_on_the_card(
    table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Promise: whoever finds a card reads the key of one network, and not a passphrase.

    The key is that of IEEE 802.11i's test vector for this name and passphrase.
    """
    boot = stock(tmp_path / "boot")
    table.image(boot, "--wifi", "IEEE", typed="password\n")
    network = yaml.safe_load((boot / "network-config").read_text())["network"]
    point = network["wifis"]["wlan0"]["access-points"]["IEEE"]["password"]
    assert point == "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
    said = capsys.readouterr()
    everything = b"".join(content_of(boot / "clafoutis").values())
    assert "password" not in said.out + said.err
    assert b"f42c6fc52df0" not in everything
    assert PASSPHRASE not in repr(Wifi(ssid="IEEE", passphrase=PASSPHRASE))


@pytest.mark.parametrize("name", sorted(STOCK.keys() - {"network-config", "start4.elf"}))
def test_what_is_no_boot_partition_is_left_alone(
    table: Table, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Promise: a wrong folder, or an image that would never set itself up, is refused in words."""
    boot = stock(tmp_path / "boot")
    (boot / name).unlink()
    if name == "kernel8.img":
        (boot / "start4.elf").unlink()
    before = content_of(boot)
    assert table.image(boot) != 0
    assert content_of(boot) == before
    assert str(boot) in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_refused(table: Table, tmp_path: Path) -> None:
    """Promise: a card that was pulled out is no reason for a traceback."""
    with pytest.raises(CardUnfit):
        check_card(tmp_path / "nowhere")
    assert table.image(tmp_path / "nowhere") != 0


@pytest.mark.parametrize(
    "setting",
    [
        {"name": "a name"},
        {"name": "x; reboot"},
        {"country": "France"},
        {"time_zone": "../../etc/passwd"},
        {"panel": "800"},
        {"contact": "Marie\nLD_PRELOAD=/x"},
        {"reader": 'auto"'},
        {"language": "de"},
        {"wifi": Wifi(ssid="", passphrase=PASSPHRASE)},
        {"wifi": Wifi(ssid="Salle", passphrase="short")},
        {"wifi": Wifi(ssid="a\nb", passphrase=PASSPHRASE)},
    ],
)
def test_no_setting_becomes_something_else(setting: dict[str, object]) -> None:
    """Promise: what is typed at the table can't become a line, a path or a command on the till."""
    given = {name: getattr(SETTINGS, name) for name in SETTINGS.__dataclass_fields__}
    with pytest.raises(SettingInvalid):
        CardSettings(**given | setting)


def test_a_release_of_nobody_is_refused(table: Table, tmp_path: Path) -> None:
    """Promise: a card gets only what the caisse's root signed, as it was signed."""
    boot = stock(tmp_path / "boot")
    before = content_of(boot)
    changed = tmp_path / "changed"
    shutil.copytree(table.release, changed)
    (changed / "system/setup/terminal").write_text("#!/bin/sh\n")
    assert Table(table.keys, changed).image(boot) != 0
    (changed / SIGNED_NAME).unlink()
    assert Table(table.keys, changed).image(boot) != 0
    assert content_of(boot) == before


def test_a_newer_release_replaces_the_older(table: Table, tmp_path: Path) -> None:
    """Promise: nothing of an earlier release stays on the card beside the new one."""
    boot = stock(tmp_path / "boot")
    table.image(boot)
    (boot / "clafoutis/release/wheels/old.whl").write_bytes(b"of an earlier release")
    table.image(boot)
    assert content_of(boot / "clafoutis/release") == content_of(table.release)


def test_cloud_init_understands_what_it_will_read(table: Table, tmp_path: Path) -> None:
    """Promise: the program that reads user-data at the first start finds nothing wrong in it."""
    need("cloud-init")
    boot = stock(tmp_path / "boot")
    table.image(boot)
    assert schema_says("cloud-config", boot / "user-data") == ""
    wrong = tmp_path / "wrong"
    wrong.write_text(
        (boot / "user-data").read_text().replace("lock_passwd: true", "lock_passwd: [3]")
    )
    assert schema_says("cloud-config", wrong) != ""


def test_half_a_write_leaves_the_old_file(tmp_path: Path) -> None:
    """Promise: each file of a card is replaced whole, and written only when it differs."""
    path = tmp_path / "cmdline.txt"
    assert write_whole(path, b"one")
    assert not write_whole(path, b"one")
    (tmp_path / "cmdline.txt.new").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(path, b"two")
    assert path.read_bytes() == b"one"


class Fat:
    """A FAT partition of a stock card's size, in a file; mtools carry files in and out."""

    def __init__(self, folder: Path) -> None:
        self.image, self.folder = folder / "boot.img", folder
        with self.image.open("wb") as file:
            file.truncate(512 * 1024 * 1024)
        self.run("mkfs.vfat", "-F", "32", "-n", "bootfs", str(self.image))

    def run(self, *command: str) -> str:
        """Run a tool, which must say that all is well."""
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def take_in(self, folder: Path) -> None:
        """Copy a folder's content onto the partition."""
        inside = [str(path) for path in sorted(folder.iterdir())]
        self.run("mcopy", "-i", str(self.image), "-o", "-s", *inside, "::")

    def give_out(self, name: str) -> Path:
        """Copy what is on the partition into a folder."""
        place = self.folder / name
        place.mkdir()
        self.run("mcopy", "-i", str(self.image), "-s", "-n", "::*", str(place))
        return place


def test_it_lives_on_fat(table: Table, tmp_path: Path) -> None:
    """Promise: every name, every size and all of it together fits on the FAT of a stock card.

    What comes back from there is what was written, and makes the same card again.
    """
    need("mkfs.vfat", "mcopy")
    card = Fat(tmp_path)
    card.take_in(stock(tmp_path / "stock"))
    boot = card.give_out("out")
    assert table.image(boot, "--wifi", "Salle", typed=f"{PASSPHRASE}\n") == 0
    card.take_in(boot)
    card.run("fsck.vfat", "-n", str(card.image))
    again = card.give_out("again")
    assert content_of(again) == content_of(boot)
    assert table.image(again, "--wifi", "Salle", typed=f"{PASSPHRASE}\n") == 0
    assert content_of(again) == content_of(boot)


def test_a_card_without_room_is_left_alone(
    table: Table, tmp_path: Path, keys: Path, release: Path
) -> None:
    """Promise: there is room for all of it, or nothing is written."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a small memory")
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine mounts no memory")
    try:
        stock(small)
        before = content_of(small)
        assert table.image(small) != 0
        assert content_of(small) == before
    finally:
        subprocess.run(["umount", small], check=True)
