"""The journal against a list: whatever is done to it, and whenever its process ends, they agree."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cardkit.bodies import (
    Acknowledged,
    Body,
    EntryKind,
    Evidence,
    Resolution,
    ResolutionChoice,
)
from cardkit.errors import Bug
from terminal.journal import Journal
from tests.fuzz_target import new_folder
from tests.terminal_world import START
from tests.test_terminal_journal import intent, make, refund, reopen, sale, void

pytestmark = pytest.mark.no_cover  # tracing every line of a world would cost minutes

CARDS = [bytes([4, 0xC1, 0xAF, 0, 0, 0, number]) for number in (1, 2)]
AMOUNTS = st.integers(1, 100_00)


@dataclass
class Model:
    """What a journal comes to, as plain dicts."""

    contents: list[bytes] = field(default_factory=list)
    intents: dict[int, tuple[bytes, int]] = field(default_factory=dict)
    """Card and amount by number."""
    sold: dict[int, int] = field(default_factory=dict)
    """Number of the sale's entry by that of its intent."""
    voided: set[int] = field(default_factory=set)
    refunded_cents: dict[int, int] = field(default_factory=dict)
    acknowledged: int = 0

    @property
    def open(self) -> list[int]:
        """Intents without an outcome."""
        return [seq for seq in self.intents if seq not in self.sold and seq not in self.voided]

    @property
    def unsent_cents(self) -> int:
        """Sales behind the acknowledgement."""
        entries = self.sold.items()
        return sum(self.intents[it][1] for it, at in entries if at > self.acknowledged)

    @property
    def perpetual_cents(self) -> int:
        """Sales less refunds."""
        sold_cents = sum(self.intents[it][1] for it in self.sold)
        return sold_cents - sum(self.refunded_cents.values())


