"""The connection test names the cause: each is made for real, with sockets and certificates."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cardkit.errors import SignatureInvalid
from cardkit.httpsig import verify_post
from cardkit.language import ENGLISH, FRENCH
from cardkit.signing import PublicKey, SigningKey
from simulator.clock import ManualClock
from terminal.connection_test import ConnectionTest, Surroundings
from terminal.connection_words import sentence
from terminal.diagnosis import Cause
from terminal.links import Link, links
from terminal.words import Words

HOST = "caisse.example"
KEY = SigningKey.from_scalar(77, caisse="flers")
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
CABLE = Link(name="eth0", is_up=True, has_address=True)


class Served:
    """A server on the loopback that answers as a test says."""

    def __init__(self) -> None:
        self.status_of_get = 405
        self.headers: dict[str, str] = {}
        self.known: PublicKey | None = KEY.public

    def post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        """Answer a signed request as our service does."""
        try:
            verify_post(url, headers, body, find_key=lambda _: self.known)
        except SignatureInvalid:
            return 401
        return 400


@contextmanager
def serving(served: Served, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve on a free port, behind TLS where a context is given."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(served.status_of_get)
            for name, value in served.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            url = f"http://{self.headers['Host']}{self.path}"
            self.send_response(served.post(url, dict(self.headers), body))
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def get_request(self) -> tuple[socket.socket, object]:
            line, address = super().get_request()
            if context is None:
                return line, address
            try:
                # The handshake waits for the connection's own thread.
                secured = context.wrap_socket(line, server_side=True, do_handshake_on_connect=False)
            except OSError:  # the client has hung up
                line.close()
                raise
            return secured, address

        def handle_error(self, *_: object) -> None:
            """Say nothing of clients that hang up, as a test's do."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def talking(speak: Callable[[socket.socket], object]) -> Iterator[int]:
    """Take connections and do something with each: what no HTTP server would."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                line, _ = listener.accept()
                held.append(line)
                speak(line)

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for line in (listener, *held):
            line.close()


def loopback(_host: str, port: int) -> list[tuple[str, int]]:
    """Resolve every name to the loopback."""
    return [("127.0.0.1", port)]


def nowhere(_host: str, _port: int) -> list[tuple[str, int]]:
    """Resolve no name."""
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    """A computer with a cable, whose names all lead to the loopback, and that trusts one CA."""
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(AUTHORITY.pem)
    return Surroundings(
        resolve=loopback,
        links=lambda: [CABLE],
        authorities=str(authorities),
        portal_port=1,
        timeout_s=5,
    )


def cause(url: str, around: Surroundings) -> Cause:
    """What the test of a connection finds."""
    clock = ManualClock(datetime(2026, 10, 1, tzinfo=UTC))
    return (
        ConnectionTest(url, key=KEY, key_id="terminal-3", clock=clock, surroundings=around)
        .run()
        .cause
    )


# Certificates


class Authority:
    """An authority that certifies hosts for any dates."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.pem = self._certificate(
            self._name, self._key.public_key(), NOW - 1000 * DAY, NOW + 1000 * DAY, is_ca=True
        )

    def context(
        self, folder: Path, *, after: datetime, before: datetime, host: str = HOST
    ) -> ssl.SSLContext:
        """A server's side of TLS with a certificate of these dates."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        pem = self._certificate(name, key.public_key(), after, before, is_ca=False)
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path = folder / "server.pem"
        path.write_bytes(secret + pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _certificate(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        after: datetime,
        before: datetime,
        *,
        is_ca: bool,
    ) -> bytes:
        host = subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
        names = [x509.DNSName(str(host)), x509.IPAddress(ip_address("127.0.0.1"))]
        builder = x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key,
            serial_number=x509.random_serial_number(),
            not_valid_before=after,
            not_valid_after=before,
        )
        builder = builder.add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        if not is_ca:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        signed = builder.sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


AUTHORITY = Authority("an authority that the terminal trusts")
STRANGER = Authority("an authority that nobody trusts")


# What is found


def test_all_is_well(around: Surroundings) -> None:
    """Promise: the real service, known by its refusal of a GET, and this terminal known to it."""
    served = Served()
    served.headers = {"Allow": "POST"}
    with serving(served) as port:
        assert cause(f"http://{HOST}:{port}", around) is Cause.WELL


def test_a_terminal_that_was_refused(around: Surroundings) -> None:
    """Promise: a key that the service does not know is named, and is no network trouble."""
    served = Served()
    served.headers, served.known = {"Allow": "POST"}, None
    with serving(served) as port:
        assert cause(f"http://{HOST}:{port}", around) is Cause.REFUSED


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_service_that_is_down(around: Surroundings, status: int) -> None:
    """Promise: a proxy whose service is gone is the service's trouble, not the stall's."""
    served = Served()
    served.status_of_get = status
    with serving(served) as port:
        assert cause(f"http://{HOST}:{port}", around) is Cause.SERVICE_DOWN


@pytest.mark.parametrize("status", [200, 302, 307, 404, 511])
def test_a_page_in_the_way(around: Surroundings, status: int) -> None:
    """Promise: whatever a captive portal answers in the service's place, it is named so."""
    served = Served()
    served.status_of_get = status
    served.headers = {"Location": "http://portal.example/accept"}
    with serving(served) as port:
        assert cause(f"http://{HOST}:{port}", around) is Cause.PORTAL


