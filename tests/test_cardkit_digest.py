"""The daily digest: a till that was given two histories keeps both, and takes neither back."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from cardkit.certificates import Certificate, Role, Trust, certify
from cardkit.digest import (
    NO_DIGEST,
    Digest,
    HeldDigest,
    JournalHead,
    accept_digest,
    sign_digest,
)
from cardkit.errors import DocumentMalformed, DocumentRolledBack, SignatureInvalid
from cardkit.signing import SigningKey

ROOT, SERVICE, ISSUER = (SigningKey.from_scalar(number, caisse="flers") for number in (11, 12, 13))
LONG_AGO, LONG_AFTER = datetime(2025, 1, 1, tzinfo=UTC), datetime(2035, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 10, 1, 10, tzinfo=UTC)


def trust() -> Trust:
    """What the root certified."""
    held = Trust(ROOT.public, caisse="flers")
    for role, key in ((Role.SERVICE, SERVICE), (Role.ISSUER, ISSUER)):
        held.accept(
            certify(
                ROOT,
                Certificate(
                    role=role,
                    subject=1,
                    valid_from=LONG_AGO,
                    valid_until=LONG_AFTER,
                    public_key=key.public.encoded,
                    step_max_cents=100_00 if role is Role.ISSUER else None,
                    counted_from=LONG_AGO if role is Role.ISSUER else None,
                ),
            ).encoded
        )
    return held


def head(name: str) -> bytes:
    """Some entry's or act's digest."""
    return hashlib.sha256(name.encode()).digest()


FIRST = Digest(
    epoch=1,
    day=date(2026, 10, 1),
    made_at=NOON,
    acts_seq=40,
    acts_head=head("act 40"),
    previous=NO_DIGEST,
    journals=(JournalHead(terminal=3, up_to_seq=17, head=head("entry 3/17")),),
)
SECOND = replace(
    FIRST,
    day=date(2026, 10, 2),
    acts_seq=44,
    acts_head=head("act 44"),
    journals=(JournalHead(terminal=3, up_to_seq=19, head=head("entry 3/19")),),
)


def accept(digest: Digest, held: HeldDigest | None = None, key: SigningKey = SERVICE) -> HeldDigest:
    """Accept a digest as a terminal does."""
    return accept_digest(sign_digest(key, digest).encoded, trust(), held=held)


def test_days_follow_each_other() -> None:
    """Promise 6: the next day's digest is taken in, and the same one again does no harm."""
    held = accept(FIRST)
    assert accept(FIRST, held) == held
    assert accept(SECOND, held).digest == SECOND
    assert SECOND.head_of(3) == SECOND.journals[0]
    assert SECOND.head_of(4) is None


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        (replace(FIRST, acts_head=head("another act")), "two digests"),
        (replace(SECOND, acts_seq=39), "the log was longer"),
        (replace(SECOND, acts_seq=40), "another act 40"),
        (replace(SECOND, journals=()), "the journal of 3 was longer"),
        (replace(SECOND, journals=(replace(FIRST.journals[0], up_to_seq=16),)), "was longer"),
        (replace(SECOND, journals=(replace(FIRST.journals[0], head=head("x")),)), "entry 3/17"),
    ],
)
def test_a_second_history_is_refused(lie: Digest, words: str) -> None:
    """Promise 6: a service can't show two histories to a till that keeps what it was told."""
    with pytest.raises(DocumentMalformed, match=words):
        accept(lie, accept(FIRST))


def test_an_earlier_day_is_a_replay() -> None:
    """Promise 6: an old digest is no evidence of anything: lines repeat themselves."""
    with pytest.raises(DocumentRolledBack):
        accept(FIRST, accept(SECOND))


def test_a_restored_service_says_so() -> None:
    """Promise 1: a service that was put back may know less, when it says so by a new epoch."""
    restored = replace(SECOND, epoch=2, acts_seq=12, acts_head=head("act 12"), journals=())
    assert accept(restored, accept(SECOND)).digest == restored


def test_only_the_service_signs_it() -> None:
    """Promise 4: no other key of the caisse can put words into the service's mouth."""
    with pytest.raises(SignatureInvalid):
        accept(FIRST, key=ISSUER)
