"""Follows the entries of an archive: who signed them, whether one is missing, where it ends."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from auditor.archive.faults import FaultKind, NoteKind, Verdict
from auditor.archive.package import ATTESTATION, ENTRIES, Manifest, Package, rows
from cardkit.bodies import Indeterminate, Intent, MediumExchanged, Refund, Sale, Void
from cardkit.certificates import Role, open_certificate
from cardkit.entries import Entry, open_entry
from cardkit.errors import DocumentError, SignatureInvalid
from cardkit.signing import PublicKey

SHORT_CHARACTERS: Final = 8
"""What a ticket shows of a digest, in base32."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """What somebody outside knows of a journal: an entry's number and its digest's beginning."""

    seq: int
    digest: str
    """Eight characters of base32 or more, or the whole digest in hex."""

    def fits(self, entry: Entry) -> bool:
        """Say whether an entry is the one that was meant."""
        said = self.digest.upper()
        return said == entry.digest.hex().upper() or (
            len(said) >= SHORT_CHARACTERS and base32(entry).startswith(said)
        )


def base32(entry: Entry) -> str:
    """Return an entry's digest as tickets begin to show it."""
    return base64.b32encode(entry.digest).decode("ascii").rstrip("=")


def check_key(manifest: Manifest, root: bytes | None, verdict: Verdict) -> None:
    """Hold the terminal's key against its certificate, and that against the root key."""
    if root is None:
        verdict.note(NoteKind.NO_ROOT, manifest.root.digest.hex())
    elif root != manifest.root.digest:
        verdict.find(FaultKind.ROOT, "manifeste.json", manifest.root.digest.hex(), root.hex())
    if manifest.certificate is None:
        if root is not None:
            verdict.find(FaultKind.CERTIFICATE, "manifeste.json")
        verdict.note(NoteKind.UNCERTIFIED, manifest.key.digest.hex())
        return
    try:
        certificate = open_certificate(manifest.certificate, manifest.root, caisse=manifest.caisse)
    except DocumentError as error:
        verdict.find(FaultKind.CERTIFICATE, "manifeste.json", error)
        return
    is_its = certificate.role is Role.TERMINAL and certificate.subject == manifest.terminal
    if not is_its or certificate.public_key != manifest.key.encoded:
        verdict.find(FaultKind.CERTIFICATE, "manifeste.json")


def check_attestation(package: Package, entries: tuple[Entry, ...], verdict: Verdict) -> None:
    """Look for the signed entry that vouches for the manifest, behind the last one shown."""
    manifest, found = package.manifest, rows(package.files.get(ATTESTATION, b""))
    opened = [_opened(data, manifest, manifest.key) for data in found]
    entry = opened[0] if len(opened) == 1 else None
    body = None if entry is None else entry.body
    if entry is None or not isinstance(body, MediumExchanged):
        verdict.find(FaultKind.ATTESTATION, ATTESTATION)
        return
    if body.written_digest != manifest.digest:
        said = "" if body.written_digest is None else body.written_digest.hex()
        verdict.find(FaultKind.ATTESTATION, ATTESTATION, manifest.digest.hex(), said)
    if entry.seq != manifest.journal_seq + 1 or body.written_up_to_seq != manifest.last_seq:
        verdict.find(FaultKind.ATTESTATION, ATTESTATION)
    last = entries[-1] if entries else None
    if last is not None and last.seq + 1 == entry.seq and entry.envelope.prev != last.digest:
        verdict.find(FaultKind.TAIL, f"{last.seq}", last.digest.hex(), entry.envelope.prev.hex())


def open_entries(package: Package, verdict: Verdict) -> tuple[Entry, ...]:
    """Verify every entry by itself; what is not signed is a fault, and left out."""
    manifest, found = package.manifest, []
    for number, data in enumerate(rows(package.files.get(ENTRIES, b"")), start=1):
        place = f"{ENTRIES}:{number}"
        try:
            entry = open_entry(
                data, manifest.key, caisse=manifest.caisse, terminal=manifest.terminal
            )
        except SignatureInvalid as error:
            verdict.find(FaultKind.SIGNATURE, place, error)
            continue
        except DocumentError as error:
            verdict.find(FaultKind.UNREADABLE, place, error)
            continue
        if entry.body is None:
            verdict.note(NoteKind.UNKNOWN, entry.seq)
        found.append(entry)
    return tuple(found)


