"""Targets: what strangers, terminals and browsers send to the service, down to its database.

Every input finds the same caisse, in which one stall has sold, and is rolled back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import django
from django.apps import apps

from tests.fuzz_target import Parts, Target, blocks

if not apps.ready:  # pytest-django has done it when tests run
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.service_settings")
    django.setup()

from django.core.cache import cache as attempts
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client, override_settings
from django.test.utils import setup_databases

from cardkit import cbor
from cardkit.errors import DocumentError
from cardkit.pairing import PATH as PAIR_PATH
from cardkit.schema import pack
from cardkit.signing import ContentType
from cardkit.sync import CONTENT_TYPE
from server_stub.models import PostingLine, StoredEntry
from server_stub.rules.ledger import Book
from server_stub.services.books import balances
from server_stub.services.seed import console_user
from server_stub.services.sync import sync
from server_stub.urls import routes
from tests.document_samples import sample
from tests.service_world import MERCHANT, ServiceWorld, Stall

_SOLD_CENTS: Final = 19_50
_SEQ, _PREV, _TERMINAL = 4, 5, 3
_PATHS: Final = (
    "/",
    "/login",
    "/language",
    "/logout",
    "/v1/sync",
    PAIR_PATH,
    "/v1/cards/begin",
    "/x",
)
_TYPES: Final = (
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    CONTENT_TYPE,
    "text/plain",
)


class _Serving:
    """The caisse, its stall, and a browser that has logged in."""

    def __init__(self) -> None:
        self.world = ServiceWorld.make()
        card, self.stall = self.world.card(), self.world.stall()
        self.stall.sell(card, 12_50)
        seq = self.stall.sell(card, 7_00)
        self.payloads = [entry.signed.payload for entry in self.stall.entries]
        self.stall.sync()
        self.stall.refund(card, seq, 1_00)
        self.stall.inspect(card)
        self.payloads += [entry.signed.payload for entry in self.stall.entries[-2:]]
        served = (one for some in routes(lambda: self.world.caisse).values() for one in some)
        override_settings(ROOT_URLCONF=tuple(served), ALLOWED_HOSTS=["*"]).enable()
        self.person = Client(raise_request_exception=True)
        password = console_user(self.world.caisse, "coordination")
        self.person.post("/login", {"login": "coordination", "password": password})


_HELD: Final[list[_Serving]] = []


def _serving() -> _Serving:
    if not _HELD:
        if connection.settings_dict["NAME"] != ":memory:" and not connection.in_atomic_block:
            setup_databases(verbosity=0, interactive=False)
        _HELD.append(_Serving())
    return _HELD[0]


def forget() -> None:
    """Forget the caisse, whose database a test has rolled back."""
    _HELD.clear()


@contextmanager
def _rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def fuzz_ingest(data: bytes) -> None:
    """Entries with any payload under a terminal's true signature: kept, and never a cent too much.

    The first byte of each block says whether its place in the chain is made right (1), whether
    it goes unsigned (2), and whether everything is sent twice (4).
    """
    serving = _serving()
    stall, parts = serving.stall, Parts(data)
    entries: list[bytes] = []
    is_repeated = False
    seq, head = 5, stall.entries[4].digest
    while parts.left > 2 and len(entries) < 8:
        block = parts.block()
        way, payload = (block[0] if block else 0), block[1:]
        is_repeated |= bool(way & 4)
        if way & 1:
            payload = _in_place(payload, seq + 1, head)
        signed = stall.key.sign_encoded(ContentType.ENTRY, payload)
        seq, head = seq + 1, signed.digest
        entries.append(payload if way & 2 else signed.encoded)
    with _rolled_back():
        before = StoredEntry.objects.count()
        _deliver(serving, stall, entries)
        stored = StoredEntry.objects.count()
        assert before <= stored <= before + len(entries)
        if is_repeated:
            _deliver(serving, stall, entries)
            assert StoredEntry.objects.count() == stored, "an entry is stored twice"


def _in_place(payload: bytes, seq: int, head: bytes) -> bytes:
    """A payload that stands where the chain ends, if it can stand anywhere."""
    try:
        content = cbor.decode(payload)
    except DocumentError:
        return payload
    if isinstance(content, dict):
        content |= {_TERMINAL: 3, _SEQ: seq, _PREV: head}
        return cbor.encode(content)
    return payload


def _deliver(serving: _Serving, stall: Stall, entries: list[bytes]) -> None:
    sync(serving.world.caisse, stall.request([entry for entry in entries if entry]))
    books = balances(serving.world.caisse)
    assert sum(books.values()) == 0, "the books do not balance"
    assert books.get((Book.PAYABLE, MERCHANT), 0) <= _SOLD_CENTS, (
        "more is owed than cards have paid"
    )
    assert sum(PostingLine.objects.values_list("amount_cents", flat=True)) == 0


def _deliveries() -> Iterator[bytes]:
    yield from (blocks(b"\1" + payload) for payload in _serving().payloads)
    yield blocks(*(b"\5" + payload for payload in _serving().payloads))


def fuzz_http(data: bytes) -> None:
    """Whatever a browser or a stranger sends to any address: an answer, and no server error."""
    serving, parts = _serving(), Parts(data)
    choices, path = parts.number(), _PATHS[parts.number() % len(_PATHS)]
    query = parts.block().decode("latin-1")
    headers = {"Signature-Input": parts.block().decode("latin-1")} if choices & 16 else {}
    kind = _TYPES[choices >> 5 & 3]
    browser = serving.person if choices & 8 else Client(raise_request_exception=True)
    send: Callable[..., Any] = browser.post if choices & 1 else browser.get
    attempts.clear()
    with _rolled_back():
        more: dict[str, Any] = {"data": parts.rest(), "content_type": kind} if choices & 1 else {}
        answer: HttpResponse = send(
            path, query_params=None, headers=headers, QUERY_STRING=query, **more
        )
    assert answer.status_code < 500
    where = answer.headers.get("Location", "/")
    assert where.startswith("/"), "people are sent elsewhere"
    assert not where.startswith(("//", "/\\")), "people are sent elsewhere"


def _visits() -> Iterator[bytes]:
    from cardkit.pairing import PairRequest

    form = b"username=a&password=b&next=/"
    yield bytes([8, 0]) + blocks(b"")
    yield bytes([1, 1]) + blocks(b"next=/") + form
    yield bytes([1, 2]) + blocks(b"") + b"language=en&next=/login"
    yield bytes([1, 3]) + blocks(b"")
    yield bytes([1 | 2 << 5, 5]) + blocks(b"") + cbor.encode(pack(sample(PairRequest)))
    signed = b'clafoutis=("@method");created=1;keyid="terminal-3"'
    yield bytes([1 | 2 << 5 | 16, 4]) + blocks(b"", signed)
    yield (
        bytes([33, 1])
        + blocks(b"")
        + b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\na\r\n--x--'
    )


TARGETS: Final = (
    Target("ingest", fuzz_ingest, _deliveries, replayed=3),
    Target("http", fuzz_http, _visits, replayed=20),
)
