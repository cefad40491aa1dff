"""Opens what was signed: every certificate, act, entry and directory, each in its place.

What does not verify is a finding and is left out, so that everything behind it is still looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from auditor.export import Export
from auditor.findings import Class, Finding
from cardkit import cbor
from cardkit.acts import Act, DocumentHeld, EpochRaised, open_act
from cardkit.bodies import Acknowledged, Refund, Sale
from cardkit.certificates import Role, Trust, open_certificate
from cardkit.directory import CardRow, DirectoryHeader, content_hash, read_row, row_digest
from cardkit.entries import Entry, open_entry
from cardkit.errors import DocumentError, SignatureInvalid
from cardkit.permit import Permit
from cardkit.schema import unpack
from cardkit.signing import ContentType, PublicKey, parse, verify


@dataclass
class Evidence:
    """What was signed, verified."""

    acts: list[Act] = field(default_factory=list)
    entries: dict[int, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    """By terminal, in the order of their numbers; more than one may have a number."""
    permits: dict[bytes, Permit] = field(default_factory=dict)
    headers: dict[bytes, DirectoryHeader] = field(default_factory=dict)
    rows: dict[tuple[int, int], dict[bytes, CardRow]] = field(default_factory=dict)
    """Of every directory whose rows are those of its header, by epoch and version."""
    issuer_trust: Trust | None = None
    complete: dict[int, int] = field(default_factory=dict)
    """How far each journal is there without a gap."""
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is out of the ordinary, and nobody's fault by itself."""

    def only_merchant(self, terminal: int) -> int:
        """Return whom a terminal ever could sell for, a loan included; 0 when that is several."""
        permits = [one for one in self.permits.values() if one.terminal == terminal]
        merchants = {grant.merchant for permit in permits for grant in permit.merchants}
        return merchants.pop() if len(merchants) == 1 else 0

    def find(self, kind: Class, place: str, words: str, amount_cents: int = 0) -> None:
        """Note that something is wrong."""
        self.findings.append(Finding(kind, place, words, amount_cents))


def open_evidence(export: Export, root: PublicKey) -> Evidence:
    """Verify everything that is signed in an export."""
    found = Evidence()
    trust, terminals = _certificates(export, root, found)
    found.issuer_trust = trust
    _acts(export, trust, found)
    _documents(found, trust, export.caisse)
    _rows(export, found)
    _entries(export, terminals, found)
    _witnesses(found)
    return found


def _certificates(
    export: Export, root: PublicKey, found: Evidence
) -> tuple[Trust, dict[int, PublicKey]]:
    """Return what the root has certified, and every terminal's journal key."""
    trust, terminals = Trust(root, caisse=export.caisse), dict[int, PublicKey]()
    for number, data in enumerate(export.certificates, start=1):
        place = f"certificate {number}"
        try:
            certificate = open_certificate(data, root, caisse=export.caisse)
            if certificate.role is Role.TERMINAL and certificate.public_key is not None:
                terminals[certificate.subject] = PublicKey.from_bytes(certificate.public_key)
            else:
                trust.accept(data)
        except DocumentError as error:
            found.find(Class.CERTIFICATE, place, f"the root did not certify this: {error}")
    return trust, terminals


def _acts(export: Export, trust: Trust, found: Evidence) -> None:
    keys = list(trust.keys(Role.SERVICE))
    heads = {key.digest for key in keys}
    seq, prev = 0, b""
    for number, data in enumerate(export.acts, start=1):
        place = f"act {number}"
        try:
            act = open_act(data, keys, caisse=export.caisse)
        except SignatureInvalid as error:
            found.find(Class.SIGNATURE, place, f"not signed by the service: {error}")
            continue
        except DocumentError as error:
            found.find(Class.UNREADABLE, place, str(error))
            continue
        envelope = act.envelope
        begins = seq == 0 and envelope.prev in heads
        if envelope.seq != seq + 1 or not (begins or envelope.prev == prev):
            words = f"says that it is act {envelope.seq} and does not follow act {seq}"
            found.find(Class.LOG, place, words)
        seq, prev = envelope.seq, act.signed.digest
        found.acts.append(act)


def _documents(found: Evidence, trust: Trust, caisse: str) -> None:
    """Read permits and directory headers out of the log."""
    issuers = list(trust.keys(Role.ISSUER))
    for act in found.acts:
        if not isinstance(act.body, DocumentHeld):
            continue
        place = f"act {act.envelope.seq}"
        try:
            kind = parse(act.body.content).content_type
            if kind not in {ContentType.PERMIT, ContentType.DIRECTORY}:
                continue
            signed = verify(act.body.content, kind, caisse=caisse, keys=issuers)
            payload = cbor.decode(signed.payload)
            if kind is ContentType.PERMIT:
                found.permits[signed.digest] = unpack(Permit, payload)
            else:
                found.headers[signed.digest] = unpack(DirectoryHeader, payload)
        except DocumentError as error:
            found.find(Class.DOCUMENT, place, f"holds what no issuer signed: {error}")


