"""Cards, and journals, whose image came back: refused where it shows, told as what it is.

Real tills and the real service; only the plastic is virtual, because no real card lets itself be
copied.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardkit.card.session import PurseSession
from cardkit.card.token import ReaderId, SaleRecord
from cardkit.decide import Reason
from cardkit.errors import JournalDamaged
from server_stub.models import Claim, Finding
from server_stub.rules.ledger import Book
from server_stub.services import blocks, issue
from server_stub.services.blocks import NotYet
from server_stub.services.books import balances
from server_stub.services.rebuild import differences
from simulator.burnt.caisse import MERCHANT, SOFTWARE, START, BareCaisse
from simulator.burnt.stall import Stall
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from terminal.config import DataDirectory
from terminal.outcomes import Green, Refused
from terminal.wiring import open_till
from tests.rogue import NOBODY
from tests.service_books import open_findings
from tests.service_world import ceremony

pytestmark = pytest.mark.django_db

ACCOUNT = b"A" * 16


@pytest.fixture
def caisse() -> BareCaisse:
    """A caisse whose members have 100 euros each."""
    return BareCaisse.found(ceremony(), ManualClock(START))


@pytest.fixture
def stalls(caisse: BareCaisse, tmp_path: Path) -> Iterator[list[Stall]]:
    """Three stalls that will know every card that is issued before they sync."""
    made = [caisse.enrol(number, tmp_path / str(number)) for number in (1, 2, 3)]
    yield made
    for stall in made:
        stall.close()


def new_card(
    caisse: BareCaisse, stalls: list[Stall], *, account: bytes | None = None
) -> VirtualCard:
    """A card that every stall knows."""
    card = caisse.issue_card(account=account)
    for stall in stalls:
        stall.sync()
    return card


def sell(stall: Stall, card: VirtualCard, amount_cents: int) -> None:
    """Sell, and see green."""
    outcome = stall.sell(card, amount_cents)
    assert isinstance(outcome, Green), outcome


def refusal(stall: Stall, card: VirtualCard) -> Reason:
    """Why a stall does not sell."""
    outcome = stall.sell(card, 1_00)
    assert isinstance(outcome, Refused), outcome
    return outcome.declined.reason


def book_cents(caisse: BareCaisse, book: Book, merchant: int = 0) -> int:
    """What stands in an account."""
    return balances(caisse.caisse).get((book, merchant), 0)


def drain_all(caisse: BareCaisse, card: VirtualCard, *, but_cents: int) -> None:
    """Debit nearly all that a card's counter holds, with key 1 and out of sight."""
    field, keys = caisse.reader, caisse.card_keys
    field.lift()
    field.place(card)
    connection = field.wait_for_card(0)
    assert connection is not None
    session = PurseSession.open(connection, keys)
    tmac, spent_cents = session.tmac(), session.spent_cents()
    amount_cents = 2**31 - 1 - spent_cents - but_cents
    session.debit(amount_cents)
    session.write_record(
        SaleRecord(
            terminal=NOBODY,
            seq=1,
            amount_cents=amount_cents,
            spent0_cents=spent_cents,
            tmv0=tmac.tmv,
            token=bytes(8),
        )
    )
    session.commit_reader_id(ReaderId(terminal=NOBODY, seq=1, token=bytes(8)))
    session.commit()
    field.lift()


# Cards


def test_older_image_is_refused_and_told(caisse: BareCaisse, stalls: list[Stall]) -> None:
    """Promise 3: a card that was put back to an earlier state buys nothing where that is known.

    Red when `decide` does not look at the directory's row, or the declined entry is not read.
    """
    first, second, _ = stalls
    card = new_card(caisse, stalls)
    image = card.snapshot()
    sell(first, card, 20_00)
    first.sync()
    second.sync()
    card.restore(image)
    assert refusal(second, card) is Reason.CARD_ROLLED_BACK
    second.sync()
    point = Finding.objects.get(closed_at=None)
    assert (point.kind, point.terminal_id) == ("card_rolled_back", None)
    assert point.facts == {"tmc": 1, "last_tmc": 2}
    blocks.block_card(caisse.caisse, caisse.row(card), by=1)
    assert open_findings() == set(), "what was to be done is done"
    assert differences(caisse.caisse) == []