def check_chain(manifest: Manifest, entries: tuple[Entry, ...], verdict: Verdict) -> None:
    """Follow the entries from the first that the manifest names to the last."""
    seq, digest = manifest.first_seq - 1, manifest.prev
    perpetual_cents: int | None = 0 if manifest.first_seq == 1 else None
    if manifest.first_seq == 1 and manifest.prev != manifest.key.digest:
        verdict.find(FaultKind.CHAIN, "1", manifest.prev.hex(), manifest.key.digest.hex())
    for entry in entries:
        said = entry.envelope.perpetual_cents
        if entry.seq <= seq:
            verdict.find(FaultKind.ORDER, str(entry.seq), entry.seq, seq + 1)
        elif entry.seq > seq + 1:
            verdict.find(FaultKind.MISSING, _range(seq + 1, entry.seq - 1))
            perpetual_cents = None
        elif entry.envelope.prev != digest:
            verdict.find(FaultKind.CHAIN, str(entry.seq))
        if perpetual_cents is not None and said != perpetual_cents + moved_cents(entry):
            verdict.find(
                FaultKind.PERPETUAL, str(entry.seq), said, perpetual_cents + moved_cents(entry)
            )
        seq, digest, perpetual_cents = max(seq, entry.seq), entry.digest, said
    if seq != manifest.last_seq or digest != manifest.head:
        verdict.find(FaultKind.TAIL, _range(seq + 1, manifest.last_seq), seq, manifest.last_seq)


def check_anchors(
    manifest: Manifest, entries: tuple[Entry, ...], anchors: Iterable[Anchor], verdict: Verdict
) -> None:
    """Hold tickets, or what the caisse holds, against the entries; gaps are the chain's to find."""
    by_seq = {entry.seq: entry for entry in entries}
    known = tuple(anchors)
    if not known:
        verdict.note(NoteKind.NO_HEAD)
    for anchor in known:
        entry = by_seq.get(anchor.seq)
        if entry is not None and not anchor.fits(entry):
            said = base32(entry)[: max(SHORT_CHARACTERS, len(anchor.digest))]
            verdict.find(FaultKind.HEAD, str(anchor.seq), said, anchor.digest)
        elif anchor.seq > manifest.journal_seq:
            verdict.find(FaultKind.TAIL, str(anchor.seq), manifest.journal_seq, anchor.seq)
        elif not manifest.first_seq <= anchor.seq <= manifest.last_seq:
            verdict.note(NoteKind.NOT_COVERED, anchor.seq)


def check_sales(entries: tuple[Entry, ...], verdict: Verdict) -> None:
    """Hold every outcome against its intent; an intent has one, and refunds stay within it."""
    intents = {it.seq: it.body for it in entries if isinstance(it.body, Intent)}
    ended: set[int] = set()
    left_cents: dict[int, int] = {}
    for entry in entries:
        body = entry.body
        if isinstance(body, Sale | Void | Indeterminate):
            intent = intents.get(body.intent_seq)
            is_other = (
                isinstance(body, Sale)
                and intent is not None
                and (body.amount_cents != intent.amount_cents)
            )
            if body.intent_seq in ended or is_other:
                verdict.find(FaultKind.SALE, str(entry.seq), body.intent_seq)
            ended.add(body.intent_seq)
        if isinstance(body, Sale):
            left_cents[body.intent_seq] = body.amount_cents
        if isinstance(body, Refund) and body.intent_seq in left_cents:
            left_cents[body.intent_seq] -= body.amount_cents
            if left_cents[body.intent_seq] < 0:
                verdict.find(FaultKind.SALE, str(entry.seq), body.intent_seq)


def moved_cents(entry: Entry) -> int:
    """Return by how much an entry moves the perpetual total; training moves nothing."""
    if entry.envelope.training:
        return 0
    match entry.body:
        case Sale(amount_cents=cents):
            return cents
        case Refund(amount_cents=cents):
            return -cents
    return 0


def _opened(data: bytes, manifest: Manifest, key: PublicKey) -> Entry | None:
    try:
        return open_entry(data, key, caisse=manifest.caisse, terminal=manifest.terminal)
    except DocumentError:
        return None


def _range(first: int, last: int) -> str:
    return str(first) if last <= first else f"{first}-{last}"
