"""One sample of every document, with every field set, made from the codecs themselves.

`python -m tests.document_samples` adds vectors for documents that have none yet to
tests/vectors/documents.json; it never touches one that is there. Those bytes are for ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from pathlib import Path
from typing import Any, cast

from cardkit import cbor, schema
from cardkit.acts import ACT_BODIES, ActEnvelope, ActKind, sign_act
from cardkit.allowance import Allowance, AllowancePayload, RefundRef, Step, sign_allowance
from cardkit.bodies import BODIES, EntryKind
from cardkit.certificates import Certificate, certify
from cardkit.clock import ClockTrust
from cardkit.directory import CardRow, DirectoryHeader, sign_directory
from cardkit.entries import Envelope, OperatorRole, sign_entry
from cardkit.permit import Permit, sign_permit
from cardkit.schema import pack
from cardkit.signing import SigningKey, parse
from cardkit.sync import SyncAnswer, SyncRequest, encode_request, sign_answer

VECTORS = Path(__file__).parent / "vectors" / "documents.json"
AT = datetime(2026, 3, 7, 9, 30, tzinfo=UTC)
ROOT = SigningKey.from_scalar(0x526F6F74, caisse="flers")
ISSUER = SigningKey.from_scalar(0x49737375, caisse="flers")
SERVICE = SigningKey.from_scalar(0x53657276, caisse="flers")
TERMINAL = SigningKey.from_scalar(0x5465726D, caisse="flers")
DOCUMENTS: dict[str, type[object]] = {
    "permit": Permit,
    "directory": DirectoryHeader,
    "certificate": Certificate,
    "answer": SyncAnswer,
    "allowance": AllowancePayload,
}
BARE: dict[str, type[object]] = {"request": SyncRequest, "row": CardRow}
KEYS = {"root": ROOT, "issuer": ISSUER, "service": SERVICE, "terminal": TERMINAL}


def sample_value(codec: object, salt: int) -> object:  # noqa: PLR0911 - one return a codec
    """Return a value that the codec can pack, different for different salts."""
    match codec:
        case schema.Int(low, high):
            return min(high, max(low, 1000 + salt))
        case schema.Blob(low, high):
            return bytes((salt + index) % 256 for index in range(min(high, max(low, 24))))
        case schema.Text(high):
            return f"text {salt}"[:high]
        case schema.Choice(choices):
            members = list(cast(type[IntEnum], choices))
            return members[salt % len(members)]
        case schema.ListOf(inner, high):
            return tuple(sample_value(inner, salt + index) for index in range(min(2, high)))
        case schema.Nested(cls):
            return sample(cls, salt)
    if codec is schema.Flag:
        return True
    if codec is schema.Seconds:
        return AT + timedelta(minutes=salt)
    assert codec is schema.Day
    return date(2026, 3, 1 + salt % 28)


def sample(cls: type[Any], salt: int = 1) -> Any:
    """Return a document with every field set."""
    content = {}
    for place, item in enumerate(fields(cls)):
        content[item.name] = sample_value(item.metadata["wire"][1], salt + place)
    return cls(**content)


def envelope(kind: EntryKind) -> Envelope:
    """Return the envelope that every sample entry has."""
    return Envelope(
        v=1,
        kind=kind,
        terminal=7,
        seq=42,
        prev=bytes(range(32)),
        at=AT,
        clock=ClockTrust.RTC,
        boot_id=bytes(range(16)),
        monotonic_ms=123_456,
        merchant=3,
        operator=OperatorRole.PRODUCER,
        perpetual_cents=98_765_432_100,
        training=True,
    )


def allowance(*, months: int = 12, refunds: int = 6) -> Allowance:
    """Return an allowance as long as one may be."""
    steps = [Step(datetime(2026, 1, 31, 23, tzinfo=UTC), 10_000)]
    for _ in range(months - 1):
        last = steps[-1]
        steps.append(Step(last.from_at + timedelta(days=31), last.cumulative_cents + 10_000))
    return Allowance(
        epoch=1,
        version=9,
        uid=bytes.fromhex("04DE5F1EACC040"),
        generation=1,
        issued_at=AT,
        spendable_until=datetime(2027, 1, 31, 23, tzinfo=UTC),
        steps=tuple(steps),
        refunds=tuple(RefundRef(terminal, 300 + terminal) for terminal in range(1, refunds + 1)),
    )


def describe(value: object) -> object:
    """Return a decoded value with its fields' names, as JSON."""
    match value:
        case bytes():
            return value.hex().upper()
        case IntEnum():
            return value.name
        case datetime() | date():
            return value.isoformat()
        case tuple():
            return [describe(item) for item in value]
    if is_dataclass(value):
        return {item.name: describe(getattr(value, item.name)) for item in fields(value)}
    return value


def read(name: str, content: bytes) -> object:
    """Decode a vector by its name, once more from its bytes alone."""
    payload = cbor.decode(content if name in BARE else parse(content).payload)
    if name in BARE:
        return schema.unpack(BARE[name], payload)
    if name in DOCUMENTS:
        return schema.unpack(DOCUMENTS[name], payload)
    assert isinstance(payload, dict)
    group, kind = name.split()
    body = BODIES[EntryKind[kind]] if group == "entry" else ACT_BODIES[ActKind[kind]]
    head = Envelope if group == "entry" else ActEnvelope
    return schema.unpack(head, payload), schema.unpack(body, payload[31])


def documents() -> Iterator[tuple[str, str, bytes]]:
    """Yield name, signer and bytes of every sample."""
    for kind, body in BODIES.items():
        entry = sign_entry(TERMINAL, envelope(kind), sample(body))
        yield f"entry {kind.name}", "terminal", entry.signed.encoded
    for act_kind, act_body in ACT_BODIES.items():
        act = sign_act(SERVICE, sample(act_body), seq=5, prev=bytes(range(32)), at=AT, by=1)
        yield f"act {act_kind.name}", "service", act.signed.encoded
    yield "allowance", "issuer", sign_allowance(ISSUER, allowance(months=9, refunds=3)).encoded
    yield "permit", "issuer", sign_permit(ISSUER, sample(Permit)).encoded
    yield "directory", "issuer", sign_directory(ISSUER, sample(DirectoryHeader)).encoded
    yield "certificate", "root", _certificate()
    yield "answer", "service", sign_answer(SERVICE, sample(SyncAnswer)).encoded
    yield "request", "", encode_request(sample(SyncRequest))
    yield "row", "", cbor.encode(pack(sample(CardRow)))


def _certificate() -> bytes:
    content = sample(Certificate)
    keys = {"public_key": TERMINAL.public.encoded, "transport_key": ISSUER.public.encoded}
    made: dict[str, Any] = {item.name: getattr(content, item.name) for item in fields(content)}
    return certify(ROOT, Certificate(**(made | keys))).encoded


def main() -> None:
    """Add the missing vectors."""
    held = json.loads(VECTORS.read_text("utf-8")) if VECTORS.exists() else []
    names = {vector["name"] for vector in held}
    for name, signer, content in documents():
        if name not in names:
            said = describe(read(name, content))
            held.append(
                {"name": name, "signer": signer, "bytes": content.hex().upper(), "says": said}
            )
    VECTORS.write_text(json.dumps(held, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
