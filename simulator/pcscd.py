"""A private pcscd with two virtual slots, for one test session or one demo.

The daemon gets its client socket by systemd's socket activation and its own configuration, so
it disturbs no other; clients find it through `environment` (`PCSCLITE_CSOCK_NAME`).
Nothing of this process is changed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from cardkit.errors import ReaderMissing

logger = logging.getLogger(__name__)

PROGRAMS = {"pcscd": "pcscd", "setpriv": "util-linux", "unshare": "util-linux"}
DRIVER = "libifdvpcd.so"
DRIVER_FOLDERS = (Path("/usr/lib/pcsc/drivers/serial"), Path("/usr/lib64/pcsc/drivers/serial"))
SLOT_NAME = "Virtual PCD"
SLOTS = 2
# Below the range that Linux hands out by itself.
PORTS = range(20200, 30200)
PORT_ATTEMPTS = 20
START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 5.0
PAUSE_S = 0.01
LISTENING = "0A"
# Hands the listening socket, its input, on as descriptor 3; LISTEN_PID has to be the daemon's.
ACTIVATE = 'exec 3<&0 </dev/null; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"'
# The daemon writes its process number to /run/pcscd whatever it is told: who may not, gets a /run
# of his own in a namespace of his own.
OWN_RUN_FOLDER = (
    *("unshare", "--user", "--map-root-user", "--mount"),
    *("/bin/sh", "-c", 'mount -t tmpfs none /run && exec "$@"', "sh"),
)
FASTPOLL_SOURCE = Path(__file__).with_name("fastpoll.c")


def available() -> str | None:
    """Say what is missing for a private pcscd, or None when nothing is."""
    if driver() is None:
        return f"{DRIVER} is missing: apt-get install vsmartcard-vpcd"
    for program, package in PROGRAMS.items():
        if _program(program) is None:
            return f"{program} is missing: apt-get install {package}"
    return None


def driver() -> Path | None:
    """The vpcd driver, where Debian keeps it."""
    return next((path for folder in DRIVER_FOLDERS if (path := folder / DRIVER).exists()), None)


class PrivatePcscd:
    """A running daemon while the context lasts; raises ReaderMissing when it can't be had.

    `fastpoll`: notice a card within about 10 ms and not 400; where no compiler is found the
    daemon keeps its own rate. `slot_name` is what PC/SC shows, up to the slot's number.
    """

    def __init__(self, *, fastpoll: bool = False, slot_name: str = SLOT_NAME) -> None:
        self._fastpoll = fastpoll
        self._slot_name = slot_name
        self._stack = contextlib.ExitStack()
        self._folder = Path()
        self.port = 0

    @property
    def environment(self) -> dict[str, str]:
        """What a client's environment must hold to find this daemon."""
        return {"PCSCLITE_CSOCK_NAME": str(self._folder / "pcscd.comm")}

    @property
    def reader_names(self) -> tuple[str, ...]:
        """The readers as PC/SC names them; slot n is served at `port` + n."""
        return tuple(f"{self._slot_name} 00 {slot:02X}" for slot in range(SLOTS))

    def __enter__(self) -> Self:
        missing = available()
        if missing is not None:
            raise ReaderMissing(missing)
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pcscd-"))
            self._folder = Path(folder)
            self.port = _free_port()
            self._await_slots(stack.enter_context(self._running()))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def _running(self) -> Iterator[subprocess.Popen[bytes]]:
        """The daemon with its socket, until the context ends."""
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener,
            (self._folder / "pcscd.log").open("wb") as log,
        ):
            listener.bind(self.environment["PCSCLITE_CSOCK_NAME"])
            listener.listen()
            daemon = subprocess.Popen(
                self._command(),
                env=os.environ | self._preload(),
                stdin=listener.fileno(),
                stdout=log,
                stderr=log,
            )
            # From here on only the daemon accepts: with a second listener open, the clients of
            # a daemon that died would wait for ever.
            listener.close()
            try:
                yield daemon
            finally:
                _stop(daemon)

    def _command(self) -> list[str]:
        configuration = self._folder / "readers"
        configuration.mkdir()
        (configuration / "vpcd").write_text(
            f'FRIENDLYNAME "{self._slot_name}"\n'
            f"DEVICENAME /dev/null:0x{self.port:04X}\n"
            f"LIBPATH {driver()}\n"
            f"CHANNELID 0x{self.port:04X}\n"
        )
        pcscd = _program("pcscd") or "pcscd"
        daemon = [pcscd, "--foreground", "--config", str(configuration), *_polkit_option(pcscd)]
        shell = ["/bin/sh", "-c", ACTIVATE, "sh", *daemon]
        # Should this process be killed, the daemon must not stay behind and hold its port.
        guarded = ["setpriv", "--pdeathsig", "TERM", *shell]
        return guarded if os.geteuid() == 0 else [*OWN_RUN_FOLDER, *guarded]

    def _preload(self) -> dict[str, str]:
        """What makes the daemon poll faster, compiled on the spot."""
        compiler = shutil.which("gcc")
        if not self._fastpoll or compiler is None:
            return {}
        library = self._folder / "fastpoll.so"
        command = [compiler, "-O2", "-shared", "-fPIC", str(FASTPOLL_SOURCE), "-o", str(library)]
        built = subprocess.run([*command, "-ldl"], capture_output=True, check=False)
        if built.returncode != 0:
            logger.warning("pcscd keeps its own rate: %s", built.stderr.decode(errors="replace"))
            return {}
        return {"LD_PRELOAD": str(library)}

    def _await_slots(self, daemon: subprocess.Popen[bytes]) -> None:
        """Wait until the daemon itself listens for both slots.

        A connection would be a card, so the kernel's table is read instead. A daemon that found
        a port taken lives on without readers: it never gets here.
        """
        wanted = {self.port + slot for slot in range(SLOTS)}
        deadline = time.monotonic() + START_TIMEOUT_S
        while not wanted <= listening_ports(daemon.pid):
            if daemon.poll() is not None or time.monotonic() > deadline:
                log = (self._folder / "pcscd.log").read_text(errors="replace")
                raise ReaderMissing(f"pcscd shows no virtual reader: {log[-2000:]}")
            time.sleep(PAUSE_S)


