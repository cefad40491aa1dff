"""The books, computed again from nothing but what was signed, and compared.

Certificates, directories and keys are taken as they are and verified; then every act takes effect
and every entry is ingested a second time, in an empty database in memory, by the same services.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, TypeVar

from django.db.models import Sum

from cardkit.certificates import open_certificate
from cardkit.directory import content_hash, row_digest
from cardkit.errors import DocumentMalformed
from cardkit.signing import PublicKey
from server_stub.models import (
    Admission,
    AllowanceIssued,
    Balance,
    Card,
    CardStatus,
    CardTransaction,
    CashCount,
    Claim,
    Commitment,
    CommitmentChange,
    Contribution,
    Convention,
    ConventionEnd,
    Departure,
    DirectoryRow,
    DirectoryVersion,
    Merchant,
    MoneyDeposit,
    PaymentMeans,
    PayoutEvidence,
    PayoutReturn,
    PostingLine,
    RefundClaim,
    Rule,
    SettlementLine,
    SettlementStep,
    StoredEntry,
    Terminal,
    TokenKey,
)
from server_stub.scratch import empty_books
from server_stub.services import acts
from server_stub.services.caisse import Caisse
from server_stub.services.documents import header_of
from server_stub.services.ingest import ingest
from server_stub.services.recover import look_again
from server_stub.services.resolved import resolved_picture

SCRATCH: Final = "rebuild"
ENTRIES_AT_ONCE: Final = 500

Copied = TypeVar("Copied", Merchant, TokenKey, DirectoryVersion, DirectoryRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One line of the books, or one row, that the signed facts do not come to."""

    where: str
    kept: str
    computed: str


def differences(caisse: Caisse) -> list[Difference]:
    """Return where the books differ from what the signed facts come to; none when all is well.

    Raises DocumentError where a signature, a chain or a content hash is wrong.
    """
    with empty_books(SCRATCH) as using:
        scratch = caisse.on(using, replaying=True)
        _copy_foundations(caisse, scratch)
        for act in acts.log(caisse, using=caisse.using):
            acts.keep(scratch, act)
        for terminal in Terminal.objects.using(caisse.using).order_by("id"):
            _ingest_all(caisse, scratch, terminal)
        look_again(scratch)
        kept, computed = picture(caisse.using), picture(using)
    return [
        Difference(where=where, kept=kept.get(where, "-"), computed=computed.get(where, "-"))
        for where in sorted(kept.keys() | computed.keys())
        if kept.get(where) != computed.get(where)
    ]


def _copy_foundations(caisse: Caisse, scratch: Caisse) -> None:
    """What rests on the root's signature, and directories, whose rows a signed hash binds."""
    for terminal in Terminal.objects.using(caisse.using).all():
        certificate = open_certificate(
            terminal.certificate, caisse.ring.trust.root, caisse=caisse.name
        )
        if certificate.public_key != terminal.journal_key:
            raise DocumentMalformed(f"the certificate of terminal {terminal.id}")
        Terminal.objects.using(scratch.using).create(
            id=terminal.id,
            journal_key=terminal.journal_key,
            transport_key=terminal.transport_key,
            certificate=terminal.certificate,
            enrolled_at=terminal.enrolled_at,
            cursor_head=PublicKey.from_bytes(terminal.journal_key).digest,
        )
    _copy(Merchant, caisse.using, scratch.using)
    _copy(TokenKey, caisse.using, scratch.using)
    _copy(DirectoryVersion, caisse.using, scratch.using)
    _copy(DirectoryRow, caisse.using, scratch.using)
    _check_directories(caisse)


def _copy(model: type[Copied], source: str, target: str) -> None:
    model.objects.using(target).bulk_create(list(model.objects.using(source).order_by("pk")))


