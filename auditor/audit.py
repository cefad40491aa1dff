"""One audit from beginning to end, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.books import compare, sums_of
from auditor.cards import Cards, read_log, read_seen
from auditor.claims import collect
from auditor.conventions import check_conventions
from auditor.digests import check_digests
from auditor.evidence import open_evidence
from auditor.export import Export
from auditor.findings import Class, Finding
from auditor.membership import check_membership
from auditor.resolutions import read_decisions
from auditor.runs import check_runs
from cardkit.errors import DocumentError
from cardkit.signing import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an audit came to."""

    findings: tuple[Finding, ...]
    entries: int
    acts: int
    sales: int
    verified: int
    """Sales whose card proof was computed again by a published key."""
    unverified: int
    """Sales of which the caisse's word was taken, because no key is published yet."""
    payable_cents: int
    notes: tuple[str, ...] = ()
    """What is out of the ordinary, such as a restore, and nobody's fault by itself."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def audit(export: Export, *, root: bytes | None = None) -> Report:
    """Check an export; `root` is the SHA-256 of the root key as the auditor knows it."""
    findings: list[Finding] = []
    try:
        key = PublicKey.from_bytes(export.root)
    except (DocumentError, ValueError) as error:
        found = Finding(Class.CERTIFICATE, "root key", f"no key: {error}")
        return _empty(found)
    if root is not None and key.digest != root:
        return _empty(Finding(Class.CERTIFICATE, "root key", "not the one that was asked for"))
    evidence = open_evidence(export, key)
    check_digests(export, evidence)
    decisions = read_decisions(evidence)
    check_runs(evidence, decisions)
    check_membership(evidence)
    check_conventions(evidence)
    told, log = collect(evidence), read_log(evidence, decisions)
    read_seen(evidence, told, log)
    cards = Cards(evidence, told, log, export.sales)
    sold = list(cards.sold())
    sums = sums_of(evidence, told, log, sold)
    findings += evidence.findings
    findings += compare(export, cards, sold, sums)
    return Report(
        findings=tuple(dict.fromkeys(findings)),
        entries=sum(map(len, evidence.entries.values())),
        acts=len(evidence.acts),
        sales=len(sold),
        verified=sum(one.verified for one in sold),
        unverified=cards.unverified,
        payable_cents=sum(
            cents for (book, _), cents in sums.of_merchants.items() if book == "payable"
        ),
        notes=tuple(evidence.notes),
    )


def _empty(finding: Finding) -> Report:
    return Report(
        findings=(finding,), entries=0, acts=0, sales=0, verified=0, unverified=0, payable_cents=0
    )
