"""What a till stands in: power, room on its disk, and whether the caisse can be reached."""

from __future__ import annotations

from enum import Enum, unique

from cardkit.frozen import dataclass
from terminal.config import DataDirectory
from terminal.power import Power, read_power
from terminal.sync_state import SyncState, read_state


@unique
class Strain(Enum):
    """What a person should do something about before it ends the market."""

    POWER_WEAK = "power weak"
    BATTERY_LOW = "battery low"
    DISK_LOW = "disk low"
    HOT = "hot"
    OFFLINE = "offline"
    """The last exchanges failed: no trouble in itself, sales go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """A picture of them at one moment."""

    power: Power
    sync: SyncState


def read_surroundings(data: DataDirectory) -> Surroundings:
    """Read some twenty small files; not for the loop that serves the screen."""
    return Surroundings(power=read_power(data.root), sync=read_state(data.sync_state))


def strains(surroundings: Surroundings) -> tuple[Strain, ...]:
    """Return what should be said, the most pressing first."""
    power = surroundings.power
    found = (
        (power.is_low, Strain.BATTERY_LOW),
        (power.is_weak, Strain.POWER_WEAK),
        (power.is_disk_low, Strain.DISK_LOW),
        (power.is_hot, Strain.HOT),
        (surroundings.sync.failures > 0, Strain.OFFLINE),
    )
    return tuple(strain for holds, strain in found if holds)
