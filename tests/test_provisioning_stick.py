"""A terminal without network and keyboard is let in by a stick that goes back and forth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cardkit import cbor
from cardkit.pairing import PairRequest, Ticket
from cardkit.schema import pack, unpack
from cardkit.stick import PairingFolder
from cardkit.workshop import PAIRING_APPROVE_PATH, PAIRING_OPEN_PATH
from provisioning.keystore import new_keys
from provisioning.terminals import Conversation, Enrolled, NotEnrolled, NotEnrolledReason
from server_stub.models import Terminal
from simulator.clock import ManualClock
from terminal.config import DataDirectory
from terminal.documents import Documents, Identity
from terminal.first_pairing import FirstPairing
from terminal.mounts import Stick
from terminal.software import Software
from terminal.stick_pairing import StickPairing
from terminal.words import Words
from tests.workshop_world import MERCHANT, NOW, BlankTerminal, World, make_world, served

KEYS = new_keys("flers", now=NOW, step_max_cents=300_00)


class Unplugged(Exception):
    """Somebody pulls the stick out, or the plug: the test goes on."""


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """A fresh caisse, served in this process."""
    with served(make_world(KEYS, ManualClock(NOW))) as made:
        yield made


class Stall:
    """A terminal on its shelf, and a person with a stick."""

    def __init__(self, world: World, tmp_path: Path) -> None:
        self.world = world
        self.stick = tmp_path / "stick"
        self.stick.mkdir()
        self.data = DataDirectory(tmp_path / "terminal")
        self.pages: list[str] = []
        self.meanwhile: Callable[[], object] = self.plug_in
        self.typed: str | None = None

    @property
    def folder(self) -> PairingFolder:
        """What travels."""
        return PairingFolder(self.stick)

    def plug_in(self, *, there: bool = True) -> Identity | None:
        """Switch the terminal on with the stick in it, until it has nothing more to do."""
        stick = Stick(path=self.stick, medium="sda1", device=1) if there else None

        def wait(_seconds: float) -> None:
            raise Unplugged

        words = Words.of_environment()
        by_stick = StickPairing(
            data=self.data,
            clock=ManualClock(NOW),
            software=Software(b"\x01" * 32, "0.0.0", None),
            words=words,
            find_stick=lambda: stick,
        )
        first = FirstPairing(ways=(by_stick,), words=words, show=self.pages.append, wait=wait)
        try:
            return first.run()
        except Unplugged:
            return None

    def words(self) -> str:
        """The four words on the screen: the one line that is set apart."""
        (found,) = (it.strip() for it in self.pages[-1].splitlines() if it.startswith("    "))
        return found

    def carry(self) -> None:
        """Take the stick to the terminal and bring it back."""
        self.meanwhile()

    def enrol(self) -> Enrolled | NotEnrolled:
        """Go through it in the workshop."""
        conversation = Conversation(
            show_ticket=lambda _ticket: None,
            ask_words=lambda _left: self.typed if self.typed is not None else self.words(),
            wait=lambda _seconds: None,
        )
        return self.world.terminals.enrol_by_stick(
            self.world.client,
            conversation,
            self.stick,
            transport=self.world.line,
            merchants=(MERCHANT,),
            bring_back=self.carry,
        )


@pytest.fixture
def stall(world: World, tmp_path: Path) -> Stall:
    """A terminal that is nobody's."""
    return Stall(world, tmp_path)


def test_a_stick_makes_a_terminal_without_network_one_of_ours(stall: Stall) -> None:
    """Promise: without a network and without a keyboard a bare terminal becomes a till.

    Nothing of the pairing stays on the stick.
    """
    assert stall.plug_in(there=False) is None
    outcome = stall.enrol()
    assert isinstance(outcome, Enrolled)
    identity = stall.plug_in()
    assert identity is not None
    assert (identity.terminal, identity.caisse) == (outcome.terminal, "flers")
    assert Documents(stall.data.documents).identity == identity
    assert list(stall.folder.path.iterdir()) == []


