"""Findings as a list of work: every kind has its say, its deeds, and its place in the list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from server_stub.console.words import ADVICE, FINDINGS
from server_stub.rules.findings import Fact, FindingKind
from server_stub.rules.paper import DOUBTS, NotPaid
from server_stub.rules.worklist import (
    HANDLINGS,
    ByItself,
    Deed,
    OpenFinding,
    Signatures,
    Whose,
    facts_hash,
    item_of,
    takes_two,
    worklist,
)
from server_stub.services import work_words
from server_stub.services.deciding import NotDone

NOW = datetime(2026, 10, 20, 8, tzinfo=UTC)


def finding(
    kind: FindingKind,
    facts: dict[str, Fact] | None = None,
    *,
    days: int = 0,
    key: str = "k",
    due: datetime | None = None,
    amount_cents: int = 0,
) -> OpenFinding:
    """A finding of so many days ago."""
    return OpenFinding(
        kind=kind,
        key=key,
        terminal=3,
        card=None,
        facts={"amount_cents": amount_cents} if facts is None else facts,
        opened_at=NOW - timedelta(days=days),
        due_at=due,
    )


@pytest.mark.parametrize("kind", FindingKind)
def test_every_kind_says_what_it_is_and_what_can_be_done(kind: FindingKind) -> None:
    """Promise: no finding leaves the coordinator alone: what it is, costs, and what to do."""
    handling = HANDLINGS[kind]
    assert handling.deeds, "somebody can always do something"
    assert kind.value in FINDINGS
    assert kind.value in ADVICE
    assert str(work_words.KEPT[kind])
    item = item_of(finding(kind, amount_cents=5_00), now=NOW, single_max_cents=0)
    assert work_words.by_itself_in_words(item)


def test_every_answer_has_its_words() -> None:
    """Promise: nothing that a person is told is a word of the program."""
    assert set(work_words.BY_ITSELF) == set(ByItself)
    assert set(work_words.DEEDS) == set(Deed)
    assert set(work_words.WHOSE) == set(Whose)
    assert set(work_words.NOT_DONE) == set(NotDone)
    assert set(work_words.NOT_PAID) == set(NotPaid)
    assert set(work_words.DOUBTS) == set(DOUBTS)


def test_the_oldest_week_comes_first_and_in_it_the_most_money() -> None:
    """Promise: what waits longest is on top; of one week, what is dearest."""
    items = worklist(
        [
            finding(FindingKind.HELD, days=1, key="dear", amount_cents=90_00),
            finding(FindingKind.HELD, days=8, key="old", amount_cents=1_00),
            finding(FindingKind.HELD, days=13, key="old and dear", amount_cents=2_00),
            finding(FindingKind.HELD, days=2, key="cheap", amount_cents=3_00),
        ],
        now=NOW,
        single_max_cents=0,
    )
    assert [it.finding.key for it in items] == ["old and dear", "old", "dear", "cheap"]


@pytest.mark.parametrize(
    ("kind", "facts", "cents"),
    [
        (FindingKind.HELD, {"amount_cents": 4_00}, 4_00),
        (FindingKind.GAP, {"sum_cents": 6_00}, 6_00),
        (FindingKind.AMOUNT_DIFFERS, {"amount_cents": 4_00, "said_cents": 5_50}, 1_50),
        (FindingKind.COUNTER_WENT_DOWN, {"before_cents": 9_00, "after_cents": 2_00}, 7_00),
        (FindingKind.CHAIN_BROKEN, {"seq": 4}, 0),
    ],
)
def test_what_it_costs(kind: FindingKind, facts: dict[str, Fact], cents: int) -> None:
    """Promise: the cents of a finding are those that hang on it, and not some number near it."""
    item = item_of(finding(kind, facts), now=NOW, single_max_cents=0)
    assert item.cost_cents == cents


@pytest.mark.parametrize(
    ("signatures", "cents", "two"),
    [
        (Signatures.ONE, 10**6, False),
        (Signatures.TWO, 1, True),
        (Signatures.TWO_ABOVE_LIMIT, 20_00, False),
        (Signatures.TWO_ABOVE_LIMIT, 20_01, True),
    ],
)
def test_the_voted_limit_says_who_signs_alone(
    signatures: Signatures, cents: int, *, two: bool
) -> None:
    """Promise 4: above the voted limit nobody decides alone; what has no proof always takes two."""
    assert takes_two(signatures, cents, single_max_cents=20_00) is two


def test_paying_without_permission_always_takes_two() -> None:
    """Promise 2: no limit lets one person pay what no document allowed."""
    for kind in (FindingKind.HELD, FindingKind.RETURNED_AND_GREEN):
        item = item_of(finding(kind, amount_cents=1), now=NOW, single_max_cents=10**9)
        assert Deed.PAY in item.two_people


def test_what_is_safe_takes_one() -> None:
    """Promise: to block, revoke, hold or write, nobody has to be waited for."""
    safe = {Deed.BLOCK, Deed.REVOKE, Deed.HOLD, Deed.ACCEPT}
    for handling in HANDLINGS.values():
        assert all(
            signatures is Signatures.ONE
            for deed, signatures in handling.deeds.items()
            if deed in safe
        )


def test_a_dispute_without_a_day_waits_for_people() -> None:
    """Promise: the list says by itself only what a rule will do, and when."""
    item = item_of(finding(FindingKind.DISPUTED, amount_cents=1), now=NOW, single_max_cents=0)
    assert item.by_itself is ByItself.STAYS_HELD
    dated = finding(FindingKind.DISPUTED, due=NOW, amount_cents=1)
    assert item_of(dated, now=NOW, single_max_cents=0).by_itself is ByItself.RULED_ON_DAY


def test_other_facts_are_looked_at_again() -> None:
    """Promise: who accepted a finding accepted what they saw, and nothing that came later."""
    assert facts_hash({"seq": 3, "tmc": 4}) == facts_hash({"tmc": 4, "seq": 3})
    assert facts_hash({"seq": 3}) != facts_hash({"seq": 4})
