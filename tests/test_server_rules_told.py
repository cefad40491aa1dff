"""What books told of payouts, act by act: corrections included, and each in its epoch."""

from __future__ import annotations

import pytest

from server_stub.rules.told import Left, told


def left(act: int, settlement: str, amount_cents: int, *, is_evidence: bool = True) -> Left:
    """What counts as having left from an act on."""
    return Left(act=act, settlement=settlement, is_evidence=is_evidence, amount_cents=amount_cents)


LIFE = (
    left(20, "R1-0002", 125_00),
    left(30, "R1-0002", 0),
    left(10, "R1-0001", 50_00, is_evidence=False),
    left(40, "R1-0002", 12_50),
    left(50, "R1-0001", 0, is_evidence=False),
)
"""A run, wrong evidence, its reversal, the right one; then the run is revoked."""


def test_each_step_was_told_as_it_stood() -> None:
    """Promise 1: the newest payout that stood names what was told, and the sum is of all."""
    assert told(LIFE, first_act=0, end_act=None) == {
        ("R1-0001", 50_00),
        ("R1-0002", 175_00),
        ("R1-0002", 62_50),
        ("R1-0002", 12_50),
    }
    assert told((), first_act=0, end_act=None) == set()
    assert told((left(5, "R1-0001", 1), left(6, "R1-0001", 0)), first_act=6, end_act=None) == set()


@pytest.mark.parametrize(
    ("first_act", "end_act", "sums_cents"),
    [
        (0, 10, set()),
        (0, 11, {50_00}),
        (0, 25, {50_00, 175_00}),
        (20, 25, {175_00}),
        (25, 45, {175_00, 50_00, 62_50}),
        (45, None, {62_50, 12_50}),
        (60, None, {12_50}),
    ],
)
def test_an_epoch_told_what_stood_between_its_acts(
    first_act: int, end_act: int | None, sums_cents: set[int]
) -> None:
    """Promise 1: what an epoch could not have told, a restore may have forgotten."""
    found = told(LIFE, first_act=first_act, end_act=end_act)
    assert {cents for _, cents in found} == sums_cents
