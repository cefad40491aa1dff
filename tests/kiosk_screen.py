"""A screen with a finger, a mouse and a keyboard, for the kiosk that really starts.

Xorg's dummy driver shows nothing, and its `inputtest` driver takes events over a socket and hands
them on as a device would (inputtestdrv(4), xf86-input-inputtest-protocol.h of xorg-server). cage
runs in a window of it. What no X server stands for is the kernel's half: console, graphics card
and libinput.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

KIOSK: Final = Path(__file__).parent.parent / "systemd/kiosk"
FONTS: Final = Path(__file__).parent.parent / "terminal/fonts"
WIDTH, HEIGHT = 1024, 768
"""The window in which wlroots shows an output; without a window manager nobody changes it."""
PROGRAMS: Final = {
    "cage": "cage",
    "foot": "foot",
    "grim": "grim",
    "Xorg": "xserver-xorg-core",
    "Xwayland": "xwayland",
    "setpriv": "util-linux",
}
DRIVERS: Final = {
    "input/inputtest_drv.so": "xserver-xorg-core",
    "drivers/dummy_drv.so": "xserver-xorg-video-dummy",
}
MODULES: Final = Path("/usr/lib/xorg/modules")
CONSOLE: Final = Path("/dev/tty0")
TOUCH_SINCE: Final = (1, 15)
"""The first foot that listens to fingers (its changelog, #517)."""
NO_TOUCH: Final = "this foot hears no touch: that needs 1.15, which Debian 13 has"
NOBODY: Final = 65534
"""cage and foot are not to run as root, nor need to."""
READ_ALL: Final = "+dac_override,+dac_read_search"
TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 10.0

XORG_CONF = """
Section "ServerFlags"
  Option "DontVTSwitch" "true"
  Option "AutoAddDevices" "false"
  Option "AutoAddGPU" "false"
EndSection
Section "Device"
  Identifier "card"
  Driver "dummy"
  VideoRam 16000
EndSection
Section "Monitor"
  Identifier "monitor"
  HorizSync 5-1000
  VertRefresh 5-200
EndSection
Section "Screen"
  Identifier "screen"
  Device "card"
  Monitor "monitor"
  DefaultDepth 24
  SubSection "Display"
    Modes "{width}x{height}"
    Virtual {width} {height}
  EndSubSection
EndSection
{devices}
Section "ServerLayout"
  Identifier "layout"
  Screen "screen"
  InputDevice "Touch"
  InputDevice "PointerAbsolute" "CorePointer"
  InputDevice "Keyboard" "CoreKeyboard"
EndSection
"""
DEVICE = """
Section "InputDevice"
  Identifier "{kind}"
  Driver "inputtest"
  Option "SocketPath" "{folder}/{kind}"
  Option "DeviceType" "{kind}"
EndSection
"""

# xf86-input-inputtest-protocol.h: kinds of events and answers, sizes with C's own padding.
_CLIENT_VERSION, _WAIT_FOR_SYNC, _MOTION, _BUTTON, _KEY, _TOUCH = 0, 1, 2, 4, 5, 6
_VERSION = (1, 1)
_VALUATORS_MAX = 64
_ANSWER_BYTES = {_CLIENT_VERSION: 12, _WAIT_FOR_SYNC: 8}
_AXIS_MAX = 0xFFFF
_TOUCH_BEGIN, _TOUCH_UPDATE, _TOUCH_END = 18, 19, 20
"""XI2.h, event types."""
_LEFT = 1
_EVDEV_TO_X = 8
"""X keycodes are the kernel's plus eight."""


def missing_for_a_screen() -> str | None:
    """Say what is not there for such a screen, or None when all is."""
    lacking = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    lacking += [package for file, package in DRIVERS.items() if not (MODULES / file).exists()]
    if lacking:
        return f"apt-get install {' '.join(sorted(set(lacking)))}"
    return None if CONSOLE.exists() else f"Xorg does not start without {CONSOLE}"


def foot_hears_touch() -> bool:
    """Whether the foot that is installed knows fingers."""
    said = subprocess.run(["foot", "--version"], check=True, capture_output=True, text=True).stdout
    found = re.search(r"version: (\d+)\.(\d+)", said)
    assert found, said
    return (int(found[1]), int(found[2])) >= TOUCH_SINCE


class Device:
    """One input device of the X server, driven by us."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(TIMEOUT_S)
        self._socket.connect(str(path))
        self._say(_CLIENT_VERSION, struct.pack("=HH", *_VERSION))
        self._hear(_CLIENT_VERSION)

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()

    def touch(self, x: int, y: int) -> None:
        """Put a finger on a pixel."""
        self._touch(_TOUCH_BEGIN, x, y)

    def slide(self, x: int, y: int) -> None:
        """Move the finger, which stays on the glass."""
        self._touch(_TOUCH_UPDATE, x, y)

    def lift(self, x: int, y: int) -> None:
        """Take the finger away."""
        self._touch(_TOUCH_END, x, y)

    def click(self, x: int, y: int) -> None:
        """Press and release the left button on a pixel."""
        self._say(_MOTION, struct.pack("=I4x", 1) + _valuators(x, y))
        for is_press in (1, 0):
            self._say(_BUTTON, struct.pack("=iiI4x", 0, _LEFT, is_press) + _valuators())
        self._sync()

    def press(self, *codes: int) -> None:
        """Press keys in this order, as the kernel numbers them, and release them backwards."""
        for code in codes:
            self._say(_KEY, struct.pack("=iI", code + _EVDEV_TO_X, 1))
        for code in reversed(codes):
            self._say(_KEY, struct.pack("=iI", code + _EVDEV_TO_X, 0))
        self._sync()

    def _touch(self, kind: int, x: int, y: int) -> None:
        self._say(_TOUCH, struct.pack("=II", 0, kind) + _valuators(x, y))
        self._sync()

    def _sync(self) -> None:
        self._say(_WAIT_FOR_SYNC, b"")
        self._hear(_WAIT_FOR_SYNC)

    def _say(self, kind: int, body: bytes) -> None:
        self._socket.sendall(struct.pack("=II", 8 + len(body), kind) + body)

    def _hear(self, kind: int) -> None:
        wanted = _ANSWER_BYTES[kind]
        heard = b""
        while len(heard) < wanted:
            heard += self._socket.recv(wanted - len(heard))
        assert struct.unpack("=II", heard[:8]) == (wanted, kind), heard


def _valuators(*pixels: int) -> bytes:
    """The axes of a position, or of none: a mask of those that are given, and their values."""
    sizes = (WIDTH, HEIGHT)
    axes = [(pixel + 0.5) * _AXIS_MAX / size for pixel, size in zip(pixels, sizes, strict=False)]
    mask = (1 << len(axes)) - 1
    values = axes + [0.0] * (_VALUATORS_MAX - len(axes))
    unaccelerated = [0.0] * _VALUATORS_MAX
    packed = struct.pack(f"={2 * _VALUATORS_MAX}d", *values, *unaccelerated)
    return struct.pack("=IQ4x", 0, mask) + packed


class KioskScreen:
    """The kiosk on its screen, with somebody in front of it."""

    def __init__(self, folder: Path, devices: Mapping[str, Device]) -> None:
        self.finger = devices["Touch"]
        self.mouse = devices["PointerAbsolute"]
        self.keyboard = devices["Keyboard"]
        self._folder = folder

    def picture(self) -> bytes:
        """What is to be seen, as a PPM."""
        (display,) = self._folder.glob("wayland-?")
        environment = {"XDG_RUNTIME_DIR": str(self._folder), "WAYLAND_DISPLAY": display.name}
        grim = ["grim", "-t", "ppm", "-"]
        return subprocess.run(
            grim, check=True, capture_output=True, env=os.environ | environment
        ).stdout


@contextmanager
def kiosk_screen(folder: Path, environment: dict[str, str]) -> Iterator[KioskScreen]:
    """Start X, cage, and in it what the till's unit starts; `folder` is short and ours alone."""
    with ExitStack() as stack:
        display = stack.enter_context(_xorg(folder))
        devices = {}
        for kind in ("Touch", "PointerAbsolute", "Keyboard"):
            devices[kind] = Device(folder / kind)
            stack.callback(devices[kind].close)
        own = {
            "DISPLAY": display,
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder / "data"),
            "XDG_RUNTIME_DIR": str(folder),
            "WLR_BACKENDS": "x11",
            "WLR_RENDERER": "pixman",
            "CLAFOUTIS_PANEL": f"{WIDTH}x{HEIGHT}",
        }
        stack.enter_context(_running(_cage(folder), folder / "cage.log", own | environment))
        yield KioskScreen(folder, devices)


