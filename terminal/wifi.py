"""Joins Wi-Fi networks, and sees telephones that share theirs, through NetworkManager.

What goes wrong is a value: a wrong password at a stall is no error of ours. A network that could
not be joined leaves no profile behind; one that was joined is kept by the system, and found again
at the next market without anybody.
"""

from __future__ import annotations

import string
import uuid
from collections.abc import Callable
from dataclasses import field
from enum import Enum, unique
from typing import Final

from cardkit.frozen import dataclass
from terminal.nmcli import Nmcli, WifiTrouble, secret_line

SSID_BYTES_MAX: Final = 32
"""IEEE 802.11, 9.4.2.2."""
_PASSPHRASE_CHARACTERS: Final = range(8, 64)
_RAW_KEY_CHARACTERS: Final = 64
"""IEEE 802.11, annex J.4.1: 8 to 63 printable ASCII characters, or 64 hexadecimal digits."""
_PRINTABLE: Final = frozenset(map(chr, range(0x20, 0x7F)))
_PSK: Final = "802-11-wireless-security.psk"
_WIFI: Final = "802-11-wireless"
_TETHERED: Final = frozenset({"rndis_host", "cdc_ether", "cdc_ncm", "cdc_mbim", "ipheth"})
"""Linux drivers of the interfaces that Android telephones and iPhones show over USB."""
_CONNECTED: Final = "100"
"""NetworkManager, NMDeviceState: activated."""


@unique
class Security(Enum):
    """What a network asks of who joins, by the name that NetworkManager has for it."""

    OPEN = ""
    PSK = "wpa-psk"
    SAE = "sae"
    OTHER = "other"
    """WEP, or a name and password each: no till joins these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network in reach."""

    ssid: str
    signal: int
    """Percent."""
    security: Security
    is_joined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedNetwork:
    """A network that the system joins by itself when it is in reach."""

    name: str
    uuid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkState:
    """What this computer is connected to; several at once where several are plugged in."""

    wifi: str | None = None
    cable: str | None = None
    phone: str | None = None
    """The interface of a telephone on the USB cable that shares its network."""


@dataclass(frozen=True, slots=True)
class Wifi:
    """NetworkManager, as far as a till needs it."""

    nmcli: Nmcli = field(default_factory=Nmcli)
    new_uuid: Callable[[], uuid.UUID] = uuid.uuid4

    def networks(self) -> tuple[Network, ...] | WifiTrouble:
        """Return the networks in reach, strongest first, each once; hidden ones are left out."""
        said = self.nmcli.ask(
            "--fields", "IN-USE,SIGNAL,SECURITY,SSID", "device", "wifi", "list", "--rescan", "auto"
        )
        if isinstance(said, WifiTrouble):
            return said
        found: dict[str, Network] = {}
        for row in said.rows():
            network = _network(row)
            if network is not None and _is_better(network, found.get(network.ssid)):
                found[network.ssid] = network
        return tuple(sorted(found.values(), key=lambda it: (not it.is_joined, -it.signal)))

    def saved(self) -> tuple[SavedNetwork, ...] | WifiTrouble:
        """Return the Wi-Fi networks that the system knows."""
        said = self.nmcli.ask("--fields", "TYPE,UUID,NAME", "connection", "show")
        if isinstance(said, WifiTrouble):
            return said
        rows = (row for row in said.rows() if len(row) == 3 and row[0] == _WIFI)
        return tuple(SavedNetwork(name=name, uuid=identifier) for _, identifier, name in rows)

    def join(self, ssid: str, security: Security, password: str) -> WifiTrouble | None:
        """Join a network, and keep it in place of its namesakes; None when joined."""
        wrong = _unfit(ssid, security, password)
        if wrong is not None:
            return wrong
        known = self.saved()
        if isinstance(known, WifiTrouble):
            return known
        mine = str(self.new_uuid())
        added = self.nmcli.ask(*profile(ssid, security, identifier=mine))
        if isinstance(added, WifiTrouble):
            return added
        if security is Security.OPEN:
            up = self.nmcli.ask("connection", "up", "uuid", mine)
        else:
            from_stdin = ("passwd-file", "/dev/stdin")
            secret = secret_line(_PSK, password)
            up = self.nmcli.ask("connection", "up", "uuid", mine, *from_stdin, secret=secret)
        if isinstance(up, WifiTrouble):
            self.forget(mine)
            return up
        for before in known:
            if before.name == ssid:
                self.forget(before.uuid)
        return None

    def forget(self, identifier: str) -> WifiTrouble | None:
        """Let the system know a network no more; None when that is so."""
        said = self.nmcli.ask("connection", "delete", "uuid", identifier)
        return said if isinstance(said, WifiTrouble) else None

    def state(self) -> NetworkState | WifiTrouble:
        """Return what is connected, telephones by the driver of their interface."""
        fields = ("DEVICE", "TYPE", "DRIVER", "STATE", "CONNECTION")
        said = self.nmcli.ask(
            "--mode",
            "multiline",
            "--fields",
            ",".join(f"GENERAL.{name}" for name in fields),
            "device",
            "show",
        )
        if isinstance(said, WifiTrouble):
            return said
        wifi = cable = phone = None
        for device in said.blocks():
            told = {name: device.get(f"GENERAL.{name}", "") for name in fields}
            if told["STATE"].split(" ")[0] != _CONNECTED:
                continue
            if told["TYPE"] == "wifi":
                wifi = told["CONNECTION"]
            elif told["DRIVER"] in _TETHERED:
                phone = told["DEVICE"]
            elif told["TYPE"] == "ethernet":
                cable = told["DEVICE"]
        return NetworkState(wifi=wifi, cable=cable, phone=phone)


