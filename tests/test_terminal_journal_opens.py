"""What opening a journal looks at: all that is new, and all that nobody else holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardkit.bodies import Acknowledged, EntryKind
from cardkit.errors import JournalDamaged
from terminal.journal import Journal
from tests.terminal_world import START
from tests.test_terminal_journal import make, meddle, reopen, sell

ROTTEN = "UPDATE entry SET content = CAST(substr(content, 1, 99) || x'00' AS BLOB) WHERE seq = 3"


def acknowledge(journal: Journal, *, up_to_seq: int | None = None) -> None:
    """Append the service's word that it holds all there is, or less than it held before."""
    last = journal.entry(journal.head.seq if up_to_seq is None else up_to_seq)
    assert last is not None
    body = Acknowledged(
        up_to_seq=last.seq, head=last.digest, epoch=1, answered_at=START, answer=bytes(32)
    )
    journal.append(EntryKind.ACKNOWLEDGED, body)


def test_what_nobody_else_holds_is_verified_at_each_start(tmp_path: Path) -> None:
    """Promise: a bit that rots in an entry that is not sent stops the till before it sells on.

    The service would refuse the entry, and all that follow, for as long as the terminal lives.
    """
    journal = make(tmp_path)
    sell(journal)
    sell(journal)
    journal.close()
    reopen(tmp_path).close()
    meddle(tmp_path, ROTTEN)
    with pytest.raises(JournalDamaged, match="entry 3"):
        reopen(tmp_path)


def test_a_signature_that_rots_is_seen_as_well(tmp_path: Path) -> None:
    """Promise: no part of what nobody else holds is left out. Red for hashes alone."""
    journal = make(tmp_path)
    sell(journal)
    sell(journal)
    journal.close()
    reopen(tmp_path).close()
    meddle(
        tmp_path,
        "UPDATE entry SET content = CAST(substr(content, 1, length(content) - 1) || x'00' AS BLOB)"
        " WHERE seq = 3",
    )
    with pytest.raises(JournalDamaged, match="entry 3"):
        reopen(tmp_path)


def test_what_the_service_holds_may_rot(tmp_path: Path) -> None:
    """Promise: a stall sells on over a rotten entry that is safe elsewhere; verify tells of it."""
    journal = make(tmp_path)
    sell(journal)
    journal.close()
    journal = reopen(tmp_path)
    acknowledge(journal)
    journal.close()
    meddle(tmp_path, "UPDATE entry SET content = zeroblob(300) WHERE seq = 1")
    journal = reopen(tmp_path)
    sell(journal)
    with pytest.raises(JournalDamaged, match="entry 1"):
        journal.verify()
    journal.close()


def test_an_old_entry_is_not_forgotten_by_verify(tmp_path: Path) -> None:
    """Promise: opening looks at what is new or not acknowledged, verify looks at everything."""
    journal = make(tmp_path)
    sell(journal)
    acknowledge(journal)
    journal.close()
    reopen(tmp_path).close()
    meddle(tmp_path, "UPDATE entry SET amount_cents = 1 WHERE seq = 2")
    journal = reopen(tmp_path)
    with pytest.raises(JournalDamaged, match="entry 2"):
        journal.verify()
    journal.close()


def test_what_a_restored_service_forgot_is_verified_again(tmp_path: Path) -> None:
    """Promise: rot below an old acknowledgement stops the till once a service asks for it again.

    While the service held it nobody had to look; now nobody else holds it, and it will be refused.
    """
    journal = make(tmp_path)
    sell(journal)
    acknowledge(journal)
    journal.close()
    reopen(tmp_path).close()
    meddle(tmp_path, ROTTEN)
    journal = reopen(tmp_path)
    acknowledge(journal, up_to_seq=1)
    with pytest.raises(JournalDamaged, match="entry 3"):
        journal.verify_unsent()
    journal.close()
    with pytest.raises(JournalDamaged, match="entry 3"):
        reopen(tmp_path)
