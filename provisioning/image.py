"""What turns a stock Raspberry Pi OS card into a terminal: files on its FAT partition, no more.

    user-data, network-config, meta-data   read by cloud-init at the first start (NoCloud, seedfrom
                                           /boot/firmware: pi-gen, stage2/04-cloud-init)
    cmdline.txt, config.txt                read by firmware and kernel; a few words added
    clafoutis/                             the release, its set-up script, and the settings

All of it can be written again: what is there already is left alone. Everything is checked before
the first byte is written.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, unique
from pathlib import Path
from typing import Final

from cardkit.errors import ClafoutisError
from cardkit.keyfiles import PUBLIC_NAME
from cardkit.release import SIGNED_NAME, HeldRelease
from provisioning.releases import write_whole

FOLDER: Final = "clafoutis"
RELEASE: Final = "release"
SETTINGS: Final = "settings"
SET_UP: Final = f"/boot/firmware/{FOLDER}/{RELEASE}/system/setup/terminal"
_FIRMWARE: Final = ("start4.elf", "start.elf", "kernel8.img", "kernel_2712.img")
_STOCK: Final = ("cmdline.txt", "config.txt")
_CLOUD_INIT: Final = ("user-data", "meta-data")
_BEGIN, _END = "# clafoutis: begin", "# clafoutis: end"
_DROPPED: Final = re.compile(r"resize|quiet|console=(serial0|ttyAMA\d+|ttyS\d+),\d+|loglevel=\d+")
"""Of the stock command line: the system's partition must not take the whole card, and the serial
line is the reader's."""
_PSK_ROUNDS, _PSK_BYTES = 4096, 32
_SPARE_BYTES: Final = 16 * 1024 * 1024
_PANEL: Final = re.compile(r"[1-9]\d{2,3}x[1-9]\d{2,3}")
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_ZONE: Final = re.compile(r"[A-Za-z_]+(/[A-Za-z_+-]+){0,2}")
_VALUE: Final = re.compile(r"[^\x00-\x1f\"'`$\\]{0,120}")


@unique
class Unfit(Enum):
    """Why a folder can't become a terminal's."""

    NO_FOLDER = "no such folder"
    NO_BOOT_PARTITION = "no boot partition of a Raspberry Pi"
    NO_CLOUD_INIT = "an image without cloud-init"
    NO_ROOM = "no room"


class CardUnfit(ClafoutisError):
    """The folder is no boot partition that can become a terminal's; nothing was written."""

    def __init__(self, boot: Path, reason: Unfit) -> None:
        super().__init__(f"{boot}: {reason.value}")
        self.reason = reason


