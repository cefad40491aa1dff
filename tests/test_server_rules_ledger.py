"""Double entry as values: everything sums to zero, and a correction leads where it should."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server_stub.rules.ledger import Book, Line, balanced, correction, move, net
from server_stub.rules.settle import owed

BOOKS = st.sampled_from([Book.PAYABLE, Book.HELD, Book.WAITING, Book.RETURNED, Book.LOSS])
MOVES = st.tuples(st.integers(0, 2**31), BOOKS, BOOKS, st.integers(0, 3))


def lines_of(moves: list[tuple[int, Book, Book, int]]) -> list[Line]:
    """The lines of some movements."""
    return [
        line
        for cents, out_of, into, merchant in moves
        for line in move(cents, out_of=out_of, into=into, merchant=merchant)
    ]


@given(st.lists(MOVES), st.lists(MOVES))
def test_corrections_lead_from_any_books_to_any_others(
    posted: list[tuple[int, Book, Book, int]], wanted: list[tuple[int, Book, Book, int]]
) -> None:
    """Promise 8: whatever was posted, one balanced correction gives just what is wanted."""
    before, target = lines_of(posted), lines_of(wanted)
    lines = correction(net(before), target)
    assert balanced(lines)
    assert net([*before, *lines]) == net(target)
    assert correction(net([*before, *lines]), target) == ()


def test_only_merchants_books_name_a_merchant() -> None:
    """Promise 7: what waits or goes back is a card's, and names no stall."""
    lines = move(5, out_of=Book.WAITING, into=Book.PAYABLE, merchant=7)
    assert lines == (Line(Book.WAITING, 0, -5), Line(Book.PAYABLE, 7, 5))
    assert move(0, out_of=Book.WAITING, into=Book.PAYABLE, merchant=7) == ()


def test_owed_adds_what_no_card_has_proven() -> None:
    """Promise 8: held and waiting include claims that are in no book; payable never does."""
    (account,) = owed(
        {(Book.PAYABLE, 7): 10, (Book.HELD, 7): 2, (Book.PROVISIONAL, 7): 3},
        merchants=[7],
        unposted_held={7: 40},
        unposted_waiting={7: 50},
    )
    assert (account.payable_cents, account.held_cents) == (10, 42)
    assert (account.provisional_cents, account.waiting_cents) == (3, 50)
