"""What whoever runs the service sees of it: health, counters and lines; nobody's name in any."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.http import HttpRequest
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext

from cardkit.httpsig import sign_post
from cardkit.sync import encode_request, terminal_key_id
from server_stub.log_lines import LOGGED, JsonLines
from server_stub.rules.jobs import Job
from server_stub.services import people
from server_stub.services.health import look
from server_stub.services.ingest import ingest
from server_stub.services.jobs import run_jobs
from server_stub.services.seed import console_user
from server_stub.services.sync import sync
from server_stub.static_files import collect
from server_stub.urls import routes
from server_stub.web import Patience
from tests.service_world import ServiceWorld, Stall

pytestmark = pytest.mark.django_db

NAME = "Camille Lefort"
IBAN = "FR7630006000011234567890189"
TOKEN = "let-me-see"
ELSEWHERE = "192.0.2.7"


@pytest.fixture
def world() -> Iterator[ServiceWorld]:
    """A caisse that is served over HTTP, with a member who has a name."""
    made = ServiceWorld.make()
    patterns = tuple(one for some in routes(lambda: made.caisse).values() for one in some)
    with override_settings(ROOT_URLCONF=patterns, ALLOWED_HOSTS=["localhost", "testserver"]):
        people.register(made.caisse, NAME, address="3 rue du Pont", email="camille@example.org")
        yield made


def post(stall: Stall, body: bytes | None = None) -> int:
    """Send what a stall has, or something else, over HTTP."""
    content = encode_request(stall.request()) if body is None else body
    headers = sign_post(
        "http://localhost/v1/sync",
        content,
        key=stall.transport,
        key_id=terminal_key_id(stall.terminal),
        created=stall.world.now,
    )
    answer = Client(raise_request_exception=False).post(
        "/v1/sync",
        data=content,
        content_type=headers.pop("Content-Type"),
        headers={**headers, "Host": "localhost"},
    )
    return answer.status_code


# Health and metrics


def test_health_is_in_numbers(world: ServiceWorld, tmp_path: Path) -> None:
    """Promise 6: a monitor learns whether requests can be served, and how old the digest is."""
    world.stall()
    ready = Client().get("/readyz")
    assert ready.status_code == 200
    told = ready.json()
    assert all(told[name] for name in ("ready", "database", "migrated", "keys"))
    assert told["digest_age_s"] == 0
    assert look(None, tmp_path).is_ready is False
    assert Client().get("/healthz").content == b"alive"


@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
def test_operators_are_here_or_have_the_token(world: ServiceWorld, path: str) -> None:
    """Promise 7: what comes from elsewhere, or through a proxy, learns nothing without a token."""
    assert Client().get(path).status_code == 200
    assert Client().get(path, REMOTE_ADDR=ELSEWHERE).status_code == 403
    proxied = {"X-Forwarded-For": ELSEWHERE}
    assert Client().get(path, headers=proxied).status_code == 403
    right = {"Authorization": f"Bearer {TOKEN}"}
    assert Client().get(path, REMOTE_ADDR=ELSEWHERE, headers=right).status_code == 403, (
        "none is set"
    )
    with override_settings(OPERATOR_TOKEN=TOKEN):
        assert Client().get(path, REMOTE_ADDR=ELSEWHERE, headers=right).status_code == 200
        wrong = {"Authorization": "Bearer let-me-in"}
        assert Client().get(path, REMOTE_ADDR=ELSEWHERE, headers=wrong).status_code == 403


def test_counters_are_those_of_the_books(world: ServiceWorld, tmp_path: Path) -> None:
    """Promise 8: entries, sales, refusals, findings and jobs, whichever process is asked."""
    card, stall = world.card(), world.stall()
    stall.sell(card, 5_00)
    stall.sync([*stall.unsent, b"nonsense"])
    run_jobs(world.caisse, tmp_path, Job.ISSUE)
    shown = Client().get("/metrics").content.decode()
    for line in (
        "clafoutis_entries_total 3.0",
        "clafoutis_entries_refused_total 1.0",
        'clafoutis_sales{state="payable"} 1.0',
        'clafoutis_terminals{status="active"} 1.0',
        'clafoutis_job_age_seconds{job="issue"} 0.0',
        'clafoutis_job_failed{job="issue"} 0.0',
    ):
        assert line in shown.splitlines(), line


# Lines


def test_no_line_is_about_a_person(
    world: ServiceWorld, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Promise 7: a whole exchange, refusals, jobs and the console leave no name, card or key."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("django.db.backends").setLevel(logging.WARNING)
    card, stall = world.card(), world.stall()
    stall.sell(card, 5_00)
    stall.refund(card, 2, 1_00)
    assert post(stall) == 200
    assert post(stall, b"\xa0") == 400
    assert post(stall, encode_request(stall.request([b"nonsense"]))) == 200
    for job in (Job.RECONCILE, Job.ISSUE, Job.DIGEST, Job.RETENTION):
        run_jobs(world.caisse, tmp_path, job)
    password = console_user(world.caisse, "coordination") or ""
    person = Client()
    person.post("/login", {"login": "coordination", "password": f"{IBAN} {NAME}"})
    person.post("/login", {"login": "coordination", "password": password})
    for path in ("/", f"/nobody/{card.uid.hex()}", f"/?search={NAME}", "/metrics", "/readyz"):
        person.get(path)
    lines = [JsonLines().format(record) for record in caplog.records]
    assert len(lines) > 10
    secrets = (
        *(NAME, "Camille", "Lefort", "rue du Pont", "camille@", IBAN, password, "coordination"),
        *(card.uid.hex(), card.uid.hex().upper(), stall.token_key.hex(), "sessionid"),
        *(stall.key.public.encoded.hex(), stall.transport.public.encoded.hex()),
    )
    for line in lines:
        assert not [secret for secret in secrets if secret in line], line
    exchange = next(it for it in map(json.loads, lines) if it.get("route") == "v1/sync")
    assert {"request", "method", "status", "ms", "terminal", "entries"} <= exchange.keys()
    assert (exchange["status"], exchange["terminal"], exchange["entries"]) == (200, 3, 4)


def test_an_exception_is_told_without_its_words() -> None:
    """Promise 7: a row that a database quotes in an error is in no line."""
    try:
        raise ValueError(NAME)
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("django", logging.ERROR, "x", 1, f"{NAME} %s", (NAME,), info)
    line = JsonLines().format(record)
    assert NAME not in line
    assert json.loads(line)["exception"] == "ValueError"
    assert LOGGED["formatters"]["line"] == {"()": "server_stub.log_lines.JsonLines"}


# What a request costs


def test_a_database_that_is_busy_asks_to_come_again() -> None:
    """Promise 1: nobody sees an error of ours because another one writes."""
    patience = Patience(lambda _request: pytest.fail("not asked"))
    request: HttpRequest = RequestFactory().get("/")
    answer = patience.process_exception(request, OperationalError("database is locked"))
    assert answer is not None
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "15")
    assert patience.process_exception(request, ValueError()) is None


def test_an_idle_exchange_writes_no_row_and_asks_little(world: ServiceWorld) -> None:
    """Promise 5: a terminal with nothing to tell costs the same whatever the books hold."""
    cards, stall = [world.card() for _ in range(3)], world.stall()
    stall.sync()
    stall.sync()
    with CaptureQueriesContext(connection) as few:
        sync(world.caisse, stall.request([]))
    for card in cards:
        stall.sell(card, 5_00)
    stall.sync()
    stall.sync()
    with CaptureQueriesContext(connection) as many:
        sync(world.caisse, stall.request([]))
    assert len(many) <= len(few) <= 60
    assert not [it for it in many.captured_queries if "INSERT" in it["sql"]]


def test_queries_do_not_grow_with_a_delivery(world: ServiceWorld) -> None:
    """Promise 5: twenty sales to twenty cards are taken in by as many statements as two are."""
    cards, stall = [world.card() for _ in range(20)], world.stall()
    stall.sync()
    counted = []
    for some in (cards[:2], cards[2:4], cards):
        for card in some:
            stall.sell(card, 1_00)
        sent, stall.acknowledged = stall.unsent, len(stall.entries)
        with CaptureQueriesContext(connection) as asked:
            ingest(world.caisse, stall.terminal, sent)
        counted.append(len(asked))
    assert counted[2] <= counted[0] + 6, counted


# Files


def test_static_files_have_names_of_their_contents(tmp_path: Path) -> None:
    """Promise 7: a browser keeps a file for ever, because another content has another name."""
    collect(tmp_path / "static")
    collect(tmp_path / "static")
    names = {path.name for path in (tmp_path / "static").iterdir()}
    (hashed,) = (it for it in names if re.fullmatch(r"console\.[0-9a-f]{12}\.css", it))
    assert {"console.css", "staticfiles.json", f"{hashed}.gz"} <= names
