"""The demo's judge can see what it is there to see, and its week is the same every time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

import pytest
import requests

from simulator.market.plan import MEMBERS, MONDAY, SHOPS, members, visits
from simulator.market.truth import (
    Books,
    Debit,
    GreenScreen,
    OwedSale,
    debits,
    violations,
)
from simulator.network import StallNetwork, Weather, session_over
from tests.terminal_world import World

DEBITS = (
    Debit(uid=b"A", tmc=2, terminal=1, seq=5, amount_cents=1250),
    Debit(uid=b"B", tmc=2, terminal=1, seq=7, amount_cents=300),
    Debit(uid=b"C", tmc=4, terminal=2, seq=3, amount_cents=500),
)
GREENS = (GreenScreen(1, 5, 1250), GreenScreen(1, 7, 300))
BOOKS = Books(
    owed=(OwedSale(1, 5, 1250), OwedSale(1, 7, 300)),
    owed_cents=1450,
    refunded_cents=100,
    returned_cents=500,
)
"""One refund of a euro; a debit that nobody saw green was given back."""


def test_books_that_are_right_are_called_right() -> None:
    """Promise 8: owed, refunded and returned are all that the cards paid."""
    assert violations(DEBITS, GREENS, BOOKS) == ()


@pytest.mark.parametrize(
    ("told", "greens", "books"),
    [
        (DEBITS, (*GREENS, GreenScreen(2, 9, 100)), BOOKS),
        (DEBITS, GREENS, replace(BOOKS, owed=BOOKS.owed[:1])),
        (DEBITS, GREENS, replace(BOOKS, owed=(*BOOKS.owed, BOOKS.owed[0]))),
        (DEBITS, GREENS, replace(BOOKS, owed=(*BOOKS.owed, OwedSale(2, 4, 100)))),
        (DEBITS, GREENS, replace(BOOKS, owed=(OwedSale(1, 5, 1251), OwedSale(1, 7, 300)))),
        (DEBITS, GREENS, replace(BOOKS, owed_cents=1451)),
        (DEBITS[:2], GREENS, BOOKS),
        ((*DEBITS, DEBITS[0]), GREENS, BOOKS),
    ],
    ids=[
        "a green without a debit",
        "a green that is not owed",
        "a green that is owed twice",
        "a debt for a sale that no card made",
        "another amount than the card paid",
        "a cent from nowhere",
        "a cent that vanished",
        "a number used twice",
    ],
)
def test_books_that_are_wrong_are_found_out(
    told: tuple[Debit, ...], greens: tuple[GreenScreen, ...], books: Books
) -> None:
    """Promises 1, 2 and 8: the judge has teeth."""
    assert violations(told, greens, books)


def test_the_truth_is_read_from_the_cards_own_memory(world: World) -> None:
    """What a card remembers of a sale is what the screen showed."""
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    green = world.sell(till, card, 12_50)
    till.close()
    (debit,) = debits([card])
    assert (debit.amount_cents, debit.terminal) == (12_50, till.journal.terminal)
    assert debit.seq == getattr(green, "seq", None)


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A caisse with one stall."""
    return World.make(tmp_path_factory.mktemp("world"))


def test_a_seed_is_a_week() -> None:
    """The same seed tells the same story, to anybody who wants to look into it."""
    assert visits(Random(1)) == visits(Random(1))
    assert visits(Random(1)) != visits(Random(2))
    week = visits(Random(1))
    assert list(week) == sorted(week, key=lambda visit: (visit.at, visit.shop))
    assert {visit.shop for visit in week} == {shop.key for shop in SHOPS}
    assert MONDAY.weekday() == 0


def test_members_pay_what_the_scheme_says() -> None:
    """Contributions of 20 to 180 €, in steps of 5 €."""
    amounts = [member.contribution_cents for member in members(Random(1))]
    assert len(amounts) == MEMBERS
    assert (min(amounts), max(amounts)) == (20_00, 180_00)
    assert all(cents % 5_00 == 0 for cents in amounts)


class _Counting(BaseHTTPRequestHandler):
    """Counts the requests that reached the far end."""

    def do_POST(self) -> None:
        """Answer anything."""
        self.rfile.read(int(self.headers["Content-Length"]))
        reached.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


reached: list[str] = []


@pytest.fixture
def far_end() -> Iterator[str]:
    """A server on this machine."""
    reached.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Counting)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_lost_answer_is_lost_after_the_far_end_acted(far_end: str) -> None:
    """The worst line: the service has booked, and the stall does not know it."""
    network = StallNetwork()
    with session_over(network) as session:
        assert session.post(far_end, data=b"1").content == b"ok"
        network.weather = Weather.NO_NETWORK
        with pytest.raises(requests.ConnectionError):
            session.post(far_end, data=b"2")
        assert len(reached) == 1
        network.weather = Weather.ANSWER_LOST
        with pytest.raises(requests.ConnectionError):
            session.post(far_end, data=b"3")
        assert len(reached) == 2
        assert session.post(far_end, data=b"4").content == b"ok"
        assert network.lost_answers == 1
