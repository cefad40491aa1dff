"""Targets: everything that is CBOR or COSE, before and behind its signature.

Each begins with a way in: the bytes as they arrive, the bytes as a payload that a holder of the
right key signed (an insider; otherwise no input would ever get past the signature), or a good
document with some bits changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from cardkit import cbor, pairing, workshop
from cardkit.acts import open_act
from cardkit.allowance import Allowance, accept_allowance
from cardkit.card.layout import decode_slot, encode_slot
from cardkit.certificates import Certificate, Role, Trust, certify, open_certificate
from cardkit.directory import accept_directory, read_row
from cardkit.entries import open_entry
from cardkit.errors import DocumentError, DocumentMalformed
from cardkit.permit import accept_permit
from cardkit.schema import pack, unpack
from cardkit.signing import _ORDER, ContentType, SigningKey, parse, verify
from cardkit.sync import accept_answer, decode_request, encode_request
from terminal.journal_schema import lookup, movement_cents
from tests.document_samples import AT, ISSUER, ROOT, SERVICE, TERMINAL, documents, sample
from tests.fuzz_target import Target, flipped

CAISSE: Final = "flers"
RAW, SIGNED, FLIPPED = range(3)
"""The ways in, as the first byte of an input modulo three says."""
_TERMINAL: Final = 7
_MESSAGES: Final[tuple[type[Any], ...]] = (
    pairing.PairRequest,
    pairing.PairResult,
    pairing.CardMasters,
    workshop.CardBegin,
    workshop.CardKeys,
    workshop.CardBegun,
    workshop.CardFinish,
    workshop.CardFinished,
    workshop.RekeyBegin,
    workshop.RekeyBegun,
    workshop.RekeyFinish,
    workshop.PairingOpen,
    workshop.PairingOpened,
    workshop.PairingShow,
    workshop.PairingShown,
    workshop.PairingApprove,
)
_ECDSA: Final = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


@cache
def samples() -> dict[str, bytes]:
    """One of every document."""
    return {name: content for name, _, content in documents()}


@cache
def trust() -> Trust:
    """The keys of the samples, certified for ten years around them."""
    made = Trust(ROOT.public, caisse=CAISSE)
    for role, key in ((Role.ISSUER, ISSUER), (Role.SERVICE, SERVICE)):
        certificate = Certificate(
            role=role,
            subject=1,
            valid_from=AT - timedelta(days=2000),
            valid_until=AT + timedelta(days=2000),
            public_key=key.public.encoded,
            step_max_cents=2**31 - 1,
            counted_from=AT - timedelta(days=2000),
        )
        made.accept(certify(ROOT, certificate).encoded)
    return made


def arrive(data: bytes, key: SigningKey, kind: ContentType, good: bytes) -> bytes:
    """What arrives by the way in that an input names."""
    way, content = (data[0] % 3 if data else RAW), data[1:]
    if way == SIGNED:
        return key.sign_encoded(kind, content).encoded
    return flipped(good, content) if way == FLIPPED else content


def ways_in(*goods: bytes) -> Iterator[bytes]:
    """The two unchanged ways of good documents to arrive."""
    for good in goods:
        yield bytes([RAW]) + good
        yield bytes([SIGNED]) + parse(good).payload
    yield bytes([FLIPPED, 0, 9, 1])


def check_signed(data: bytes, arrived: bytes, digest: bytes, good: bytes) -> None:
    """What was believed has one encoding; and if bits were changed, none was."""
    signed = parse(arrived)
    assert signed.encoded == arrived, "a document has one encoding"
    assert signed.digest == digest
    if data[:1] and data[0] % 3 == FLIPPED:
        assert arrived == good, "a changed document is believed"


def check_pack(read: Any) -> None:
    """What was read, written and read again is the same."""
    again = unpack(type(read), cbor.decode(cbor.encode_rising(pack(read))))
    assert again == read, "reading loses something"


def fuzz_cbor(data: bytes) -> None:
    """Canonical CBOR: what is read is written to the same bytes, in both of our ways."""
    try:
        value = cbor.decode(data)
    except DocumentMalformed:
        return
    assert cbor.encode(value) == data
    if isinstance(value, bytes):
        assert cbor.byte_string(value) == data


def fuzz_cose(data: bytes) -> None:
    """Headers of COSE: one form is taken, whatever its signature is worth."""
    way, content = (data[0] % 3 if data else RAW), data[1:]
    if way == RAW:
        arrived = content
    elif way == SIGNED:
        arrived = _with_header(content, is_high=data[0] >= 128)
    else:
        arrived = flipped(samples()["permit"], content)
    try:
        signed = parse(arrived)
    except DocumentMalformed:
        return
    assert signed.encoded == arrived, "an envelope has one encoding"
    try:
        verified = verify(arrived, signed.content_type, caisse=CAISSE, keys=[TERMINAL.public])
    except DocumentError:
        return
    written = TERMINAL.sign_encoded(verified.content_type, verified.payload)
    assert written.encoded == arrived, "a header of another form, or a second signature"


def _with_header(protected: bytes, *, is_high: bool) -> bytes:
    """A document under any protected header, with a good signature, s low or high, over it."""
    payload = b"\xa0"
    digest = cbor.encode(["Signature1", protected, b"", payload])
    r, s = decode_dss_signature(TERMINAL.key.sign(digest, _ECDSA))
    s = max(s, _ORDER - s) if is_high else min(s, _ORDER - s)
    signature = r.to_bytes(32) + s.to_bytes(32)
    return b"\xd2" + cbor.encode([protected, {}, payload, signature])


def fuzz_entry(data: bytes) -> None:
    """A journal entry, and what journals look it up by."""
    good = samples()["entry SALE"]
    arrived = arrive(data, TERMINAL, ContentType.ENTRY, good)
    try:
        entry = open_entry(arrived, TERMINAL.public, caisse=CAISSE, terminal=_TERMINAL)
    except DocumentError:
        return
    check_signed(data, arrived, entry.digest, good)
    check_pack(entry.envelope)
    if entry.body is not None:
        check_pack(entry.body)
    lookup(entry, bytes(7))
    movement_cents(entry.body, training=entry.envelope.training)


def fuzz_act(data: bytes) -> None:
    """An act of the service."""
    good = samples()["act CARD_ISSUED"]
    arrived = arrive(data, SERVICE, ContentType.ACT, good)
    try:
        act = open_act(arrived, [SERVICE.public], caisse=CAISSE)
    except DocumentError:
        return
    check_signed(data, arrived, act.signed.digest, good)
    check_pack(act.envelope)
    if act.body is not None:
        check_pack(act.body)


def fuzz_allowance(data: bytes) -> None:
    """An allowance: what it lets a card spend never falls, and is never above the ceiling."""
    good = samples()["allowance"]
    arrived = arrive(data, ISSUER, ContentType.ALLOWANCE, good)
    try:
        allowance = accept_allowance(arrived, trust())
    except DocumentError:
        return
    check_signed(data, arrived, allowance.digest, good)
    _check_steps(allowance)
    if len(arrived) <= 254:
        assert decode_slot(encode_slot(arrived)) == arrived


def _check_steps(allowance: Allowance) -> None:
    assert list(allowance.steps) == sorted(allowance.steps)
    spent_cents = allowance.steps[0].cumulative_cents
    for step in allowance.steps:
        assert spent_cents <= step.cumulative_cents < 2**31
        spent_cents = step.cumulative_cents
        assert allowance.cumulative_cents(step.from_at) == step.cumulative_cents
    end = allowance.spendable_until
    assert allowance.available_cents(end, spent_cents=spent_cents, refunded_cents=0) == 0


def fuzz_slot(data: bytes) -> None:
    """A slot of a card, which anybody with key 1 can have written."""
    decode_slot(data[:256].ljust(256, b"\0"))


def _accepting(
    kind: ContentType, name: str, key: SigningKey, accept: Callable[[bytes], tuple[Any, bytes]]
) -> Callable[[bytes], None]:
    """Make the target of a document that a reader accepts from its signer alone."""

    def fuzz(data: bytes) -> None:
        good = samples()[name]
        arrived = arrive(data, key, kind, good)
        try:
            read, digest = accept(arrived)
        except DocumentError:
            return
        check_signed(data, arrived, digest, good)
        check_pack(read)

    return fuzz


def _permit(data: bytes) -> tuple[Any, bytes]:
    held = accept_permit(data, trust(), terminal=parse_terminal(samples()["permit"], 3))
    return held.permit, held.digest


def _directory(data: bytes) -> tuple[Any, bytes]:
    held = accept_directory(data, trust(), held=None)
    return held.header, held.digest


def _answer(data: bytes) -> tuple[Any, bytes]:
    held = accept_answer(data, trust(), terminal=parse_terminal(samples()["answer"], 1))
    return held.answer, held.digest


def _certificate(data: bytes) -> tuple[Any, bytes]:
    certificate = open_certificate(data, ROOT.public, caisse=CAISSE)
    certificate.ceiling_cents(AT)
    again = Trust(ROOT.public, caisse=CAISSE)
    try:
        again.accept(data)
    except DocumentError:
        assert certificate.public_key is not None, "a revocation is refused"
    return certificate, parse(data).digest


@cache
def parse_terminal(content: bytes, key: int) -> int:
    """The terminal that a sample is for."""
    payload = cbor.decode(parse(content).payload)
    assert isinstance(payload, dict)
    number = payload[key]
    assert isinstance(number, int)
    return number


def fuzz_request(data: bytes) -> None:
    """The body of a request of the exchange."""
    try:
        request = decode_request(data)
    except DocumentMalformed:
        return
    assert decode_request(encode_request(request)) == request


def fuzz_row(data: bytes) -> None:
    """A row of the directory."""
    try:
        row = read_row(data)
    except DocumentMalformed:
        return
    assert read_row(row.encoded) == row


def fuzz_message(data: bytes) -> None:
    """What workshop, service and a new terminal say to each other."""
    kind = _MESSAGES[(data[0] if data else 0) % len(_MESSAGES)]
    try:
        message = unpack(kind, cbor.decode(data[1:]))
    except DocumentMalformed:
        return
    check_pack(message)
    repr(message)


def _bodies(group: str) -> Iterator[bytes]:
    """The samples of a journal's entries or of acts, and each with numbers that nobody knows."""
    goods = [content for name, content in samples().items() if name.startswith(f"{group} ")]
    yield from ways_in(*goods)
    for good in goods:
        payload = cbor.decode(parse(good).payload)
        assert isinstance(payload, dict)
        body = payload[31]
        assert isinstance(body, dict)
        strange: dict[int, cbor.Value] = {
            key: 99 if isinstance(value, int) else value for key, value in body.items()
        }
        yield bytes([SIGNED]) + cbor.encode(payload | {31: strange})


