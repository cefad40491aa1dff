"""The page of a restore while there is something to do on it: for eyes, and on a telephone."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page as Window

from server_stub.models import ConsoleRole
from server_stub.services import restore
from tests.console_browser import (
    DESKTOP,
    TELEPHONE,
    WCAG,
    ConsoleBrowser,
    browser,
    chromium,
)
from tests.service_world import MERCHANT

__all__ = ["browser", "chromium"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db]

FIRST, SECOND = 1, 2
"""Who declares the restore, and enters what the statement shows with somebody else."""


def look(window: Window, request: pytest.FixtureRequest, name: str) -> None:
    """Hold a page to WCAG 2.2 AA and to a telephone's width; keep pictures where they are asked."""
    folder = request.config.getoption("--pictures")
    found = Axe().run(window, options=WCAG).response["violations"]
    assert not found, [(it["id"], [node["html"][:120] for node in it["nodes"]]) for it in found]
    for width in (DESKTOP, TELEPHONE):
        window.set_viewport_size({"width": width, "height": 900})
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            window.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)
    assert window.evaluate("document.documentElement.scrollWidth") <= TELEPHONE
    window.set_viewport_size({"width": DESKTOP, "height": 900})


def test_wrong_evidence_is_found_and_taken_back(
    browser: ConsoleBrowser,
    request: pytest.FixtureRequest,
) -> None:
    """Promise: who misread the statement finds what was entered, and the way to take it back."""
    world = browser.world
    restore.declare_restored(world.caisse, by=FIRST)
    restore.evidence(
        world.caisse,
        settlement="R1-0009",
        merchant=MERCHANT,
        amount_cents=5_00,
        entered_by=FIRST,
        by=SECOND,
    )
    window = browser.visit_as(ConsoleRole.TREASURER)
    window.goto(browser.address("/restore/"))
    assert "R1-0009" in window.inner_text("main")
    look(window, request, "restore_entered")
    window.get_by_text("C’est faux : annuler…").click()
    window.wait_for_url("**/undo/")
    look(window, request, "restore_take_back")
