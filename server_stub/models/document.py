"""What the issuer has signed: kept for ever, because entries name documents by their digest."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from server_stub.models.card import Card
from server_stub.models.fields import BytesField
from server_stub.models.terminal import Terminal


class PermitIssued(models.Model):
    """One version of what a terminal may do."""

    terminal = models.ForeignKey(Terminal, on_delete=models.PROTECT, related_name="permits")
    epoch = models.PositiveBigIntegerField()
    version = models.PositiveBigIntegerField()
    digest = BytesField(max_length=32, unique=True)
    content = BytesField(max_length=16_384)
    issued_at = models.DateTimeField()
    valid_until = models.DateTimeField()

    class Meta:
        ordering = ["terminal_id", "epoch", "version"]
        constraints = [
            models.UniqueConstraint(
                fields=["terminal", "epoch", "version"], name="permit_version_once"
            ),
        ]

    def __str__(self) -> str:
        return f"permit {self.epoch}.{self.version} of {self.terminal_id}"


class AllowanceIssued(models.Model):
    """One version of what a card may spend."""

    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="allowances")
    epoch = models.PositiveBigIntegerField()
    version = models.PositiveBigIntegerField()
    digest = BytesField(max_length=32, unique=True)
    content = BytesField(max_length=254)
    issued_at = models.DateTimeField()
    cumulative_cents = models.PositiveBigIntegerField()
    """The last step: all that this card has ever been given."""
    refunds = models.JSONField(default=list)
    """The refunds [terminal, seq] that it lists."""
    issued_here = models.BooleanField(default=True)
    """False for one that came back from a card after a restore: known, but not our last."""

    class Meta:
        ordering = ["card_id", "epoch", "version"]
        constraints = [
            models.UniqueConstraint(
                fields=["card", "epoch", "version"],
                condition=Q(issued_here=True),
                name="allowance_version_once",
            ),
            models.CheckConstraint(
                condition=Q(cumulative_cents__lt=2**31), name="allowance_is_31_bits"
            ),
        ]

    def __str__(self) -> str:
        return f"allowance {self.epoch}.{self.version} of card {self.card_id}"
