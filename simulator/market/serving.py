"""The service's own addresses, answered over real sockets while the week lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from wsgiref.simple_server import WSGIRequestHandler

from django.conf import settings
from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application

from server_stub.services.caisse import Caisse
from server_stub.urls import routes


@contextmanager
def serving(caisse: Callable[[], Caisse]) -> Iterator[str]:
    """Answer on a port of this machine's own; yields the address."""
    settings.ROOT_URLCONF = tuple(
        pattern for patterns in routes(caisse).values() for pattern in patterns
    )
    server = ThreadedWSGIServer(("127.0.0.1", 0), _Quiet)
    server.set_app(get_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, name="service", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(WSGIRequestHandler):
    """Says nothing of each request: the week has its own narrator."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""
