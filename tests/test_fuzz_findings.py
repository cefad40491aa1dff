"""What fuzzing has found in our own code, each as the smallest test that shows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cardkit import bodies, cbor
from cardkit.errors import DocumentMalformed
from cardkit.schema import pack, unpack
from cardkit.sync import Health, SyncRequest, decode_request, encode_request
from tests.document_samples import sample

_LAST_INSTANT = 253_402_300_799


def test_instants_leave_room_for_every_calendar() -> None:
    """Promise 6: an entry that can be read has a business day, at every place that looks it up.

    Red while 31 December 9999 could be said in UTC: in Paris that evening is in the year 10000.
    """
    raw = pack(sample(bodies.ClockSet))
    for number in (_LAST_INSTANT, 253_402_214_400):
        with pytest.raises(DocumentMalformed):
            unpack(bodies.ClockSet, raw | {1: number})
    last = datetime(9899, 12, 31, 23, 59, 59, tzinfo=UTC)
    read = replace(sample(bodies.ClockSet), before=last)
    assert unpack(bodies.ClockSet, cbor.decode(cbor.encode(pack(read)))) == read


def test_a_text_holds_no_nul() -> None:
    """A version with a NUL in it would be refused by PostgreSQL, at every sync of that terminal."""
    health = replace(sample(Health), software_version="1.0")
    request = replace(sample(SyncRequest), health=health)
    body = encode_request(request)
    assert decode_request(body) == request
    with pytest.raises(DocumentMalformed):
        decode_request(body.replace(b"1.0", b"1\x000"))
