"""The one decision: what the till answers is what the service answers weeks later."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.decide import CARD_FACTS, Approved, CardState, Declined, Reason, Till, decide
from cardkit.directory import CardRow, CardStatus, DirectoryHeader
from cardkit.errors import Bug
from cardkit.money import CARD_CENTS_MAX
from cardkit.permit import Caps, MerchantGrant, Permit
from tests.document_samples import AT, allowance

UID = bytes.fromhex("04DE5F1EACC040")
TMV = bytes.fromhex("94A3205E41588BA9")
CAPS = Caps(
    sale_max_cents=8_000,
    card_day_max_cents=10_000,
    card_day_stale_max_cents=3_000,
    fresh_days=7,
    unsent_max_cents=500_000,
)
PERMIT = Permit(
    epoch=1,
    version=1,
    terminal=7,
    issued_at=AT - timedelta(days=1),
    valid_until=AT + timedelta(days=34),
    merchants=(
        MerchantGrant(
            merchant=3,
            name="Ferme des Tilleuls",
            convention_from=AT - timedelta(days=90),
            convention_until=AT + timedelta(days=90),
        ),
    ),
    caps=CAPS,
    refund_days=30,
)
HEADER = DirectoryHeader(
    epoch=1,
    version=5,
    issued_at=AT - timedelta(days=1),
    valid_until=AT + timedelta(days=34),
    cards=1,
    content_hash=bytes(32),
)
ROW = CardRow(uid=UID, generation=1, status=CardStatus.ACTIVE, tmc=5, tmv=TMV, spent_cents=4_000)
CARD = CardState(uid=UID, tmc=5, tmv=TMV, spent_cents=4_000)
TILL = Till(
    now=AT,
    permit=PERMIT,
    merchant=3,
    directory=HEADER,
    row=ROW,
    allowance=allowance(months=1),
    refunded_cents=0,
    card_day_cents=0,
    unsent_cents=0,
)
"""10,000 cents signed, 4,000 spent: 6,000 are left."""


def _permit(**change: object) -> Permit:
    content = {item.name: getattr(PERMIT, item.name) for item in fields(PERMIT)}
    return Permit(**(content | change))


def _row(**change: object) -> CardRow:
    content = {item.name: getattr(ROW, item.name) for item in fields(ROW)}
    return CardRow(**(content | change))


def test_what_is_left_can_be_spent_to_the_cent() -> None:
    """Promise 3: the last cent is the member's, the next one is not."""
    assert decide(6_000, CARD, TILL) == Approved(6_000)
    assert decide(6_001, CARD, TILL) == Declined(Reason.NOT_ENOUGH, 6_000)


def test_a_refund_of_this_terminal_counts_at_once() -> None:
    """A member who was given money back can spend it at the same stall."""
    assert decide(6_500, CARD, replace(TILL, refunded_cents=500)) == Approved(6_500)


@pytest.mark.parametrize(
    ("till", "reason"),
    [
        (replace(TILL, now=AT + timedelta(days=35)), Reason.PERMIT_EXPIRED),
        (replace(TILL, merchant=4), Reason.MERCHANT_NOT_PERMITTED),
        (replace(TILL, now=AT - timedelta(days=91)), Reason.CONVENTION_OUT_OF_DATES),
        (replace(TILL, directory=None), Reason.DIRECTORY_EXPIRED),
        (
            replace(
                TILL,
                now=AT + timedelta(days=35),
                permit=_permit(valid_until=AT + timedelta(days=99)),
            ),
            Reason.DIRECTORY_EXPIRED,
        ),
        (replace(TILL, allowance=None), Reason.CARD_UNKNOWN),
        (
            replace(TILL, allowance=replace(allowance(months=1), uid=bytes(7))),
            Reason.CARD_UNKNOWN,
        ),
        (replace(TILL, row=_row(generation=2, tmc=0, spent_cents=0)), Reason.CARD_UNKNOWN),
        (replace(TILL, row=_row(status=CardStatus.BLOCKED)), Reason.CARD_BLOCKED),
        (replace(TILL, row=_row(tmc=6)), Reason.CARD_ROLLED_BACK),
        (replace(TILL, row=_row(spent_cents=4_001)), Reason.CARD_ROLLED_BACK),
        (replace(TILL, row=_row(tmv=bytes(8))), Reason.CARD_FORKED),
        (replace(TILL, row=_row(spent_cents=3_999)), Reason.CARD_FORKED),
    ],
)
def test_a_sale_that_may_not_be_says_why(till: Till, reason: Reason) -> None:
    """Promise 2: every ground for refusing is looked at, in this order."""
    assert decide(100, CARD, till) == Declined(reason)


