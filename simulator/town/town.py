"""The town: starts its processes, kills them, heals them, and holds the books against the cards."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

from cardkit.errors import must
from simulator.card import VirtualCard
from simulator.proxy import FaultProxy, Trouble
from simulator.remote import CardHost
from simulator.town.till import Order, run_till
from simulator.world.truth import debits_of

PATIENCE_S: Final = 60.0
_SPAWN: Final = multiprocessing.get_context("spawn")
_LOOK_S: Final = 0.02


@dataclass
class Stall:
    """One till's process, and what people saw at it."""

    number: int
    root: Path
    town: Town
    greens: list[tuple[bytes, int, int, int]] = field(default_factory=list)
    silences: int = 0
    """How often it said nothing for as long as anybody waits."""
    process: BaseProcess | None = None
    _orders: Connection | None = None
    _greens: Connection | None = None
    _host: CardHost | None = None
    _cards: Connection | None = None
    _next: VirtualCard | None = None

    def start(self, *, file_bytes: int = 0) -> str:
        """Start the till; returns `ready`, or the name of what keeps it from selling."""
        self._cards, cards = _SPAWN.Pipe()
        self._orders, orders = _SPAWN.Pipe()
        self._greens, greens = _SPAWN.Pipe(duplex=False)
        self._host = CardHost(self._cards, self._pick)
        self.process = _SPAWN.Process(
            target=run_till, args=(self.root, cards, orders, greens, file_bytes), daemon=True
        )
        self.process.start()
        for end in (cards, orders, greens):
            end.close()
        return self._hear() or "dead"

    def order(self, order: Order, *, card: VirtualCard | None = None, cents: int = 0) -> str | None:
        """Tell the till to do something; returns what came of it, None when it died of it."""
        self._next = card
        if self._orders is None:
            return None
        with suppress(OSError):
            self._orders.send((order.value, cents))
        return self._hear()

    def order_and_kill(
        self, order: Order, *, card: VirtualCard, cents: int, exchanges: int
    ) -> None:
        """Kill the till when the card has been asked so often."""
        self._next = card
        if self._orders is None or self._host is None:
            return
        begun = self._host.exchanges
        self._orders.send((order.value, cents))
        self._hear(until=lambda: self._asked() - begun >= exchanges)
        self.kill()

    def kill(self) -> None:
        """SIGKILL; the card in the field loses its power."""
        if self.process is not None and self.process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)
            self.process.join()
        self._see()
        if self._host is not None:
            self._host.power_off()
        self.process = None

    def sync(self, *, url: str | None = None) -> subprocess.Popen[bytes]:
        """Start the real sync program."""
        command = [sys.executable, "-m", "terminal.sync", "--data", str(self.root)]
        return subprocess.Popen(
            [*command, "--url", url or self.town.proxy.url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def exchange(self) -> str:
        """Let the till write its requests, send them, and take the answers in.

        Returns what the sync complains of, empty when it has carried everything.
        """
        self.order(Order.REST)
        with self.sync() as line:
            try:
                _, complaint = line.communicate(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                line.kill()
                complaint = b"no end"
        self.order(Order.REST)
        if line.returncode == 0:
            return ""
        return complaint.decode("utf-8", "replace").strip() or f"status {line.returncode}"

    def _asked(self) -> int:
        return 0 if self._host is None else self._host.exchanges

    def _pick(self) -> VirtualCard:
        must(self._next is not None, "a card was laid down")
        return self._next  # type: ignore[return-value]  # narrowed by must()

    def _hear(self, until: Callable[[], bool] = lambda: False) -> str | None:
        """Serve the card and watch the screen until the till answers, or until somebody says so."""
        if self._orders is None or self._cards is None or self._greens is None:
            return None
        deadline = time.monotonic() + PATIENCE_S
        while not until() and time.monotonic() < deadline:
            ready = wait([self._orders, self._cards, self._greens], timeout=PATIENCE_S)
            try:
                if self._cards in ready and self._host is not None:
                    self._host.serve()
                elif self._greens in ready:
                    self.greens.append(self._greens.recv())
                elif self._orders in ready:
                    self._see()
                    return str(self._orders.recv())
            except (EOFError, OSError):
                self.kill()
                return None
        if not until():
            self.silences += 1
            self.kill()
        return None

    def _see(self) -> None:
        """Take down what was still to be seen."""
        with suppress(EOFError, OSError):
            while self._greens is not None and self._greens.poll():
                self.greens.append(self._greens.recv())


@dataclass
class Town:
    """Everything that runs."""

    folder: Path
    proxy: FaultProxy
    port: int
    environment: dict[str, str]
    cards: list[VirtualCard]
    chance: random.Random
    stalls: list[Stall] = field(default_factory=list)
    service: subprocess.Popen[bytes] | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def start_service(self) -> None:
        """Start gunicorn, as the unit does, and wait until it listens."""
        command = [sys.executable, "-m", "server_stub", "run", "--port", str(self.port)]
        self.service = subprocess.Popen(
            command,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait_until(listens=True)

    def _wait_until(self, *, listens: bool) -> None:
        """Wait until the port is taken, or until a worker that was killed has let go of it."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                answered = False
            else:
                answered = True
            if answered is listens:
                return
            threading.Event().wait(_LOOK_S)
        raise AssertionError(f"the service listens: {not listens}")

    def signal_service(self, number: signal.Signals) -> None:
        """Signal every process of the service."""
        if self.service is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.service.pid, number)

    def service_processes(self) -> list[int]:
        """Return the process numbers of the service, its master first."""
        if self.service is None:
            return []
        master = self.service.pid
        found: list[int] = []
        for folder in Path("/proc").iterdir():
            with suppress(ProcessLookupError, ValueError):
                if os.getpgid(int(folder.name)) == master:
                    found.append(int(folder.name))
        return sorted(found, key=lambda number: (number != master, number))

    def kill_service(self) -> None:
        """SIGKILL to master and workers; none of them listens any more."""
        self.signal_service(signal.SIGKILL)
        if self.service is not None:
            self.service.wait()
        self.service = None
        self._wait_until(listens=False)
        self.counts["service_kills"] += 1

    def card(self) -> VirtualCard:
        """Some customer's card."""
        return self.chance.choice(self.cards)

    def cents(self) -> int:
        """Some price."""
        return self.chance.randint(50, 900)

    def sell(self, stall: Stall, times: int) -> None:
        """Let customers buy."""
        for _ in range(times):
            stall.order(Order.SELL, card=self.card(), cents=self.cents())

    def heal(self) -> list[str]:
        """Nothing is wrong any more: everybody runs, days end, cards are read, all is sent.

        Returns who does not go on, and why.
        """
        self.proxy.trouble = Trouble.NONE
        if self.service is None:
            self.start_service()
        stuck: list[str] = []
        for stall in self.stalls:
            if stall.process is None or not stall.process.is_alive():
                stall.kill()
                said = stall.start()
                if said != "ready":
                    stuck.append(f"till {stall.number} does not come back: {said}")
            for card in self.cards:
                stall.order(Order.INSPECT, card=card)
            stall.order(Order.CLOSE_DAY)
        complaints = [(stall, stall.exchange()) for _ in range(2) for stall in self.stalls]
        for card in self.cards:
            self.stalls[0].order(Order.INSPECT, card=card)
        complaints.append((self.stalls[0], self.stalls[0].exchange()))
        stuck += [f"sync of till {stall.number}: {said}" for stall, said in complaints if said]
        return stuck + [
            f"till {stall.number} said nothing for {PATIENCE_S:.0f} s, {stall.silences} times"
            for stall in self.stalls
            if stall.silences
        ]

    def judge(self) -> list[str]:
        """Return what is wrong with the books, by what cards and screens say."""
        told = json.loads(self.desk("books"))
        owed = Counter(tuple(row) for row in told["owed"])
        made = {
            (debit.uid.hex(), debit.tmc, debit.terminal, debit.seq, debit.amount_cents)
            for card in self.cards
            for debit in debits_of(card)
        }
        wrong = [f"owed, and no card paid it: {row}" for row in owed if row not in made]
        wrong += [f"owed twice: {row}" for row, times in owed.items() if times > 1]
        for stall in self.stalls:
            for uid, tmc, seq, cents in stall.greens:
                row = (uid.hex(), tmc, stall.number, seq, cents)
                if not owed[row]:
                    states = [it for it in told["states"] if it[:2] == [stall.number, seq]]
                    wrong.append(f"green and not owed: {row}, {states}")
        sums = Counter(told["sums"])
        spent_cents = sum(row[4] for row in made)
        if -sums["spent"] != spent_cents:
            wrong.append(f"cards paid {spent_cents}, the books say {-sums['spent']}")
        if sum(sums.values()):
            wrong.append(f"the books do not sum to zero: {dict(sums)}")
        wrong += self._rebuilt()
        return wrong

    def _rebuilt(self) -> list[str]:
        command = [sys.executable, "-m", "server_stub", "rebuild", "--check"]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        return [] if done.returncode == 0 else [f"rebuilt otherwise: {done.stdout}{done.stderr}"]

    def desk(self, *words: str) -> str:
        """Let the desk do something, as a process of its own; returns what it says."""
        command = [sys.executable, "-m", "simulator.town.desk", *words]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        must(done.returncode == 0, f"the desk works: {done.stderr[-2000:]}")
        return done.stdout

    def close(self) -> None:
        """End every process."""
        for stall in self.stalls:
            stall.kill()
        if self.service is not None:
            self.signal_service(signal.SIGCONT)
            self.kill_service()


@contextmanager
def town(
    folder: Path, *, seed: int, tills: int = 2, cards: int = 4, database_url: str | None = None
) -> Iterator[Town]:
    """Found a town and start it; every process ends with the block."""
    port = _free_port()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "server_stub.settings",
        "CLAFOUTIS_SERVER_DATA": str(folder / "service"),
        "CLAFOUTIS_SERVER_KEYS": str(folder / "keys"),
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent.parent),
    }
    environment.pop("DATABASE_URL", None)
    if database_url is not None:
        environment["DATABASE_URL"] = database_url
    (folder / "service").mkdir(mode=0o700, parents=True)
    chance = random.Random(f"town {seed}")
    with FaultProxy(("127.0.0.1", port), seed=seed) as proxy:
        it = Town(folder, proxy, port, environment, [], chance)
        try:
            it.desk("found", str(folder), str(tills), str(cards))
            it.cards = pickle.loads((folder / "cards").read_bytes())  # noqa: S301 - our own
            it.start_service()
            for number in range(1, tills + 1):
                stall = Stall(number, folder / str(number), it)
                it.stalls.append(stall)
                must(stall.start() == "ready", "a till starts")
            yield it
        finally:
            it.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
