"""The scripts between cage and the till, run with programs of the test's own in the place of foot.

Whether cage and foot do with it what they should is seen in `test_kiosk.py`.
"""

from __future__ import annotations

import configparser
import re
import signal
import subprocess
from pathlib import Path

import pytest

from terminal.context import Exit

KIOSK = Path(__file__).parent.parent / "systemd/kiosk"
FACE = KIOSK / "face"
TILL = KIOSK / "till"
COLUMNS_MIN, ROWS_MIN = 60, 18
SEEN = 75
ADVANCE = 0.632
"""Of Atkinson Hyperlegible Mono, in em: 632 units of 1000 in terminal/fonts."""

PANELS = {
    "480x320": (12, 17),
    "480x800": (12, 20),
    "800x480": (20, 26),
    "1024x600": (26, 33),
    "1280x400": (18, 22),
    "1280x720": (33, 40),
    "1280x800": (33, 44),
    "1920x1080": (50, 60),
}
"""Size of the letters and height of a row in pixels, as a real foot 1.21 was seen to fit them."""


def program(path: Path, script: str) -> Path:
    """Make a shell script that stands in for a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def run(script: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script of the kiosk with nothing but this in its environment."""
    path = {"PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [script], check=False, capture_output=True, text=True, env=path | environment
    )


# The letters


def letters(tmp_path: Path, environment: dict[str, str]) -> tuple[int, int]:
    """What `face` asks foot for: pixels of a letter and of a row."""
    program(tmp_path / "foot", 'printf "%s\\n" "$@"')
    done = run(FACE, {"PATH": f"{tmp_path}:/usr/bin:/bin"} | environment)
    assert (done.returncode, done.stderr) == (0, "")
    sizes = re.findall(r"Atkinson Hyperlegible Mono:pixelsize=(\d+),", done.stdout)
    rows = re.findall(r"line-height=(\d+)px", done.stdout)
    return int(*sizes), int(*rows)


@pytest.mark.parametrize("panel", PANELS)
def test_letters_are_as_large_as_the_panel_allows(tmp_path: Path, panel: str) -> None:
    """Promise: at least 60 columns and 18 rows on every panel, in letters of the known size."""
    size, row = letters(tmp_path, {"CLAFOUTIS_PANEL": panel})
    assert (size, row) == PANELS[panel]
    width, height = map(int, panel.split("x"))
    assert width // round(size * ADVANCE) >= COLUMNS_MIN
    assert height // row >= ROWS_MIN


def test_the_kernel_says_which_panel_there_is(tmp_path: Path) -> None:
    """Promise: the first mode of the output that has a screen counts; sockets without one don't."""
    for output, status, modes in (
        ("card0", "", ""),
        ("card1-HDMI-A-1", "disconnected", "640x480\n"),
        ("card1-HDMI-A-2", "connected", "1920x1080i\n800x480\n"),
        ("card1-Writeback-1", "unknown", ""),
    ):
        folder = tmp_path / "drm" / output
        folder.mkdir(parents=True)
        (folder / "status").write_text(f"{status}\n")
        (folder / "modes").write_text(modes)
    drm = {"CLAFOUTIS_DRM": str(tmp_path / "drm")}
    assert letters(tmp_path, drm) == PANELS["1920x1080"]
    assert letters(tmp_path, drm | {"CLAFOUTIS_PANEL": "480x320"}) == PANELS["480x320"]


@pytest.mark.parametrize("panel", ["", "0x0", "800", "x480", "800x", "08x09", "large", "-8x4"])
def test_an_unknown_panel_is_taken_for_the_usual_one(tmp_path: Path, panel: str) -> None:
    """Promise: a setting that is no size, or a kernel that says nothing, stops no till."""
    environment = {"CLAFOUTIS_DRM": str(tmp_path / "none"), "CLAFOUTIS_PANEL": panel}
    assert letters(tmp_path, environment) == PANELS["800x480"]


# The till, or the page


def till(tmp_path: Path, *, ui: str, page: str = "exit 0", age_s: int = 0) -> dict[str, str]:
    """Make the programs that `till` starts; what they were asked stands in the file `asked`."""
    asked = tmp_path / "asked"
    note = f'echo "$(basename "$0") $*" >> {asked}'
    program(tmp_path / "clafoutis-terminal", f"{note}\n{ui}")
    program(tmp_path / "python", f"{note}\n{page}")
    clock = f"if [ -e {tmp_path}/cut.n ]; then echo {age_s}; else : > {tmp_path}/cut.n; echo 0; fi"
    program(tmp_path / "path/cut", clock)
    program(tmp_path / "path/sleep", "exit 0")
    return {
        "PATH": f"{tmp_path / 'path'}:/usr/bin:/bin",
        "CLAFOUTIS_PROGRAMS": str(tmp_path),
        "CLAFOUTIS_CONTACT": "Marie 06 12 34 56 78",
    }


