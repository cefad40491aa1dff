"""Many at once, over the real server: sums hold, nothing is taken twice, nobody sees a 500."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import requests
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor
from pytest_django import DjangoDbBlocker

from cardkit.httpsig import sign_post
from cardkit.sync import accept_answer, encode_request, terminal_key_id
from provisioning.keystore import install_service_keys
from server_stub.database import database
from server_stub.models import Batch, Posting, StoredEntry
from server_stub.rules.ledger import Book
from server_stub.rules.settle import Refusal
from server_stub.services import settlement
from server_stub.services.books import balances
from server_stub.services.rebuild import differences
from tests.postgres_fixture import cluster
from tests.service_world import MERCHANT, ServiceWorld, Stall

PRICE_CENTS: Final = 1_50
STARTS_S: Final = 60
ASKS_MAX: Final = 60
FIRST, SECOND = 1, 2


@dataclass(frozen=True, slots=True)
class Served:
    """A caisse, and the address of a service of its own process over the same database."""

    world: ServiceWorld
    url: str


@contextmanager
def connected(name: str, url: str | None, folder: Path) -> Iterator[None]:
    """A migrated database under a connection's name, for every thread."""
    described = {**connections[DEFAULT_DB_ALIAS].settings_dict, **database(url, folder)}
    connections.settings[name] = described
    try:
        executor = MigrationExecutor(connections[name])
        executor.migrate(executor.loader.graph.leaf_nodes())
        yield
    finally:
        connections[name].close()
        del connections[name]
        del connections.settings[name]


@contextmanager
def served(name: str, url: str | None, folder: Path, *, workers: int) -> Iterator[Served]:
    """Found a caisse in a database of its own, and serve it as `clafoutis-server run` does."""
    with connected(name, url, folder):
        world = ServiceWorld.make(using=name)
        install_service_keys(world.keys.public, world.keys.service, folder / "keys")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = {**os.environ, "CLAFOUTIS_SERVER_DATA": str(folder)}
        environment["DJANGO_SETTINGS_MODULE"] = "server_stub.settings"
        if url is not None:
            environment["DATABASE_URL"] = url
        command = [sys.executable, "-m", "server_stub", "run", "--port", str(port)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*command, "--workers", str(workers)], env=environment, stderr=log
            )
        try:
            _wait_for(f"http://127.0.0.1:{port}/healthz", folder)
            yield Served(world, f"http://127.0.0.1:{port}/v1/sync")
        finally:
            process.terminate()
            process.wait(STARTS_S)


def _wait_for(url: str, folder: Path) -> None:
    gives_up = time.monotonic() + STARTS_S
    while time.monotonic() < gives_up:
        try:
            if requests.get(url, timeout=STARTS_S).status_code == 200:
                return
        except requests.ConnectionError:
            threading.Event().wait(0.1)
    pytest.fail((folder / "log").read_text())


def carry(served_: Served, stall: Stall, statuses: Counter[int]) -> None:
    """Send what a stall has until it is acknowledged, as a terminal does that is asked to wait."""
    content = encode_request(stall.request())
    for _ in range(ASKS_MAX):
        headers = sign_post(
            served_.url,
            content,
            key=stall.transport,
            key_id=terminal_key_id(stall.terminal),
            created=stall.world.now,
        )
        answer = requests.post(served_.url, data=content, headers=headers, timeout=120)
        statuses[answer.status_code] += 1
        if answer.status_code == 200:
            trust = served_.world.caisse.ring.trust
            told = accept_answer(answer.content, trust, terminal=stall.terminal).answer
            stall.acknowledged = told.up_to_seq
            return
        assert answer.status_code == 503, answer.text
        threading.Event().wait(0.2)