def _program(name: str) -> str | None:
    """Find a program, also where only root's PATH leads."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def _polkit_option(pcscd: str) -> list[str]:
    """Newer daemons refuse everybody where no polkit answers; older ones lack the option."""
    shown = subprocess.run([pcscd, "--help"], capture_output=True, check=False)
    option = "--disable-polkit"
    return [option] if option.encode() in shown.stdout + shown.stderr else []


def _free_port() -> int:
    """A port that is free together with the next one, on every address as vpcd binds it.

    Drawn and not the first that is free: test workers start at the same moment.
    """
    for _ in range(PORT_ATTEMPTS):
        port = PORTS.start + secrets.randbelow(len(PORTS))
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for slot in range(SLOTS):
                probe = stack.enter_context(socket.socket())
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("", port + slot))
            return port
    raise ReaderMissing(f"no two free ports from {PORTS.start} to {PORTS.stop}")


def listening_ports(pid: int) -> set[int]:
    """TCP ports on which this process listens; none when it has gone."""
    ports = set()
    with contextlib.suppress(OSError):
        links = _descriptors(pid)
        for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
            _, local, _, state, _, _, _, _, _, inode, *_ = line.split()
            if state == LISTENING and f"socket:[{inode}]" in links:
                ports.add(int(local.rpartition(":")[2], 16))
    return ports


def _descriptors(pid: int) -> set[str]:
    """What a process has open; a descriptor that closes meanwhile is left out."""
    links = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            links.add(str(entry.readlink()))
    return links


def _stop(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()
