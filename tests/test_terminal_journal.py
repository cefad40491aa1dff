"""The journal: what was acknowledged is on the disk, and what is on the disk is what happened."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.bodies import (
    Body,
    DoubtReason,
    Enrolled,
    EntryKind,
    Indeterminate,
    Intent,
    Refund,
    RefundReason,
    Sale,
    SaleProof,
    Started,
    Stopped,
    Void,
    VoidReason,
)
from cardkit.errors import Bug, JournalDamaged, JournalLocked, JournalStopped
from cardkit.signing import SigningKey
from simulator.clock import ManualClock
from simulator.disk import Disk, Trouble
from simulator.volume import Cut, write_image
from terminal.journal import CHECKPOINT_ENTRIES, Journal
from tests.terminal_world import START

KEY = SigningKey.from_scalar(77, caisse="flers")
ENROLLED = Enrolled(certificate=bytes(32), permit=bytes(32), software=bytes(32))
UID = bytes.fromhex("04C1AF00000001")
TERMINAL = 3


def make(folder: Path) -> Journal:
    """A new journal in a folder."""
    folder.mkdir(exist_ok=True)
    return Journal.create(
        folder / "journal.db",
        key=KEY,
        terminal=TERMINAL,
        clock=ManualClock(START),
        enrolled=ENROLLED,
    )


def reopen(folder: Path) -> Journal:
    """The journal of a folder."""
    clock = ManualClock(START)
    return Journal.open(folder / "journal.db", key=KEY, terminal=TERMINAL, clock=clock)


def intent(amount_cents: int = 12_50, *, uid: bytes = UID, tmc0: int = 1) -> Intent:
    """An intent to sell."""
    return Intent(
        uid=uid,
        generation=0,
        profile="claf-purse/1",
        key_version=1,
        tmc0=tmc0,
        tmv0=bytes(8),
        spent0_cents=0,
        amount_cents=amount_cents,
        token=bytes(8),
        enc_tmri=bytes(16),
        permit=bytes(32),
        directory=bytes(32),
        allowance=bytes(32),
        card_day_cents=0,
        unsent_cents=0,
    )


def sale(intent_seq: int, amount_cents: int = 12_50) -> Sale:
    """The sale of an intent."""
    return Sale(
        intent_seq=intent_seq,
        amount_cents=amount_cents,
        tmc=2,
        proof=SaleProof.COMMIT_ANSWERED,
        tmv=bytes(8),
    )


def void(intent_seq: int) -> Void:
    """An intent that came to nothing."""
    return Void(
        intent_seq=intent_seq,
        reason=VoidReason.COUNTER_UNCHANGED,
        tmc=1,
        tmv=bytes(8),
        spent_cents=0,
    )


def refund(intent_seq: int, amount_cents: int) -> Refund:
    """A refund of a sale."""
    return Refund(
        intent_seq=intent_seq,
        amount_cents=amount_cents,
        reason=RefundReason.GOODS_RETURNED,
        uid=UID,
        generation=0,
    )


def sell(journal: Journal, amount_cents: int = 12_50) -> int:
    """Append an intent and its sale; returns the sale's number."""
    seq = journal.append(EntryKind.INTENT, intent(amount_cents)).seq
    journal.append(EntryKind.SALE, sale(seq, amount_cents))
    return seq


def meddle(folder: Path, statement: str, *values: object) -> None:
    """Change the file behind the journal's back, whatever its triggers say."""
    db = sqlite3.connect(folder / "journal.db", isolation_level=None)
    triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        db.execute(f"DROP TRIGGER {name}")
    db.execute(statement, values)
    for _, rule in triggers:
        db.execute(rule)
    db.close()


def forget_verified(folder: Path) -> None:
    """Make the next opening look at the whole chain."""
    with sqlite3.connect(folder / "journal.db", isolation_level=None) as db:
        db.execute("DELETE FROM verified")
    db.close()


