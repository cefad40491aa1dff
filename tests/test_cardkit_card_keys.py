"""Diversified keys and the originality signature, against AN10922 and AN12343."""

from __future__ import annotations

import pytest

from cardkit.card.keys import (
    NXP_ORIGINALITY,
    Chip,
    Originality,
    TerminalCardKeys,
    diversify,
)
from cardkit.errors import Bug
from tests.purse_cards import OLD_TERMINAL_MASTER, TERMINAL_MASTER, UID, VECTORS, Vector, vector_id

AID = bytes.fromhex("F4C1AF")
SIGNED = VECTORS["originality"][0]
DIVERSIFIED = [it for it in VECTORS["an10922_aes128"] if len(it["m"]) >= 2 * 16]


@pytest.mark.parametrize("vector", DIVERSIFIED, ids=vector_id)
def test_diversify_is_an10922(vector: Vector) -> None:
    """M is UID, AID most significant byte first, system id: AN10922 table 2, and the shortest M."""
    m = bytes.fromhex(vector["m"])
    master = bytes.fromhex(vector["key"])
    derived = diversify(master, uid=m[:7], aid=m[7:10], system_id=m[10:])
    assert derived == bytes.fromhex(vector["derived"])


@pytest.mark.parametrize(
    ("uid", "aid", "system_id"),
    [
        (UID[:4], AID, b"CLAF-TEST"),
        (UID, AID[:2], b"CLAF-TEST"),
        (UID, AID, b"short"),
        (UID, AID, b"x" * 22),
    ],
)
def test_inputs_outside_16_to_31_bytes_are_a_bug(uid: bytes, aid: bytes, system_id: bytes) -> None:
    """Outside of them AN10922 and CMAC differ, and cards would carry keys that nobody derives."""
    with pytest.raises(Bug):
        diversify(TERMINAL_MASTER, uid=uid, aid=aid, system_id=system_id)


def test_a_master_of_another_length_is_a_bug() -> None:
    """Of 32 bytes AES would take it too, and every card would get a key that nobody derives."""
    with pytest.raises(Bug):
        diversify(2 * TERMINAL_MASTER, uid=UID, aid=AID, system_id=b"CLAF-TEST")


def test_a_terminal_tries_its_newest_master_first() -> None:
    """Masters rotate: new cards open at once, old ones after one refusal."""
    keys = TerminalCardKeys(b"CLAF-TEST", {1: OLD_TERMINAL_MASTER, 10: TERMINAL_MASTER})
    tried = list(keys.newest_first(uid=UID, aid=AID))
    assert [version for version, _ in tried] == [10, 1]
    assert tried[0][1] == diversify(TERMINAL_MASTER, uid=UID, aid=AID, system_id=b"CLAF-TEST")


def test_masters_are_never_printed_nor_changed_behind_us() -> None:
    """The key-1 master opens every card: no repr shows it."""
    masters = {1: TERMINAL_MASTER}
    keys = TerminalCardKeys(b"CLAF-TEST", masters)
    masters.clear()
    assert len(keys.masters) == 1
    assert repr(keys) == "TerminalCardKeys(system_id=b'CLAF-TEST')"
    with pytest.raises(Bug):
        TerminalCardKeys(b"CLAF-TEST", {})


def test_the_published_originality_signature() -> None:
    """NXP's signature of a Light (AN12343 table 44) is recognised, and as a Light's."""
    uid, signature = bytes.fromhex(SIGNED["uid"]), bytes.fromhex(SIGNED["sig"])
    assert NXP_ORIGINALITY.chip(uid=uid, signature=signature) is Chip.LIGHT


@pytest.mark.parametrize("change", ["uid", "signature", "length", "zero", "key"])
def test_nothing_else_is_original(change: str) -> None:
    """Another UID, a changed or cut signature or another key: not NXP's chip."""
    uid, signature = bytes.fromhex(SIGNED["uid"]), bytes.fromhex(SIGNED["sig"])
    originality = NXP_ORIGINALITY
    match change:
        case "uid":
            uid = uid[:-1] + b"\x81"
        case "signature":
            signature = signature[:-1] + b"\x60"
        case "length":
            signature = signature[:-1]
        case "zero":
            signature = bytes(56)
        case "key":
            originality = Originality({})
    assert originality.chip(uid=uid, signature=signature) is None
