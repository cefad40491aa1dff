"""What a card may spend is a signed sum that only grows, and that every clock reads alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.allowance import (
    DOCUMENT_BYTES_MAX,
    Allowance,
    RefundRef,
    Step,
    accept_allowance,
    newest,
    sign_allowance,
)
from cardkit.certificates import Certificate, Role, Trust, certify
from cardkit.errors import Bug, DocumentError, DocumentExpired, DocumentMalformed
from cardkit.signing import SigningKey
from tests.document_samples import AT, ISSUER, ROOT, SERVICE, allowance

FEBRUARY = datetime(2026, 1, 31, 23, tzinfo=UTC)
MARCH = datetime(2026, 2, 28, 23, tzinfo=UTC)


COUNTED_FROM = datetime(2025, 12, 31, 23, tzinfo=UTC)
"""One period of 28 days is over when February begins, and two when March does."""


def _trust(step_max_cents: int | None = 2_000_000_000) -> Trust:
    trust = Trust(ROOT.public, caisse="flers")
    for role, key in ((Role.ISSUER, ISSUER), (Role.SERVICE, SERVICE)):
        certificate = Certificate(
            role=role,
            subject=1,
            valid_from=AT - timedelta(days=100),
            valid_until=AT + timedelta(days=300),
            public_key=key.public.encoded,
            step_max_cents=step_max_cents if role is Role.ISSUER else None,
            counted_from=COUNTED_FROM if role is Role.ISSUER else None,
        )
        trust.accept(certify(ROOT, certificate).encoded)
    return trust


TWO_MONTHS = replace(
    allowance(months=1, refunds=0), steps=(Step(FEBRUARY, 10_000), Step(MARCH, 20_000))
)


def test_twelve_months_and_six_refunds_fit_into_one_slot() -> None:
    """Promise 5: what a stall needs for months fits on the card itself."""
    signed = sign_allowance(ISSUER, allowance())
    assert len(signed.encoded) <= DOCUMENT_BYTES_MAX
    assert accept_allowance(signed.encoded, _trust()) == replace(allowance(), digest=signed.digest)


@pytest.mark.parametrize(
    ("at", "available_cents"),
    [
        (FEBRUARY - timedelta(seconds=1), 0),
        (FEBRUARY, 7_000),
        (MARCH - timedelta(seconds=1), 7_000),
        (MARCH, 17_000),
        (TWO_MONTHS.spendable_until, 17_000),
        (TWO_MONTHS.spendable_until + timedelta(seconds=1), 0),
    ],
)
def test_the_month_turns_at_the_issuers_instant(at: datetime, available_cents: int) -> None:
    """Promise 5: the first of the month's credit arrives with no network and no calendar."""
    assert TWO_MONTHS.available_cents(at, spent_cents=3_000, refunded_cents=0) == available_cents


def test_what_was_spent_beyond_is_never_a_negative_balance() -> None:
    """Nobody is shown a debt."""
    assert TWO_MONTHS.available_cents(FEBRUARY, spent_cents=10_001, refunded_cents=0) == 0


@pytest.mark.parametrize(
    ("steps", "ceiling_cents"),
    [
        ((Step(FEBRUARY, 20_000),), 10_000),
        ((Step(FEBRUARY, 10_000), Step(MARCH, 30_000)), 10_000),
        ((Step(FEBRUARY, 10_000), Step(FEBRUARY + timedelta(minutes=1), 20_000)), 10_000),
    ],
    ids=["the first step", "a later step", "many small steps"],
)
def test_nothing_above_the_roots_ceiling_is_accepted(
    steps: tuple[Step, ...], ceiling_cents: int
) -> None:
    """Promise 4: a service that lies can't hand out more than the root lets its issuer give."""
    data = sign_allowance(ISSUER, replace(TWO_MONTHS, steps=steps)).encoded
    accept_allowance(data, _trust(step_max_cents=ceiling_cents))
    with pytest.raises(DocumentMalformed):
        accept_allowance(data, _trust(step_max_cents=ceiling_cents - 1))
    with pytest.raises(DocumentMalformed):
        accept_allowance(data, _trust(step_max_cents=None))


def test_only_an_issuer_signs_allowances() -> None:
    """Promise 4: the key that answers terminals can't give credit."""
    with pytest.raises(DocumentError):
        accept_allowance(sign_allowance(SERVICE, TWO_MONTHS).encoded, _trust())


def test_a_key_outside_its_dates_gives_nothing() -> None:
    """Promise 4: an old issuer key that leaked does not give credit today."""
    late = replace(TWO_MONTHS, issued_at=AT + timedelta(days=301))
    with pytest.raises(DocumentExpired):
        accept_allowance(sign_allowance(ISSUER, late).encoded, _trust())


def test_another_caisses_key_gives_nothing() -> None:
    """Promise 4: a certified key signs for its own caisse only."""
    foreign = SigningKey.from_scalar(0x49737375, caisse="nantes")
    with pytest.raises(DocumentError):
        accept_allowance(sign_allowance(foreign, TWO_MONTHS).encoded, _trust())


def test_our_own_mistake_is_not_signed() -> None:
    """A cumulative that falls is a bug, and stops before it is a document."""
    with pytest.raises(Bug):
        sign_allowance(
            ISSUER, replace(TWO_MONTHS, steps=(Step(FEBRUARY, 10_000), Step(MARCH, 9_999)))
        )


def test_the_newest_counts_whatever_order_they_come_in() -> None:
    """An older allowance on a card never hides a newer one in the directory."""
    newer = replace(TWO_MONTHS, version=10)
    epoch = replace(TWO_MONTHS, epoch=2, version=1)
    reborn = replace(TWO_MONTHS, generation=2, epoch=1, version=1)
    assert newest(newer, None, TWO_MONTHS) == newer
    assert newest(epoch, newer) == epoch
    assert newest(reborn, epoch) == reborn
    assert newest(None, None) is None


@given(
    st.lists(st.tuples(st.integers(1, 60_000), st.integers(0, 10_000)), max_size=11),
    st.lists(st.tuples(st.integers(1, 2**16), st.integers(1, 2**16)), max_size=2),
)
def test_what_is_signed_is_read_back(
    steps: list[tuple[int, int]], refunds: list[tuple[int, int]]
) -> None:
    """Promise 6: differences and sums are one content."""
    made = [Step(FEBRUARY, 5_000)]
    for minutes, cents in steps:
        last = made[-1]
        made.append(Step(last.from_at + timedelta(minutes=minutes), last.cumulative_cents + cents))
    content: Allowance = replace(
        TWO_MONTHS, steps=tuple(made), refunds=tuple(RefundRef(*ref) for ref in refunds)
    )
    read = accept_allowance(sign_allowance(ISSUER, content).encoded, _trust())
    assert replace(read, digest=b"") == content