def test_an_acknowledged_entry_survives_a_power_cut(tmp_path: Path) -> None:
    """Promise: green is on the disk. Turns red for synchronous NORMAL or OFF, or no commit."""
    make(tmp_path / "till").close()
    with Disk(tmp_path / "till") as disk:
        journal = reopen(tmp_path / "till")
        for round_number in range(3):
            seq = sell(journal)
            image = tmp_path / f"image-{round_number}"
            shutil.copytree(tmp_path / "till", image)
            write_image(disk.image(Cut.UNSYNCED, random.Random(1)), image)
            recovered = reopen(image)
            found = recovered.outcome(seq)
            recovered.close()
            assert found is not None
            assert isinstance(found.body, Sale)
        journal.close()


def test_each_entry_costs_one_sync(tmp_path: Path) -> None:
    """Promise: the two fsyncs of a sale are two, also when nobody checkpoints."""
    make(tmp_path).close()
    with Disk(tmp_path) as disk:
        journal = reopen(tmp_path)
        journal.append(EntryKind.STOPPED, Stopped())
        before = disk.syncs
        for _ in range(5):
            sell(journal)
        assert disk.syncs - before == 10
        journal.close()


def test_a_failed_sync_stops_the_journal(tmp_path: Path) -> None:
    """Promise: after a failed fsync nothing is sold until the journal was opened anew."""
    make(tmp_path).close()
    with Disk(tmp_path) as disk:
        journal = reopen(tmp_path)
        seq = sell(journal)
        disk.fail(Trouble.SYNC, for_ever=True)
        with pytest.raises(JournalStopped):
            journal.append(EntryKind.INTENT, intent())
        disk.heal()
        with pytest.raises(JournalStopped):
            journal.append(EntryKind.INTENT, intent())
        with pytest.raises(JournalStopped):
            journal.sold(seq)
        with pytest.raises(JournalStopped):
            journal.checkpoint()
        journal.close()
    again = reopen(tmp_path)
    assert again.sold(seq) is not None
    assert again.verify() == again.head.seq
    again.close()


def test_a_full_disk_stops_the_journal(tmp_path: Path) -> None:
    """Promise: a full disk is a JournalStopped, and what was acknowledged before stays."""
    journal = make(tmp_path)
    journal._db.execute("PRAGMA max_page_count = 1").fetchall()

    def append_without_end() -> None:
        for _ in range(1_000):
            acknowledged.append(journal.append(EntryKind.STOPPED, Stopped()).seq)

    acknowledged = list[int]()
    with pytest.raises(JournalStopped):
        append_without_end()
    journal.close()
    again = reopen(tmp_path)
    assert again.verify() >= max(acknowledged)
    again.close()


def test_its_mode_is_final_from_the_beginning(tmp_path: Path) -> None:
    """Promise: no conversion leaves a rollback journal that could undo what was acknowledged."""
    journal = make(tmp_path)
    (synchronous,) = journal._db.execute("PRAGMA synchronous").fetchone()
    (mode,) = journal._db.execute("PRAGMA journal_mode").fetchone()
    (checkpoint_pages,) = journal._db.execute("PRAGMA wal_autocheckpoint").fetchone()
    journal.close()
    assert (synchronous, mode, checkpoint_pages) == (2, "wal", 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal.db", "lock"]


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """Promise: nobody else writes this chain while it is open."""
    journal = make(tmp_path)
    with pytest.raises(JournalLocked):
        reopen(tmp_path)
    journal.close()
    reopen(tmp_path).close()


def test_a_chain_is_begun_once(tmp_path: Path) -> None:
    """Promise: an existing journal is never replaced by a new one."""
    make(tmp_path).close()
    with pytest.raises(JournalDamaged):
        make(tmp_path)
    reopen(tmp_path).close()


def test_a_missing_journal_is_not_made_silently(tmp_path: Path) -> None:
    """Promise: a lost journal is noticed; a new chain needs a new enrolment."""
    with pytest.raises(JournalDamaged):
        reopen(tmp_path)
    assert not (tmp_path / "journal.db").exists()


@pytest.mark.parametrize(
    "sql", ["UPDATE entry SET amount_cents = 1 WHERE seq = 2", "DELETE FROM entry WHERE seq = 3"]
)
def test_entries_are_neither_changed_nor_removed(tmp_path: Path, sql: str) -> None:
    """Promise: the database itself refuses to change or remove an entry."""
    journal = make(tmp_path)
    sell(journal)
    with pytest.raises(sqlite3.IntegrityError, match="never"):
        journal._db.execute(sql)
    journal.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET content = (SELECT content FROM entry WHERE seq = 4) WHERE seq = 2",
        "DELETE FROM entry WHERE seq = 2",
        "UPDATE entry SET amount_cents = 1 WHERE seq = 2",
        "UPDATE entry SET uid = x'00' WHERE seq = 3",
        "UPDATE entry SET kind = 22 WHERE seq = 3",
        "UPDATE entry SET content = zeroblob(300) WHERE seq = 5",
    ],
)
def test_a_meddled_chain_is_found(tmp_path: Path, statement: str) -> None:
    """Promise: a changed, swapped or missing entry, or a lying column, is found by verify."""
    journal = make(tmp_path)
    sell(journal)
    sell(journal)
    journal.close()
    reopen(tmp_path).close()
    forget_verified(tmp_path)
    meddle(tmp_path, statement)
    with pytest.raises(JournalDamaged):
        reopen(tmp_path)


