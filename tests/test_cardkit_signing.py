"""A signature says who, what for and for which caisse; nothing about it can be bent."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit import cbor
from cardkit.errors import (
    DocumentError,
    DocumentForeign,
    DocumentMalformed,
    SignatureInvalid,
)
from cardkit.signing import ContentType, Signed, SigningKey, parse, verify

KEY = SigningKey.from_scalar(42, caisse="flers")
OTHER = SigningKey.from_scalar(43, caisse="flers")
SIGNED = KEY.sign(ContentType.ENTRY, {1: 2, 3: b"abc"})
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def _verify(data: bytes) -> Signed:
    return verify(data, ContentType.ENTRY, caisse="flers", keys=[OTHER.public, KEY.public])


def test_a_signed_document_is_accepted() -> None:
    """Promise 6: what a key signed, its public half verifies."""
    assert _verify(SIGNED.encoded) == SIGNED


def test_signing_twice_gives_the_same_bytes() -> None:
    """RFC 6979: a seeded world repeats itself."""
    assert KEY.sign(ContentType.ENTRY, {1: 2, 3: b"abc"}).encoded == SIGNED.encoded


@given(st.integers(min_value=0, max_value=len(SIGNED.encoded) * 8 - 1))
def test_no_bit_can_be_flipped(bit: int) -> None:
    """Promise 2: every bit of a document is authenticated."""
    data = bytearray(SIGNED.encoded)
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DocumentError):
        _verify(bytes(data))


def test_the_mirrored_signature_is_refused() -> None:
    """Review attack 45: (r, n-s) would make an honest terminal look as if it had forked."""
    s = int.from_bytes(SIGNED.signature[32:])
    mirrored = replace(SIGNED, signature=SIGNED.signature[:32] + (ORDER - s).to_bytes(32))
    with pytest.raises(SignatureInvalid):
        _verify(mirrored.encoded)


def test_the_unprotected_header_must_be_empty() -> None:
    """Review attack 45: unsigned bytes inside a signed document would change its copies."""
    smuggled = cbor.encode([SIGNED.protected, {4: b"x"}, SIGNED.payload, SIGNED.signature])
    with pytest.raises(DocumentMalformed):
        parse(b"\xd2" + smuggled)


def test_one_kind_of_document_never_stands_for_another() -> None:
    """Review attack 47: a permit is no directory, even under the right key."""
    with pytest.raises(DocumentForeign):
        verify(SIGNED.encoded, ContentType.PERMIT, caisse="flers", keys=[KEY.public])


def test_another_caisse_is_refused() -> None:
    """A key used by two caisses does not carry money from one to the other."""
    with pytest.raises(DocumentForeign):
        verify(SIGNED.encoded, ContentType.ENTRY, caisse="nantes", keys=[KEY.public])


def test_an_unknown_key_is_refused() -> None:
    """Promise 2: only keys that are held verify anything."""
    with pytest.raises(SignatureInvalid):
        verify(SIGNED.encoded, ContentType.ENTRY, caisse="flers", keys=[OTHER.public])


def test_the_digest_is_of_what_was_signed() -> None:
    """RFC 9052, 4.4: the identity of a document is the hash of its Sig_structure."""
    structure = cbor.encode(["Signature1", SIGNED.protected, b"", SIGNED.payload])
    assert SIGNED.digest == hashlib.sha256(structure).digest()


def test_a_key_survives_its_file_and_shows_nothing() -> None:
    """A private key is never in a repr; a passphrase seals its file."""
    pem = KEY.to_pem(b"secret")
    assert SigningKey.from_pem(pem, caisse="flers", passphrase=b"secret").public == KEY.public
    private = KEY.key.private_numbers().private_value
    assert str(private) not in repr(KEY).replace(KEY.public.kid.hex(), "")
    assert "SigningKey(" in repr(KEY)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_document_or_an_error_of_ours(data: bytes) -> None:
    """Bad input gets a clear error and nothing else escapes."""
    for content in (data, b"\xd2" + data):
        try:
            parse(content)
        except DocumentError:
            continue


@pytest.mark.parametrize("length", [0, 1, 23, 24, 255, 256, 65_535, 65_536])
def test_a_framed_byte_string_is_the_canonical_one(length: int) -> None:
    """Promise: what is put together by hand is what the encoder would have made of it."""
    data = bytes(length)
    assert cbor.byte_string(data) == cbor.encode(data)


@pytest.mark.parametrize("length", [0, 23, 24, 256, 65_536])
def test_frames_are_those_of_cose(length: int) -> None:
    """Promise: envelope and signed structure are RFC 9052's arrays (4.2 and 4.4) at any length."""
    signed = KEY.sign(ContentType.ENTRY, bytes(length))
    envelope: list[cbor.Value] = [signed.protected, {}, signed.payload, signed.signature]
    assert signed.encoded == b"\xd2" + cbor.encode(envelope)
    context: list[cbor.Value] = ["Signature1", signed.protected, b"", signed.payload]
    assert signed.sig_structure == cbor.encode(context)


def test_a_header_that_is_too_long_is_not_read() -> None:
    """Promise: what a stranger sends can't fill the memory that readers keep headers in."""
    header = cbor.encode({1: -7, 3: "clafoutis/entry", 4: KEY.public.kid, -65537: "f" * 200})
    data = replace(SIGNED, protected=header).encoded
    with pytest.raises(DocumentMalformed):
        parse(data)