def test_clone_at_the_same_counter_is_refused_and_held(
    caisse: BareCaisse, stalls: list[Stall]
) -> None:
    """Promise 3: of two images at one counter one is paid, and the other waits for two people."""
    first, second, offline = stalls
    card = new_card(caisse, stalls)
    image = card.snapshot()
    sell(first, card, 7_00)
    first.sync()
    second.sync()
    card.restore(image)
    sell(offline, card, 20_00)
    assert refusal(second, card) is Reason.CARD_FORKED
    second.sync()
    assert open_findings() == {"card_forked"}
    offline.sync()
    assert open_findings() == {"card_forked", "two_proofs"}
    assert book_cents(caisse, Book.PAYABLE, MERCHANT) == 7_00
    assert Claim.objects.get(amount_cents=20_00).state == "held"
    assert differences(caisse.caisse) == []


@pytest.mark.parametrize(
    ("original", "clone", "kind"),
    [
        ((1_00,), (5_00, 2_00), "card_branched"),
        ((5_00,), (1_00, 2_00), "counter_went_down"),
        ((5_00, 5_00), (1_00, 1_00, 1_00), "counter_went_down"),
        ((1_00, 1_00), (5_00, 5_00, 5_00), "card_branched"),
    ],
)
def test_clone_that_went_further_stops_no_delivery(
    caisse: BareCaisse,
    stalls: list[Stall],
    original: tuple[int, ...],
    clone: tuple[int, ...],
    kind: str,
) -> None:
    """Promise 6: facts are never refused, though two branches of a card add up to nothing.

    Red when conservation is demanded of a card whose proofs don't follow each other.
    """
    first, _, offline = stalls
    card = new_card(caisse, stalls)
    image = card.snapshot()
    for amount_cents in original:
        sell(first, card, amount_cents)
    card.restore(image)
    caisse.pass_days(1)
    for amount_cents in clone:
        sell(offline, card, amount_cents)
    first.sync()
    offline.sync()
    assert open_findings() == {"two_proofs", kind}
    paid_cents = sum(original) + clone[-1]
    assert book_cents(caisse, Book.PAYABLE, MERCHANT) == paid_cents
    assert differences(caisse.caisse) == []


def test_emptied_counter_is_replaced_and_the_member_has_all(
    caisse: BareCaisse, stalls: list[Stall]
) -> None:
    """Promise 8: a card whose counter was run down is told, and its member loses nothing."""
    first, second, offline = stalls
    card = new_card(caisse, stalls, account=ACCOUNT)
    sell(first, card, 20_00)
    first.sync()
    drain_all(caisse, card, but_cents=50)
    assert refusal(first, card) is Reason.CARD_EXHAUSTED
    first.sync()
    assert open_findings() == {"replace_card", "seen_ahead"}
    facts = Finding.objects.get(kind="replace_card").facts
    assert facts == {"left_cents": 50, "source": "sighted"}
    new = caisse.issue_card(account=ACCOUNT)
    blocks.replace_card(caisse.caisse, caisse.row(card), caisse.row(new), by=1)
    for _ in range(2):
        for stall in (first, second, offline):
            stall.sync()
    blocks.move_remainder(caisse.caisse, caisse.row(card), caisse.row(new))
    given = issue.held_allowance(caisse.caisse, caisse.row(new))
    assert given is not None
    now = caisse.clock.now().at
    assert given.available_cents(now, spent_cents=0, refunded_cents=0) == 180_00
    assert open_findings() == set()
    assert differences(caisse.caisse) == []