def test_a_cut_tail_is_found(tmp_path: Path) -> None:
    """Promise: a journal put back to an earlier state does not go on under the same head."""
    journal = make(tmp_path)
    sell(journal)
    journal.close()
    reopen(tmp_path).close()
    meddle(tmp_path, "DELETE FROM entry WHERE seq = 3")
    with pytest.raises(JournalDamaged):
        reopen(tmp_path)


def test_the_hash_chain_is_checked(tmp_path: Path) -> None:
    """Promise: two well-signed chains can't be spliced. Turns red when `prev` goes unchecked."""
    for name, amount_cents in (("one", 10_00), ("other", 9_00)):
        journal = make(tmp_path / name)
        sell(journal, amount_cents)
        sell(journal)
        journal.close()
    other = reopen(tmp_path / "other")
    (foreign,) = other.entries(3, 1)
    other.close()
    change = "UPDATE entry SET content = ? WHERE seq = 4"
    forget_verified(tmp_path / "one")
    meddle(tmp_path / "one", change, foreign.signed.encoded)
    with pytest.raises(JournalDamaged, match="entry 4: does not follow"):
        reopen(tmp_path / "one")


@pytest.mark.parametrize(
    "second",
    [sale(2), void(2), Indeterminate(intent_seq=2, reason=DoubtReason.DAY_CLOSED)],
    ids=["sale", "void", "indeterminate"],
)
def test_an_intent_has_one_outcome(tmp_path: Path, second: Body) -> None:
    """Promise: a sale can't be voided, doubled or doubted afterwards."""
    kinds = {Sale: EntryKind.SALE, Void: EntryKind.VOID, Indeterminate: EntryKind.INDETERMINATE}
    journal = make(tmp_path)
    sell(journal)
    with pytest.raises(Bug):
        journal.append(kinds[type(second)], second)
    journal.close()


def test_an_outcome_needs_its_intent(tmp_path: Path) -> None:
    """Promise: no sale stands in the journal without the intent that was there first."""
    journal = make(tmp_path)
    with pytest.raises(Bug):
        journal.append(EntryKind.SALE, sale(1))
    with pytest.raises(Bug):
        journal.append(EntryKind.SALE, sale(9))
    journal.close()


def test_refunds_stay_within_their_sale(tmp_path: Path) -> None:
    """Promise: no more goes back than was paid, in however many parts."""
    journal = make(tmp_path)
    seq = sell(journal, 10_00)
    journal.append(EntryKind.REFUND, refund(seq, 4_00))
    with pytest.raises(Bug):
        journal.append(EntryKind.REFUND, refund(seq, 6_01))
    journal.append(EntryKind.REFUND, refund(seq, 6_00))
    with pytest.raises(Bug):
        journal.append(EntryKind.REFUND, refund(seq, 1))
    journal.close()


def test_nothing_is_refunded_of_what_was_not_sold(tmp_path: Path) -> None:
    """Promise: an intent without a sale can't be refunded."""
    journal = make(tmp_path)
    seq = journal.append(EntryKind.INTENT, intent()).seq
    with pytest.raises(Bug):
        journal.append(EntryKind.REFUND, refund(seq, 1))
    journal.close()