def test_a_name_that_leads_nowhere(around: Surroundings) -> None:
    """Promise: with a cable and an address, a name that is not found is DNS."""
    assert cause(f"http://{HOST}", replace(around, resolve=nowhere)) is Cause.DNS


NO_CABLE = Link(name="wlan0", is_up=False, has_address=False)
NO_DHCP = Link(name="wlan0", is_up=True, has_address=False)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], Cause.NO_INTERFACE),
        ([NO_CABLE], Cause.NO_INTERFACE),
        ([NO_CABLE, NO_DHCP], Cause.NO_ADDRESS),
        ([NO_DHCP, CABLE], Cause.DNS),
    ],
)
def test_what_lies_beneath_is_named_first(
    around: Surroundings, found: list[Link], expected: Cause
) -> None:
    """Promise: nobody is sent after a name server while the cable lies on the floor."""
    surroundings = replace(around, resolve=nowhere, links=lambda: found)
    assert cause(f"http://{HOST}", surroundings) is expected


def test_nobody_listens(around: Surroundings) -> None:
    """Promise: an address that refuses the connection is named so."""
    assert cause(f"http://{HOST}:1", around) is Cause.CONNECT


def test_the_second_address_counts(around: Surroundings) -> None:
    """Promise: an IPv6 address that leads nowhere does not hide an IPv4 address that works."""
    served = Served()
    served.headers = {"Allow": "POST"}
    with serving(served) as port:
        both = [("127.0.0.1", 1), ("127.0.0.1", port)]
        surroundings = replace(around, resolve=lambda _host, _port: both)
        assert cause(f"http://{HOST}:{port}", surroundings) is Cause.WELL


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_half_open_server(around: Surroundings, scheme: str) -> None:
    """Promise: one that takes the connection and says nothing ends the test, in bounded time."""
    with talking(lambda line: line) as port:
        surroundings = replace(around, timeout_s=0.1)
        assert cause(f"{scheme}://{HOST}:{port}", surroundings) is Cause.SILENT


RESET = b"\x01\0\0\0\0\0\0\0"
"""socket(7), SO_LINGER: on, for no time, so that closing resets the connection."""


@pytest.mark.parametrize("linger", [b"", RESET])
def test_a_line_that_drops(around: Surroundings, linger: bytes) -> None:
    """Promise: a connection that is closed or reset before the answer is no page in the way."""

    def drop(line: socket.socket) -> None:
        line.recv(1)
        if linger:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            line.close()
        else:
            line.shutdown(socket.SHUT_WR)

    with talking(drop) as port:
        assert cause(f"http://{HOST}:{port}", around) is Cause.INTERRUPTED


