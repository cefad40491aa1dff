"""The workshop's line to the service: bounded, never in the clear, its failures named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from cardkit.errors import AnswerInvalid, ServerRefused, ServerUnreachable
from cardkit.signing import SigningKey
from cardkit.workshop import PairingShow
from provisioning.client import ANSWER_BYTES_MAX, ATTEMPTS, RequestsTransport, ServiceClient
from simulator.clock import ManualClock
from tests.http_service import Answer, HttpService, http_service

KEY = SigningKey.from_scalar(7, caisse="flers")
ASKED = PairingShow(pairing_id=bytes(8))


def show(service: HttpService | str) -> None:
    """Ask something, once."""
    url = service if isinstance(service, str) else service.url
    transport = RequestsTransport()
    try:
        clock = ManualClock(datetime(2026, 3, 16, tzinfo=UTC))
        ServiceClient(url, key=KEY, clock=clock, transport=transport).show_pairing(ASKED)
    finally:
        transport.close()


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (200, b"not CBOR", AnswerInvalid, "pairings/show"),
        (200, b"\xa0", AnswerInvalid, "PairingShown"),
        (409, "déjà".encode(), ServerRefused, "HTTP 409: déjà"),
        (302, b"", ServerRefused, "HTTP 302"),
        (500, bytes(300), ServerRefused, "HTTP 500"),
    ],
)
def test_an_answer_that_is_none_has_a_name(
    status: int, body: bytes, error: type[Exception], words: str
) -> None:
    """Promise: whatever a service or a proxy answers, callers catch errors of ours only."""

    def respond(_url: str, _headers: Mapping[str, str], _body: bytes) -> Answer:
        return status, body

    with http_service(respond) as service, pytest.raises(error, match=words):
        show(service)
    assert len(service.bodies) == 1, "an answer, even a bad one, is not asked for again"


def test_an_endless_answer_is_cut() -> None:
    """Promise: no answer fills the workshop's memory."""

    def respond(_url: str, _headers: Mapping[str, str], _body: bytes) -> Answer:
        return 200, bytes(ANSWER_BYTES_MAX + 1)

    with http_service(respond) as service, pytest.raises(ServerUnreachable, match="more than"):
        show(service)


def test_a_line_that_drops_is_tried_again_and_not_for_ever() -> None:
    """Promise: three attempts, then a person is told."""

    def respond(_url: str, _headers: Mapping[str, str], _body: bytes) -> Answer:
        return 0, b""

    with http_service(respond) as service, pytest.raises(ServerUnreachable, match="Connection"):
        show(service)
    assert len(service.bodies) == ATTEMPTS


@pytest.mark.parametrize("url", ["http://caisse.example", "ftp://localhost.example", "caisse"])
def test_nothing_leaves_this_machine_in_the_clear(url: str) -> None:
    """Promise: which card belongs to which account is not told to a network."""
    with pytest.raises(ServerUnreachable, match="https"):
        show(url)