def test_totals_hold_more_than_a_card_can(tmp_path: Path) -> None:
    """Promise: sums are 64 bits wide; a drained card does not overflow them."""
    journal = make(tmp_path)
    most = 2**31 - 1
    for _ in range(3):
        sell(journal, most)
    assert journal.unsent_cents() == 3 * most
    assert journal.head.perpetual_cents == 3 * most
    assert journal.totals(1, journal.head.seq).sales_cents == 3 * most
    journal.close()
    again = reopen(tmp_path)
    assert again.head.perpetual_cents == 3 * most
    again.close()


def test_training_moves_no_money(tmp_path: Path) -> None:
    """Promise: what was played stands in the chain and in no total."""
    journal = make(tmp_path)
    seq = journal.append(EntryKind.INTENT, intent(), training=True).seq
    journal.append(EntryKind.SALE, sale(seq), training=True)
    assert journal.head.perpetual_cents == journal.unsent_cents() == 0
    assert journal.totals(1, journal.head.seq).sales == 0
    assert journal.verify() == 3
    journal.close()


def test_checkpoints_change_nothing(tmp_path: Path) -> None:
    """Promise: a checkpoint moves bytes, not facts."""
    journal = make(tmp_path)
    seq = sell(journal)
    for _ in range(CHECKPOINT_ENTRIES):
        journal.checkpoint()
        sell(journal)
    assert journal.sold(seq) is not None
    journal.close()
    again = reopen(tmp_path)
    assert again.head.seq == 3 + 2 * CHECKPOINT_ENTRIES
    assert again.verify() == again.head.seq
    again.close()


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("sale"), st.integers(1, 5_000)),
        st.tuples(st.just("void"), st.integers(1, 5_000)),
        st.tuples(st.just("open"), st.integers(1, 5_000)),
        st.tuples(st.just("refund"), st.integers(1, 5_000)),
        st.tuples(st.just("other"), st.just(0)),
        st.tuples(st.just("reopen"), st.just(0)),
    ),
    max_size=12,
)


@settings(max_examples=30)
@given(moves=MOVES)
def test_it_agrees_with_a_list(
    moves: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Promise: whatever happens, head, totals and open intents are those of a plain list."""
    folder = tmp_path_factory.mktemp("journal")
    journal = make(folder)
    perpetual_cents, entries, opened, sold = 0, 1, list[int](), dict[int, int]()
    for move, amount_cents in moves:
        if move == "reopen":
            journal.close()
            journal = reopen(folder)
        elif move == "other":
            journal.append(EntryKind.STOPPED, Stopped())
            entries += 1
        elif move == "refund":
            for seq, left_cents in sold.items():
                if amount_cents <= left_cents:
                    journal.append(EntryKind.REFUND, refund(seq, amount_cents))
                    sold[seq] -= amount_cents
                    perpetual_cents -= amount_cents
                    entries += 1
                    break
        else:
            seq = journal.append(EntryKind.INTENT, intent(amount_cents)).seq
            entries += 1
            if move == "open":
                opened.append(seq)
                continue
            entries += 1
            if move == "sale":
                journal.append(EntryKind.SALE, sale(seq, amount_cents))
                sold[seq] = amount_cents
                perpetual_cents += amount_cents
            else:
                journal.append(EntryKind.VOID, void(seq))
    assert journal.head.seq == journal.verify() == entries
    assert journal.head.perpetual_cents == perpetual_cents
    assert [held.seq for held in journal.open_intents()] == opened
    totals = journal.totals(1, entries)
    assert totals.sales_cents - totals.refunds_cents == perpetual_cents
    journal.close()


def test_it_says_which_program_ran(tmp_path: Path) -> None:
    """Promise: entries of every kind are found again as they were written."""
    journal = make(tmp_path)
    body = Started(software=bytes(32), version="1", sqlite_version=sqlite3.sqlite_version)
    entry = journal.append(EntryKind.STARTED, body)
    found = journal.entry(entry.seq)
    assert found is not None
    assert found.body == body
    assert journal.entries(0, 10) == (journal.entry(1), found)
    journal.close()