def everything_at_once(it: Served, *, syncs: int, stalls: int, sales: int) -> None:
    """Let stalls send, each several times over, while a payment is drawn up, approved and sent."""
    world, statuses = it.world, Counter[int]()
    using = world.caisse.using
    cards = [world.card() for _ in range(stalls)]
    sellers = [world.stall(number) for number in range(1, stalls + 1)]
    for seller in sellers:
        seller.sync()
    paid_before = sellers[0]
    paid_before.sell(cards[0], PRICE_CENTS)
    paid_before.sync()
    for seller, card in zip(sellers, cards, strict=True):
        for _ in range(sales):
            seller.sell(card, PRICE_CENTS)
    connections[using].close()
    begun = threading.Barrier(2)

    def pay() -> object:
        begun.wait()
        try:
            draft = settlement.draw_up(world.caisse, by=FIRST)
            assert not isinstance(draft, Refusal)
            run = settlement.approve(world.caisse, draft.name, by=SECOND)
            assert not isinstance(run, Refusal)
            return settlement.mark_sent(world.caisse, run.name, by=FIRST, backup=lambda: None)
        finally:
            connections[using].close()

    with ThreadPoolExecutor(24) as pool:
        paying = pool.submit(pay)
        begun.wait()
        sending = [
            pool.submit(carry, it, sellers[number % stalls], statuses) for number in range(syncs)
        ]
        for one in sending:
            one.result()
        paying.result()
    assert set(statuses) <= {200, 503}, statuses
    assert statuses[200] == syncs
    _judge(it, sellers, sold=stalls * sales + 1)


def _judge(it: Served, sellers: list[Stall], *, sold: int) -> None:
    using = it.world.caisse.using
    held = StoredEntry.objects.using(using)
    for seller in sellers:
        mine = held.filter(terminal=seller.terminal)
        assert mine.count() == len(seller.entries), "no entry is lost, and none is there twice"
        assert seller.acknowledged == len(seller.entries)
    assert sum(Batch.objects.using(using).values_list("new_entries", flat=True)) == held.count()
    books = balances(it.world.caisse)
    assert sum(books.values()) == 0
    merchants = books[Book.PAYABLE, MERCHANT] + books.get((Book.IN_PAYMENT, MERCHANT), 0)
    assert merchants == sold * PRICE_CENTS == -books[Book.SPENT, 0]
    assert books[Book.IN_PAYMENT, MERCHANT] >= PRICE_CENTS
    subjects = Posting.objects.using(using).filter(subject__startswith="transaction/")
    assert subjects.count() == sold, "each sale is posted once"
    assert differences(it.world.caisse) == []


@pytest.fixture
def unblocked(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Databases of the test's own, outside the one that is rolled back."""
    with django_db_blocker.unblock():
        yield


def test_stalls_and_a_payment_at_once(unblocked: None, tmp_path: Path) -> None:
    """Promises 1, 2 and 8: on SQLite, whoever writes at the same time waits for the other."""
    with served("at-once", None, tmp_path, workers=2) as it:
        everything_at_once(it, syncs=16, stalls=4, sales=2)


@pytest.mark.postgres
def test_stalls_and_a_payment_at_once_on_postgresql(unblocked: None, tmp_path: Path) -> None:
    """Promises 1, 2 and 8: on PostgreSQL with two processes likewise."""
    with cluster() as database_, served("at-once", database_.url, tmp_path, workers=2) as it:
        everything_at_once(it, syncs=16, stalls=4, sales=2)


@pytest.mark.slow
def test_two_hundred_at_once(unblocked: None, tmp_path: Path) -> None:
    """Promises 1, 2 and 8: two hundred deliveries, each stall's many times over, on SQLite."""
    with served("at-once", None, tmp_path, workers=2) as it:
        everything_at_once(it, syncs=200, stalls=20, sales=5)


@pytest.mark.slow
@pytest.mark.postgres
def test_two_hundred_at_once_on_postgresql(unblocked: None, tmp_path: Path) -> None:
    """Promises 1, 2 and 8: the same on PostgreSQL."""
    with cluster() as database_, served("at-once", database_.url, tmp_path, workers=2) as it:
        everything_at_once(it, syncs=200, stalls=20, sales=5)
