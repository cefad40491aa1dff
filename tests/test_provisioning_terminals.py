"""Letting a terminal in: what a person types decides, and strangers come to nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from cardkit import cbor
from cardkit.certificates import Role, open_certificate
from cardkit.errors import DocumentForeign, ServerRefused
from cardkit.pairing import (
    PAIRING_MINUTES,
    PATH,
    CardMasters,
    PairRequest,
    PairResult,
    Ticket,
    workshop_purpose,
)
from cardkit.schema import pack, unpack
from cardkit.workshop import PAIRING_APPROVE_PATH, PairingOpen
from provisioning.client import RequestsTransport, ServiceClient
from provisioning.keystore import new_keys
from provisioning.terminals import (
    WORDS_ATTEMPTS,
    Conversation,
    Enrolled,
    NotEnrolled,
    NotEnrolledReason,
    TerminalWorkshop,
)
from server_stub.models import Terminal
from simulator.clock import ManualClock
from terminal.config import DataDirectory
from terminal.keyring import read_transport_key
from terminal.pair import Pairing
from terminal.software import Software
from tests.workshop_world import (
    MERCHANT,
    NOW,
    URL,
    BlankTerminal,
    World,
    make_world,
    on_a_socket,
    served,
)

KEYS = new_keys("flers", now=NOW, step_max_cents=300_00)


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """A fresh caisse, served in this process."""
    with served(make_world(KEYS, ManualClock(NOW))) as made:
        yield made


class Stall:
    """Whoever stands at the terminal: shows it the ticket, reads its words, types them."""

    def __init__(self, world: World, *, typed: list[str] | None = None) -> None:
        self.world = world
        self.terminal = BlankTerminal.new()
        self.tickets: list[Ticket] = []
        self.asked: list[int] = []
        self.typed = typed
        self.waited = 0
        self.meanwhile: Callable[[], None] = self.ask
        self.spell: Callable[[str], str] = str

    @property
    def ticket(self) -> Ticket:
        """The ticket as the terminal scans it."""
        return Ticket.from_text(self.tickets[0].text)

    @property
    def request(self) -> PairRequest:
        """What the terminal sends."""
        return self.terminal.request(self.ticket)

    def ask(self) -> None:
        """Let the terminal ask once."""
        self.post(self.request)

    def post(self, request: PairRequest) -> PairResult | None:
        """Send what a terminal sends; returns what it starts with once it was let in."""
        body = cbor.encode(pack(request))
        reply = self.world.line.post(URL + PATH, body, {"Content-Type": "application/cbor"})
        return unpack(PairResult, cbor.decode(reply.body)) if reply.status == 200 else None

    def type_words(self, attempts_left: int) -> str:
        """Type what was planned, or what the screen shows."""
        self.asked.append(attempts_left)
        return self.typed.pop(0) if self.typed else self.spell(self.request.words)

    def wait(self, seconds: float) -> None:
        """Let time pass; the terminal does what it does."""
        self.waited += 1
        self.world.clock.pass_time(timedelta(seconds=seconds))
        self.meanwhile()

    def enrol(self) -> Enrolled | NotEnrolled:
        """Go through it."""
        conversation = Conversation(
            show_ticket=self.tickets.append, ask_words=self.type_words, wait=self.wait
        )
        return self.world.terminals.enrol(self.world.client, conversation, merchants=(MERCHANT,))


def test_a_terminal_whose_words_are_typed_gets_its_keys(world: World) -> None:
    """Promise: the terminal ends with a certificate of the root and the masters of key 1."""
    stall = Stall(world)
    outcome = stall.enrol()
    assert isinstance(outcome, Enrolled)
    assert (stall.waited, stall.asked) == (1, [WORDS_ATTEMPTS])
    result = stall.post(stall.request)
    assert result is not None
    certificate = open_certificate(result.certificate, KEYS.root_key, caisse="flers")
    assert (certificate.role, certificate.subject) == (Role.TERMINAL, outcome.terminal)
    assert certificate.public_key == stall.terminal.journal.public.encoded
    purpose = workshop_purpose(stall.ticket.secret)
    opened = stall.terminal.sealing.open(result.sealed_card_masters, purpose=purpose)
    masters = unpack(CardMasters, cbor.decode(opened))
    assert (masters.system_id, masters.masters) == (
        KEYS.public.system_id,
        KEYS.workshop.masters,
    )


def test_words_may_be_typed_carelessly_and_twice_wrong(world: World) -> None:
    """Promise: capitals, spaces and two slips do not send a person back to the start."""
    stall = Stall(world, typed=["ail ail ail ail", ""])
    stall.spell = lambda words: f"  {words.upper().replace(' ', '   ')} "
    assert isinstance(stall.enrol(), Enrolled)
    assert stall.asked == [3, 2, 1]


def test_three_wrong_words_give_nothing_away(world: World) -> None:
    """Promise: a terminal whose words nobody could type is not certified."""
    stall = Stall(world, typed=["ail ail ail ail"] * WORDS_ATTEMPTS)
    assert stall.enrol() == NotEnrolled(NotEnrolledReason.WRONG_WORDS)
    assert len(stall.asked) == WORDS_ATTEMPTS
    assert PAIRING_APPROVE_PATH not in world.line.asked
    assert Terminal.objects.count() == 0


def test_a_ticket_nobody_uses_runs_out(world: World) -> None:
    """Promise: the workshop waits ten minutes and no longer."""
    stall = Stall(world)
    stall.meanwhile = lambda: world.clock.pass_time(timedelta(seconds=58))
    assert stall.enrol() == NotEnrolled(NotEnrolledReason.NOBODY_CAME)
    assert world.clock.now().at - NOW == timedelta(minutes=PAIRING_MINUTES)
    assert stall.asked == []


def test_a_request_without_the_secret_is_not_even_asked_about(world: World) -> None:
    """Promise: a service, or whoever listens on the line, can't pass off a terminal of its own."""
    stall = Stall(world)

    def forge() -> None:
        guess = replace(stall.ticket, secret=bytes(16))
        forged = BlankTerminal.new().request(guess)
        stall.post(replace(forged, pairing_id=stall.ticket.pairing_id))
        if stall.waited == 3:
            stall.ask()

    stall.meanwhile = forge
    assert isinstance(stall.enrol(), Enrolled)
    assert stall.waited == 3
    row = Terminal.objects.get()
    assert row.journal_key == stall.terminal.journal.public.encoded