class SettingInvalid(ClafoutisError):
    """A setting is none that a terminal could have; nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wifi:
    """A network that the terminal knows from the start."""

    ssid: str
    passphrase: str = field(repr=False)

    @property
    def psk(self) -> str:
        """The key that follows from both (IEEE 802.11, J.4.1): the passphrase itself stays here."""
        key = hashlib.pbkdf2_hmac(
            "sha1", self.passphrase.encode(), self.ssid.encode(), _PSK_ROUNDS, _PSK_BYTES
        )
        return key.hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSettings:
    """What is particular about one terminal; raises SettingInvalid."""

    name: str
    country: str
    time_zone: str
    panel: str
    reader: str
    contact: str
    language: str
    has_rtc: bool = True
    wifi: Wifi | None = None

    def __post_init__(self) -> None:
        """Check all that will stand in a file that others read."""
        for value, form, what in (
            (self.name, _NAME, "name"),
            (self.country, _COUNTRY, "country"),
            (self.time_zone, _ZONE, "time zone"),
            (self.panel, _PANEL, "panel"),
            (self.reader, _VALUE, "reader"),
            (self.contact, _VALUE, "contact"),
            (self.language, re.compile("fr|en"), "language"),
        ):
            if not form.fullmatch(value):
                raise SettingInvalid(f"{what}: {value!r}")
        if self.wifi is not None:
            _check_wifi(self.wifi)


def _check_wifi(wifi: Wifi) -> None:
    if not 1 <= len(wifi.ssid.encode()) <= 32 or not wifi.ssid.isprintable():
        raise SettingInvalid("the name of a Wi-Fi network has 1 to 32 bytes")
    if not 8 <= len(wifi.passphrase) <= 63 or not wifi.passphrase.isascii():
        raise SettingInvalid("a Wi-Fi passphrase has 8 to 63 characters")


def check_card(boot: Path) -> None:
    """Raise CardUnfit unless this is the boot partition of an image that cloud-init sets up."""
    if not boot.is_dir():
        raise CardUnfit(boot, Unfit.NO_FOLDER)
    has_firmware = any((boot / name).is_file() for name in _FIRMWARE)
    if not has_firmware or not all((boot / name).is_file() for name in _STOCK):
        raise CardUnfit(boot, Unfit.NO_BOOT_PARTITION)
    if not all((boot / name).is_file() for name in _CLOUD_INIT):
        raise CardUnfit(boot, Unfit.NO_CLOUD_INIT)


def write_card(
    boot: Path,
    settings: CardSettings,
    *,
    release: Path,
    held: HeldRelease,
    public: bytes,
    debs: Path | None = None,
) -> tuple[str, ...]:
    """Make a card a terminal's; returns the names of what was written, none when all was there.

    `release` is a folder that was verified as `held`, `public` the caisse's public file.
    Raises CardUnfit before anything is written, and OSError.
    """
    check_card(boot)
    wanted = dict(_ours(settings, release, held, public, debs))
    wanted |= _stock(boot, settings, (release / "system/boot/cmdline.txt").read_text("utf-8"))
    _check_room(boot, wanted)
    _drop_others(boot / FOLDER, wanted)
    written = []
    for name, content in wanted.items():
        path = boot / name
        path.parent.mkdir(parents=True, exist_ok=True)
        source = content if isinstance(content, bytes) else content.read_bytes()
        if write_whole(path, source):
            written.append(name)
    return tuple(written)


def _ours(
    settings: CardSettings, release: Path, held: HeldRelease, public: bytes, debs: Path | None
) -> Iterator[tuple[str, bytes | Path]]:
    """Return what lies in our own folder, the signed list last."""
    yield f"{FOLDER}/{SETTINGS}", _settings(settings)
    yield f"{FOLDER}/{PUBLIC_NAME}", public
    for deb in sorted(debs.glob("*.deb")) if debs is not None else ():
        yield f"{FOLDER}/debs/{deb.name}", deb
    for file in held.release.files:
        yield f"{FOLDER}/{RELEASE}/{file.name}", release / file.name
    yield f"{FOLDER}/{RELEASE}/{SIGNED_NAME}", release / SIGNED_NAME


def _stock(boot: Path, settings: CardSettings, words: str) -> dict[str, bytes | Path]:
    """Return the files of the stock image as they will be; what starts the set-up comes last."""
    command_line = (boot / "cmdline.txt").read_text("utf-8")
    config = (boot / "config.txt").read_text("utf-8")
    user_data = _user_data(settings)
    network = _network_config(settings)
    instance = hashlib.sha256(f"{user_data}{network}".encode()).hexdigest()[:16]
    return {
        "config.txt": _config(config, settings).encode(),
        "cmdline.txt": _command_line(command_line, words, settings).encode(),
        "network-config": network.encode(),
        "user-data": user_data.encode(),
        "meta-data": f"dsmode: local\ninstance-id: clafoutis-{instance}\n".encode(),
    }


def _settings(settings: CardSettings) -> bytes:
    """What the set-up script reads line by line; TERMINAL_ lines go to terminal.env."""
    lines = {
        "NAME": settings.name,
        "COUNTRY": settings.country,
        "TIME_ZONE": settings.time_zone,
        "TERMINAL_CLAFOUTIS_READER": settings.reader,
        "TERMINAL_CLAFOUTIS_PANEL": settings.panel,
        "TERMINAL_CLAFOUTIS_CONTACT": settings.contact,
        "TERMINAL_LANGUAGE": settings.language,
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items() if value).encode()


def _user_data(settings: CardSettings) -> str:
    """What cloud-init does: nobody gets in, one script is called, and the board starts anew."""
    return f"""#cloud-config
