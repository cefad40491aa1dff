"""How bright the screen is, where the system can say so: DSI panels, and not HDMI ones."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cardkit.frozen import dataclass

CLASS: Final = Path("/sys/class/backlight")
LOWEST_PERCENT: Final = 5
"""Below it nobody finds the setting again."""


@dataclass(frozen=True, slots=True)
class Backlight:
    """One panel (Linux, Documentation/ABI/stable/sysfs-class-backlight)."""

    path: Path

    @property
    def percent(self) -> int | None:
        """How bright it is; None where that can't be read."""
        level, most = _number(self.path / "brightness"), _number(self.path / "max_brightness")
        return None if level is None or not most else round(100 * level / most)

    def set_percent(self, percent: int) -> bool:
        """Make it as bright as that; False where the system does not let us."""
        most = _number(self.path / "max_brightness")
        if not most:
            return False
        level = max(1, most * max(LOWEST_PERCENT, min(100, percent)) // 100)
        try:
            (self.path / "brightness").write_text(str(level), "ascii")
        except OSError:
            return False
        return True


def find_backlight(folder: Path = CLASS) -> Backlight | None:
    """Return the first panel whose brightness can be set, or None."""
    try:
        return next((Backlight(it) for it in sorted(folder.iterdir())), None)
    except OSError:
        return None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None
