"""What happens to a town: each scene breaks something real, and leaves it to be healed."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from simulator.proxy import Trouble
from simulator.town.till import Order
from simulator.town.town import Town

_SALES: Final = 4
_EXCHANGES: Final = (1, 16)
_ROOM_BYTES: Final = (4_096, 40_960)
ARRIVES_S: Final = 10.0
"""How long a request may be on its way."""
IN_HAND_S: Final = (0.0, 0.35)
"""About as long as the service takes for a request."""
_MOMENT_S: Final = (0.0, 0.15)
_ATTEMPTS: Final = 6


def till_killed(town: Town) -> None:
    """SIGKILL to a till in the middle of a sale, and again when it has come back."""
    stall = town.chance.choice(town.stalls)
    for _ in range(3):
        town.sell(stall, 1)
        exchanges = town.chance.randint(*_EXCHANGES)
        stall.order_and_kill(Order.SELL, card=town.card(), cents=town.cents(), exchanges=exchanges)
        town.counts["till_kills"] += 1
        stall.start()
        town.sell(stall, 1)


def service_killed(town: Town) -> None:
    """SIGKILL to the service while it takes in a day; it is started again."""
    stall = town.chance.choice(town.stalls)
    town.sell(stall, _SALES)
    stall.order(Order.REST)
    town.proxy.expect()
    with stall.sync() as line:
        _wait_for_request(line, town)
        town.kill_service()
        _end(line)
    town.start_service()
    stall.exchange()


def worker_killed(town: Town) -> None:
    """SIGKILL to the process that takes in a day; its master starts another one."""
    stall = town.chance.choice(town.stalls)
    town.sell(stall, _SALES)
    stall.order(Order.REST)
    town.proxy.expect()
    with stall.sync() as line:
        _wait_for_request(line, town)
        for number in town.service_processes()[1:]:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
            town.counts["worker_kills"] += 1
        _end(line)
    stall.exchange()


def service_full(town: Town) -> None:
    """No file of the service may grow beyond some size; then somebody makes room."""
    room_bytes = town.chance.randint(*_ROOM_BYTES)
    _limit_service(town, room_bytes)
    for stall in town.stalls:
        town.sell(stall, 2 * _SALES)
        town.counts["full_services"] += 1
        town.counts["refused_for_room"] += bool(stall.exchange())
    _limit_service(town, resource.RLIM_INFINITY)
    for stall in town.stalls:
        stall.exchange()


def service_stopped(town: Town) -> None:
    """SIGSTOP to the service for longer than anybody waits; then it goes on and answers nobody."""
    stall = town.chance.choice(town.stalls)
    town.sell(stall, _SALES)
    stall.order(Order.REST)
    town.proxy.expect()
    with stall.sync() as line:
        _wait_for_request(line, town)
        town.signal_service(signal.SIGSTOP)
        _wait(line, town)
        _end(line)
    town.signal_service(signal.SIGCONT)
    town.counts["stops"] += 1
    stall.exchange()


def sync_stopped(town: Town) -> None:
    """SIGSTOP to a sync process; another one has to wait for its turn, and both end well."""
    stall = town.chance.choice(town.stalls)
    town.sell(stall, _SALES)
    stall.order(Order.REST)
    town.proxy.expect()
    with stall.sync() as line, stall.sync() as other:
        _wait_for_request(line, town)
        line.send_signal(signal.SIGSTOP)
        _wait(other, town)
        line.send_signal(signal.SIGCONT)
        line.wait()
        other.wait()
    town.counts["stops"] += 1
    stall.order(Order.REST)


def disk_full(town: Town) -> None:
    """No file of a till may grow any more; somebody makes room and starts it again."""
    stall = town.chance.choice(town.stalls)
    stall.order(Order.STOP)
    stall.kill()
    largest = max(path.stat().st_size for path in stall.root.glob("*.db"))
    stall.start(file_bytes=largest + town.chance.randint(*_ROOM_BYTES))
    town.sell(stall, 3 * _SALES)
    stall.kill()
    town.counts["full_disks"] += 1
    stall.start()
    town.sell(stall, 1)


def bad_line(town: Town) -> None:
    """A day without network, then everything at once over a line that does all it can."""
    for stall in town.stalls:
        town.sell(stall, _SALES)
    for _ in range(_ATTEMPTS):
        town.proxy.trouble = town.chance.choice(list(Trouble))
        stall = town.chance.choice(town.stalls)
        stall.exchange()
    town.proxy.trouble = Trouble.NONE


SCENES: Final[tuple[Callable[[Town], None], ...]] = (
    till_killed,
    service_killed,
    worker_killed,
    service_full,
    service_stopped,
    sync_stopped,
    disk_full,
    bad_line,
)


def _limit_service(town: Town, size_bytes: int) -> None:
    """Bound the size of every file that the running service writes."""
    for number in town.service_processes():
        resource.prlimit(number, resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))


def _wait(
    line: subprocess.Popen[bytes], town: Town, moment_s: tuple[float, float] = _MOMENT_S
) -> None:
    """Let a moment go by, unless the sync is done before."""
    try:
        line.wait(town.chance.uniform(*moment_s))
    except subprocess.TimeoutExpired:
        town.counts["interrupted"] += 1


def _wait_for_request(line: subprocess.Popen[bytes], town: Town) -> None:
    """Wait until the service has a request in its hands, and some moment more."""
    if town.proxy.handed_on(ARRIVES_S):
        town.counts["in_hand"] += 1
    _wait(line, town, IN_HAND_S)


def _end(line: subprocess.Popen[bytes]) -> None:
    """End a sync that waits for an answer, as the unit's time limit does."""
    line.kill()
    line.wait()
