"""What the journal keeps count of as it goes: never anything else than what stands in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cardkit.bodies import (
    Acknowledged,
    DeclinedEntry,
    DoubtReason,
    EntryKind,
    Evidence,
    Indeterminate,
    RefundCounted,
)
from cardkit.decide import Reason
from terminal.journal import Journal
from terminal.journal_read import JournalReader
from tests.terminal_world import START
from tests.test_terminal_journal import UID, intent, make, refund, reopen, sale, sell, void

CARDS = tuple(bytes.fromhex("04C1AF000000") + bytes([number]) for number in range(3))

MOVES = st.lists(
    st.tuples(
        st.sampled_from(
            ("open", "training", "sale", "void", "give up", "refund", "acknowledge", "reopen")
        ),
        st.integers(0, 50),
    ),
    max_size=25,
)


@settings(max_examples=60)
@example(moves=[("open", 0), ("sale", 0), ("acknowledge", 0)])
@given(moves=MOVES)
def test_running_figures_are_those_of_the_table(
    moves: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Promise: what a tap is told without a search is what a search would have found.

    Also after an acknowledgement that takes back an earlier one, as of a restored service, and
    after every restart.
    """
    folder = tmp_path_factory.mktemp("journal")
    journal = make(folder)
    for move, number in moves:
        if move == "reopen":
            journal.close()
            journal = reopen(folder)
        else:
            play(journal, move, number)
        assert journal.unsent_cents() == JournalReader.unsent_cents(journal)
        assert journal.open_intents() == JournalReader.open_intents(journal)
        for uid in CARDS:
            assert journal.open_intents(uid) == JournalReader.open_intents(journal, uid)
            assert journal.refunds(uid, 0) == JournalReader.refunds(journal, uid, 0)
    assert journal.verify() == journal.head.seq
    journal.close()


def test_a_restart_knows_who_was_refunded(tmp_path: Path) -> None:
    """Promise: a refund counts for its card and no other, also after a restart."""
    journal = make(tmp_path)
    seq = sell(journal)
    refunded = journal.append(EntryKind.REFUND, refund(seq, 1_00))
    journal.close()
    again = reopen(tmp_path)
    assert again.refunds(UID, 0) == (RefundCounted(seq=refunded.seq, amount_cents=1_00),)
    assert again.refunds(CARDS[0], 0) == again.refunds(UID, 1) == ()
    again.close()


def test_the_last_counter_is_the_newest_that_a_card_proved(tmp_path: Path) -> None:
    """Promise: a card is expected where a sale, a void or its own word has left it."""
    journal = make(tmp_path)
    assert journal.last_known_tmc(UID) is None
    told = Evidence(uid=UID, tmc=5, tmv=bytes(8), spent_cents=0)
    journal.append(EntryKind.EVIDENCE, told)
    assert journal.last_known_tmc(UID) == 5
    seq = sell(journal)
    assert journal.last_known_tmc(UID) == 2
    journal.append(EntryKind.REFUND, refund(seq, 1_00))
    body = DeclinedEntry(reason=Reason.CARD_BLOCKED, uid=UID, tmc=9, tmv=bytes(8), spent_cents=0)
    journal.append(EntryKind.DECLINED, body)
    assert journal.last_known_tmc(UID) == 2
    journal.append(EntryKind.EVIDENCE, told)
    assert journal.last_known_tmc(UID) == 5
    assert journal.last_known_tmc(CARDS[0]) is None
    journal.close()


def play(journal: Journal, move: str, number: int) -> None:
    """Append what a move stands for; one that has no object does nothing."""
    if move in {"open", "training"}:
        body = intent(100 + number, uid=CARDS[number % len(CARDS)])
        journal.append(EntryKind.INTENT, body, training=move == "training")
    elif move == "acknowledge":
        acknowledge(journal, number % (journal.head.seq + 1))
    elif move == "refund":
        seqs = [entry.seq for entry in journal.entries(0, 100) if journal.sold(entry.seq)]
        if seqs:
            journal.append(EntryKind.REFUND, refund(seqs[number % len(seqs)], 1))
    else:
        settle(journal, move, number)


def settle(journal: Journal, move: str, number: int) -> None:
    """Give one of the open intents its outcome."""
    opened = JournalReader.open_intents(journal)
    if not opened:
        return
    held = opened[number % len(opened)]
    match move:
        case "sale":
            body = sale(held.seq, held.intent.amount_cents)
            journal.append(EntryKind.SALE, body, training=held.training)
        case "void":
            journal.append(EntryKind.VOID, void(held.seq), training=held.training)
        case "give up":
            doubt = Indeterminate(intent_seq=held.seq, reason=DoubtReason.DAY_CLOSED)
            journal.append(EntryKind.INDETERMINATE, doubt, training=held.training)


def acknowledge(journal: Journal, up_to_seq: int) -> None:
    """Let the service hold the journal up to an entry, be it less than before."""
    body = Acknowledged(
        up_to_seq=up_to_seq, head=bytes(32), epoch=1, answered_at=START, answer=bytes(32)
    )
    journal.append(EntryKind.ACKNOWLEDGED, body)