def _rows(export: Export, found: Evidence) -> None:
    """Build every directory from its rows and hold it against its header."""
    changes: dict[tuple[int, int], list[tuple[bytes, bytes | None]]] = defaultdict(list)
    for epoch, version, uid, content in export.rows:
        changes[epoch, version].append((uid, content))
    orders = {header.order: header for header in found.headers.values()}
    for order in sorted(changes.keys() - orders.keys()):
        found.find(Class.DIRECTORY, f"directory {order}", "no header in the log names these rows")
    held: dict[bytes, bytes] = {}
    for order, header in sorted(orders.items()):
        for uid, content in changes.get(order, ()):
            if content is None:
                held.pop(uid, None)
            else:
                held[uid] = content
        digests = [row_digest(held[uid]) for uid in sorted(held)]
        if len(held) != header.cards or content_hash(digests) != header.content_hash:
            words = f"its {len(held)} rows are not the {header.cards} that were signed"
            found.find(Class.DIRECTORY, f"directory {order}", words)
            continue
        found.rows[order] = {uid: read_row(content) for uid, content in held.items()}


def _entries(export: Export, terminals: dict[int, PublicKey], found: Evidence) -> None:
    seen: dict[bytes, str] = {}
    for number, (terminal, data) in enumerate(export.entries, start=1):
        place = f"entry {number} of terminal {terminal}"
        key = terminals.get(terminal)
        if key is None:
            found.find(Class.CERTIFICATE, place, "the root has certified no such terminal")
            continue
        try:
            entry = open_entry(data, key, caisse=export.caisse, terminal=terminal)
        except SignatureInvalid as error:
            found.find(Class.SIGNATURE, place, f"not signed by its terminal: {error}")
            continue
        except DocumentError as error:
            found.find(Class.UNREADABLE, place, str(error))
            continue
        if entry.digest in seen:
            found.find(Class.CHAIN, place, f"stands there already as {seen[entry.digest]}")
            continue
        seen[entry.digest] = place
        found.entries[terminal].append(entry)
    for terminal, entries in found.entries.items():
        entries.sort(key=lambda entry: (entry.seq, entry.digest))
        _chain(terminal, entries, terminals[terminal], found)


def _chain(terminal: int, entries: list[Entry], key: PublicKey, found: Evidence) -> None:
    """Follow a journal; of a number that was signed twice neither branch is left out."""
    heads: dict[int, dict[bytes, int]] = {0: {key.digest: 0}}
    last = 0
    for entry in entries:
        place = f"entry {terminal}/{entry.seq}"
        if entry.seq > last + 1:
            words = f"entries {last + 1} to {entry.seq - 1} are missing"
            found.find(Class.CHAIN, place, words)
        if entry.seq == last and entry.seq:
            found.find(Class.CHAIN, place, "a second entry has this number")
        before = heads.get(entry.seq - 1, {})
        total_cents = before.get(entry.envelope.prev)
        if total_cents is None and entry.seq <= last + 1:
            found.find(Class.CHAIN, place, "does not follow the entry before it")
        elif total_cents is not None:
            moved_cents = _moved_cents(entry)
            if entry.envelope.perpetual_cents != total_cents + moved_cents:
                off = entry.envelope.perpetual_cents - total_cents - moved_cents
                found.find(Class.TOTAL, place, "the perpetual total does not add up", abs(off))
        heads.setdefault(entry.seq, {})[entry.digest] = entry.envelope.perpetual_cents
        last = max(last, entry.seq)
    found.complete[terminal] = _complete(entries)


def _complete(entries: Iterable[Entry]) -> int:
    seqs = {entry.seq for entry in entries}
    return next(seq for seq in range(len(seqs) + 1, -1, -1) if seqs >= set(range(1, seq + 1)))


def _moved_cents(entry: Entry) -> int:
    if entry.envelope.training:
        return 0
    match entry.body:
        case Sale(amount_cents=cents):
            return cents
        case Refund(amount_cents=cents):
            return -cents
    return 0


def _witnesses(found: Evidence) -> None:
    """Hold what terminals were told of the log's head against the log.

    A service that was put back to a backup has forgotten its last acts, and says so by a new
    epoch: what was told in an earlier one, from there on, is gone and not denied.
    """
    digests = {act.envelope.seq: act.signed.digest for act in found.acts}
    raised = {
        act.body.epoch: act.envelope.seq for act in found.acts if isinstance(act.body, EpochRaised)
    }
    for terminal, entries in found.entries.items():
        for entry in entries:
            told = entry.body
            if not isinstance(told, Acknowledged) or told.acts_seq is None:
                continue
            if digests.get(told.acts_seq) == told.acts_head:
                continue
            place = f"entry {terminal}/{entry.seq}"
            later = [seq for epoch, seq in raised.items() if epoch > told.epoch]
            if any(seq <= told.acts_seq for seq in later):
                found.notes.append(f"{place}: act {told.acts_seq} was forgotten by a restore")
            else:
                words = f"was told another act {told.acts_seq} than the one that is shown"
                found.find(Class.WITNESS, place, words)
