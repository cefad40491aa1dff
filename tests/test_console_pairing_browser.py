"""A terminal is let in: the workshop's code, its own screen and the console say the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser

from provisioning.client import RequestsTransport, ServiceClient
from provisioning.keystore import new_keys
from provisioning.terminals import Conversation, Enrolled
from server_stub.models import ConsoleRole
from simulator.clock import ManualClock
from tests.console_browser import TELEPHONE, ConsoleBrowser, chromium, live
from tests.console_visitors import served
from tests.scanning_stall import ScanningStall
from tests.workshop_world import MERCHANT, NOW, World, make_world

__all__ = ["chromium"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db]

KEYS = new_keys("flers", now=NOW, step_max_cents=300_00)


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """A caisse with a workshop, whose console and terminals' door are open."""
    with served(make_world(KEYS, ManualClock(NOW))) as world:
        yield world


def test_terminal_is_paired_by_a_code(world: World, chromium: Browser, tmp_path: Path) -> None:
    """Promise: the coordinator reads on a telephone the words that the terminal shows.

    The console prepares the command, the workshop draws the code, the terminal scans it; once the
    words are typed in the workshop the console says that the terminal is one of ours.
    """
    with live() as port, requests.Session() as session:
        browser = ConsoleBrowser(world=world, chromium=chromium, port=port)
        stall = ScanningStall(world, tmp_path, session)
        page = browser.visit_as(ConsoleRole.COORDINATOR, width=TELEPHONE)
        page.goto(browser.address("/terminals/pairing/"))
        page.get_by_label("Stall 7").check()
        page.get_by_role("button", name="Préparer").click()
        page.get_by_text(f"clafoutis-provision terminal enrol --merchant {MERCHANT}").wait_for()

        def compare(_left: int) -> str:
            page.get_by_role("link", name="Actualiser").click()
            page.get_by_text("à comparer").wait_for()
            words = page.get_by_role("region", name="Appairage").locator("code").inner_text()
            assert words == stall.words()
            return words

        transport = RequestsTransport()
        client = ServiceClient(
            browser.address("").rstrip("/"),
            key=KEYS.workshop.signing_key("flers"),
            clock=world.clock,
            transport=transport,
        )
        conversation = Conversation(
            show_ticket=stall.scan, ask_words=compare, wait=lambda _seconds: None
        )
        outcome = world.terminals.enrol(client, conversation, merchants=(MERCHANT,))
        transport.close()
        assert isinstance(outcome, Enrolled)
        identity = stall.look()
        assert identity is not None
        page.get_by_role("link", name="Actualiser").click()
        page.get_by_text("accepté", exact=True).wait_for()
        page.get_by_role("link", name="Voir le terminal").click()
        page.get_by_role("heading", level=1).filter(has_text=str(identity.terminal)).wait_for()
