"""POST /v1/sync: who may speak, what is refused before it is read, what the answer carries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client, override_settings
from django.urls import URLPattern

from cardkit.httpsig import sign_post
from cardkit.signing import SigningKey
from cardkit.sync import SyncAnswer, accept_answer, encode_request, terminal_key_id
from server_stub import urls
from server_stub.models import DirectoryVersion, Terminal, TerminalStatus
from server_stub.services import acts, directory
from server_stub.urls import Caller, routes
from tests.service_world import ServiceWorld, Stall

pytestmark = pytest.mark.django_db

URL = "http://localhost/v1/sync"


@pytest.fixture
def world() -> Iterator[ServiceWorld]:
    """A caisse that is served over HTTP."""
    made = ServiceWorld.make()
    patterns = tuple(one for some in routes(lambda: made.caisse).values() for one in some)
    with override_settings(ROOT_URLCONF=patterns, ALLOWED_HOSTS=["localhost", "testserver"]):
        yield made


def post(
    stall: Stall,
    *,
    key: SigningKey | None = None,
    key_id: str | None = None,
    created: datetime | None = None,
    body: bytes | None = None,
    sent: bytes | None = None,
) -> tuple[int, bytes]:
    """Post a stall's request, or something like it."""
    content = encode_request(stall.request()) if body is None else body
    headers = sign_post(
        URL,
        content,
        key=key or stall.transport,
        key_id=key_id or terminal_key_id(stall.terminal),
        created=created or stall.world.now,
    )
    content_type = headers.pop("Content-Type")
    answer = Client().post(
        "/v1/sync",
        data=content if sent is None else sent,
        content_type=content_type,
        headers={**headers, "Host": "localhost"},
    )
    return answer.status_code, answer.content


def answered(stall: Stall, content: bytes) -> SyncAnswer:
    """Verify an answer as the terminal does."""
    trust = stall.world.caisse.ring.trust
    return accept_answer(content, trust, terminal=stall.terminal).answer


# Over HTTP


def test_a_terminal_syncs_over_http(world: ServiceWorld) -> None:
    """Promise 1: a signed request is taken, and answered with one signed object."""
    card, stall = world.card(), world.stall()
    stall.sell(card, 5_00)
    status, content = post(stall)
    assert status == 200
    answer = answered(stall, content)
    assert (answer.up_to_seq, answer.head) == (len(stall.entries), stall.head)
    assert answer.accounts[0].payable_cents == 5_00
    assert answer.certificates == world.keys.public.certificates


@pytest.mark.parametrize("year", [1970, 2040])
def test_a_wrong_clock_is_never_a_reason(world: ServiceWorld, year: int) -> None:
    """Promise 5: stalls have no clock; no request is refused for when it says it was made."""
    stall = world.stall()
    status, _ = post(stall, created=datetime(year, 1, 2, tzinfo=UTC))
    assert status == 200


def test_revoked_terminal_is_still_heard(world: ServiceWorld) -> None:
    """Promise 1: facts are never refused, not at the door either."""
    stall = world.stall()
    Terminal.objects.update(status=TerminalStatus.REVOKED)
    status, content = post(stall)
    assert status == 200
    assert answered(stall, content).up_to_seq == 1


@pytest.mark.parametrize("key_id", ["terminal-99", "terminal-", "nobody-3", "terminal--3", "x"])
def test_strangers_are_refused(world: ServiceWorld, key_id: str) -> None:
    """Promise 2: only an enrolled terminal is listened to."""
    stall = world.stall()
    assert post(stall, key_id=key_id)[0] == 401
    assert post(stall, key=stall.key)[0] == 401, "the journal key is not the transport key"


def test_body_is_bound_by_the_signature(world: ServiceWorld) -> None:
    """Promise 2: another body under a right signature is refused."""
    stall = world.stall()
    other = encode_request(stall.request([]))
    assert post(stall, sent=other)[0] == 401


def test_a_terminal_speaks_for_itself(world: ServiceWorld) -> None:
    """Promise 2: a right signature does not let one terminal send for another."""
    one, two = world.stall(3), world.stall(4)
    assert post(one, body=encode_request(two.request()))[0] == 403


def test_nonsense_is_400(world: ServiceWorld) -> None:
    """A signed body that is no request is the sender's mistake."""
    assert post(world.stall(), body=b"\xa0")[0] == 400


