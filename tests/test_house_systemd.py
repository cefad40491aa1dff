"""The units are read by systemd's own checker: it needs no running systemd."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parent.parent / "systemd").iterdir())
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