# Written by clafoutis-provision. All that is done is in {SET_UP}.
hostname: {settings.name}
users:
  - name: clafoutis
    system: true
    lock_passwd: true
    no_create_home: true
    homedir: /var/lib/clafoutis
    shell: /usr/sbin/nologin
disable_root: true
ssh_pwauth: false
runcmd:
  - [sh, {SET_UP}]
power_state:
  mode: reboot
  condition: [test, -e, /etc/cloud/cloud-init.disabled]
"""


def _network_config(settings: CardSettings) -> str:
    """Netplan's form, version 2. JSON strings are YAML strings."""
    lines = ["network:", "  version: 2", "  ethernets:"]
    lines += ["    eth0:", "      dhcp4: true", "      optional: true"]
    if settings.wifi is not None:
        lines += ["  wifis:", "    wlan0:", "      dhcp4: true", "      optional: true"]
        lines += [f"      regulatory-domain: {settings.country}", "      access-points:"]
        lines += [f"        {json.dumps(settings.wifi.ssid)}:"]
        lines += [f"          password: {json.dumps(settings.wifi.psk)}"]
    return "\n".join(lines) + "\n"


def _command_line(stock: str, words: str, settings: CardSettings) -> str:
    """The kernel's one line: our words in the place of what must not be there."""
    ours = [*words.split(), f"video=HDMI-A-1:{settings.panel}@60D"]
    ours.append(f"cfg80211.ieee80211_regdom={settings.country}")
    names = {word.partition("=")[0] for word in ours}
    kept = [
        word
        for word in stock.split()
        if not _DROPPED.fullmatch(word) and word.partition("=")[0] not in names
    ]
    return " ".join((*kept, *ours)) + "\n"


def _config(stock: str, settings: CardSettings) -> str:
    """The firmware's settings with a part of ours at the end, which replaces an earlier one."""
    before, _, rest = stock.partition(f"{_BEGIN}\n")
    after = rest.partition(f"{_END}\n")[2]
    ours = ["[all]"]
    # A PN532 on the serial line of the pins; Bluetooth would take the better one.
    ours += ["enable_uart=1", "dtoverlay=disable-bt"]
    # The board starts anew when Linux never comes up (config.txt, "kernel_watchdog_timeout").
    ours += ["kernel_watchdog_timeout=60"]
    if settings.has_rtc:
        ours += ["dtparam=i2c_arm=on", "dtoverlay=i2c-rtc,ds3231"]
    ours += ["[pi5]", "dtparam=uart0=on", "[all]"]
    kept = (before + after).rstrip("\n")
    return "\n".join((kept, _BEGIN, *ours, _END)) + "\n"


def _check_room(boot: Path, wanted: dict[str, bytes | Path]) -> None:
    """Raise CardUnfit when the card can't hold all of it beside what it replaces."""
    missing = 0
    for name, content in wanted.items():
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        path = boot / name
        missing += 0 if path.is_file() and path.stat().st_size == size else size
    free = shutil.disk_usage(boot).free
    if missing + _SPARE_BYTES > free:
        raise CardUnfit(boot, Unfit.NO_ROOM)


def _drop_others(folder: Path, wanted: dict[str, bytes | Path]) -> None:
    """Remove what an earlier release left in its folder: it would be no part of what is signed."""
    for path in sorted((folder / RELEASE).rglob("*"), reverse=True):
        if path.is_file() and f"{FOLDER}/{path.relative_to(folder).as_posix()}" not in wanted:
            path.unlink()
