"""The bytes that two parties agree on are for ever, and strangers can read them."""

from __future__ import annotations

import json
from enum import IntEnum
from typing import Any

import cbor2
import cwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from cardkit import cbor
from cardkit.acts import ACT_BODIES, ActKind, ReturnReason, open_act
from cardkit.bodies import (
    BODIES,
    ClosurePeriod,
    DoubtReason,
    EntryKind,
    RefundReason,
    ResolutionChoice,
    SaleProof,
    VoidReason,
)
from cardkit.certificates import Role
from cardkit.clock import ClockTrust
from cardkit.decide import Reason
from cardkit.directory import CardStatus
from cardkit.entries import OperatorRole, open_entry
from cardkit.errors import DocumentMalformed
from cardkit.schema import pack
from cardkit.signing import PublicKey, parse
from tests.document_samples import KEYS, SERVICE, TERMINAL, VECTORS, describe, read

CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text("utf-8"))
SIGNED = [case for case in CASES if case["signer"]]


def _id(case: dict[str, Any]) -> str:
    return str(case["name"]).replace(" ", "-")


@pytest.mark.parametrize("case", CASES, ids=_id)
def test_a_published_document_is_read_as_it_was_meant(case: dict[str, Any]) -> None:
    """Promise 6: a record signed years ago still says what it said."""
    said = json.loads(json.dumps(describe(read(case["name"], bytes.fromhex(case["bytes"])))))
    assert _only_what_is_named(said, case["says"]) == case["says"]


@pytest.mark.parametrize("case", CASES, ids=_id)
def test_a_published_document_is_written_the_same_again(case: dict[str, Any]) -> None:
    """Promise 6: one content has one encoding, so hashes and signatures hold."""
    content = bytes.fromhex(case["bytes"])
    made = read(case["name"], content)
    payload = parse(content).payload if case["signer"] else content
    if isinstance(made, tuple):
        head, body = made
        packed = pack(head)
        packed[31] = pack(body)
    else:
        packed = pack(made)
    assert cbor.encode(packed) == cbor.encode_rising(packed) == payload


@pytest.mark.parametrize("case", SIGNED, ids=_id)
def test_a_stranger_verifies_our_signatures(case: dict[str, Any]) -> None:
    """Promise 6: a COSE library that nobody here wrote accepts every signed document."""
    key = KEYS[case["signer"]]
    pem = key.public.key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    cose_key = cwt.COSEKey.from_pem(pem, alg="ES256", kid=key.public.kid)
    payload = cwt.COSE.new().decode(bytes.fromhex(case["bytes"]), cose_key)
    assert payload == parse(bytes.fromhex(case["bytes"])).payload


def test_every_kind_of_entry_and_act_has_a_vector() -> None:
    """Promise 6: a kind without golden bytes could change unseen."""
    names = {case["name"] for case in CASES}
    assert {f"entry {kind.name}" for kind in EntryKind} <= names
    assert {f"act {kind.name}" for kind in ActKind} <= names
    assert set(BODIES) == set(EntryKind)
    assert set(ACT_BODIES) == set(ActKind)


def _only_what_is_named(said: Any, named: Any) -> Any:
    """Leave out the fields that a vector is too old to know."""
    if isinstance(named, dict):
        return {name: _only_what_is_named(said[name], named[name]) for name in named}
    if isinstance(named, list):
        pairs = zip(said, named, strict=True)
        return [_only_what_is_named(one, other) for one, other in pairs]
    return said