def _cage(folder: Path) -> list[str]:
    """The unit's command, with what this foot understands of our settings; as nobody."""
    kiosk = folder / "kiosk"
    shutil.copytree(KIOSK, kiosk)
    shutil.copytree(FONTS, folder / "data/fonts")
    ini = (kiosk / "foot.ini").read_text()
    if not foot_hears_touch():
        for section in ("security", "touch", "desktop-notifications"):
            ini = re.sub(rf"(?ms)^\[{section}\]$.*?(?=^\[)", "", ini)
        (kiosk / "foot.ini").write_text(ini)
    if os.geteuid() != 0:
        return ["cage", "--", str(kiosk / "face")]
    folder.chmod(0o700)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    # root's own Python may lie where nobody else may look, and so may what a test has made.
    reader = [f"--{kind}-caps=-all,{READ_ALL}" for kind in ("inh", "ambient")]
    return [*nobody, *reader, "cage", "--", str(kiosk / "face")]


@contextmanager
def _xorg(folder: Path) -> Iterator[str]:
    """An X server with our devices; its display."""
    kinds = ("Touch", "PointerAbsolute", "Keyboard")
    devices = "".join(DEVICE.format(kind=kind, folder=folder) for kind in kinds)
    conf = folder / "xorg.conf"
    conf.write_text(XORG_CONF.format(width=WIDTH, height=HEIGHT, devices=devices))
    reading, writing = os.pipe()
    options = ["-noreset", "-novtswitch", "-sharevts", "-ac", "-nolisten", "tcp"]
    files = ["-config", str(conf), "-logfile", str(folder / "xorg.log")]
    command = ["Xorg", *files, *options, "-displayfd", str(writing)]
    with _running(command, folder / "xorg.out", os.environ, pass_fds=(writing,)):
        os.close(writing)
        with os.fdopen(reading) as said:
            number = said.readline().strip()
        assert number, (folder / "xorg.log").read_text()
        yield f":{number}"


@contextmanager
def _running(
    command: list[str], log: Path, environment: Mapping[str, str], *, pass_fds: tuple[int, ...] = ()
) -> Iterator[None]:
    """Run a program until the context ends; killed when it does not end by itself."""
    with log.open("wb") as out:
        program = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            pass_fds=pass_fds,
            start_new_session=True,
        )
    try:
        yield
    finally:
        program.terminate()
        try:
            program.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
