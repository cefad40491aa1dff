"""What every test stands on: reproducible examples, and the fixtures shared by several files."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.real_reader import named_card

pytest_plugins = [
    f"tests.{plugin}"
    for plugin in ("payout_fixture", "pcscd_fixture", "pn532_fixture", "postgres_fixture")
    if (Path(__file__).parent / f"{plugin}.py").exists()
]

# `ci` is the default everywhere, so that a red test is red for everybody; `explore` looks further.
settings.register_profile("ci", derandomize=True, deadline=None, database=None, print_blob=True)
settings.register_profile("explore", max_examples=2_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


TALKATIVE = (
    "",
    "__main__",
    "auditor",
    "cardkit",
    "django.db.backends",
    "nfc",
    "provisioning",
    "server_stub",
    "simulator",
    "terminal",
)
"""Loggers whose level our programs set."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """A real reader with one card and no other, for its contract; a folder for pictures."""
    parser.addoption("--reader", help="Address of a real reader, such as pcsc: or auto.")
    parser.addoption("--card", help="UID, in hex, of the one card that may lie on it.")
    parser.addoption("--pictures", help="Folder that pictures of the console go to.")
    parser.addoption("--locale", default="fr-FR", help="What the browser of the pictures asks for.")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a UID that is none before anything is asked of a reader."""
    named_card(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With a real reader only its own rung runs: a virtual pcscd would hide the real one."""
    if named_card(config) is not None:
        real = [it for it in items if "rung" in getattr(it, "fixturenames", ())]
        config.hook.pytest_deselected(items=[it for it in items if it not in real])
        items[:] = real


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, bool | None, bool | None]:
    """Let what a program says of its own log end with the test that ran it."""
    levels = {name: logging.getLogger(name).level for name in TALKATIVE}
    try:
        return (yield)
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