NUMBERS: dict[str, type[IntEnum]] = {
    kind.__name__: kind
    for kind in (
        EntryKind,
        ActKind,
        Reason,
        Role,
        OperatorRole,
        ClockTrust,
        CardStatus,
        SaleProof,
        VoidReason,
        DoubtReason,
        ResolutionChoice,
        RefundReason,
        ClosurePeriod,
        ReturnReason,
    )
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_never_changes_its_meaning(name: str) -> None:
    """Promise 6: a 3 that was signed years ago is read as what it was; new members may come."""
    pinned = json.loads((VECTORS.parent / "numbers.json").read_text("utf-8"))[name]
    assert pinned.items() <= {member.name: member.value for member in NUMBERS[name]}.items()


def _resigned(name: str, change: dict[int, Any]) -> bytes:
    """Return a vector with other payload fields, signed again by its own key."""
    case = next(case for case in SIGNED if case["name"] == name)
    signed = parse(bytes.fromhex(case["bytes"]))
    payload = cbor.decode(signed.payload)
    assert isinstance(payload, dict)
    payload.update(change)
    return KEYS[case["signer"]].sign(signed.content_type, payload).encoded


def test_an_entry_of_an_unknown_kind_is_kept_and_chains() -> None:
    """Promise 1: a newer terminal's entries never stop an older service."""
    data = _resigned("entry SALE", {2: 9999})
    entry = open_entry(data, TERMINAL.public, caisse="flers", terminal=7)
    assert (entry.body, entry.envelope.kind, entry.seq) == (None, 9999, 42)
    assert entry.signed.encoded == data


def test_an_entry_of_a_later_version_is_kept_and_chains() -> None:
    """Promise 1: what a later version means is not guessed from its fields."""
    entry = open_entry(_resigned("entry SALE", {1: 2}), TERMINAL.public, caisse="flers", terminal=7)
    assert entry.body is None


def test_an_entry_of_unknown_people_and_clocks_is_read_all_the_same() -> None:
    """Promise 1: what the envelope says beside its place never stops a chain."""
    data = _resigned("entry SALE", {7: 99, 11: 99})
    entry = open_entry(data, TERMINAL.public, caisse="flers", terminal=7)
    assert (entry.envelope.clock, entry.envelope.operator) == (99, 99)
    assert entry.body is not None


def test_eight_levels_are_deep_enough() -> None:
    """The bound is where the protocol says."""
    assert cbor.decode(b"\x81" * 8 + b"\x00") == [[[[[[[[0]]]]]]]]


def test_an_entry_whose_body_is_broken_is_kept_and_chains() -> None:
    """Promise 1: facts are never refused, however malformed."""
    entry = open_entry(
        _resigned("entry SALE", {31: {1: "x"}}), TERMINAL.public, caisse="flers", terminal=7
    )
    assert entry.body is None


def test_unknown_fields_are_ignored_and_stay_in_the_bytes() -> None:
    """Promise 6: a newer field survives an older reader."""
    data = _resigned("entry STOPPED", {31: {77: b"new"}, 99: 1})
    entry = open_entry(data, TERMINAL.public, caisse="flers", terminal=7)
    assert entry.body is not None
    assert cbor2.loads(entry.signed.payload)[31] == {77: b"new"}


def test_an_act_of_an_unknown_kind_is_kept() -> None:
    """Promise 6: the log of a newer service can still be chained."""
    act = open_act(_resigned("act RULE_SET", {2: 777}), [SERVICE.public], caisse="flers")
    assert act.body is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a float", bytes.fromhex("A101F93E00")),
        ("undefined", bytes.fromhex("A101F7")),
        ("a simple value", bytes.fromhex("A101E0")),
        ("a tag", cbor2.dumps({1: cbor2.CBORTag(1, 2)})),
        ("a decimal out of range", bytes.fromhex("C5821B7FFFFFFFFFFFFFFF01")),
        ("a decimal fraction", bytes.fromhex("C4821A0FFFFFFF01")),
        ("a reference to itself", bytes.fromhex("D81C81D81D00")),
        ("a negative beyond 64 bits", bytes.fromhex("A1013B8000000000000000")),
        ("a text key", cbor2.dumps({"a": 1})),
        ("a long form", bytes.fromhex("A1180101")),
        ("indefinite", bytes.fromhex("BF0101FF")),
        ("unsorted", bytes.fromhex("A202000100")),
        ("unsorted further in", bytes.fromhex("A10181A10081A202000100")),
        ("a negative key before another", bytes.fromhex("A220000100")),
        ("a key twice", bytes.fromhex("A201000101")),
        ("a big integer", cbor2.dumps({1: 2**64})),
        ("trailing bytes", b"\xa0\x00"),
        ("nothing", b""),
        ("deep", b"\x81" * 200 + b"\x00"),
        ("one too deep", b"\x81" * 9 + b"\x00"),
    ],
)
def test_what_is_not_canonical_is_refused(name: str, content: bytes) -> None:
    """Promise 6: two byte strings never mean the same thing."""
    with pytest.raises(DocumentMalformed):
        cbor.decode(content)
    assert name


VALUES = st.recursive(
    st.none() | st.booleans() | st.binary() | st.text() | st.integers(-(2**63), 2**64 - 1),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.integers(-70_000, 70_000), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_every_value_has_one_encoding(value: cbor.Value) -> None:
    """Promise 6: keys below zero, and maps that were not in order, are sorted all the same."""
    assert cbor.encode(cbor.decode(cbor.encode(value))) == cbor.encode(value)
    assert cbor.decode(cbor.encode(value)) == value


def test_a_public_key_is_a_point_of_the_curve() -> None:
    """Promise 2: a key that is none is refused before anything is verified with it."""
    with pytest.raises(DocumentMalformed):
        PublicKey.from_bytes(bytes(33))
