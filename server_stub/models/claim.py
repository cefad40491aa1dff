"""What entries say about cards, read once: claims on transactions, sightings of their proofs.

Nothing here is original: all of it is computed from stored entries and acts, and can be again.
A foreign key has no index of its own where a constraint or an index begins with it.
"""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.db.models import F, Q

from server_stub.models.act import ActRow
from server_stub.models.card import Card
from server_stub.models.document import AllowanceIssued
from server_stub.models.fields import BytesField, MaybeBytesField
from server_stub.models.journal import StoredEntry
from server_stub.models.terminal import Terminal
from server_stub.rules.facts import Outcome, State


def _choices(values: type[StrEnum]) -> list[tuple[str, str]]:
    return [(value.value, value.value) for value in values]


class Claim(models.Model):
    """One intent: that a card paid this much in the transaction after tmc0."""

    entry = models.OneToOneField(StoredEntry, on_delete=models.PROTECT, related_name="claim")
    terminal = models.ForeignKey(
        Terminal, on_delete=models.PROTECT, related_name="claims", db_index=False
    )
    seq = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    """The entry's moment, here so that a stretch of days is found without reading the rest."""
    merchant = models.PositiveBigIntegerField()
    card = models.ForeignKey(
        Card, on_delete=models.PROTECT, null=True, related_name="claims", db_index=False
    )
    tmc = models.PositiveBigIntegerField()
    spent0_cents = models.PositiveBigIntegerField()
    amount_cents = models.PositiveBigIntegerField()
    tmv0 = BytesField(max_length=8)
    token = BytesField(max_length=8)
    enc_tmri = BytesField(max_length=16)
    expected_tmv = MaybeBytesField(max_length=8, null=True)
    """What the card must have answered if it executed just this; absent for a foreign card."""
    token_right = models.BooleanField()
    verdict = models.CharField(max_length=40)
    """`approved`, or why decide() says no on the documents that the terminal held."""
    allowance_epoch = models.PositiveBigIntegerField(default=0)
    allowance_version = models.PositiveBigIntegerField(default=0)
    leans_on = models.JSONField(default=list)
    """Refunds [seq, cents] without which decide() would have said no."""
    outcome = models.CharField(max_length=16, choices=_choices(Outcome), default=Outcome.OPEN.value)
    outcome_amount_cents = models.PositiveBigIntegerField(null=True)
    outcome_tmv = MaybeBytesField(max_length=8, null=True)
    outcome_seq = models.PositiveBigIntegerField(null=True)
    outcomes_disagree = models.BooleanField(default=False)
    choice = models.PositiveIntegerField(null=True)
    """The last answer that a person gave to an amber sale (`ResolutionChoice`)."""
    state = models.CharField(max_length=12, choices=_choices(State), default=State.WAITING.value)
    reason = models.CharField(max_length=40, default="", blank=True)

    class Meta:
        ordering = ["terminal_id", "seq"]
        indexes = [
            models.Index(fields=["terminal", "seq"], name="claim_by_place"),
            models.Index(fields=["card", "tmc"], name="claim_by_counter"),
            models.Index(fields=["state", "merchant"], name="claim_by_state"),
            models.Index(fields=["merchant", "at"], name="claim_by_day"),
            models.Index(fields=["card", "state"], name="claim_of_card_by_state"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_cents__gt=0, amount_cents__lt=2**31),
                name="claim_amount_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"claim {self.terminal_id}/{self.seq}"


class Sighting(models.Model):
    """Somebody saw this proof at this transaction counter of a card; true only if a claim fits."""

    card = models.ForeignKey(
        Card, on_delete=models.PROTECT, related_name="sightings", db_index=False
    )
    tmc = models.PositiveBigIntegerField()
    tmv = BytesField(max_length=8)
    spent_cents = models.PositiveBigIntegerField(null=True)
    next_enc_tmri = MaybeBytesField(max_length=16, null=True)
    """What the card answered about this transaction's reader, encrypted for tmc + 1."""
    refused = models.PositiveIntegerField(null=True)
    """Why a terminal declined the card that showed it (`cardkit.decide.Reason`)."""
    entry = models.ForeignKey(StoredEntry, on_delete=models.PROTECT, related_name="sightings")

    class Meta:
        ordering = ["card_id", "tmc"]
        constraints = [
            models.UniqueConstraint(
                fields=["card", "tmc", "tmv", "entry"], name="sighting_once_an_entry"
            ),
        ]

    def __str__(self) -> str:
        return f"sighting of card {self.card_id} at {self.tmc}"


class RecordSeen(models.Model):
    """A sale record that some terminal read from a card: evidence for whoever wrote it."""

    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="records")
    tmc = models.PositiveBigIntegerField()
    """The transaction that its token puts it at; records whose token fits nowhere are not kept."""
    content = BytesField(max_length=32)
    entry = models.ForeignKey(StoredEntry, on_delete=models.PROTECT, related_name="records")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["card", "tmc", "content"], name="record_once"),
        ]

    def __str__(self) -> str:
        return f"record of card {self.card_id}"