def _check_directories(caisse: Caisse) -> None:
    """Follow every directory from the first on: its rows must have the hash that is signed."""
    rows: dict[bytes, bytes] = {}
    began: dict[int, list[DirectoryRow]] = {}
    ended: dict[int, list[DirectoryRow]] = {}
    for row in DirectoryRow.objects.using(caisse.using).all():
        began.setdefault(row.directory_id, []).append(row)
        if row.until_id is not None:
            ended.setdefault(row.until_id, []).append(row)
    for version in DirectoryVersion.objects.using(caisse.using).order_by("id"):
        for row in ended.get(version.id, ()):
            rows.pop(row.uid, None)
        rows.update({row.uid: row.encoded for row in began.get(version.id, ())})
        computed = content_hash(row_digest(rows[uid]) for uid in sorted(rows))
        if computed != header_of(version.content).content_hash:
            raise DocumentMalformed(f"{version}: its rows are not the ones that were signed")


def _ingest_all(caisse: Caisse, scratch: Caisse, terminal: Terminal) -> None:
    contents = list(
        StoredEntry.objects.using(caisse.using)
        .filter(terminal=terminal)
        .order_by("seq", "id")
        .values_list("content", flat=True)
    )
    for start in range(0, len(contents), ENTRIES_AT_ONCE):
        ingest(scratch, terminal.id, contents[start : start + ENTRIES_AT_ONCE])


def picture(using: str) -> dict[str, str]:
    """Everything that matters, in words that do not depend on when it was entered."""
    picture: dict[str, str] = {}
    lines = (
        PostingLine.objects.using(using)
        .values_list(
            "posting__card__uid",
            "posting__card__generation",
            "posting__subject",
            "account",
            "merchant",
        )
        .annotate(Sum("amount_cents"))
        .order_by()
    )
    for uid, generation, subject, account, merchant, cents in lines:
        if cents:
            where = f"posted {_life(uid, generation)} {subject} {account} {merchant}"
            picture[where] = str(cents)
    for balance in Balance.objects.using(using).exclude(amount_cents=0):
        picture[f"balance {balance.account} {balance.merchant}"] = str(balance.amount_cents)
    for one in CardTransaction.objects.using(using).select_related("card"):
        life = _life(one.card.uid, one.card.generation)
        picture[f"transaction {life} {one.tmc}"] = (
            f"{one.amount_cents} {one.terminal}/{one.seq} {one.merchant} {one.state} {one.reason}"
        )
    for claim in Claim.objects.using(using).select_related("entry"):
        where = f"claim {claim.entry.digest.hex()[:16]}"
        picture[where] = f"{claim.state} {claim.reason}"
    for refund in RefundClaim.objects.using(using).select_related("entry"):
        where = f"refund {refund.entry.digest.hex()[:16]}"
        picture[where] = f"{refund.granted} {refund.reason}"
    for terminal in Terminal.objects.using(using).all():
        picture[f"journal of terminal {terminal.id}"] = f"{terminal.status} {terminal.cursor_seq}"
    acted = _decided(using) | _promised(using) | _paid(using) | _agreed(using)
    return picture | acted | resolved_picture(using)


def _agreed(using: str) -> dict[str, str]:
    """What was signed with merchants, and what stolen terminals may still move."""
    picture: dict[str, str] = {}
    for one in Convention.objects.using(using).filter(act__isnull=False):
        picture[f"convention {one.merchant} act {one.act_id}"] = (
            f"{one.from_day} {one.until_day} {one.signed_on} {one.terms.hex()}"
        )
    ends = ConventionEnd.objects.using(using).filter(convention__act__isnull=False)
    for end in ends.select_related("convention"):
        picture[f"convention act {end.convention.act_id} end {end.act_id}"] = str(end.until_day)
    for terminal in Terminal.objects.using(using).filter(loss_window_cents__isnull=False):
        picture[f"window of terminal {terminal.id}"] = (
            f"{terminal.loss_window_cents} after {terminal.lost_after_seq}"
        )
    return picture