def test_large_bodies_are_refused_unread(world: ServiceWorld) -> None:
    """The size is judged before any of the body is read."""
    answer = Client().generic(
        "POST",
        "/v1/sync",
        data=b"",
        content_type="application/cbor",
        headers={"Host": "localhost", "Content-Length": str(5 * 1024 * 1024)},
    )
    assert answer.status_code == 413


# Who may call what


def test_every_address_is_classified() -> None:
    """Promise 2: no address exists without saying who may call it."""
    classified = [pattern for patterns in urls.ROUTES.values() for pattern in patterns]
    assert all(isinstance(pattern, URLPattern) for pattern in urls.urlpatterns)
    assert {id(one) for one in urls.urlpatterns} == {id(one) for one in classified}


@pytest.mark.parametrize("caller", list(Caller))
def test_nobody_unknown_gets_through(world: ServiceWorld, caller: Caller) -> None:
    """Promise 2: an anonymous call is refused wherever somebody known is asked for."""
    patterns = routes(lambda: world.caisse)[caller]
    assert patterns
    for pattern in patterns:
        path = "/" + re.sub(r"<\w+:\w+>", "1", str(pattern.pattern))
        answers = {
            Client().post(path, b"\xa0", "application/cbor").status_code,
            Client().get(path).status_code,
        }
        match caller:
            case Caller.TERMINAL | Caller.WORKSHOP:
                assert answers == {401, 405}, path
            case Caller.TICKET_HOLDER:
                assert answers == {400, 405}, path
            case Caller.PERSON:
                assert answers == {302}, path
            case Caller.ANYBODY:
                assert answers <= {200, 302, 405, 410}, path
            case Caller.PROBE:
                assert answers == {200, 405}, path
            case Caller.OPERATOR:
                elsewhere = Client().get(path, REMOTE_ADDR="192.0.2.7").status_code
                assert answers | {elsewhere} == {200, 403, 405}, path


# What the answer carries


def test_directory_comes_as_what_changed(world: ServiceWorld) -> None:
    """Promise 5: a stall gets the rows that changed since what it holds, and nothing twice."""
    first, second = world.card(), world.card()
    stall = world.stall()
    stall.sell(first, 5_00)
    delta = stall.sync().delta
    assert delta is not None
    assert (delta.base_epoch, delta.base_version) == (1, 1)
    assert len(delta.rows) == 1
    assert stall.rows[first.uid].spent_cents == 5_00
    assert stall.rows[second.uid].spent_cents == 0
    assert stall.sync().directory is None, "nothing is new"


def test_whole_directory_for_an_unknown_base(world: ServiceWorld) -> None:
    """Promise 5: a terminal whose version a restored service does not know gets everything."""
    world.card()
    stall = world.stall()
    update = directory.update_since(world.caisse, 9, 9)
    assert update is not None
    assert update.delta.base_version == 0
    assert len(update.delta.rows) == len(stall.rows) == 1


def test_unchanged_directory_is_not_published_again(world: ServiceWorld) -> None:
    """Promise 5: publishing twice without a change is one version."""
    world.card()
    one = directory.publish(world.caisse)
    two = directory.publish(world.caisse)
    assert one.pk == two.pk
    assert DirectoryVersion.objects.count() == 1


def test_permit_is_renewed_daily(world: ServiceWorld) -> None:
    """Promise 5: a stall that syncs always leaves with five weeks before it."""
    stall = world.stall()
    before = stall.permit
    assert stall.sync().permit is None
    world.clock.pass_time(timedelta(days=2))
    stall.sync()
    assert stall.permit > before


def test_acts_chain_and_verify(world: ServiceWorld) -> None:
    """Promise 6: what the service did is one signed chain that anybody can check."""
    world.card()
    world.stall()
    log = list(acts.log(world.caisse, using="default"))
    assert [act.envelope.seq for act in log] == list(range(1, len(log) + 1))
    assert all(act.body is not None for act in log)


def test_a_test_of_the_connection_is_answered(world: ServiceWorld) -> None:
    """Promise 1: the service is known by what it takes, and a terminal learns that it is known."""
    stall = world.stall()
    looked = Client().get("/v1/sync", headers={"Host": "localhost"})
    assert (looked.status_code, looked.headers["Allow"]) == (405, "POST")
    nothing = b"\xa0"
    assert post(stall, body=nothing)[0] == 400
    assert post(stall, body=nothing, key=SigningKey.from_scalar(7, caisse="flers"))[0] == 401
