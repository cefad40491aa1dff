"""The page that stands on the screen when no till can: what happened, what is kept, whom to call.

    python -m terminal.trouble          looks at the data and shows the page if it can't be used
    python -m terminal.trouble STATUS   says why a till that ended with that status did

Ends with 0 when there is nothing to say, and with 75 once the page was seen. It stands on Python,
rich and little of ours, because it is for the day on which the rest is damaged.
"""

from __future__ import annotations

import gettext
import os
import select
import struct
import sys
import termios
import tty
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum, unique
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cardkit.frozen import dataclass
from cardkit.language import catalogue, language_of
from terminal.config import DATA_DEFAULT, DATA_VARIABLE
from terminal.watchdog import Watchdog

if TYPE_CHECKING:
    from rich.console import Console

CONTACT_VARIABLE: Final = "CLAFOUTIS_CONTACT"
"""Whom to call, as people write it: a name and a number."""
NOTHING: Final = 0
SEEN: Final = 75
"""EX_TEMPFAIL of sysexits.h: try again later."""
RETRY_AFTER_S: Final = 60.0
"""A partition may turn up late, and a stand without anybody has nobody to touch it."""

_SYSTEM: Final = Path("/")
_FSTAB: Final = Path("/etc/fstab")
_MOUNTS: Final = Path("/proc/self/mountinfo")
_FORGETFUL: Final = frozenset({"tmpfs", "ramfs", "overlay"})
"""Filesystems whose content is gone when the power is."""
_ALIVE_EVERY_S: Final = 10.0
_INPUT_BYTES_MAX: Final = 64
_MOUSE_ON: Final = "\x1b[?1000h\x1b[?25l"
_MOUSE_OFF: Final = "\x1b[?1000l\x1b[?25h"
"""A touch is a press of the mouse (XTerm Control Sequences, "Mouse Tracking"); and no cursor."""
_LOCALE: Final = Path(__file__).parent / "locale"
_DOMAIN: Final = "clafoutis"


@unique
class Trouble(Enum):
    """Why there is no till on this screen."""

    FORGETFUL = "forgetful"
    """The data would be gone with the power."""
    ABSENT = "absent"
    """The data has a partition of its own, which is not there."""
    UNREADABLE = "unreadable"
    """The data is there and can't be read."""
    READ_ONLY = "read-only"
    """Nothing can be written: after an error of the disk Linux protects what is left."""
    DAMAGED = "damaged"
    """The journal does not verify, or can't be written."""
    SETTINGS = "settings"
    """The till was started wrongly, which a person has to put right."""
    ENDED = "ended"
    """The till ended, for a reason that stands in the system's journal."""


_TROUBLE_OF_STATUS: Final = {6: Trouble.DAMAGED, 64: Trouble.SETTINGS}
"""As `clafoutis-terminal` ends; every other status is an end that nobody foresaw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """What Linux says of its filesystems."""

    root_device: int
    fstab: str
    """fstab(5)."""
    mounts: str
    """/proc/self/mountinfo, as in proc(5)."""

    @classmethod
    def of_this_computer(cls) -> System:
        """Read it here and now; what can't be read promises nothing."""
        return cls(root_device=_SYSTEM.stat().st_dev, fstab=_text(_FSTAB), mounts=_text(_MOUNTS))

    def promises(self, path: Path) -> bool:
        """Say whether a partition other than the system's own is meant to hold a path."""
        fields = (line.split() for line in self.fstab.splitlines())
        points = [it[1] for it in fields if len(it) > 2 and not it[0].startswith("#")]
        return any(Path(it) in (path, *path.parents) for it in points if it != str(_SYSTEM))

    def kind(self, device: int) -> str | None:
        """Return the type of the filesystem with a device number."""
        number = f"{os.major(device)}:{os.minor(device)}"
        for line in self.mounts.splitlines():
            before, _, after = line.partition(" - ")
            if before.split()[2:3] == [number]:
                return after.split()[0]
        return None


def find_trouble(data: Path, system: System) -> Trouble | None:
    """Return why a data directory can't be used; one that is not there yet can be made."""
    path = data
    try:
        while not path.exists():
            path = path.parent
        device = path.stat().st_dev
        if device == system.root_device and system.promises(data):
            return Trouble.ABSENT
        if system.kind(device) in _FORGETFUL:
            return Trouble.FORGETFUL
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            return Trouble.READ_ONLY
        for found in data.iterdir() if path == data else ():
            if found.is_file():
                _read_a_byte(found)
    except OSError:
        return Trouble.UNREADABLE
    return None


def trouble_of(status: int) -> Trouble:
    """Return what an exit status of the till means to the person in front of it."""
    return _TROUBLE_OF_STATUS.get(status, Trouble.ENDED)


