"""Runs that pay merchants: a draft may be dropped, of an approved run nothing ever changes."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from server_stub.models.act import ActRow
from server_stub.models.fields import BytesField

SETTLEMENT_CHARACTERS = 35


class SettlementDraft(models.Model):
    """What one person drew up and nobody has approved yet: one at a time."""

    only = models.BooleanField(default=True, unique=True)
    """Always true: two drafts would pay the same cents."""
    name = models.CharField(max_length=SETTLEMENT_CHARACTERS)
    lines = models.JSONField()
    """`[merchant, amount_cents, total_cents]` of each merchant."""
    lines_hash = BytesField(max_length=32)
    """What the second person approves (`rules.settle.lines_hash`)."""
    drawn_up_by = models.PositiveBigIntegerField()
    drawn_up_at = models.DateTimeField()
    up_to_posting = models.PositiveBigIntegerField(default=0)
    """The last posting that its amounts count."""

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(only=True), name="draft_is_the_only_one")]

    def __str__(self) -> str:
        return f"draft {self.name}"


class Settlement(models.Model):
    """An approved run; append-only, as what belongs to it is."""

    name = models.CharField(max_length=SETTLEMENT_CHARACTERS, primary_key=True)
    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="settlement")
    drawn_up_by = models.PositiveBigIntegerField()
    approved_by = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["act_id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(drawn_up_by=models.F("approved_by")), name="settlement_has_four_eyes"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SettlementLine(models.Model):
    """What a run pays to one merchant."""

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="lines")
    merchant = models.PositiveBigIntegerField()
    amount_cents = models.PositiveBigIntegerField()
    total_cents = models.PositiveBigIntegerField()
    """All that was ever settled to the merchant, this run included."""

    class Meta:
        ordering = ["settlement", "merchant"]
        constraints = [
            models.UniqueConstraint(fields=["settlement", "merchant"], name="merchant_once_a_run"),
            models.CheckConstraint(
                condition=Q(amount_cents__gt=0, total_cents__gte=models.F("amount_cents")),
                name="settlement_line_pays",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.settlement_id}: {self.merchant} {self.amount_cents}"


class SettlementStep(models.Model):
    """What happened to a run since: sent, then confirmed; or revoked."""

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="steps")
    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="settlement_step")
    kind = models.PositiveIntegerField()
    """A `cardkit.acts.ActKind` of 16 to 18."""

    class Meta:
        ordering = ["act_id"]
        constraints = [
            models.UniqueConstraint(fields=["settlement", "kind"], name="settlement_step_once"),
            models.UniqueConstraint(
                fields=["settlement"], condition=Q(kind__in=[17, 18]), name="settlement_ends_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=[16, 17, 18]), name="settlement_step_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.settlement_id}: {self.kind}"


class PayoutEvidence(models.Model):
    """A payout of the bank's statement that two people entered, because the books had forgotten."""

    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="payout_evidence")
    settlement = models.CharField(max_length=SETTLEMENT_CHARACTERS)
    merchant = models.PositiveBigIntegerField()
    amount_cents = models.PositiveBigIntegerField()
    entered_by = models.PositiveBigIntegerField()
    compared_by = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["act_id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="payout_is_positive"),
            models.CheckConstraint(
                condition=~Q(entered_by=models.F("compared_by")), name="evidence_has_four_eyes"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.settlement}: {self.merchant} {self.amount_cents}"


class PayoutProven(models.Model):
    """Which evidence stands: one of each run and merchant, until it is taken back."""

    settlement = models.CharField(max_length=SETTLEMENT_CHARACTERS)
    merchant = models.PositiveBigIntegerField()
    evidence = models.OneToOneField(PayoutEvidence, on_delete=models.PROTECT, related_name="proven")

    class Meta:
        ordering = ["settlement", "merchant"]
        constraints = [
            models.UniqueConstraint(fields=["settlement", "merchant"], name="payout_proven_once"),
        ]

    def __str__(self) -> str:
        return f"{self.settlement}: {self.merchant} proven"


class PayoutReturn(models.Model):
    """One payout, of a confirmed run or evidenced, that the bank gave back; append-only."""

    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="payout_return")
    settlement = models.CharField(max_length=SETTLEMENT_CHARACTERS)
    merchant = models.PositiveBigIntegerField()
    amount_cents = models.PositiveBigIntegerField()
    entered_by = models.PositiveBigIntegerField()
    compared_by = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["act_id"]
        constraints = [
            models.UniqueConstraint(fields=["settlement", "merchant"], name="payout_returned_once"),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="return_is_positive"),
            models.CheckConstraint(
                condition=~Q(entered_by=models.F("compared_by")), name="return_has_four_eyes"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.settlement}: {self.merchant} {self.amount_cents}"


class SettledTold(models.Model):
    """What a terminal's journal tells that a merchant was paid: a restore can't forget it."""

    terminal = models.PositiveBigIntegerField()
    epoch = models.PositiveBigIntegerField()
    """In which it was told: what was told before a restore stands beside what was told since."""
    seq = models.PositiveBigIntegerField()
    """Of the entry that told it."""
    merchant = models.PositiveBigIntegerField()
    settlement = models.CharField(max_length=SETTLEMENT_CHARACTERS)
    total_cents = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["terminal", "seq"]
        constraints = [
            models.UniqueConstraint(
                fields=["terminal", "merchant", "settlement", "epoch"], name="settled_told_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.terminal}/{self.seq}: {self.settlement} {self.merchant} {self.total_cents}"
