"""The units are read by systemd's own checker: it needs no running systemd.

Beside them stand the rules that let a till at its reader, and what makes a bare computer a till.
polkit, udev, modprobe, sysctl and the kernel have no such checker here, so their files are held to
the form of their manuals, and to our own facts.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from ipaddress import ip_network
from pathlib import Path

import pytest

from cardkit.reader.auto import USB_NAMES
from terminal.backlight import CLASS
from terminal.config import MERCHANT_VARIABLE, READER_VARIABLE
from terminal.trouble import CONTACT_VARIABLE

FOLDER = Path(__file__).parent.parent / "systemd"
UNIT_SUFFIXES = {".service", ".timer", ".path", ".mount"}
UNITS = sorted(path for path in FOLDER.iterdir() if path.suffix in UNIT_SUFFIXES)
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
TERMINAL = "clafoutis-terminal.service"
TERMINAL_DROP_INS = ("network-printer.conf", "slots.conf")

# Out of 100, as `systemd-analyze security` counts: its "OK" ends at 50, an unhardened unit has 96.
# What serves the screen needs devices; what speaks to the Internet needs none.
EXPOSURE_MAX = {TERMINAL: 30}
EXPOSURE_MAX_ELSEWHERE = 15
KIOSK_FOLDER = "/usr/local/lib/clafoutis/kiosk"
PANEL_VARIABLE = "CLAFOUTIS_PANEL"


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze."""
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_units_are_understood(tmp_path: Path) -> None:
    """Promise: no unit has an unknown key, a bad value, or a command that is not ours."""
    installed = tmp_path / "etc/systemd/system"
    drop_ins = installed / f"{TERMINAL}.d"
    drop_ins.mkdir(parents=True)
    for unit in UNITS:
        shutil.copy(unit, installed)
    for drop_in in TERMINAL_DROP_INS:
        shutil.copy(FOLDER / drop_in, drop_ins)
    for unit in SERVICES:
        for command in re.findall(r"^Exec\w+=(\S+)", unit.read_text(), re.MULTILINE):
            stub = tmp_path / command.lstrip("/")
            stub.parent.mkdir(parents=True, exist_ok=True)
            stub.write_text("#!/bin/sh\n")
            stub.chmod(0o755)
    options = ["--man=no", "--recursive-errors=no", f"--root={tmp_path}"]
    done = analyze("verify", *options, *(unit.name for unit in UNITS))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_services_are_hardened(unit: Path) -> None:
    """Promise: a hole in one of our programs is not a hole in the machine."""
    exposure_max = EXPOSURE_MAX.get(unit.name, EXPOSURE_MAX_ELSEWHERE)
    done = analyze("security", "--offline=true", f"--threshold={exposure_max}", unit)
    assert done.returncode == 0, done.stdout


def test_the_till_has_no_network() -> None:
    """Promise: the process that sells can't be reached, nor reach out.

    Two walls: no socket of the Internet can be made, and none that is handed in carries anything.
    """
    families = set(of_the_till("RestrictAddressFamilies").split())
    assert families == {"AF_UNIX", "AF_NETLINK"}
    assert of_the_till("IPAddressDeny") == "any"
    assert "IPAddressAllow" not in (FOLDER / TERMINAL).read_text()


def test_a_printer_on_the_network_opens_no_way_to_the_internet() -> None:
    """Promise: with the drop-in for such a printer, only private addresses can be spoken to."""
    text = (FOLDER / "network-printer.conf").read_text()
    (allowed,) = re.findall(r"^IPAddressAllow=(.*)$", text, re.MULTILINE)
    assert all(not ip_network(it).is_global for it in allowed.split())


def test_the_till_always_comes_back() -> None:
    """Promise: however it ends, and however often, the till is started again."""
    assert of_the_till("Restart") == "always"
    assert of_the_till("StartLimitIntervalSec") == "0"
    assert "RestartPreventExitStatus" not in (FOLDER / TERMINAL).read_text()


