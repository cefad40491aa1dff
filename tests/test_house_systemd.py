"""The units are read by systemd's own checker: it needs no running systemd.

Beside them stand the rules that let a till at its reader. polkit, udev and modprobe have no such
checker here, so their files are held to the form of their manuals, and to our own facts.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cardkit.reader.auto import USB_NAMES
from terminal.config import MERCHANT_VARIABLE, READER_VARIABLE
from terminal.context import Exit

FOLDER = Path(__file__).parent.parent / "systemd"
UNITS = sorted(path for path in FOLDER.iterdir() if path.is_file())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]

# Out of 100, as `systemd-analyze security` counts: its "OK" ends at 50, an unhardened unit has 96.
EXPOSURE_MAX = 30


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze."""
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_units_are_understood(tmp_path: Path) -> None:
    """Promise: no unit has an unknown key, a bad value, or a command that is not ours."""
    installed = tmp_path / "etc/systemd/system"
    shutil.copytree(UNITS[0].parent, installed)
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
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", unit)
    assert done.returncode == 0, done.stdout


def test_the_till_has_no_network() -> None:
    """Promise: the process that sells can't be reached, nor reach out."""
    (till,) = [unit for unit in UNITS if unit.name == "clafoutis-terminal.service"]
    assert "\nPrivateNetwork=yes\n" in till.read_text()


def test_a_till_that_is_asked_wrongly_is_not_asked_again() -> None:
    """Promise: what only a person can put right is not journalled once a second, as starts are."""
    assert of_the_till("Restart") == "always"
    assert of_the_till("RestartPreventExitStatus") == str(Exit.USAGE.value)


def test_a_till_that_cannot_start_says_why_on_its_screen() -> None:
    """Promise: without a reader the screen is not blank: errors go there, and nothing clears it."""
    assert of_the_till("StandardOutput") == "tty"
    assert of_the_till("StandardError") == "journal+console"
    assert of_the_till("TTYPath") == "/dev/tty1"
    assert of_the_till("TTYVTDisallocate") == "no"


def test_the_environment_file_can_name_reader_and_merchant() -> None:
    """Promise: the variables that the unit speaks of are those that the program reads."""
    assert of_the_till("EnvironmentFile") == "-/etc/clafoutis/terminal.env"
    unit = (FOLDER / "clafoutis-terminal.service").read_text()
    assert set(re.findall(r"CLAFOUTIS_\w+", unit)) == {READER_VARIABLE, MERCHANT_VARIABLE}


# The way to the reader

UDEV_TERM = re.compile(r'[A-Z]+(\{[a-zA-Z_/]+\})?(==|!=|=|\+=|:=)"[^"]*"')
"""One match or assignment (udev(7), "Rules files")."""


def of_the_till(key: str) -> str:
    """A setting of the till's unit."""
    unit = (FOLDER / "clafoutis-terminal.service").read_text()
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
            assert keys["GROUP"].strip('"') == of_the_till("SupplementaryGroups")
            assert (keys["MODE"], keys["ATTR{power/control}"]) == ('"0660"', '"on"')
            vendor = int(keys["ATTR{idVendor}"].strip('"'), 16)
            products = keys["ATTR{idProduct}"].strip('"').split("|")
            opened |= {(vendor, int(product, 16)) for product in products}
    assert opened == set(USB_NAMES)
    jumps = set(re.findall(r'GOTO="(\w+)"', text))
    assert jumps == set(re.findall(r'^LABEL="(\w+)"$', text, re.MULTILINE))


def test_no_driver_of_the_kernel_takes_a_reader() -> None:
    """Promise: the modules that claim an ACR122U, a PN533 or an RC-S380 are not loaded."""
    text = (FOLDER / "modprobe/clafoutis-nfc.conf").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines == [f"blacklist {module}" for module in ("pn533_usb", "pn533", "port100", "nfc")]
