"""Finds out what stands between this terminal and the service, step by step as a request goes.

Name, connection, TLS, the service itself, and at last whether it knows this terminal. Where a
step fails, the layers under it are asked too: "no name" means something else without a cable.
Nothing is sold, sent or journalled, and nothing here says more than the first cause it meets.
"""

from __future__ import annotations

import errno
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPMessage
from typing import Final
from urllib.parse import SplitResult, urlsplit

from cardkit.clock import Clock
from cardkit.frozen import dataclass
from cardkit.httpsig import sign_post
from cardkit.signing import SigningKey
from cardkit.sync import PATH
from terminal.diagnosis import WELL, Cause, Diagnosis
from terminal.links import Link, links

logger = logging.getLogger(__name__)

TIMEOUT_S: Final = 10.0
"""For each step: a poor line at a market takes seconds, and a person waits for the answer."""
_PORTS: Final = {"http": 80, "https": 443}
_X509_NOT_YET_VALID: Final = 9
_X509_EXPIRED: Final = 10
"""OpenSSL, openssl/x509_vfy.h: X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""
_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_EMPTY_MAP: Final = b"\xa0"
"""RFC 8949, appendix A. Not nothing: what lies between may drop headers with the body."""
_REDIRECTS: Final = range(300, 400)

Resolve = Callable[[str, int], Sequence[tuple[str, int]]]
"""Host name and port to addresses and ports to try in turn; raises OSError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a test asks of the computer it runs on."""

    resolve: Resolve
    links: Callable[[], Sequence[Link]]
    authorities: str
    """File of the certificates that are trusted, as the exchange itself trusts them."""
    portal_port: int = _PORTS["http"]
    """Where a page that stands in the way of everything answers without TLS."""
    timeout_s: float = TIMEOUT_S

    @classmethod
    def of_this_computer(cls) -> Surroundings:
        """The system's own resolver, network interfaces, and the authorities of `requests`."""
        from requests.utils import DEFAULT_CA_BUNDLE_PATH  # noqa: PLC0415 - loads all of requests

        return cls(resolve=resolve, links=links, authorities=DEFAULT_CA_BUNDLE_PATH)


@dataclass(frozen=True, slots=True)
class _Answer:
    """Who answers shows in this much; what they say is left unread."""

    status: int
    headers: HTTPMessage


class _Found(Exception):
    """Ends the walk at the step that failed; never leaves this module."""

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(detail)
        self.diagnosis = Diagnosis(cause=cause, detail=detail)