def test_switched_off_in_between_it_has_the_same_words(stall: Stall) -> None:
    """Promise: who switches the terminal off while the stick travels does not begin anew."""
    assert isinstance(stall.enrol(), Enrolled)
    shown = stall.words()
    content = next(stall.folder.path.glob("*-answer.cbor")).read_bytes()
    answer = next(stall.folder.path.glob("*-answer.cbor"))
    answer.unlink()
    assert stall.plug_in() is None
    assert stall.words() == shown
    answer.write_bytes(content)
    assert stall.plug_in() is not None


def test_wrong_words_give_nothing_away(stall: Stall) -> None:
    """Promise: nobody who cannot read the terminal's screen lets it in."""
    stall.typed = "ail ail ail ail"
    assert stall.enrol() == NotEnrolled(NotEnrolledReason.WRONG_WORDS)
    assert PAIRING_APPROVE_PATH not in stall.world.line.asked
    assert Terminal.objects.count() == 0
    assert list(stall.folder.path.glob("*-answer.cbor")) == []


def swapped(stall: Stall) -> None:
    """Somebody who had the stick puts keys of their own on it, with the ticket's secret."""
    stall.plug_in()
    ticket = Ticket.from_text(stall.folder.ticket.read_text())
    theirs = BlankTerminal.new().request(ticket)
    stall.folder.request(ticket.pairing_id).write_bytes(cbor.encode(pack(theirs)))


def test_a_stick_that_was_tampered_with_is_seen_by_its_words(stall: Stall) -> None:
    """Promise: keys put in the place of the terminal's do not have the terminal's words."""
    stall.meanwhile = lambda: swapped(stall)
    assert stall.enrol() == NotEnrolled(NotEnrolledReason.WRONG_WORDS)
    assert Terminal.objects.count() == 0


def forgotten(_stall: Stall) -> None:
    """The stick never left the table."""


def damaged(stall: Stall) -> None:
    """The file was cut short."""
    stall.plug_in()
    (path,) = stall.folder.path.glob("*-request.cbor")
    path.write_bytes(path.read_bytes()[:40])


def of_another_ticket(stall: Stall) -> None:
    """A request that another ticket's secret made, under this one's name."""
    stall.plug_in()
    (path,) = stall.folder.path.glob("*-request.cbor")
    request = unpack(PairRequest, cbor.decode(path.read_bytes()))
    path.write_bytes(cbor.encode(pack(replace(request, mac=bytes(len(request.mac))))))


@pytest.mark.parametrize("meanwhile", [forgotten, damaged, of_another_ticket])
def test_without_a_genuine_request_nothing_begins(
    stall: Stall, meanwhile: Callable[[Stall], None]
) -> None:
    """Promise: the service hears of a pairing only once a terminal has asked for it."""
    stall.meanwhile = lambda: meanwhile(stall)
    assert stall.enrol() == NotEnrolled(NotEnrolledReason.NOT_ON_STICK)
    assert PAIRING_OPEN_PATH not in stall.world.line.asked


def test_an_answer_to_another_terminal_makes_nobody(stall: Stall, tmp_path: Path) -> None:
    """Promise: a stick that comes to the wrong terminal leaves it as it was, and says so."""
    assert isinstance(stall.enrol(), Enrolled)
    other = Stall.__new__(Stall)
    other.__dict__ |= stall.__dict__ | {"data": DataDirectory(tmp_path / "other"), "pages": []}
    assert other.plug_in() is None
    assert not other.data.journal.exists()
    assert other.pages
    assert stall.plug_in() is not None


@pytest.mark.parametrize("text", ["", "nonsense", "clafoutis:pair?u=x", "x" * 5000])
def test_any_stick_may_be_plugged_in(stall: Stall, text: str) -> None:
    """Promise: what lies on a stick of somebody's never ends the page."""
    stall.folder.path.mkdir(parents=True)
    stall.folder.ticket.write_text(text)
    assert stall.plug_in() is None
    assert stall.pages