class ClaimDecision(models.Model):
    """Two people decided to pay a sale that documents do not allow; append-only."""

    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="claim_decision")
    entry = BytesField(max_length=32, unique=True)
    """Digest of the intent; an act may come before the entry when books are computed again."""
    amount_cents = models.PositiveBigIntegerField()
    merchant = models.PositiveBigIntegerField()
    first_person = models.PositiveBigIntegerField()
    second_person = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["act_id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(first_person=models.F("second_person")), name="claim_has_four_eyes"
            ),
        ]

    def __str__(self) -> str:
        return f"claim {self.entry.hex()[:16]}"


class RefundClaim(models.Model):
    """A refund entry: counts once its sale is proven, and together no more than the sale."""

    entry = models.OneToOneField(StoredEntry, on_delete=models.PROTECT, related_name="refund")
    terminal = models.ForeignKey(Terminal, on_delete=models.PROTECT, related_name="refunds")
    seq = models.PositiveBigIntegerField()
    selling_terminal = models.PositiveBigIntegerField()
    intent_seq = models.PositiveBigIntegerField()
    amount_cents = models.PositiveBigIntegerField()
    merchant = models.PositiveBigIntegerField()
    card = models.ForeignKey(Card, on_delete=models.PROTECT, null=True, related_name="refunds")
    granted = models.BooleanField(default=False)
    allowance = models.ForeignKey(
        AllowanceIssued, on_delete=models.PROTECT, null=True, related_name="contained_refunds"
    )
    """The first version that contains it."""
    reason = models.CharField(max_length=40, default="", blank=True)

    class Meta:
        ordering = ["terminal_id", "seq"]
        indexes = [
            models.Index(fields=["selling_terminal", "intent_seq"], name="refund_by_sale"),
            models.Index(
                fields=["card"],
                condition=Q(granted=True, allowance__isnull=True),
                name="refund_waits_for_room",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="refund_positive"),
        ]

    def __str__(self) -> str:
        return f"refund {self.terminal_id}/{self.seq}"


class CardTransaction(models.Model):
    """A transaction that a card has proven; only these are posted, and each once."""

    card = models.ForeignKey(
        Card, on_delete=models.PROTECT, related_name="transactions", db_index=False
    )
    tmc = models.PositiveBigIntegerField()
    tmv = BytesField(max_length=8)
    spent0_cents = models.PositiveBigIntegerField()
    amount_cents = models.PositiveBigIntegerField()
    terminal = models.PositiveBigIntegerField()
    seq = models.PositiveBigIntegerField()
    merchant = models.PositiveBigIntegerField()
    claim = models.ForeignKey(
        Claim, on_delete=models.PROTECT, null=True, related_name="transactions"
    )
    """Absent for a sale that was recovered from cards alone."""
    state = models.CharField(max_length=12, choices=_choices(State))
    reason = models.CharField(max_length=40, default="", blank=True)

    class Meta:
        ordering = ["card_id", "tmc"]
        indexes = [
            models.Index(fields=["merchant", "id"], name="proven_by_merchant"),
            models.Index(fields=["state"], name="proven_by_state"),
            models.Index(
                fields=["terminal", "seq"],
                condition=Q(claim__isnull=True),
                name="recovered_by_place",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["card", "tmc"], name="proven_once"),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="proven_positive"),
            models.CheckConstraint(
                condition=Q(amount_cents__lt=2**31 - F("spent0_cents")),
                name="proven_is_31_bits",
            ),
        ]

    def __str__(self) -> str:
        return f"transaction {self.tmc} of card {self.card_id}"


class CardDecision(models.Model):
    """What an act says about one transaction of a card."""

    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="decision")
    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="decisions")
    kind = models.PositiveIntegerField()
    """SPEND_RETURNED, RECOVERY_CONFIRMED, RECOVERY_REVERSED or DISPUTE_DECIDED (`ActKind`)."""
    tmc = models.PositiveBigIntegerField()
    first_tmc = models.PositiveBigIntegerField(default=0)
    """Of a gap that ends at `tmc`; 0 where it is one transaction."""
    reason = models.PositiveIntegerField(default=0)
    """Why spent money was given back (`cardkit.acts.ReturnReason`)."""
    amount_cents = models.PositiveBigIntegerField(default=0)
    terminal = models.PositiveBigIntegerField(default=0)
    seq = models.PositiveBigIntegerField(default=0)
    merchant = models.PositiveBigIntegerField(default=0)
    allowance = models.ForeignKey(
        AllowanceIssued, on_delete=models.PROTECT, null=True, related_name="contained_returns"
    )
    """The first version that contains what was returned."""

    class Meta:
        ordering = ["act_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["card", "first_tmc", "tmc"], condition=Q(kind=10), name="returned_once"
            ),
        ]

    def __str__(self) -> str:
        return f"decision {self.act_id}"


class PublishedKey(models.Model):
    """A proven transaction of which anybody can check the proof, by a key that an act published."""

    act = models.ForeignKey(ActRow, on_delete=models.PROTECT, related_name="published_keys")
    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="published_keys")
    tmc = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["card_id", "tmc"]
        constraints = [
            models.UniqueConstraint(fields=["card", "tmc"], name="proof_key_published_once"),
        ]

    def __str__(self) -> str:
        return f"key of transaction {self.tmc} of card {self.card_id}"