def test_two_terminals_with_one_ticket_are_both_turned_away(world: World) -> None:
    """Promise: when somebody copied the ticket, nobody is let in with it."""
    stall = Stall(world)

    def copied() -> None:
        stall.ask()
        stall.post(BlankTerminal.new().request(stall.ticket))

    stall.meanwhile = copied
    assert stall.enrol() == NotEnrolled(NotEnrolledReason.TWO_CAME)
    assert Terminal.objects.count() == 0


def test_a_root_key_of_another_caisse_certifies_nothing_here(world: World) -> None:
    """Promise: the wrong token on the table is noticed before anything is signed."""
    other = new_keys("flers", now=NOW, step_max_cents=300_00)
    with pytest.raises(DocumentForeign, match="another caisse"):
        TerminalWorkshop.with_root(
            public=KEYS.public, keys=KEYS.workshop, root=other.root, clock=world.clock
        )


def test_a_terminal_for_an_unknown_merchant_is_refused(world: World) -> None:
    """Promise: a slip in a merchant's number is found before a ticket exists."""
    stall = Stall(world)
    conversation = Conversation(
        show_ticket=stall.tickets.append, ask_words=stall.type_words, wait=stall.wait
    )
    with pytest.raises(ServerRefused, match="no such merchant"):
        world.terminals.enrol(world.client, conversation, merchants=(99,))
    assert stall.tickets == []


def test_the_tickets_secret_is_not_in_what_the_service_hears(world: World) -> None:
    """Promise: the service carries the pairing and never learns its secret."""
    stall = Stall(world)
    heard: list[bytes] = []
    deliver = world.line.post

    class Listening:
        def post(self, url: str, body: bytes, headers: dict[str, str]) -> object:
            heard.append(body)
            return deliver(url, body, headers)

    client = ServiceClient(
        URL,
        key=KEYS.workshop.signing_key("flers"),
        clock=world.clock,
        transport=Listening(),  # type: ignore[arg-type]  # a line that is overheard
    )
    conversation = Conversation(
        show_ticket=stall.tickets.append, ask_words=stall.type_words, wait=stall.wait
    )
    assert isinstance(world.terminals.enrol(client, conversation, merchants=(MERCHANT,)), Enrolled)
    secrets = stall.ticket.secret, KEYS.workshop.masters[0].key, KEYS.root.root
    assert not any(secret in body for body in heard for secret in secrets)
    assert stall.ticket.secret.hex() not in repr(stall.ticket)


def test_a_real_terminal_pairs_over_a_real_socket(db: None, tmp_path: Path) -> None:
    """Promise: workshop, service and terminal as shipped understand each other to the end."""
    world = make_world(KEYS, ManualClock(NOW))
    tickets: list[Ticket] = []
    data = DataDirectory(tmp_path / "data")
    waiting: list[Pairing] = []
    with on_a_socket(world) as url, requests.Session() as session:

        def wait(_: float) -> None:
            ticket = Ticket.from_text(tickets[0].text)
            waiting.append(Pairing(data, ticket, session=session))
            assert waiting[-1].ask() is None

        transport = RequestsTransport()
        client = ServiceClient(
            url, key=KEYS.workshop.signing_key("flers"), clock=world.clock, transport=transport
        )
        outcome = world.terminals.enrol(
            client,
            Conversation(
                show_ticket=tickets.append, ask_words=lambda _: waiting[-1].words, wait=wait
            ),
            merchants=(MERCHANT,),
        )
        transport.close()
        assert isinstance(outcome, Enrolled)
        result = waiting[-1].ask()
        assert result is not None
        identity = waiting[-1].finish(result, clock=world.clock, software=Software.installed())
    assert (identity.terminal, identity.service_url) == (outcome.terminal, url)
    row = Terminal.objects.get(id=outcome.terminal)
    key = read_transport_key(data.keys, caisse="flers")
    assert row.transport_key == key.public.encoded


def test_a_terminal_refuses_a_service_that_the_ticket_did_not_promise(
    db: None, tmp_path: Path
) -> None:
    """Promise: an impostor on the line, with a caisse of his own, gets no terminal."""
    theirs = new_keys("flers", now=NOW, step_max_cents=300_00)
    impostor = make_world(theirs, ManualClock(NOW))
    with on_a_socket(impostor) as url, requests.Session() as session:
        ticket = Ticket(url, "flers", KEYS.root_key.digest, bytes(range(16)))
        opened = impostor.client.open_pairing(
            PairingOpen(pairing_id=ticket.pairing_id, merchants=(MERCHANT,))
        )
        data = DataDirectory(tmp_path / "data")
        pairing = Pairing(data, ticket, session=session)
        assert pairing.ask() is None
        approval = impostor.terminals._approval(pairing.request, ticket, opened.terminal)
        impostor.client.approve_pairing(approval)
        result = pairing.ask()
        assert result is not None
        with pytest.raises(DocumentForeign, match="ticket promised"):
            pairing.finish(result, clock=impostor.clock, software=Software.installed())
    assert not data.journal.exists()