def test_another_protocol(around: Surroundings) -> None:
    """Promise: what answers in another language is not the service."""
    with talking(lambda line: line.sendall(b"220 mail.example ESMTP\r\n\r\n")) as port:
        assert cause(f"http://{HOST}:{port}", around) is Cause.PORTAL
        assert cause(f"https://{HOST}:{port}", around) is Cause.TLS


CERTIFICATES = [
    (AUTHORITY, HOST, (NOW + DAY, NOW + 9 * DAY), Cause.CLOCK_BEHIND),
    (AUTHORITY, HOST, (NOW - 9 * DAY, NOW - DAY), Cause.CERTIFICATE_EXPIRED),
    (STRANGER, HOST, (NOW - DAY, NOW + DAY), Cause.CERTIFICATE_UNKNOWN),
    (AUTHORITY, "other.example", (NOW - DAY, NOW + DAY), Cause.CERTIFICATE_UNKNOWN),
    (AUTHORITY, HOST, (NOW - DAY, NOW + DAY), Cause.ANOTHER_SERVICE),
]


@pytest.mark.parametrize("case", CERTIFICATES, ids=[case[-1].value for case in CERTIFICATES])
def test_certificates(
    around: Surroundings,
    tmp_path: Path,
    case: tuple[Authority, str, tuple[datetime, datetime], Cause],
) -> None:
    """Promise: a clock that is behind, one that ran out and a stranger's are told apart."""
    authority, host, (after, before), expected = case
    served = Served()
    served.status_of_get = 200
    context = authority.context(tmp_path, after=after, before=before, host=host)
    with serving(served, context) as port:
        assert cause(f"https://{HOST}:{port}", around) is expected


@pytest.mark.parametrize(
    ("status", "location", "expected"),
    [
        (200, "", Cause.PORTAL),
        (302, "http://portal.example/", Cause.PORTAL),
        (302, "http://[", Cause.PORTAL),
        (511, "", Cause.PORTAL),
        (301, f"https://{HOST}/v1/sync", Cause.CERTIFICATE_UNKNOWN),
        (404, "", Cause.CERTIFICATE_UNKNOWN),
    ],
)
def test_a_page_in_the_way_of_a_secure_connection(
    around: Surroundings, tmp_path: Path, status: int, location: str, expected: Cause
) -> None:
    """Promise: a portal that answers TLS with its own certificate is called a portal."""
    page = Served()
    page.status_of_get, page.headers = status, {"Location": location}
    context = STRANGER.context(tmp_path, after=NOW - DAY, before=NOW + DAY)
    with ExitStack() as stack:
        port = stack.enter_context(serving(Served(), context))
        portal_port = stack.enter_context(serving(page))
        surroundings = replace(around, portal_port=portal_port)
        assert cause(f"https://{HOST}:{port}", surroundings) is expected


# The computer's own links


def test_links_are_read_as_the_kernel_tells_them(tmp_path: Path) -> None:
    """Promise: a cable without carrier is down, a telephone is up, the loop is no network."""
    for name, state in {"eth9": "down", "usb9": "unknown", "wlan9": "up", "lo": "unknown"}.items():
        folder = tmp_path / "sys/class/net" / name
        folder.mkdir(parents=True)
        (folder / "operstate").write_text(state + "\n")
    (tmp_path / "proc/net").mkdir(parents=True)
    table = (
        "fe8000000000000000fc00fffe000001 04 40 20 80     usb9\n"
        "20010db8000000000000000000000002 05 40 00 80    wlan9\n"
    )
    (tmp_path / "proc/net/if_inet6").write_text(table)
    assert links(tmp_path) == (
        Link(name="eth9", is_up=False, has_address=False),
        Link(name="usb9", is_up=True, has_address=False),
        Link(name="wlan9", is_up=True, has_address=True),
    )
    assert links(tmp_path / "nothing") == ()


def test_every_cause_has_a_sentence_in_both_languages() -> None:
    """Promise: whatever is found, a person reads what to do, in French of its own."""
    for found in Cause:
        english, french = (sentence(Words(it), found) for it in (ENGLISH, FRENCH))
        assert english.endswith(".")
        assert french.endswith(".")
        assert french != english
