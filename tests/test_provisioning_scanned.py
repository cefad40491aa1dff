"""A terminal with a network is let in by a code that it scans from the workshop's screen."""

from __future__ import annotations

import os
import pty
import select
import termios
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from cardkit.errors import ServerRefused
from cardkit.pairing import PAIRING_MINUTES, Ticket
from provisioning.client import RequestsTransport, ServiceClient
from provisioning.keystore import new_keys
from provisioning.terminals import Conversation, Enrolled, NotEnrolled, NotEnrolledReason
from simulator.clock import ManualClock
from terminal.documents import Documents
from terminal.scanner import Scanner, scanner
from tests.scanning_stall import ScanningStall
from tests.workshop_world import MERCHANT, NOW, World, make_world, on_a_socket

KEYS = new_keys("flers", now=NOW, step_max_cents=300_00)


class Stall(ScanningStall):
    """A bare terminal, and the workshop that lets it in."""

    def __init__(self, world: World, url: str, folder: Path, session: requests.Session) -> None:
        super().__init__(world, folder, session)
        self.url = url
        self.typed: str | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    def ask_words(self, _left: int) -> str:
        """Whoever stands at the terminal reads its words out."""
        self.meanwhile()
        return self.typed if self.typed is not None else self.words()

    def enrol(self) -> Enrolled | NotEnrolled:
        """Let it in."""
        key = KEYS.workshop.signing_key("flers")
        transport = RequestsTransport()
        client = ServiceClient(self.url, key=key, clock=self.world.clock, transport=transport)
        conversation = Conversation(
            show_ticket=self.scan, ask_words=self.ask_words, wait=lambda _seconds: None
        )
        outcome = self.world.terminals.enrol(client, conversation, merchants=(MERCHANT,))
        transport.close()
        return outcome


@pytest.fixture
def stall(db: None, tmp_path: Path) -> Iterator[Stall]:
    """A terminal that is nobody's, and a service on a real socket."""
    world = make_world(KEYS, ManualClock(NOW))
    with on_a_socket(world) as url, requests.Session() as session:
        yield Stall(world, url, tmp_path, session)


def test_a_code_on_a_screen_makes_a_terminal_one_of_ours(stall: Stall) -> None:
    """Promise: one scan and four words make a bare terminal a till, without a keyboard."""
    assert stall.look() is None
    outcome = stall.enrol()
    assert isinstance(outcome, Enrolled)
    identity = stall.look()
    assert identity is not None
    assert (identity.terminal, identity.service_url) == (outcome.terminal, stall.url)
    assert Documents(stall.data.documents).identity == identity


def test_switched_off_in_between_the_same_code_has_the_same_words(stall: Stall) -> None:
    """Promise: a cut while the words are typed costs one more scan, and no new ticket."""

    def cut() -> None:
        before = stall.words()
        stall.start()
        assert stall.look() is None
        assert before not in stall.pages[-1]
        stall.scan(stall.tickets[0])
        assert stall.words() == before

    stall.meanwhile = cut
    assert isinstance(stall.enrol(), Enrolled)
    assert stall.look() is not None


def test_wrong_words_leave_it_waiting(stall: Stall) -> None:
    """Promise: nobody who cannot read the terminal's screen lets it in."""
    stall.typed = "ail ail ail ail"
    assert stall.enrol() == NotEnrolled(NotEnrolledReason.WRONG_WORDS)
    assert stall.look() is None
    assert not stall.data.journal.exists()


def test_a_ticket_that_ran_out_is_said_and_the_next_one_does(stall: Stall) -> None:
    """Promise: after ten minutes the screen says to make another ticket, and takes it."""
    stall.meanwhile = lambda: stall.world.clock.pass_time(timedelta(minutes=PAIRING_MINUTES))
    with pytest.raises(ServerRefused):
        stall.enrol()
    assert stall.look() is None
    assert "plus valable" in stall.pages[-1]
    stall.meanwhile = lambda: None
    assert isinstance(stall.enrol(), Enrolled)
    assert stall.look() is not None


def test_a_line_that_is_down_costs_nothing(stall: Stall) -> None:
    """Promise: without the network the screen says so, and the next ticket is taken."""
    away = Ticket("http://localhost:9", "flers", KEYS.root_key.digest, bytes(range(16)))
    stall.scan(away)
    assert "injoignable" in stall.pages[-1]
    assert isinstance(stall.enrol(), Enrolled)
    assert stall.look() is not None


@pytest.mark.parametrize("text", ["nonsense", "clqfoutis>pqir", "clafoutis:pair?u=x", "x" * 5000])
def test_anything_may_be_scanned(stall: Stall, text: str) -> None:
    """Promise: a packet of rice, or a scanner that types another alphabet, is told what to do."""
    stall.scans.append(text)
    assert stall.look() is None
    assert "clavier américain" in stall.pages[-1]
    assert isinstance(stall.enrol(), Enrolled)


def test_what_a_scanner_types_is_not_shown() -> None:
    """Promise: a ticket's secret stands on the workshop's screen, and never on the stall's."""
    ours, theirs = pty.openpty()
    try:
        echoes = termios.tcgetattr(theirs)[3] & termios.ECHO
        with scanner(theirs) as scanned:
            os.write(ours, b"first\nclafoutis:pair?s=00\r")
            scanned.wait(10)
            scanned.wait(0)
            assert scanned.take() == "clafoutis:pair?s=00"
            assert scanned.take() is None
            scanned.wait(0)
            assert not select.select([ours], [], [], 0)[0]
        assert termios.tcgetattr(theirs)[3] & termios.ECHO == echoes
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_scanner_that_is_not_there_is_waited_for_no_more() -> None:
    """Promise: a terminal that is started without any keyboard still waits for a stick."""
    reads, writes = os.pipe()
    os.write(writes, b"half a li")
    os.close(writes)
    scanned = Scanner(reads)
    for _ in range(3):
        scanned.wait(0)
    os.close(reads)
    assert scanned.take() is None
    scanned.wait(0)
