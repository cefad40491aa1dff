"""Daily digests, held against each other, against the log and against the journals."""

from __future__ import annotations

from auditor.evidence import Evidence
from auditor.export import Export
from auditor.findings import Class
from cardkit.acts import DigestSigned
from cardkit.digest import NO_DIGEST, Digest, HeldDigest, accept_digest
from cardkit.errors import DocumentError


def check_digests(export: Export, found: Evidence) -> None:
    """Add what is wrong with the digests to the findings."""
    logged = [act for act in found.acts if isinstance(act.body, DigestSigned)]
    contents = [act.body.content for act in logged if isinstance(act.body, DigestSigned)]
    if export.digests != contents:
        words = f"{len(export.digests)} are handed out, {len(contents)} stand in the log"
        found.find(Class.DIGEST, "digests", words)
    held: HeldDigest | None = None
    for number, content in enumerate(contents, start=1):
        held = _check(number, content, held, found)


def _check(
    number: int, content: bytes, held: HeldDigest | None, found: Evidence
) -> HeldDigest | None:
    place = f"digest {number}"
    if found.issuer_trust is None:
        return held
    try:
        new = accept_digest(content, found.issuer_trust, held=held)
    except DocumentError as error:
        found.find(Class.DIGEST, place, str(error))
        return held
    if new.digest.previous != (NO_DIGEST if held is None else held.hash):
        found.find(Class.DIGEST, place, "does not follow the digest before it")
    _against_log(place, new.digest, found)
    _against_journals(place, new.digest, found)
    return new


def _against_log(place: str, digest: Digest, found: Evidence) -> None:
    heads = {act.envelope.seq: act.signed.digest for act in found.acts}
    if digest.acts_seq and heads.get(digest.acts_seq) != digest.acts_head:
        found.find(Class.DIGEST, place, f"names another act {digest.acts_seq}")


def _against_journals(place: str, digest: Digest, found: Evidence) -> None:
    for journal in digest.journals:
        entries = found.entries.get(journal.terminal, [])
        shown = {entry.digest for entry in entries if entry.seq == journal.up_to_seq}
        if journal.up_to_seq and journal.head not in shown:
            words = f"names an entry {journal.terminal}/{journal.up_to_seq} that is not shown"
            found.find(Class.DIGEST, place, words)
