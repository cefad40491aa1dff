"""The books: postings that sum to zero, corrected only by further postings."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from server_stub.models.card import Card
from server_stub.models.fields import MaybeBytesField


class Posting(models.Model):
    """One movement, of one card's money where there is a card."""

    at = models.DateTimeField()
    card = models.ForeignKey(Card, on_delete=models.PROTECT, null=True, related_name="postings")
    subject = models.CharField(max_length=80)
    """What it is about: `transaction/12`, `gap/13-14`, `credit`, `refund/7/42` …"""
    cause = MaybeBytesField(max_length=32, null=True)
    """Digest of the entry or act that made it necessary, where there is one."""

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["card", "subject"], name="posting_by_subject")]

    def __str__(self) -> str:
        return f"posting {self.pk}: {self.subject}"


class PostingLine(models.Model):
    """One line: an account, and cents that come (positive) or go (negative)."""

    posting = models.ForeignKey(Posting, on_delete=models.PROTECT, related_name="lines")
    account = models.CharField(max_length=16)
    """A `server_stub.rules.ledger.Book`."""
    merchant = models.PositiveBigIntegerField(default=0)
    """0 where the account is nobody's in particular."""
    amount_cents = models.BigIntegerField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["account", "merchant"], name="line_by_account")]
        constraints = [
            models.CheckConstraint(condition=~Q(amount_cents=0), name="line_is_not_nothing"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.merchant} {self.amount_cents}"


class Balance(models.Model):
    """What the lines of one account come to; written with them, and computed again by `rebuild`."""

    account = models.CharField(max_length=16)
    merchant = models.PositiveBigIntegerField(default=0)
    amount_cents = models.BigIntegerField()

    class Meta:
        ordering = ["account", "merchant"]
        constraints = [
            models.UniqueConstraint(fields=["account", "merchant"], name="balance_once"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.merchant}: {self.amount_cents}"
