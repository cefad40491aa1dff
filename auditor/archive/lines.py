"""Holds baskets against the hashes that were signed, and the program against its own hash."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter

from auditor.archive.faults import FaultKind, NoteKind, Verdict
from auditor.archive.package import LINES, SOFTWARE, Manifest, Package, rows
from cardkit import cbor
from cardkit.bodies import BASIS_POINTS, Intent, PaidOtherwise, Sale, Started
from cardkit.entries import Entry
from cardkit.errors import DocumentError
from cardkit.schema import S64, Blob, ListOf, Nested, document, unpack, wire

_LINES_MAX = 64


@document
class Line:
    """What of a basket's line money depends on (docs/protocol.md, 11)."""

    amount_cents: int = wire(3, S64)
    vat_bp: int = wire(7, BASIS_POINTS)
    coverage_bp: int = wire(8, BASIS_POINTS)


@document
class Salted:
    """What an intent's `lines_hash` is the hash of."""

    salt: bytes = wire(1, Blob(16, 16))
    lines: tuple[Line, ...] = wire(2, ListOf(Nested(Line), _LINES_MAX))


def check_lines(package: Package, entries: tuple[Entry, ...], verdict: Verdict) -> None:
    """Check that every basket that was sold is there, unchanged, and adds up."""
    held = _held(package)
    sold = {it.body.intent_seq for it in entries if isinstance(it.body, Sale)}
    for entry in entries:
        basket = entry.body
        if not isinstance(basket, Intent | PaidOtherwise) or basket.lines_hash is None:
            continue
        if isinstance(basket, Intent) and entry.seq not in sold:
            continue
        content = held.pop(basket.lines_hash.hex(), None)
        if content is None:
            verdict.find(FaultKind.LINES_MISSING, str(entry.seq), basket.lines_hash.hex())
        elif hashlib.sha256(content).digest() != basket.lines_hash:
            verdict.find(FaultKind.LINES_CHANGED, str(entry.seq), basket.lines_hash.hex())
        else:
            _check_sums(entry, basket, content, verdict)
    for lines_hash in sorted(held):
        verdict.find(FaultKind.FILE_EXTRA, f"{LINES}: {lines_hash}")


def check_software(package: Package, entries: tuple[Entry, ...], verdict: Verdict) -> None:
    """Compute the program's hash and that of its fiscal perimeter from the list of its files."""
    manifest = package.manifest
    whole, perimeter = _hashes(package.files.get(SOFTWARE, b""))
    if (whole, perimeter) != (manifest.software, manifest.perimeter):
        verdict.find(FaultKind.SOFTWARE, SOFTWARE, whole.hex(), manifest.software.hex())
    started = {it.body.software for it in entries if isinstance(it.body, Started)}
    if started and manifest.software not in started:
        verdict.note(NoteKind.OTHER_SOFTWARE, _last_started(manifest, entries))


def _held(package: Package) -> dict[str, bytes]:
    content = package.files.get(LINES, b"")
    names = [row.partition(b" ")[0].decode("ascii", "replace") for row in content.splitlines()]
    return dict(zip(names, rows(content), strict=True))


def _check_sums(
    entry: Entry, basket: Intent | PaidOtherwise, content: bytes, verdict: Verdict
) -> None:
    try:
        salted = unpack(Salted, cbor.decode(content))
    except DocumentError as error:
        verdict.find(FaultKind.LINES_TOTAL, str(entry.seq), error)
        return
    sums: Counter[tuple[int, int]] = Counter()
    for line in salted.lines:
        sums[line.vat_bp, line.coverage_bp] += line.amount_cents
    signed = {(it.vat_bp, it.coverage_bp): it.gross_cents for it in basket.vat_totals}
    if dict(sums) != signed:
        verdict.find(FaultKind.LINES_TOTAL, str(entry.seq), dict(sums), signed)


def _hashes(content: bytes) -> tuple[bytes, bytes]:
    """Return the hash of all files that are listed, and of those that are marked."""
    whole, perimeter = hashlib.sha256(), hashlib.sha256()
    try:
        table = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))[1:]
        for name, digest, is_marked in table:
            part = name.encode() + b"\x00" + bytes.fromhex(digest)
            whole.update(part)
            if is_marked == "oui":
                perimeter.update(part)
    except (ValueError, csv.Error):
        return b"", b""
    return whole.digest(), perimeter.digest()


def _last_started(manifest: Manifest, entries: tuple[Entry, ...]) -> str:
    bodies = [it.body for it in entries if isinstance(it.body, Started)]
    return bodies[-1].software.hex() if bodies else manifest.software.hex()
