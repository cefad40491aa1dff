"""The private pcscd of a test session, and the little PC/SC that its tests speak."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator.pcscd import PrivatePcscd, available


@pytest.fixture(scope="session")
def virtual_pcscd() -> Iterator[PrivatePcscd]:
    """A real pcscd with two virtual slots, which this process's PC/SC clients find.

    The tests that ask for it are the proof of the PC/SC path: where it can't run they fail.
    """
    missing = available()
    if missing is not None:
        pytest.fail(f"the PC/SC tests need a pcscd of their own: {missing}", pytrace=False)
    with PrivatePcscd(fastpoll=True) as daemon, pytest.MonkeyPatch.context() as environment:
        for name, value in daemon.environment.items():
            environment.setenv(name, value)
        yield daemon