def test_a_screen_that_hangs_is_started_again() -> None:
    """Promise: systemd waits for the till's own signs of life, although cage is what it started.

    With PAMName the till would be in a session's scope, whose messages systemd takes for the
    scope's own (systemd.exec(5), "PAMName="): the unit would never become ready.
    """
    assert of_the_till("Type") == "notify"
    assert of_the_till("NotifyAccess") == "all"
    assert 10 <= int(of_the_till("WatchdogSec")) <= 60
    assert of_the_till("LimitCORE") == "0"
    assert "\nPAMName" not in (FOLDER / TERMINAL).read_text()


def test_a_lost_partition_does_not_keep_the_till_from_its_page() -> None:
    """Promise: the till waits for its data's partition, and starts without it to say so."""
    text = (FOLDER / TERMINAL).read_text()
    assert "var-lib-clafoutis.mount" in of_the_till("After").split()
    assert not re.search(r"^(Requires|RequiresMountsFor|BindsTo|Requisite)=", text, re.MULTILINE)


def test_the_screen_is_cage_alone_on_the_first_console() -> None:
    """Promise: no login is on that console, and cage, started without -s, may not leave it."""
    assert of_the_till("ExecStart") == f"/usr/bin/cage -- {KIOSK_FOLDER}/face"
    assert of_the_till("TTYPath") == "/dev/tty1"
    assert of_the_till("StandardInput") == "tty-fail"
    assert of_the_till("Conflicts") == "getty@tty1.service"
    assert of_the_till("WantedBy") == "graphical.target"


def test_the_environment_file_can_name_reader_and_merchant() -> None:
    """Promise: the variables that the unit speaks of are those that the program reads."""
    assert of_the_till("EnvironmentFile") == "-/etc/clafoutis/terminal.env"
    unit = (FOLDER / TERMINAL).read_text()
    assert set(re.findall(r"CLAFOUTIS_\w+", unit)) == {
        READER_VARIABLE,
        MERCHANT_VARIABLE,
        CONTACT_VARIABLE,
        PANEL_VARIABLE,
    }
    assert f"${{{PANEL_VARIABLE}:-}}" in (FOLDER / "kiosk/face").read_text()


# The way to the reader

UDEV_TERM = re.compile(r'[A-Z]+(\{[a-zA-Z_/]+\})?(==|!=|=|\+=|:=)"[^"]*"')
"""One match or assignment (udev(7), "Rules files")."""


def of_the_till(key: str) -> str:
    """A setting of the till's unit."""
    unit = (FOLDER / TERMINAL).read_text()
    (value,) = re.findall(rf"^{key}=(.*)$", unit, re.MULTILINE)
    return str(value)


def test_polkit_lets_the_till_and_nobody_else_at_pcscd() -> None:
    """Promise: both of pcsc-lite's actions, for the unit's user, and one rule only."""
    text = (FOLDER / "polkit/50-clafoutis.rules").read_text()
    code = "\n".join(line for line in text.splitlines() if not line.startswith("//"))
    for opening, closing in ("()", "{}", "[]"):
        assert code.count(opening) == code.count(closing)
    assert code.count("polkit.addRule(function (action, subject)") == 1
    assert re.findall(r"org\.[a-zA-Z._-]+", code) == [
        "org.debian.pcsc-lite.access_pcsc",
        "org.debian.pcsc-lite.access_card",
    ]
    assert re.findall(r"subject\.(\w+) === \"(\w+)\"", code) == [("user", of_the_till("User"))]
    assert re.findall(r"polkit\.Result\.(\w+)", code) == ["YES"]


def test_udev_opens_every_reader_that_we_drive() -> None:
    """Promise: each USB reader of ours, for the unit's group, awake; no other device."""
    text = (FOLDER / "udev/70-clafoutis-readers.rules").read_text()
    rules = [line for line in text.splitlines() if line and not line.startswith("#")]
    opened = set()
    for rule in rules:
        terms = rule.split(", ")
        assert all(UDEV_TERM.fullmatch(term) for term in terms), rule
        keys = dict(re.split("==|!=|=", term, maxsplit=1) for term in terms)
        if "GROUP" in keys:
            assert keys["GROUP"].strip('"') in of_the_till("SupplementaryGroups").split()
            assert (keys["MODE"], keys["ATTR{power/control}"]) == ('"0660"', '"on"')
            vendor = int(keys["ATTR{idVendor}"].strip('"'), 16)
            products = keys["ATTR{idProduct}"].strip('"').split("|")
            opened |= {(vendor, int(product, 16)) for product in products}
    assert opened == set(USB_NAMES)
    jumps = set(re.findall(r'GOTO="(\w+)"', text))
    assert jumps == set(re.findall(r'^LABEL="(\w+)"$', text, re.MULTILINE))