def words_of(environment: Mapping[str, str], locale: Path = _LOCALE) -> gettext.NullTranslations:
    """Return our sentences, or the code's own English where the catalogue itself is damaged."""
    try:
        return catalogue(_DOMAIN, locale, language=language_of(environment))
    except (OSError, ValueError, struct.error):
        return gettext.NullTranslations()


def print_page(
    console: Console, trouble: Trouble, *, environment: Mapping[str, str], note: str = ""
) -> None:
    """Print the page: at most 17 rows of 60 columns, so that nothing of it scrolls away."""
    words = words_of(environment)
    _ = words.gettext
    contact = environment.get(CONTACT_VARIABLE, "").strip()
    call = _("Call the coordinator: {contact}").format(contact=contact)
    console.print(_("The till cannot start"), style="bold reverse", justify="center")
    for paragraph in (_what_happened(trouble, words), _what_is_kept(trouble, words)):
        console.print(f"\n{paragraph}", highlight=False, markup=False)
    console.print(_("Until then, take other payment than cards."), highlight=False)
    console.print(
        f"\n{call if contact else _('Call the coordinator.')}",
        style="bold",
        highlight=False,
        markup=False,
    )
    console.print(f"({trouble.value}{note})", style="dim", highlight=False, markup=False)
    console.print(f"\n{_('Touch the screen, or press a key, to try again.')}", highlight=False)


def wait_for_person(descriptor: int, watchdog: Watchdog, *, retry_after_s: float) -> None:
    """Return when a key or the screen was touched, or after so many seconds; systemd hears us."""
    pause_s = min(watchdog.interval_s or _ALIVE_EVERY_S, retry_after_s)
    waited_s = 0.0
    while waited_s < retry_after_s:
        watchdog.alive()
        touched, _, _ = select.select([descriptor], [], [], pause_s)
        if touched:
            os.read(descriptor, _INPUT_BYTES_MAX)
            return
        waited_s += pause_s


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Show the page if there is reason to, and return the exit status."""
    note = ""
    if arguments:
        trouble: Trouble | None = trouble_of(int(arguments[0]))
        note = f" {arguments[0]}"
    else:
        data = Path(environment.get(DATA_VARIABLE) or DATA_DEFAULT)
        trouble = find_trouble(data, System.of_this_computer())
    if trouble is None:
        return NOTHING
    from rich.console import Console  # noqa: PLC0415 - a till that is well does not need it

    watchdog = Watchdog.from_environment(environment)
    console = Console()
    with _all_keys(sys.stdin.fileno()):
        console.clear()
        console.file.write(_MOUSE_ON)
        print_page(console, trouble, environment=environment, note=note)
        console.file.flush()
        watchdog.ready()
        watchdog.status(f"no till: {trouble.value}{note}")
        wait_for_person(sys.stdin.fileno(), watchdog, retry_after_s=RETRY_AFTER_S)
        console.file.write(_MOUSE_OFF)
    return SEEN


@contextmanager
def _all_keys(descriptor: int) -> Iterator[None]:
    """Let every key arrive as a key, Ctrl-C too; where there is no terminal, nothing changes."""
    if not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor, termios.TCSANOW)
    # Rows still end with a carriage return.
    now = termios.tcgetattr(descriptor)
    now[1] |= termios.OPOST
    termios.tcsetattr(descriptor, termios.TCSANOW, now)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)


def _read_a_byte(path: Path) -> None:
    """Read where damage shows: a file may open and its first block not be there; raises OSError."""
    with path.open("rb") as file:
        file.read(1)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""


def _what_happened(trouble: Trouble, words: gettext.NullTranslations) -> str:
    _ = words.gettext
    return {
        Trouble.FORGETFUL: _(
            "The place for the sales is a memory that forgets when the power goes."
        ),
        Trouble.ABSENT: _("The part of the memory card that holds the sales does not answer."),
        Trouble.UNREADABLE: _("The till's data is there, but cannot be read."),
        Trouble.READ_ONLY: _("The memory card had an error: nothing more can be written to it."),
        Trouble.DAMAGED: _("The journal of the sales is damaged, or cannot be written."),
        Trouble.SETTINGS: _("A setting of this till is wrong, such as its merchant or its reader."),
        Trouble.ENDED: _("The till stopped as soon as it had started."),
    }[trouble]


def _what_is_kept(trouble: Trouble, words: gettext.NullTranslations) -> str:
    _ = words.gettext
    if trouble in {Trouble.FORGETFUL, Trouble.SETTINGS, Trouble.ENDED}:
        return _("Nothing is lost: what was sold is kept, and nothing is sold now.")
    return _(
        "What was sent is kept by the caisse. What was not is on the memory card: leave it in,"
        " and do not erase anything."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