def profile(ssid: str, security: Security, *, identifier: str) -> tuple[str, ...]:
    """Return the arguments that make a profile without its password, which comes later.

    The system keeps the password with the profile (psk-flags 0), or it would ask at each market.
    """
    secured = ("wifi-sec.key-mgmt", security.value, "wifi-sec.psk-flags", "0")
    return (
        *("connection", "add", "type", "wifi", "con-name", ssid, "ifname", "*"),
        *("connection.uuid", identifier, "ssid", ssid),
        *(() if security is Security.OPEN else secured),
    )


def _network(row: list[str]) -> Network | None:
    if len(row) != 4 or not row[3] or not row[1].isdecimal():
        return None
    in_use, signal, security, ssid = row
    return Network(
        ssid=ssid, signal=int(signal), security=_security(security), is_joined=in_use == "*"
    )


def _security(told: str) -> Security:
    """Read what NetworkManager tells of a network, such as "WPA1 WPA2" or "WPA2 802.1X"."""
    kinds = set(told.split())
    if not kinds:
        return Security.OPEN
    if "802.1X" in kinds or not kinds & {"WPA1", "WPA2", "WPA3"}:
        return Security.OTHER
    return Security.PSK if kinds & {"WPA1", "WPA2"} else Security.SAE


def _is_better(network: Network, other: Network | None) -> bool:
    """Say which of two access points of one network is shown."""
    if other is None:
        return True
    return (network.is_joined, network.signal) > (other.is_joined, other.signal)


def _unfit(ssid: str, security: Security, password: str) -> WifiTrouble | None:
    """Say what can't work before anything is tried."""
    if not 0 < len(ssid.encode()) <= SSID_BYTES_MAX or "\0" in ssid:
        return WifiTrouble.NOT_FOUND
    if security is Security.OTHER:
        return WifiTrouble.UNSUPPORTED
    if security is Security.OPEN:
        return None
    is_raw = len(password) == _RAW_KEY_CHARACTERS and set(password) <= set(string.hexdigits)
    is_phrase = len(password) in _PASSPHRASE_CHARACTERS and set(password) <= _PRINTABLE
    return None if is_raw or is_phrase else WifiTrouble.MALFORMED