class ConnectionTest:
    """One terminal's way to the service, walked step by step."""

    def __init__(
        self,
        url: str,
        *,
        key: SigningKey,
        key_id: str,
        clock: Clock,
        surroundings: Surroundings,
    ) -> None:
        """Take the service's address and the transport key that it knows this terminal by."""
        self._url = urlsplit(url.rstrip("/") + PATH)
        self._key = key
        self._key_id = key_id
        self._clock = clock
        self._around = surroundings

    def run(self) -> Diagnosis:
        """Return the first cause that is met, or that all is well."""
        try:
            self._recognise()
            self._introduce()
        except _Found as found:
            logger.info("%s: %s", found.diagnosis.cause.value, found.diagnosis.detail)
            return found.diagnosis
        return WELL

    def _recognise(self) -> None:
        """See that what answers is the service: it alone takes only POSTs at this address."""
        response = self._ask("GET", b"", {})
        if response.headers.get("Allow") == "POST":
            return
        self._check_alive(response)
        raise _Found(_stranger(self._url), f"HTTP {response.status}")

    def _introduce(self) -> None:
        """Sign an empty map, which says nothing: whose key is known learns that it is empty."""
        url = self._url.geturl()
        created = self._clock.now().at
        headers = sign_post(url, _EMPTY_MAP, key=self._key, key_id=self._key_id, created=created)
        response = self._ask("POST", _EMPTY_MAP, headers)
        self._check_alive(response)
        if response.status in _REFUSED:
            raise _Found(Cause.REFUSED, f"HTTP {response.status}")

    def _check_alive(self, response: _Answer) -> None:
        if response.status == HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED:
            raise _Found(Cause.PORTAL, f"HTTP {response.status}")
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _Found(Cause.SERVICE_DOWN, f"HTTP {response.status}")

    def _ask(self, method: str, body: bytes, headers: dict[str, str]) -> _Answer:
        """Make one request over a connection of its own."""
        with closing(self._secured(self._connected(self._port))) as line:
            return self._answered(line, method, body, headers)

    def _answered(
        self, line: socket.socket, method: str, body: bytes, headers: dict[str, str]
    ) -> _Answer:
        connection = HTTPConnection(self._host, self._port, timeout=self._around.timeout_s)
        connection.sock = line
        try:
            connection.request(method, self._url.path, body, headers)
            with connection.getresponse() as response:
                return _Answer(response.status, response.headers)
        except TimeoutError:
            raise _Found(Cause.SILENT, "no HTTP answer") from None
        except OSError as error:  # also of one that hangs up before its answer
            raise _Found(Cause.INTERRUPTED, _said(error)) from error
        except HTTPException as error:
            raise _Found(_stranger(self._url), type(error).__name__) from error
        finally:
            connection.close()

    def _secured(self, line: socket.socket) -> socket.socket:
        """Put TLS on a connection, where the address asks for it."""
        if self._url.scheme != "https":
            return line
        try:
            context = ssl.create_default_context(cafile=self._around.authorities)
            return context.wrap_socket(line, server_hostname=self._host)
        except ssl.SSLCertVerificationError as error:
            line.close()
            raise self._uncertified(error) from error
        except TimeoutError:
            line.close()
            raise _Found(Cause.SILENT, "no TLS answer") from None
        except OSError as error:
            line.close()
            raise self._unless_portal(Cause.TLS, _said(error)) from error

    def _uncertified(self, error: ssl.SSLCertVerificationError) -> _Found:
        if error.verify_code == _X509_NOT_YET_VALID:
            return _Found(Cause.CLOCK_BEHIND, error.verify_message)
        if error.verify_code == _X509_EXPIRED:
            return _Found(Cause.CERTIFICATE_EXPIRED, error.verify_message)
        return self._unless_portal(Cause.CERTIFICATE_UNKNOWN, error.verify_message)

    def _unless_portal(self, cause: Cause, detail: str) -> _Found:
        """Ask once without TLS, where a page that stands in the way shows itself."""
        try:
            with closing(self._connected(self._around.portal_port)) as line:
                response = self._answered(line, "GET", b"", {})
        except _Found:
            return _Found(cause, detail)
        if self._is_portal(response):
            return _Found(Cause.PORTAL, f"HTTP {response.status}")
        return _Found(cause, detail)

    def _is_portal(self, response: _Answer) -> bool:
        """Say whether a page in the way answers: our own sends to itself by https."""
        if response.status in _REDIRECTS:
            return not _is_at(response.headers.get("Location", ""), self._host)
        return response.status in (HTTPStatus.OK, HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED)

    def _connected(self, port: int) -> socket.socket:
        """Connect to the first address that takes it."""
        try:
            addresses = self._around.resolve(self._host, port)
        except (OSError, UnicodeError) as error:
            raise self._beneath(Cause.DNS, _said(error)) from error
        last: OSError = OSError(errno.EHOSTUNREACH, "no address")
        for address in addresses:
            try:
                return socket.create_connection(address, timeout=self._around.timeout_s)
            except OSError as error:
                last = error
        cause = Cause.SILENT if isinstance(last, TimeoutError) else Cause.CONNECT
        raise self._beneath(cause, _said(last)) from last

    def _beneath(self, cause: Cause, detail: str) -> _Found:
        """Name a missing cable rather than a name that it made unreadable."""
        connected = [link for link in self._around.links() if link.is_up]
        if not connected:
            return _Found(Cause.NO_INTERFACE, detail)
        if not any(link.has_address for link in connected):
            return _Found(Cause.NO_ADDRESS, ", ".join(link.name for link in connected))
        return _Found(cause, detail)

    @property
    def _host(self) -> str:
        return self._url.hostname or ""

    @property
    def _port(self) -> int:
        return self._url.port or _PORTS.get(self._url.scheme, _PORTS["https"])


def resolve(host: str, port: int) -> list[tuple[str, int]]:
    """Ask the system's resolver; raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(str(address[0]), port) for *_, address in found]


def _is_at(location: str, host: str) -> bool:
    """Say whether an address is one of this host by https; what is none at all is not."""
    try:
        target = urlsplit(location)
    except ValueError:
        return False
    return (target.scheme, target.hostname) == ("https", host)


def _stranger(url: SplitResult) -> Cause:
    """Name who answers in the service's place: without TLS, anybody may stand there."""
    return Cause.PORTAL if url.scheme == "http" else Cause.ANOTHER_SERVICE


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