def _allowances() -> Iterator[bytes]:
    """One that is good, and one that rises beyond what a card can hold."""
    yield from ways_in(samples()["allowance"])
    payload = cbor.decode(parse(samples()["allowance"]).payload)
    assert isinstance(payload, dict)
    yield bytes([SIGNED]) + cbor.encode(payload | {9: [1, 2**31 - 1]})


def _envelopes() -> Iterator[bytes]:
    """A document; its header, signed with a low and a high s; headers that are not ours."""
    sealed = _sealed()[0]
    protected = parse(sealed).protected
    header = cbor.decode(protected)
    assert isinstance(header, dict)
    yield b"\0" + sealed
    yield b"\1" + protected
    yield b"\x82" + protected
    stranges: list[cbor.Value] = [{1: -8}, {1: -7, 2: [1]}, header | {2: [1]}, header | {99: 0}]
    for strange in stranges:
        yield b"\1" + cbor.encode(strange)


def _sealed() -> list[bytes]:
    return [content for name, content in samples().items() if name not in {"request", "row"}]


TARGETS: Final = (
    Target("cbor", fuzz_cbor, lambda: [parse(content).payload for content in _sealed()]),
    Target("cose", fuzz_cose, _envelopes),
    Target("entry", fuzz_entry, lambda: _bodies("entry")),
    Target("act", fuzz_act, lambda: _bodies("act")),
    Target("allowance", fuzz_allowance, _allowances),
    Target("slot", fuzz_slot, lambda: [encode_slot(samples()["allowance"])]),
    Target(
        "permit",
        _accepting(ContentType.PERMIT, "permit", ISSUER, _permit),
        lambda: ways_in(samples()["permit"]),
    ),
    Target(
        "header",
        _accepting(ContentType.DIRECTORY, "directory", ISSUER, _directory),
        lambda: ways_in(samples()["directory"]),
    ),
    Target(
        "acknowledgement",
        _accepting(ContentType.ANSWER, "answer", SERVICE, _answer),
        lambda: ways_in(samples()["answer"]),
    ),
    Target(
        "certificate",
        _accepting(ContentType.CERTIFICATE, "certificate", ROOT, _certificate),
        lambda: ways_in(samples()["certificate"]),
    ),
    Target("request", fuzz_request, lambda: [samples()["request"]]),
    Target("row", fuzz_row, lambda: [samples()["row"]]),
    Target(
        "message",
        fuzz_message,
        lambda: [
            bytes([place]) + cbor.encode(pack(sample(kind))) for place, kind in enumerate(_MESSAGES)
        ],
    ),
)
