"""A caisse with a workshop: the real service in this process, blank cards, a terminal's keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from django.test import Client, override_settings
from django.urls import URLPattern
from pytest_django.live_server_helper import LiveServer

from cardkit.card.connection import CardConnection
from cardkit.errors import ServerUnreachable
from cardkit.pairing import PairRequest, Ticket, pair_request
from cardkit.sealing import SealingKey
from cardkit.signing import SigningKey
from provisioning.cards import CardWorkshop
from provisioning.client import Reply, ServiceClient
from provisioning.keystore import KeySet
from provisioning.terminals import TerminalWorkshop
from server_stub.api import pairing, workshop
from server_stub.keys import KeyRing
from server_stub.models import Account
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import start_rules
from simulator.clock import ManualClock
from simulator.field import Field
from simulator.maker import Maker
from simulator.partner import sign_up

NOW = datetime(2026, 3, 16, 8, tzinfo=UTC)
UID = bytes.fromhex("04A1B2C3D4E5F6")
OTHER_UID = bytes.fromhex("04A1B2C3D4E5F7")
ACCOUNT = bytes(range(16))
OTHER_ACCOUNT = bytes(range(16, 32))
MERCHANT = 7
OTHER_MERCHANT = 8
URL = "http://localhost"


class InProcess:
    """The service behind Django's own test client; tears like a line when it is told to."""

    def __init__(self) -> None:
        self._client = Client()
        self.asked: list[str] = []
        self.drop_answers = 0

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Deliver a POST; raises ServerUnreachable when its answer is to be dropped."""
        path = url.removeprefix(URL)
        self.asked.append(path)
        rest = {name: value for name, value in headers.items() if name != "Content-Type"}
        answer = self._client.post(
            path, data=body, content_type=headers["Content-Type"], headers=rest
        )
        if self.drop_answers:
            self.drop_answers -= 1
            raise ServerUnreachable("the line dropped")
        return Reply(answer.status_code, answer.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What every test of the workshop needs."""

    keys: KeySet = field(repr=False)
    caisse: Caisse
    clock: ManualClock
    maker: Maker
    field: Field
    line: InProcess

    @property
    def addresses(self) -> tuple[URLPattern, ...]:
        """What a service of this caisse answers to: a URL configuration for Django."""

        def caisse() -> Caisse:
            return self.caisse

        return (*workshop.addresses(caisse), *pairing.addresses(caisse))

    @property
    def cards(self) -> CardWorkshop:
        """The card table, which trusts this world's maker of chips."""
        return CardWorkshop(
            public=self.keys.public,
            keys=self.keys.workshop,
            originality=self.maker.originality,
        )

    @property
    def terminals(self) -> TerminalWorkshop:
        """The coordinator's table."""
        return TerminalWorkshop.with_root(
            public=self.keys.public, keys=self.keys.workshop, root=self.keys.root, clock=self.clock
        )

    @property
    def client(self) -> ServiceClient:
        """The workshop's line to the service."""
        return self.client_of(self.keys.workshop.signing_key("flers"))

    def client_of(self, key: SigningKey) -> ServiceClient:
        """A line of anybody's."""
        return ServiceClient(URL, key=key, clock=self.clock, transport=self.line)

    def laid(self) -> CardConnection:
        """The card that lies on the reader."""
        connection = self.field.wait_for_card(0)
        assert connection is not None
        return connection


def make_world(keys: KeySet, clock: ManualClock) -> World:
    """A caisse of two members and two merchants; needs a database."""
    caisse = Caisse(ring=KeyRing(keys.public, keys.service), clock=clock)
    start_rules(caisse, from_day=date(2026, 1, 1))
    for number in (ACCOUNT, OTHER_ACCOUNT):
        Account.objects.create(number=number)
    for merchant in (MERCHANT, OTHER_MERCHANT):
        sign_up(
            caisse,
            merchant,
            f"Stall {merchant}",
            convention_from=datetime(2026, 1, 1, tzinfo=UTC),
            convention_until=datetime(2027, 1, 1, tzinfo=UTC),
        )
    return World(
        keys=keys, caisse=caisse, clock=clock, maker=Maker(), field=Field(), line=InProcess()
    )


@contextmanager
def served(world: World) -> Iterator[World]:
    """Let Django serve this world's caisse, and nothing else."""
    with override_settings(ROOT_URLCONF=world.addresses, STATIC_ROOT=None):
        yield world


@contextmanager
def on_a_socket(world: World) -> Iterator[str]:
    """Serve this world's caisse on the loopback, over the connection of the test itself."""
    with served(world):
        server = LiveServer("localhost")
        try:
            yield server.url
        finally:
            server.stop()


@dataclass(frozen=True, slots=True)
class BlankTerminal:
    """A terminal that has its own keys and nothing else yet."""

    journal: SigningKey
    transport: SigningKey
    sealing: SealingKey

    @classmethod
    def new(cls) -> BlankTerminal:
        """One fresh from its box."""
        return cls(
            SigningKey.generate(caisse="flers"),
            SigningKey.generate(caisse="flers"),
            SealingKey.generate(),
        )

    def request(self, ticket: Ticket) -> PairRequest:
        """What it asks with a ticket."""
        return pair_request(
            ticket,
            public_key=self.journal.public.encoded,
            transport_key=self.transport.public.encoded,
            sealing_key=self.sealing.public_bytes,
        )
