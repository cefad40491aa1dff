"""The signs of life that the till gives to systemd, received by a socket like systemd's own."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from terminal.watchdog import Watchdog

DATAGRAM_BYTES_MAX = 4096


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """A datagram socket that is bound where a service manager's would be."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        yield listener


def told(manager: socket.socket) -> list[bytes]:
    """What has arrived so far."""
    heard = []
    try:
        while True:
            heard.append(manager.recv(DATAGRAM_BYTES_MAX))
    except BlockingIOError:
        return heard


def test_systemd_hears_each_sign(manager: socket.socket) -> None:
    """Promise: readiness, life, a line for people and the end reach systemd as it expects them."""
    watchdog = Watchdog.from_environment({"NOTIFY_SOCKET": str(manager.getsockname())})
    watchdog.ready()
    watchdog.alive()
    watchdog.status("vente en cours")
    watchdog.stopping()
    assert told(manager) == [b"READY=1", b"WATCHDOG=1", b"STATUS=vente en cours", b"STOPPING=1"]


def test_an_abstract_socket_is_found(tmp_path: Path) -> None:
    """Promise: a manager in a container, whose socket's name begins with @, hears us too."""
    name = f"clafoutis-{tmp_path}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0{name}")
        listener.setblocking(False)
        Watchdog.from_environment({"NOTIFY_SOCKET": f"@{name}"}).alive()
        assert told(listener) == [b"WATCHDOG=1"]


def test_a_status_is_one_line(manager: socket.socket) -> None:
    """Promise: a text with line ends in it is no second message, such as a false READY=1."""
    watchdog = Watchdog.from_environment({"NOTIFY_SOCKET": str(manager.getsockname())})
    watchdog.status("lecteur\nREADY=1\n")
    assert told(manager) == [b"STATUS=lecteur READY=1"]


@pytest.mark.parametrize(
    ("environment", "interval_s"),
    [
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, 15.0),
        ({}, None),
        ({"WATCHDOG_USEC": ""}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "²"}, None),
    ],
)
def test_the_pause_is_half_of_what_is_deadly(
    environment: dict[str, str], interval_s: float | None
) -> None:
    """Promise: one sign may be lost; and it is ours to give although cage is the main process."""
    assert Watchdog.from_environment(environment).interval_s == interval_s


def test_without_systemd_nothing_happens() -> None:
    """Promise: the same till runs on a desk, with nobody who listens."""
    watchdog = Watchdog.from_environment({"NOTIFY_SOCKET": ""})
    watchdog.ready()
    watchdog.stopping()
    assert watchdog.interval_s is None


def test_a_manager_that_is_gone_stops_no_till(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Promise: a socket that nobody listens at is logged, and the till sells on."""
    watchdog = Watchdog.from_environment({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    with caplog.at_level(logging.DEBUG):
        watchdog.alive()
    (record,) = caplog.records
    assert "WATCHDOG=1" in record.getMessage()
    assert record.levelno == logging.DEBUG  # a warning would be written across the screen


def test_a_manager_that_reads_nothing_holds_nobody_up(
    manager: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    """Promise: the loop that serves the screen never waits for systemd, not even a full queue."""
    watchdog = Watchdog.from_environment({"NOTIFY_SOCKET": str(manager.getsockname())})
    with caplog.at_level(logging.DEBUG):
        for _ in range(100_000):
            watchdog.alive()
            if caplog.records:
                break
    assert "temporarily unavailable" in caplog.text
    assert set(told(manager)) == {b"WATCHDOG=1"}
