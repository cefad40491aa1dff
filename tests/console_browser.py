"""A real browser on the console: the service of a world, live, and a page of Debian's Chromium.

    def test_something(browser: ConsoleBrowser) -> None:
        page = browser.visit_as(ConsoleRole.TREASURER)
        page.goto(browser.address("/settlements/"))

A test asks for it by `from tests.console_browser import browser, chromium  # noqa: F401`, and for
Django's `db`. Service and test share one connection, whose transaction the test's end rolls back:
what a test makes in its world the browser sees, and the other way round.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import WSGIServer
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from django.test.testcases import QuietWSGIRequestHandler
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from server_stub.models import ConsoleRole
from server_stub.services.seed import console_user
from tests.console_visitors import HasCaisse, enter, served
from tests.needed_tools import need
from tests.service_world import ServiceWorld

CHROMIUM: Final = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WCAG: Final = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
"""What axe holds a page to: WCAG 2.2 AA."""
DESKTOP: Final = 1280
TELEPHONE: Final = 390
_HEIGHT: Final = 900
_PATIENCE_MS: Final = 10_000


@dataclass
class ConsoleBrowser:
    """The service of a world at an address, and windows on it."""

    world: HasCaisse
    chromium: Browser
    port: int
    locale: str = "fr-FR"

    def address(self, path: str = "/") -> str:
        """Where something is; by a name, for passkeys belong to no number."""
        return f"http://localhost:{self.port}{path}"

    def window(self, width: int = DESKTOP) -> Page:
        """A window of somebody whom the service does not know."""
        context = self.chromium.new_context(
            viewport={"width": width, "height": _HEIGHT}, locale=self.locale
        )
        context.set_default_timeout(_PATIENCE_MS)
        return context.new_page()

    def visit_as(
        self, *roles: ConsoleRole, merchant: int | None = None, width: int = DESKTOP
    ) -> Page:
        """A window of somebody new who has just entered with these roles."""
        name = f"visitor{User.objects.count()}"
        console_user(self.world.caisse, name, *roles, merchant=merchant)
        return self.visit_of(name, width=width)

    def visit_of(self, name: str, *, width: int = DESKTOP) -> Page:
        """A window of a console user who has just entered."""
        user = User.objects.get(username=name)
        client = Client()
        client.force_login(user)
        enter(client, user, at=time.time())
        page = self.window(width)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        page.context.add_cookies(
            [{"name": cookie.key, "value": cookie.value, "url": self.address()}]
        )
        page.goto(self.address())
        return page

    def picture(self, page: Page, path: Path, *, widths: tuple[int, ...] = (1280, 390)) -> None:
        """Take pictures of a whole page, `path` with each width before its ending."""
        before = page.viewport_size
        for width in widths:
            page.set_viewport_size({"width": width, "height": _HEIGHT})
            page.screenshot(path=path.with_stem(f"{path.stem}-{width}"), full_page=True)
        if before is not None:
            page.set_viewport_size(before)


def give_authenticator(context: BrowserContext, page: Page) -> str:
    """Plug a virtual passkey device into a browser: it holds keys, and says yes at once."""
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    added = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return str(added["authenticatorId"])


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One Chromium for the tests of a file; each test has windows of its own.

    For no longer: while Playwright runs, no other test could have an event loop in this thread.
    """
    need("chromium")
    with _orm_beside_an_event_loop(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium: Browser, db: None) -> Iterator[ConsoleBrowser]:
    """The service of a new world, and a browser on it."""
    with served(ServiceWorld.make()) as world, live() as port:
        yield ConsoleBrowser(world=world, chromium=chromium, port=port)
        for context in chromium.contexts:
            context.close()


@contextmanager
def live() -> Iterator[int]:
    """Serve over HTTP in a thread of this process, one request after the other; the port."""
    shared = connections["default"]
    shared.inc_thread_sharing()
    with WSGIServer(("localhost", 0), QuietWSGIRequestHandler) as server:
        server.set_app(WSGIHandler())
        thread = threading.Thread(target=_serve, args=(server, shared), daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
            shared.dec_thread_sharing()


def _serve(server: WSGIServer, shared: BaseDatabaseWrapper) -> None:
    """Answer until told to stop, on the connection of the test and no other."""
    connections["default"] = shared
    server.serve_forever(poll_interval=0.05)


@contextmanager
def _orm_beside_an_event_loop() -> Iterator[None]:
    """Playwright's loop runs in this thread, and nothing in it touches the database."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        else:
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before
