"""Every page of the console in a real browser: for eyes, for screen readers, and on a telephone.

    pytest -m slow tests/test_console_every_page.py --pictures FOLDER

also keeps a picture of each page at both widths.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Browser
from playwright.sync_api import Page as Window

from server_stub.console.declared import Page
from server_stub.console.pages import PAGES
from server_stub.models import ConsoleRole, Merchant
from simulator.life.making import Made
from tests.console_browser import DESKTOP, TELEPHONE, WCAG, ConsoleBrowser, chromium, live
from tests.console_life import arguments, life

__all__ = ["chromium", "life"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db]

SHOWN: Final = [page for page in PAGES if "GET" in page.methods and not page.path.endswith("pdf")]


@pytest.fixture(scope="module")
def windows(
    chromium: Browser, life: Made, request: pytest.FixtureRequest
) -> Iterator[dict[ConsoleRole, tuple[str, Window]]]:
    """A window of somebody in each role, on the life's service."""
    with live() as port:
        locale = str(request.config.getoption("--locale"))
        browser = ConsoleBrowser(world=life, chromium=chromium, port=port, locale=locale)
        first = Merchant.objects.order_by("id")[0].pk
        yield {
            role: (
                browser.address(""),
                browser.visit_as(role, merchant=first if role is ConsoleRole.MERCHANT else None),
            )
            for role in ConsoleRole
        }


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.name)
def test_page_is_fit_for_eyes_ears_and_thumbs(
    windows: dict[ConsoleRole, tuple[str, Window]], page: Page, request: pytest.FixtureRequest
) -> None:
    """WCAG 2.2 AA as axe finds it, nothing wider than a telephone, no complaint of the browser."""
    role = next(role for role in ConsoleRole if role in page.who)
    site, window = windows[role]
    complaints: list[str] = []
    window.on("console", lambda message: complaints.append(message.text))
    address = site + reverse(page.name, kwargs=arguments(page) or None)
    if _is_a_file(window, address):
        return
    window.set_viewport_size({"width": DESKTOP, "height": 900})
    found = Axe().run(window, options=WCAG).response["violations"]
    assert not found, [(it["id"], [node["html"][:120] for node in it["nodes"]]) for it in found]
    _keep(request, window, page, DESKTOP)
    window.set_viewport_size({"width": TELEPHONE, "height": 844})
    _keep(request, window, page, TELEPHONE)
    assert window.evaluate("document.documentElement.scrollWidth") <= TELEPHONE
    assert not [it for it in complaints if "Failed to load resource" not in it], complaints


def _is_a_file(window: Window, address: str) -> bool:
    """Go there; a download shows nothing."""
    answer = window.request.get(address)
    if not (answer.headers.get("content-type") or "").startswith("text/html"):
        return True
    window.goto(address)
    return False


def _keep(request: pytest.FixtureRequest, window: Window, page: Page, width: int) -> None:
    """Keep a picture where somebody has asked for pictures."""
    folder = request.config.getoption("--pictures")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        window.screenshot(path=Path(folder) / f"{page.name}-{width}.png", full_page=True)