def test_udev_gives_the_pins_to_the_till() -> None:
    """Promise: buzzer and lamps work, in a group that every Debian has, whatever else asks."""
    text = (FOLDER / "udev/71-clafoutis-gpio.rules").read_text()
    (rule,) = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(UDEV_TERM.fullmatch(term) for term in rule.split(", ")), rule
    (group,) = re.findall(r'GROUP:="(\w+)"', rule)
    assert group in of_the_till("SupplementaryGroups").split()
    assert of_the_till("WorkingDirectory") == f"/run/{of_the_till('RuntimeDirectory')}"


def test_the_till_may_set_a_panel_s_brightness() -> None:
    """Promise: the file that udev opens for the till's user is not read-only to its unit."""
    text = (FOLDER / "udev/73-clafoutis-backlight.rules").read_text()
    assert f"chgrp {of_the_till('User')} {CLASS}/%k/brightness" in text
    # What stands in /sys/class are links into /sys/devices.
    assert "-/sys/devices" in of_the_till("ReadWritePaths").split()


def test_no_driver_of_the_kernel_takes_a_reader() -> None:
    """Promise: the modules that claim an ACR122U, a PN533 or an RC-S380 are not loaded."""
    text = (FOLDER / "modprobe/clafoutis-nfc.conf").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines == [f"blacklist {module}" for module in ("pn533_usb", "pn533", "port100", "nfc")]


# What makes a bare computer a till


def settings_of(name: str) -> dict[str, str]:
    """The settings of a file of ours in the form `key = value`, comments and sections aside."""
    lines = (FOLDER / name).read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and line[0] not in "#[")
    return {key.strip(): value.strip() for key, _, value in pairs}


def test_no_key_reaches_the_kernel_or_systemd() -> None:
    """Promise: Print, Ctrl-Alt-Del and the consoles behind Ctrl-Alt-F2 lead nowhere."""
    kernel = settings_of("sysctl/50-clafoutis-kiosk.conf")
    assert kernel["kernel.sysrq"] == "0"
    assert kernel["kernel.ctrl-alt-del"] == "0"
    login = settings_of("logind/50-clafoutis-kiosk.conf")
    assert (login["NAutoVTs"], login["ReserveVT"]) == ("0", "0")
    assert settings_of("system-conf/50-clafoutis-kiosk.conf")["CtrlAltDelBurstAction"] == "none"
    masked = re.findall(
        r"^systemctl mask (.*)$", (FOLDER / "setup/units").read_text(), re.MULTILINE
    )
    assert masked == ["ctrl-alt-del.target emergency.target rescue.target"]


def test_every_setting_of_the_kernel_is_one_that_it_has() -> None:
    """Promise: no name in the sysctl file is misspelt; SysRq is left out of some kernels."""
    for name in settings_of("sysctl/50-clafoutis-kiosk.conf"):
        path = Path("/proc/sys", *name.split("."))
        assert path.exists() or name == "kernel.sysrq", name


def test_the_kernel_is_told_in_one_line() -> None:
    """Promise: the screen stays on, and a start after a cut asks nothing."""
    (line,) = (FOLDER / "boot/cmdline.txt").read_text().splitlines()
    assert {"consoleblank=0", "fsck.repair=yes", "quiet"} <= set(line.split())


def test_every_file_is_explained_and_installed() -> None:
    """Promise: who sets a till up finds in one table what each file is for."""
    readme = (FOLDER / "README.md").read_text()
    for path in sorted(FOLDER.rglob("*")):
        if not path.is_file() or path.name == "README.md":
            continue
        named = [f"`{path.relative_to(FOLDER)}`", f"`{path.parent.name}/`"]
        named += [f"`{path.suffix}`"] if path.suffix else []
        assert any(name in readme for name in named), path