def _decided(using: str) -> dict[str, str]:
    """What acts decided, and the service goes by when it decides again."""
    picture: dict[str, str] = {}
    for rule in Rule.objects.using(using).all():
        vote = f"{rule.voted_on} {rule.minutes!r} by {rule.set_by}"
        picture[f"rule {rule.name} {rule.from_day}"] = f"{rule.value} {vote}"
    cards = Card.objects.using(using).exclude(status=CardStatus.ISSUING)
    for card in cards.select_related("account"):
        picture[f"card {_life(card.uid, card.generation)}"] = (
            f"{card.status} {card.account} {card.proven_tmc} {card.proven_spent_cents}"
            f" key 1: {card.terminal_key_version or card.key_version}"
        )
    for one in AllowanceIssued.objects.using(using).select_related("card"):
        life = _life(one.card.uid, one.card.generation)
        content = hashlib.sha256(one.content).hexdigest()[:16]
        picture[f"allowance {life} {one.epoch}.{one.version} {one.digest.hex()[:16]}"] = (
            f"{one.cumulative_cents} {content}"
        )
    return picture


def _promised(using: str) -> dict[str, str]:
    """Who is a member, what members promised, what was changed of it, and what came in."""
    picture: dict[str, str] = {}
    for admission in Admission.objects.using(using).select_related("account", "wave"):
        wave = admission.wave
        drawn = f"{wave.order} of {wave.candidates} {wave.fingerprint.hex()} {wave.seed!r}"
        picture[f"member {admission.account}"] = f"{wave} place {admission.place}, {drawn}"
    for left in Departure.objects.using(using).select_related("account"):
        picture[f"departure {left.account}"] = str(left.from_month)
    for one in Commitment.objects.using(using).select_related("account"):
        picture[f"commitment {one.number.hex()}"] = f"{one.account} {one} {one.persons}"
    for change in CommitmentChange.objects.using(using).select_related("commitment"):
        where = f"commitment {change.commitment.number.hex()} change {change.act_id}"
        picture[where] = f"{change} {change.monthly_cents} {change.persons}"
    for paid in Contribution.objects.using(using).select_related("account"):
        picture[f"contribution {paid.act_id}"] = f"{paid.account} {paid} {paid.reference}"
    return picture | _box(using)


def _box(using: str) -> dict[str, str]:
    """By what it came in, what was counted, and what was handed in."""
    picture: dict[str, str] = {}
    for one in PaymentMeans.objects.using(using).select_related("contribution", "cancels"):
        cancelled = one.cancels.act_id if one.cancels else None
        picture[f"means of contribution {one.contribution.act_id}"] = (
            f"{one.means} Q{one.quittance_year}-{one.quittance_number} cancels {cancelled}"
        )
    for count in CashCount.objects.using(using).all():
        picture[f"cash count {count.act_id}"] = f"{count} by {count.counted_by}"
    for deposit in MoneyDeposit.objects.using(using).prefetch_related("cheques__contribution"):
        cheques = sorted(it.contribution.act_id for it in deposit.cheques.all())
        picture[f"deposit {deposit.act_id}"] = (
            f"{deposit.means} {deposit} {cheques} by {deposit.deposited_by}"
        )
    return picture


def _paid(using: str) -> dict[str, str]:
    """What runs pay, what became of them, and what the bank's statement proved instead."""
    picture: dict[str, str] = {}
    for line in SettlementLine.objects.using(using).select_related("settlement"):
        run = line.settlement
        picture[f"settlement {run.name} {line.merchant}"] = (
            f"{line.amount_cents} of {line.total_cents} by {run.drawn_up_by}, {run.approved_by}"
        )
    for step in SettlementStep.objects.using(using).all():
        picture[f"settlement {step.settlement_id} step {step.kind}"] = str(step.act_id)
    for one in PayoutEvidence.objects.using(using).select_related("proven"):
        stands = hasattr(one, "proven")
        picture[f"evidence {one.settlement} {one.merchant} act {one.act_id}"] = (
            f"{one.amount_cents} by {one.entered_by}, {one.compared_by}: {stands}"
        )
    for back in PayoutReturn.objects.using(using).all():
        picture[f"return {back.settlement} {back.merchant}"] = (
            f"{back.amount_cents} by {back.entered_by}, {back.compared_by}"
        )
    return picture


def _life(uid: bytes | memoryview | None, generation: int | None) -> str:
    return "-" if uid is None else f"{bytes(uid).hex()}.{generation}"