def asked(tmp_path: Path) -> list[str]:
    """The commands that were started, in order."""
    return (tmp_path / "asked").read_text().splitlines()


LOOK = "python -P -m terminal.trouble"
UI = "clafoutis-terminal ui"


def test_data_is_looked_at_before_the_till_starts(tmp_path: Path) -> None:
    """Promise: a till whose data can't be used is not started once the page was seen."""
    done = run(TILL, till(tmp_path, ui="exit 0", page=f"exit {SEEN}"))
    assert done.returncode == SEEN
    assert asked(tmp_path) == [LOOK]


def test_a_till_that_was_left_ends_without_a_page(tmp_path: Path) -> None:
    """Promise: a wanted end is no trouble."""
    done = run(TILL, till(tmp_path, ui="exit 0"))
    assert done.returncode == 0
    assert asked(tmp_path) == [LOOK, UI]


def test_a_till_that_dies_at_its_start_says_why(tmp_path: Path) -> None:
    """Promise: a damaged journal shows a page and no flicker of a program that starts and ends."""
    page = f'[ -z "$4" ] || exit {SEEN}'
    done = run(TILL, till(tmp_path, ui=f"exit {Exit.JOURNAL.value}", page=page, age_s=29))
    assert done.returncode == SEEN
    assert asked(tmp_path) == [LOOK, UI, f"{LOOK} {Exit.JOURNAL.value}"]


def test_a_till_that_had_worked_comes_back_at_once(tmp_path: Path) -> None:
    """Promise: a crash in the middle of a market costs seconds: no page waits to be touched."""
    done = run(TILL, till(tmp_path, ui="kill -KILL $$", age_s=30))
    assert done.returncode == 128 + signal.SIGKILL
    assert asked(tmp_path) == [LOOK, UI]


@pytest.mark.parametrize("page", ["exit 1", "exit 126", "kill -SEGV $$"])
def test_without_python_the_script_has_the_last_word(tmp_path: Path, page: str) -> None:
    """Promise: when not even the page runs, the screen still says in French whom to call."""
    done = run(TILL, till(tmp_path, ui="exit 0", page=page))
    assert done.returncode == SEEN
    assert asked(tmp_path) == [LOOK]
    assert "Le terminal ne peut pas démarrer" in done.stdout
    assert "Appelez l’animatrice : Marie 06 12 34 56 78" in done.stdout


def test_keys_that_kill_are_not_for_the_till(tmp_path: Path) -> None:
    """Promise: what is started here can't be interrupted, quit or stopped by a key's signal."""
    ignored = "sed -n 's/^SigIgn:[[:space:]]*//p' /proc/$$/status"
    done = run(TILL, till(tmp_path, ui=ignored))
    mask = int(done.stdout, 16)
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
        assert mask >> (number - 1) & 1, number


def test_the_end_of_a_till_is_journalled(tmp_path: Path) -> None:
    """Promise: the reason of an end stands where a support person looks, not on a lost screen."""
    environment = till(tmp_path, ui="exit 9", age_s=30)
    done = subprocess.run(
        ["sh", "-c", 'exec 3>&2; exec "$0" 2>/dev/null', TILL],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.stderr == "clafoutis: the till ended with status 9\n"


# foot's own keys

DEFAULTS = Path("/etc/xdg/foot/foot.ini")
REFUSED = {"selection-override-modifiers"}
"""foot does not take `none` for it."""


def test_foot_has_no_key_of_its_own() -> None:
    """Promise: no key and no finger opens a second terminal, a search, a clipboard or a scroll."""
    if not DEFAULTS.exists():
        pytest.skip(f"foot is not installed: no {DEFAULTS} to compare with")
    ours = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    ours.read_string(f"[main]\n{(KIOSK / 'foot.ini').read_text()}")
    section = ""
    for line in DEFAULTS.read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        found = re.fullmatch(r"# ([a-z-]+) ?= ?(.*)", line)
        if found is None or section not in {"key-bindings", "mouse-bindings"}:
            continue
        name, default = found.groups()
        if default.split("#")[0].strip() == "none" or default.startswith("["):
            continue
        if name not in REFUSED:
            assert ours[section][name] == "none", name


def test_a_slip_of_a_finger_is_a_tap() -> None:
    """Promise: a finger that moves while it touches presses the key and does not scroll."""
    text = (KIOSK / "foot.ini").read_text()
    assert "\n[touch]\n" in text
    assert "\nlong-press-delay=0\n" in text
    assert "\nosc52=disabled\n" in text
