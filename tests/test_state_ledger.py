"""The books: against a dict of what should stand in them, in any order, and on two databases."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from cardkit.bodies import DoubtReason, EntryKind, Indeterminate
from server_stub.rules.ledger import (
    Account,
    Book,
    Lines,
    balanced,
    correction,
    move,
    net,
    spent_cents,
)
from server_stub.services.books import balances
from server_stub.services.ingest import ingest
from server_stub.services.rebuild import picture
from simulator.card import VirtualCard
from tests.service_world import MERCHANT, ServiceWorld, Stall

pytestmark = pytest.mark.no_cover  # tracing every line of a world would cost minutes

_INTO: Final = (Book.PAYABLE, Book.HELD, Book.WAITING, Book.PROVISIONAL, Book.RETURNED, Book.LOSS)
_OWNED: Final = frozenset({Book.PAYABLE, Book.HELD, Book.PROVISIONAL})
_SUBJECTS: Final = ("sale 1", "sale 2", "gap 4-5")


class LedgerMachine(RuleBasedStateMachine):
    """Subjects whose truth changes; each time a correction is posted, and no line taken back."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: dict[str, list[Lines]] = {subject: [] for subject in _SUBJECTS}
        self.wanted: dict[str, dict[Account, int]] = {subject: {} for subject in _SUBJECTS}

    @rule(
        subject=st.sampled_from(_SUBJECTS),
        parts=st.lists(
            st.tuples(st.sampled_from(_INTO), st.integers(1, 2), st.integers(0, 2**31 - 1)),
            max_size=4,
        ),
    )
    def decide(self, subject: str, parts: list[tuple[Book, int, int]]) -> None:
        """A sale turns out to be something else."""
        lines: Lines = ()
        expected: Counter[Account] = Counter()
        for book, merchant, cents in parts:
            lines += move(cents, out_of=Book.SPENT, into=book, merchant=merchant)
            expected[Book.SPENT, 0] -= cents
            expected[book, merchant if book in _OWNED else 0] += cents
        before = net(line for posting in self.posted[subject] for line in posting)
        self.posted[subject].append(correction(before, lines))
        self.wanted[subject] = {account: cents for account, cents in expected.items() if cents}

    @rule(subject=st.sampled_from(_SUBJECTS))
    def decide_the_same(self, subject: str) -> None:
        """What is right already needs no line."""
        before = net(line for posting in self.posted[subject] for line in posting)
        lines = [line for posting in self.posted[subject] for line in posting]
        assert correction(before, lines) == ()

    @invariant()
    def agree(self) -> None:
        """Every posting sums to zero, and all of them come to the last truth."""
        for subject in _SUBJECTS:
            assert all(balanced(posting) for posting in self.posted[subject])
            lines = [line for posting in self.posted[subject] for line in posting]
            assert net(lines) == self.wanted[subject]
            assert spent_cents(lines) == -self.wanted[subject].get((Book.SPENT, 0), 0)


def test_postings_come_to_the_last_truth() -> None:
    """Promise 12: books balance to the cent however often a sale turns out to be something else.

    Red when a correction leaves an account out that is wanted no more.
    """
    run_state_machine_as_test(
        LedgerMachine, settings=settings(max_examples=60, stateful_step_count=12)
    )


Action = tuple[str, int, int]
"""What happens, at which of two cards, for how many cents."""
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(("sale", "executed tear", "tear", "refund", "give up")),
        st.integers(0, 1),
        st.integers(1, 9_00),
    ),
    min_size=1,
    max_size=6,
)


@dataclass
class Day:
    """One stall, two cards, and as a dict what every green sale is worth less its refunds."""

    world: ServiceWorld
    cards: list[VirtualCard]
    stall: Stall
    worth: dict[int, int] = field(default_factory=dict)
    of_card: dict[int, VirtualCard] = field(default_factory=dict)
    torn: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, world: ServiceWorld, actions: list[Action]) -> Day:
        """A day on which all this happens, and nothing is sent."""
        day = cls(world, [world.card(), world.card()], world.stall())
        for what, place, cents in actions:
            day._do(what, day.cards[place], cents)
        return day

    def _do(self, what: str, card: VirtualCard, cents: int) -> None:
        stall = self.stall
        match what:
            case "sale":
                seq = stall.sell(card, cents)
                self.worth[seq], self.of_card[seq] = cents, card
            case "tear" | "executed tear":
                self.torn.append(stall.tear(card, cents, executed=what == "executed tear"))
            case "refund" if self.worth:
                seq = max(self.worth)
                cents = min(cents, self.worth[seq])
                if cents:
                    stall.refund(self.of_card[seq], seq, cents)
                    self.worth[seq] -= cents
            case "give up" if self.torn:
                intent_seq = self.torn.pop(0)
                stall.append(Indeterminate(intent_seq=intent_seq, reason=DoubtReason.DAY_CLOSED))

    @property
    def entries(self) -> list[bytes]:
        """All that the stall signed."""
        return [entry.signed.encoded for entry in self.stall.entries]

    def books(self, deliveries: list[list[bytes]]) -> dict[str, str]:
        """Deliver, look at the books, and forget it all.

        Credit is left out: how many versions it took to give money back depends on what came when.
        """
        using = self.world.caisse.using
        with transaction.atomic(using=using):
            for delivery in deliveries:
                ingest(self.world.caisse, self.stall.terminal, delivery)
            books, sums = picture(using), balances(self.world.caisse)
            transaction.set_rollback(True, using=using)
        assert sum(sums.values()) == 0
        payable_cents = sums.get((Book.PAYABLE, MERCHANT), 0)
        assert payable_cents >= sum(self.worth.values())
        assert payable_cents == sum(self.worth.values()) or self.was_torn
        return {
            where: what
            for where, what in books.items()
            if "credit" not in where and not where.startswith("allowance")
        }

    @property
    def was_torn(self) -> bool:
        """Whether an intent has no green outcome; cards may prove it all the same."""
        intents = sum(entry.envelope.kind == EntryKind.INTENT for entry in self.stall.entries)
        return intents > len(self.worth)


@contextmanager
def forgotten(using: str) -> Iterator[ServiceWorld]:
    """A caisse for one day."""
    with transaction.atomic(using=using):
        yield ServiceWorld.make(using=using)
        transaction.set_rollback(True, using=using)


@pytest.mark.django_db
def test_any_order_of_facts_gives_the_same_books() -> None:
    """Promise 6: whatever happened, in whatever pieces and however often it is told: one truth.

    Red when cards are reconciled only where a chain went on.
    """

    @settings(max_examples=6)
    @given(ACTIONS, st.randoms(use_true_random=False), st.integers(1, 5))
    def check(actions: list[Action], chance: random.Random, size: int) -> None:
        with forgotten("default") as world:
            day = Day.of(world, actions)
            told = [*day.entries, *chance.choices(day.entries, k=3)]
            chance.shuffle(told)
            pieces = [told[at : at + size] for at in range(0, len(told), size)]
            assert day.books(pieces) == day.books([day.entries])

    check()


@pytest.mark.postgres
@pytest.mark.django_db
def test_two_databases_come_to_the_same_books(postgres: str) -> None:
    """Promise 6: SQLite and PostgreSQL are told the same, and say the same."""

    @settings(max_examples=4)
    @given(ACTIONS)
    def check(actions: list[Action]) -> None:
        books = []
        for using in ("default", postgres):
            with forgotten(using) as world:
                day = Day.of(world, actions)
                books.append(day.books([day.entries]))
        assert books[0] == books[1]

    check()