@pytest.mark.parametrize(
    ("amount_cents", "till", "declined"),
    [
        (
            8_001,
            replace(TILL, refunded_cents=9_000),
            Declined(Reason.SALE_CAP, 8_000),
        ),
        (5_001, replace(TILL, card_day_cents=5_000), Declined(Reason.CARD_DAY_CAP, 5_000)),
        (
            3_001,
            replace(TILL, now=AT + timedelta(days=7)),
            Declined(Reason.CARD_DAY_CAP, 3_000),
        ),
        (101, replace(TILL, unsent_cents=499_900), Declined(Reason.UNSENT_CAP, 100)),
    ],
)
def test_a_cap_says_what_could_be_paid(amount_cents: int, till: Till, declined: Declined) -> None:
    """Losses stay bounded, and the stall can offer the rest."""
    assert decide(amount_cents, CARD, till) == declined
    assert decide(declined.payable_cents, CARD, till) == Approved(6_000 + till.refunded_cents)


@pytest.mark.parametrize("room_cents", [0, CAPS.sale_max_cents - 1])
def test_a_drained_card_is_to_be_replaced(room_cents: int) -> None:
    """Review attack 18: a counter without room for a sale is a fact about the card, not want."""
    drained = replace(CARD, tmc=6, spent_cents=CARD_CENTS_MAX - room_cents)
    assert decide(1, drained, TILL) == Declined(Reason.CARD_EXHAUSTED)
    assert Reason.CARD_EXHAUSTED in CARD_FACTS


def test_a_card_with_room_for_one_sale_is_measured_by_its_credit() -> None:
    """The bound is the largest sale, to the cent."""
    nearly = replace(CARD, tmc=6, spent_cents=CARD_CENTS_MAX - CAPS.sale_max_cents)
    assert decide(1, nearly, TILL) == Declined(Reason.NOT_ENOUGH)


@pytest.mark.parametrize("amount_cents", [0, -5])
def test_no_amount_is_our_mistake(amount_cents: int) -> None:
    """A caller that asks for nothing, or for less, has a bug."""
    with pytest.raises(Bug):
        decide(amount_cents, CARD, TILL)


def test_a_permit_and_its_fresh_days_end_to_the_second() -> None:
    """Till and service draw the line at the same second."""
    one = timedelta(seconds=1)
    last = replace(TILL, now=PERMIT.valid_until, refunded_cents=9_000)
    assert decide(100, CARD, last) == Approved(15_000)
    assert decide(100, CARD, replace(last, now=last.now + one)) == Declined(Reason.PERMIT_EXPIRED)
    fresh = replace(last, now=HEADER.issued_at + timedelta(days=CAPS.fresh_days))
    assert decide(3_001, CARD, fresh) == Approved(15_000)
    stale = replace(fresh, now=fresh.now + one)
    assert decide(3_001, CARD, stale) == Declined(Reason.CARD_DAY_CAP, 3_000)


def test_a_convention_begins_with_its_first_second_and_ends_before_its_last() -> None:
    """What was sold on the last evening is paid; the next morning is not."""
    one, (grant,) = timedelta(seconds=1), PERMIT.merchants
    far = AT + timedelta(days=400)
    header = DirectoryHeader(
        epoch=1, version=5, issued_at=AT, valid_until=far, cards=1, content_hash=bytes(32)
    )
    till = replace(TILL, permit=_permit(valid_until=far), directory=header)
    instants = grant.convention_from - one, grant.convention_from, grant.convention_until - one
    refused = [
        decide(100, CARD, replace(till, now=at)) == Declined(Reason.CONVENTION_OUT_OF_DATES)
        for at in (*instants, grant.convention_until)
    ]
    assert refused == [True, False, False, True]


def test_a_card_made_anew_is_not_measured_by_its_former_life() -> None:
    """A re-personalised card starts counting at zero; an old directory does not forbid it."""
    reborn = replace(allowance(months=1), generation=2)
    fresh = CardState(uid=UID, tmc=1, tmv=bytes(8), spent_cents=0)
    blocked = replace(TILL, allowance=reborn, row=_row(status=CardStatus.BLOCKED))
    assert decide(100, fresh, blocked) == Approved(10_000)


def test_want_of_credit_is_no_fact_about_the_card() -> None:
    """Promise 7: a journal never says who is poor."""
    assert Reason.NOT_ENOUGH not in CARD_FACTS
    assert Reason.CARD_UNKNOWN not in CARD_FACTS


@given(st.integers(1, 20_000), st.integers(0, 12_000), st.integers(0, 9_000))
def test_an_approved_sale_never_passes_the_signed_sum(
    amount_cents: int, spent_cents: int, refunded_cents: int
) -> None:
    """Promise 3: spent after the sale is at most what was signed plus what was given back."""
    card = replace(CARD, tmc=6, spent_cents=spent_cents)
    till = replace(TILL, refunded_cents=refunded_cents, row=None)
    if isinstance(decide(amount_cents, card, till), Approved):
        assert spent_cents + amount_cents <= 10_000 + refunded_cents
