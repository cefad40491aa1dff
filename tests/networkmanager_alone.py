"""A real NetworkManager on a bus, network and disk of its own, for tests/test_terminal_wifi.py.

    unshare --net --mount python -m tests.networkmanager_alone FOLDER

It has no device but the loop, so that no network can be joined: what it makes of our arguments,
and what it answers, is real all the same. Prints what our own code made of it, as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from terminal.nmcli import Nmcli, Said, WifiTrouble
from terminal.wifi import Security, Wifi, profile

NAMES: Final = ("Ferme: chez \\Léa", "-x", "a:b\\:c")
PASSWORD: Final = "tomme de vache \\o/"
_TRIES_MAX: Final = 1_000
_BUS: Final = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type><listen>unix:path={folder}/bus</listen><auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
  </policy>
</busconfig>
"""
_CONFIGURATION: Final = "[main]\nauth-polkit=false\nplugins=keyfile\n[logging]\nlevel=WARN\n"
_OWN: Final = ("/run", "/var/lib/NetworkManager", "/etc/NetworkManager/system-connections")


def main(folder: Path) -> None:
    """Start everything, ask, and end everything."""
    for place in _OWN:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
    Path("/run/NetworkManager").mkdir()
    (folder / "bus.conf").write_text(_BUS.format(folder=folder))
    (folder / "nm.conf").write_text(_CONFIGURATION)
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={folder}/bus"
    bus = ["dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--print-address"]
    manager = ["NetworkManager", "--no-daemon", f"--config={folder}/nm.conf"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(bus, stdout=subprocess.PIPE, stderr=log) as dbus,
    ):
        try:
            assert dbus.stdout is not None
            dbus.stdout.readline()  # it listens
            with subprocess.Popen(manager, stdout=log, stderr=log) as nm:
                try:
                    sys.stdout.write(json.dumps(answers()))
                finally:
                    nm.terminate()
        finally:
            dbus.terminate()


def answers() -> dict[str, object]:
    """Ask as a till does, once somebody answers."""
    nmcli, wifi = Nmcli(), Wifi()
    tries = 0
    while nmcli.ask("general") is WifiTrouble.NOT_RUNNING:
        tries += 1
        assert tries < _TRIES_MAX, "NetworkManager does not answer"
    made = [
        nmcli.ask(*profile(name, Security.PSK, identifier=f"00000000-0000-4000-8000-{number:012}"))
        for number, name in enumerate(NAMES)
    ]
    saved = wifi.saved()
    assert isinstance(saved, tuple)
    joined = wifi.join(NAMES[0], Security.PSK, PASSWORD)
    after = wifi.saved()
    assert isinstance(after, tuple)
    forgotten = [wifi.forget(network.uuid) for network in saved]
    return {
        "made": all(isinstance(one, Said) for one in made),
        "saved": sorted(network.name for network in saved),
        "joined": None if joined is None else joined.name,
        "kept": len(after),
        "forgotten": [None if one is None else one.name for one in forgotten],
        "again": _name(wifi.forget(saved[0].uuid)),
        "networks": _name(wifi.networks()),
        "state": _name(wifi.state()),
    }


def _name(result: object) -> str:
    return result.name if isinstance(result, WifiTrouble) else str(result)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
