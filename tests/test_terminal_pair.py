"""Pairing: a terminal believes the ticket and nothing else."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from cardkit import cbor
from cardkit.bodies import Enrolled, EntryKind
from cardkit.certificates import Certificate, Role, certify
from cardkit.errors import AlreadyPaired, DocumentError, ServerRefused
from cardkit.pairing import (
    SERVICE_PURPOSE,
    CardMaster,
    CardMasters,
    PairRequest,
    PairResult,
    Ticket,
    workshop_purpose,
)
from cardkit.schema import pack, unpack
from cardkit.sealing import seal
from cardkit.signing import SigningKey, parse
from simulator.issued import DEMO_SYSTEM_ID, demo_master
from terminal.config import DataDirectory
from terminal.documents import Document, Documents
from terminal.outcomes import Green
from terminal.pair import Pairing
from terminal.wiring import open_till
from tests.http_service import Answer, http_service
from tests.terminal_world import CAISSE, SOFTWARE, TERMINAL, World

SECRET = bytes(range(16))
TOKEN_KEY = bytes(range(32))


class Workshop:
    """Who answers a pairing: the service, and the workshop behind it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.approved = True
        self.token_key = TOKEN_KEY
        self.permit = world.permit()
        self.sealed_token_key: bytes | None = None
        self.certified_key: bytes | None = None

    def ticket(self, url: str) -> Ticket:
        """What stands in the QR code."""
        return Ticket(url, CAISSE, self.world.root.public.digest, SECRET)

    def respond(self, _url: str, _headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer 202 until the words were typed."""
        request = unpack(PairRequest, cbor.decode(body))
        assert request.made_with(SECRET)
        if not self.approved:
            return 202, b""
        return 200, cbor.encode(pack(self.result(request)))

    def result(self, request: PairRequest) -> PairResult:
        """What an approved terminal gets."""
        certificate = Certificate(
            role=Role.TERMINAL,
            subject=TERMINAL,
            valid_from=self.world.now,
            valid_until=self.world.now,
            public_key=self.certified_key or request.public_key,
            transport_key=request.transport_key,
        )
        masters = CardMasters(
            system_id=DEMO_SYSTEM_ID,
            masters=(CardMaster(version=1, key=demo_master("terminal")),),
        )
        sealed_masters = seal(
            cbor.encode(pack(masters)), request.sealing_key, purpose=workshop_purpose(SECRET)
        )
        sealed_token_key = seal(self.token_key, request.sealing_key, purpose=SERVICE_PURPOSE)
        return PairResult(
            root=self.world.root.public.encoded,
            certificate=certify(self.world.root, certificate).encoded,
            certificates=self.world.certificates(),
            permit=self.permit,
            sealed_token_key=self.sealed_token_key or sealed_token_key,
            sealed_card_masters=sealed_masters,
        )


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A workshop that has approved."""
    return Workshop(World.make(tmp_path))


def test_a_paired_terminal_sells(workshop: Workshop) -> None:
    """Promise: after pairing and one directory, the terminal sells under its certified keys."""
    world, data = workshop.world, workshop.world.data()
    with http_service(workshop.respond) as http, requests.Session() as session:
        pairing = Pairing(data, workshop.ticket(http.url), session=session)
        result = pairing.ask()
        assert result is not None
        identity = pairing.finish(result, clock=world.clock, software=SOFTWARE)
        assert identity.service_url == http.url
    assert identity.terminal == TERMINAL
    card = world.new_card(20_00)
    world.publish()
    till = open_till(data, clock=world.clock, software=SOFTWARE)
    till.start()
    world.deliver(till)
    assert isinstance(world.sell(till, card, 5_00), Green)
    first = till.journal.entry(1)
    assert first is not None
    assert isinstance(first.body, Enrolled)
    assert first.body.certificate == parse(result.certificate).digest
    assert first.envelope.prev == pairing._keys.journal.public.digest
    assert first.envelope.kind == EntryKind.ENROLLED
    kept = Documents(data.documents).content(Document.TERMINAL_CERTIFICATE)
    assert kept == result.certificate, "a fiscal archive shows who has certified its key"
    till.stop()


def test_secrets_lie_closed(workshop: Workshop) -> None:
    """Promise: nobody but the terminal's user reads its keys; unfinished ones are gone."""
    world, data = workshop.world, workshop.world.data()
    with http_service(workshop.respond) as http, requests.Session() as session:
        pairing = Pairing(data, workshop.ticket(http.url), session=session)
        result = pairing.ask()
        assert result is not None
        pairing.finish(result, clock=world.clock, software=SOFTWARE)
    names = sorted(path.name for path in data.keys.iterdir())
    assert names == ["cards.cbor", "journal.pem", "tokens.key", "transport.pem"]
    for path in (*data.keys.iterdir(), data.journal, data.store, data.documents):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_waits_for_the_words(workshop: Workshop) -> None:
    """Promise: until the coordinator has typed the words there is nothing to keep.

    A terminal that restarts meanwhile shows the same words.
    """
    data = workshop.world.data()
    workshop.approved = False
    with http_service(workshop.respond) as http, requests.Session() as session:
        pairing = Pairing(data, workshop.ticket(http.url), session=session)
        assert pairing.ask() is None
        assert len(pairing.words.split()) == 4
        again = Pairing(data, workshop.ticket(http.url), session=session)
        assert again.words == pairing.words
        other = replace(workshop.ticket(http.url), secret=bytes(16))
        assert Pairing(data, other, session=session).words != pairing.words
    assert not data.journal.exists()


def certified_for_another(workshop: Workshop) -> None:
    """A certificate for keys that were not made here."""
    workshop.certified_key = SigningKey.from_scalar(5, caisse=CAISSE).public.encoded


def another_root(workshop: Workshop) -> None:
    """A root that the ticket did not promise, which certifies consistently."""
    workshop.world.root = SigningKey.from_scalar(6, caisse=CAISSE)


def another_permit(workshop: Workshop) -> None:
    """A permit for another terminal."""
    workshop.permit = workshop.world.permit(TERMINAL + 1)


def another_seal(workshop: Workshop) -> None:
    """Secrets sealed for nobody here."""
    workshop.sealed_token_key = bytes(80)


def short_token_key(workshop: Workshop) -> None:
    """A token key that can be guessed."""
    workshop.token_key = bytes(16)


@pytest.mark.parametrize(
    "spoil",
    [certified_for_another, another_root, another_permit, another_seal, short_token_key],
)
def test_what_does_not_fit_the_ticket_is_not_kept(
    workshop: Workshop, spoil: Callable[[Workshop], None]
) -> None:
    """Promise: a man in the middle gets no terminal and gives no key."""
    data = workshop.world.data()
    with http_service(workshop.respond) as http, requests.Session() as session:
        ticket = workshop.ticket(http.url)
        spoil(workshop)
        pairing = Pairing(data, ticket, session=session)
        result = pairing.ask()
        assert result is not None
        with pytest.raises(DocumentError):
            pairing.finish(result, clock=workshop.world.clock, software=SOFTWARE)
    assert not data.journal.exists()
    assert not data.documents.exists()


def test_a_terminal_is_paired_once(workshop: Workshop) -> None:
    """Promise: pairing never replaces a terminal that has a journal."""
    world = workshop.world
    world.enrol()
    with requests.Session() as session, pytest.raises(AlreadyPaired):
        Pairing(world.data(), workshop.ticket("http://localhost"), session=session)


def test_a_refusal_is_a_refusal(tmp_path: Path) -> None:
    """Promise: a used or unknown ticket ends the pairing instead of waiting for ever."""
    with http_service(lambda *_: (404, b"no such pairing")) as http, requests.Session() as session:
        ticket = Ticket(http.url, CAISSE, bytes(32), SECRET)
        pairing = Pairing(DataDirectory(tmp_path / "data"), ticket, session=session)
        with pytest.raises(ServerRefused, match="404"):
            pairing.ask()
