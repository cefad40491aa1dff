"""A fault proxy: one hop between a terminal and its service, on a real socket, with bad days.

with FaultProxy(("127.0.0.1", 8765)) as proxy:
    proxy.trouble = Trouble.HALF_ANSWER        # for every connection until it is changed
    ... POST to proxy.url ...

It understands just enough HTTP to know where a request ends. What it did is counted by trouble.
"""

from __future__ import annotations

import random
import socket
import threading
from collections import Counter
from contextlib import suppress
from enum import Enum, unique
from types import TracebackType
from typing import Final, Self

PORTAL: Final = b"<!doctype html><title>Wifi gratuit</title><p>Acceptez les conditions.</p>"
_CHUNK_BYTES: Final = 64 * 1024
_PATIENCE_S: Final = 30.0
_DELAY_S: Final = 0.2


@unique
class Trouble(Enum):
    """What a line does to a request or to its answer."""

    NONE = "nothing"
    REFUSED = "nobody listens"
    REQUEST_CUT = "the request stops half way, and the line with it"
    ANSWER_LOST = "the service answers, and nothing comes back"
    HALF_ANSWER = "the answer stops half way"
    DELAYED = "everything takes its time"
    DOUBLED = "the request arrives twice"
    REQUEST_GARBLED = "a bit of the request is another one"
    ANSWER_GARBLED = "a bit of the answer is another one"
    PORTAL = "a hotspot says 200 and shows its own page"
    BROKEN = "a server on the way says 500"
    BUSY = "a server on the way says 429"
    REDIRECT = "a server on the way sends somewhere else"


_SAID: Final = {
    Trouble.PORTAL: ("200 OK", PORTAL, "Content-Type: text/html\r\n"),
    Trouble.BROKEN: ("500 Internal Server Error", b"no", ""),
    Trouble.BUSY: ("429 Too Many Requests", b"later", "Retry-After: 1\r\n"),
    Trouble.REDIRECT: ("302 Found", b"", "Location: http://127.0.0.1:9/v1/sync\r\n"),
}


class FaultProxy:
    """Listens on a port of its own while it is entered."""

    def __init__(self, upstream: tuple[str, int], *, seed: int = 0) -> None:
        self.upstream = upstream
        self.trouble = Trouble.NONE
        self.struck: Counter[Trouble] = Counter()
        self._chance = random.Random(f"proxy {seed}")
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, name="proxy", daemon=True)
        self._is_open = True
        self._pause = threading.Event()
        self._handed_on = threading.Event()

    @property
    def url(self) -> str:
        """Where a terminal finds it."""
        host, port = self._socket.getsockname()
        return f"http://{host}:{port}"

    def expect(self) -> None:
        """Forget the requests so far, for `handed_on`."""
        self._handed_on.clear()

    def handed_on(self, timeout_s: float) -> bool:
        """Wait until the service has all of a request since `expect`; False if none came."""
        return self._handed_on.wait(timeout_s)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_open = False
        self._pause.set()
        with suppress(OSError):
            socket.create_connection(self._socket.getsockname()).close()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            client, _ = self._socket.accept()
            if not self._is_open:
                client.close()
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        trouble = self.trouble
        self.struck[trouble] += 1
        with client, suppress(OSError):
            client.settimeout(_PATIENCE_S)
            if trouble is Trouble.REFUSED:
                return
            request = _read_request(client)
            if trouble in _SAID:
                client.sendall(_said(*_SAID[trouble]))
                return
            client.sendall(self._answer(trouble, request))

    def _answer(self, trouble: Trouble, request: bytes) -> bytes:
        """Hand a request on, and return what is to come back of the answer."""
        match trouble:
            case Trouble.REQUEST_CUT:
                self._ask(request[: len(request) // 2], whole=False)
                return b""
            case Trouble.REQUEST_GARBLED:
                request = self._garbled(request)
            case Trouble.DOUBLED:
                self._ask(request)
            case Trouble.DELAYED:
                self._pause.wait(_DELAY_S)
        answer = self._ask(request)
        match trouble:
            case Trouble.ANSWER_LOST:
                return b""
            case Trouble.HALF_ANSWER:
                return answer[: len(answer) // 2]
            case Trouble.ANSWER_GARBLED:
                return self._garbled(answer)
        return answer

    def _ask(self, request: bytes, *, whole: bool = True) -> bytes:
        with socket.create_connection(self.upstream, timeout=_PATIENCE_S) as service:
            service.sendall(request)
            if not whole:
                return b""
            self._handed_on.set()
            service.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: service.recv(_CHUNK_BYTES), b""))

    def _garbled(self, message: bytes) -> bytes:
        """Flip a bit behind the headers; in front of them it would be another kind of trouble."""
        begin = message.find(b"\r\n\r\n") + 4
        if begin >= len(message):
            return message
        changed = bytearray(message)
        changed[self._chance.randrange(begin, len(message))] ^= 1 << self._chance.randrange(8)
        return bytes(changed)


def _said(status: str, content: bytes, headers: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(content)}\r\nConnection: close\r\n"
    return head.encode() + b"\r\n" + content


def _read_request(client: socket.socket) -> bytes:
    """Read one request with its body; we are asked to close the connection after each."""
    request = b""
    while b"\r\n\r\n" not in request:
        more = client.recv(_CHUNK_BYTES)
        if not more:
            return request
        request += more
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")),
        0,
    )
    while len(body) < length:
        more = client.recv(_CHUNK_BYTES)
        if not more:
            break
        body += more
    kept = [line for line in lines if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*kept, b"Connection: close", b"", body])