class JournalMachine(RuleBasedStateMachine):
    """Sales, refunds, acknowledgements, restarts and kills in any order."""

    folder: Path
    journal: Journal

    @initialize()
    def begin(self) -> None:
        """A chain with its first entry."""
        self.folder = new_folder()
        self.journal = make(self.folder / "0")
        self.model = Model(list(self.journal.contents(0, 10)))
        self.lives = 0

    def append(self, kind: EntryKind, body: Body) -> int:
        """Append to both."""
        entry = self.journal.append(kind, body)
        self.model.contents.append(entry.signed.encoded)
        return entry.seq

    @rule(amount_cents=AMOUNTS, uid=st.sampled_from(CARDS))
    def intend(self, amount_cents: int, uid: bytes) -> None:
        """Ask a card."""
        seq = self.append(EntryKind.INTENT, intent(amount_cents, uid=uid))
        self.model.intents[seq] = uid, amount_cents

    @rule(amount_cents=AMOUNTS, uid=st.sampled_from(CARDS))
    def sell(self, amount_cents: int, uid: bytes) -> None:
        """Ask a card, and be answered."""
        self.intend(amount_cents, uid)
        seq = len(self.model.contents)
        self.model.sold[seq] = self.append(EntryKind.SALE, sale(seq, amount_cents))

    @precondition(lambda self: self.model.open)
    @rule(data=st.data(), is_sold=st.booleans())
    def end(self, data: st.DataObject, is_sold: bool) -> None:
        """Know how an intent ended."""
        seq = data.draw(st.sampled_from(self.model.open))
        if is_sold:
            at = self.append(EntryKind.SALE, sale(seq, self.model.intents[seq][1]))
            self.model.sold[seq] = at
        else:
            self.append(EntryKind.VOID, void(seq))
            self.model.voided.add(seq)

    @precondition(lambda self: self.model.sold or self.model.voided)
    @rule(data=st.data())
    def end_twice(self, data: st.DataObject) -> None:
        """A second outcome is our own bug, and leaves no trace."""
        seq = data.draw(st.sampled_from([*self.model.sold, *self.model.voided]))
        with pytest.raises(Bug):
            self.journal.append(EntryKind.VOID, void(seq))

    @precondition(lambda self: self.model.sold)
    @rule(data=st.data(), amount_cents=AMOUNTS)
    def give_back(self, data: st.DataObject, amount_cents: int) -> None:
        """Refund a sale: up to what it was, and not a cent more."""
        seq = data.draw(st.sampled_from(list(self.model.sold)))
        before_cents = self.model.refunded_cents.get(seq, 0)
        if before_cents + amount_cents > self.model.intents[seq][1]:
            with pytest.raises(Bug):
                self.journal.append(EntryKind.REFUND, refund(seq, amount_cents))
        else:
            self.append(EntryKind.REFUND, refund(seq, amount_cents))
            self.model.refunded_cents[seq] = before_cents + amount_cents

    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        """Be told how far the service is: further, or back after a restore."""
        up_to = data.draw(st.integers(0, len(self.model.contents)))
        body = Acknowledged(
            up_to_seq=up_to, head=bytes(32), epoch=1, answered_at=START, answer=bytes(32)
        )
        self.append(EntryKind.ACKNOWLEDGED, body)
        self.model.acknowledged = up_to

    @rule(uid=st.sampled_from(CARDS), tmc=st.integers(0, 2**32 - 1))
    def look(self, uid: bytes, tmc: int) -> None:
        """See a card."""
        body = Evidence(uid=uid, tmc=tmc, tmv=bytes(8), spent_cents=0)
        self.append(EntryKind.EVIDENCE, body)
        assert self.journal.last_known_tmc(uid) == tmc

    @precondition(lambda self: self.model.open)
    @rule(choice=st.sampled_from(ResolutionChoice))
    def answer(self, choice: ResolutionChoice) -> None:
        """Say what became of an amber sale."""
        seq = self.model.open[0]
        self.append(EntryKind.RESOLUTION, Resolution(intent_seq=seq, choice=choice))
        assert self.journal.choice(seq) is choice

    @rule()
    def rest(self) -> None:
        """An idle moment."""
        self.journal.checkpoint()

    @rule()
    def restart(self) -> None:
        """End in good order and begin again."""
        self.journal.close()
        self.journal = reopen(self.folder / str(self.lives))

    @rule()
    def kill(self) -> None:
        """End between two instructions: another process finds the files as they are."""
        before, self.lives = self.folder / str(self.lives), self.lives + 1
        after = self.folder / str(self.lives)
        shutil.copytree(before, after)
        self.journal.close()
        shutil.rmtree(before)
        self.journal = reopen(after)

    @invariant()
    def agree(self) -> None:
        """Everything that a till asks of its journal."""
        model, journal = self.model, self.journal
        assert journal.head.seq == len(model.contents)
        assert journal.head.perpetual_cents == model.perpetual_cents
        assert journal.unsent_cents() == model.unsent_cents
        assert journal.acknowledged_seq == model.acknowledged
        assert [held.seq for held in journal.open_intents()] == model.open
        for uid in CARDS:
            of_card = [seq for seq in model.open if model.intents[seq][0] == uid]
            assert [held.seq for held in journal.open_intents(uid)] == of_card
        totals = journal.totals(1, len(model.contents))
        assert (totals.sales, totals.refunds_cents) == (
            len(model.sold),
            sum(model.refunded_cents.values()),
        )

    def teardown(self) -> None:
        """Verify the whole chain, and compare it byte by byte."""
        if hasattr(self, "journal"):
            assert self.journal.verify() == len(self.model.contents)
            contents = self.journal.contents(0, len(self.model.contents) + 1)
            assert list(contents) == self.model.contents
            self.journal.close()
            shutil.rmtree(self.folder)


def test_a_journal_is_the_list_of_what_was_appended() -> None:
    """Promise 1: no entry is lost, doubled or changed by restarts, kills and refusals.

    Red when a void stays open, and when unsent sales are forgotten at a reopening.
    """
    run_state_machine_as_test(
        JournalMachine, settings=settings(max_examples=30, stateful_step_count=30)
    )