def test_spend_that_a_blocked_card_shows_is_named(caisse: BareCaisse, stalls: list[Stall]) -> None:
    """Promise 4: what a blocked card spent, and no terminal has told of, is a person's to look at.

    Red when blocking a card silences what is seen of its money.
    """
    first, second, offline = stalls
    card = new_card(caisse, stalls, account=ACCOUNT)
    sell(first, card, 20_00)
    first.sync()
    sell(offline, card, 5_00)
    blocks.block_card(caisse.caisse, caisse.row(card), by=1)
    second.sync()
    assert refusal(second, card) is Reason.CARD_BLOCKED
    second.sync()
    assert open_findings() == {"seen_ahead"}
    assert Finding.objects.get(closed_at=None).facts == {"tmc": 3, "sum_cents": 5_00}
    offline.sync()
    assert open_findings() == set(), "it is told, and owed"
    assert book_cents(caisse, Book.PAYABLE, MERCHANT) == 25_00
    assert differences(caisse.caisse) == []


def test_lost_card_and_its_replacement_never_spend_twice(
    caisse: BareCaisse, stalls: list[Stall]
) -> None:
    """Promise 3: what a finder spends offline is out of the remainder before anybody gets it.

    Red when the remainder moves before every stall has shown the block and told all.
    """
    first, second, offline = stalls
    old = new_card(caisse, stalls, account=ACCOUNT)
    sell(first, old, 20_00)
    first.sync()
    new = caisse.issue_card(account=ACCOUNT)
    blocks.replace_card(caisse.caisse, caisse.row(old), caisse.row(new), by=1)
    for stall in (first, second):
        stall.sync()
    assert refusal(second, old) is Reason.CARD_BLOCKED
    assert refusal(second, new) is Reason.CARD_UNKNOWN, "its months were signed for the old one"
    sell(offline, old, 30_00)
    behind = blocks.move_remainder(caisse.caisse, caisse.row(old), caisse.row(new))
    assert behind == NotYet((offline.terminal,))
    offline.sync()
    assert refusal(offline, old) is Reason.CARD_BLOCKED
    offline.sync()
    blocks.move_remainder(caisse.caisse, caisse.row(old), caisse.row(new))
    given = issue.held_allowance(caisse.caisse, caisse.row(new))
    assert given is not None
    assert given.steps[-1].cumulative_cents == 200_00 - 20_00 - 30_00
    second.sync()
    sell(second, new, 50_00)
    second.sync()
    assert book_cents(caisse, Book.PAYABLE, MERCHANT) == 100_00
    assert differences(caisse.caisse) == []


# Journals


def test_restored_image_of_a_till_is_called_restored(
    caisse: BareCaisse, stalls: list[Stall], tmp_path: Path
) -> None:
    """Promise 1: a helper who puts an old SD card back is no thief, and both branches are paid.

    Red when it is called a fork, and when an intent is given the outcome of its namesake.
    """
    first = stalls[0]
    card = new_card(caisse, stalls)
    sell(first, card, 5_00)
    first.close()
    home, image = tmp_path / "1", tmp_path / "image"
    shutil.copytree(home, image)
    reopened = _reopen(caisse, home)
    sell(reopened, card, 3_00)
    sell(reopened, card, 4_00)
    reopened.sync()
    reopened.burn()
    shutil.copytree(image, home)
    caisse.pass_days(1)
    caisse.clock.reboot()
    stalls[0] = restored = _reopen(caisse, home)
    sell(restored, card, 2_00)
    with pytest.raises(JournalDamaged):
        restored.sync()
    assert open_findings() == {"restored"}
    assert book_cents(caisse, Book.PAYABLE, MERCHANT) == 14_00
    facts = Finding.objects.get(kind="restored", closed_at=None).facts
    assert facts["first_seq"] < facts["last_seq"], "one point for the whole branch"
    assert differences(caisse.caisse) == []


def _reopen(caisse: BareCaisse, home: Path) -> Stall:
    data = DataDirectory(home)
    till = open_till(data, clock=caisse.clock, software=SOFTWARE)
    till.start()
    return Stall(caisse.caisse, till, data, field=caisse.reader, merchant=MERCHANT)
