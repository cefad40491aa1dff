"""How far a journal is held: along the longer branch where one number was signed twice."""

from __future__ import annotations

from itertools import permutations

from server_stub.rules.journal import Link, follow

START = b"start"
HONEST = (Link(1, START, b"m"), Link(2, b"m", b"n"), Link(3, b"n", b"o"))


def test_follows_numbers_and_hashes() -> None:
    """Promise 1: nothing counts as held while an entry before it is missing."""
    assert follow(HONEST, seq=0, head=START) == (3, b"o")
    assert follow((HONEST[0], HONEST[2]), seq=0, head=START) == (1, b"m")
    assert follow(HONEST, seq=2, head=b"other") == (2, b"other")


def test_stray_entry_does_not_end_the_chain() -> None:
    """Promise 1: a second entry under one number hides nothing of what follows the first."""
    for digest in (b"a", b"z"):
        stray = Link(2, b"m", digest)
        for links in permutations((*HONEST, stray)):
            assert follow(links, seq=0, head=START) == (3, b"o")


def test_equal_branches_end_the_same_whatever_came_first() -> None:
    """Promise 6: recomputed books follow the same branch."""
    for links in permutations((HONEST[0], Link(2, b"m", b"b"), Link(2, b"m", b"a"))):
        assert follow(links, seq=0, head=START) == (2, b"a")
