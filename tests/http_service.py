"""A service on a real socket whose answers a test decides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, bytes]
Respond = Callable[[str, Mapping[str, str], bytes], Answer]


@dataclass
class HttpService:
    """Where it listens, and what arrived there."""

    url: str
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def http_service(respond: Respond) -> Iterator[HttpService]:
    """Serve POSTs on a free port of the loopback; `respond` gets path, headers and body."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.bodies.append(body)
            status, content = respond(f"{service.url}{self.path}", dict(self.headers), body)
            if status == 0:
                return  # the line drops
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service = HttpService(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
