"""Cards and the accounts that they belong to; no name leads to or from either."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from server_stub.models.fields import BytesField, MaybeBytesField


class CardStatus(models.TextChoices):
    """Where a card stands in its life."""

    ISSUING = "issuing"
    """Keys were handed out; its birth transaction has not been verified."""
    ACTIVE = "active"
    BLOCKED = "blocked"


class Account(models.Model):
    """A member's account: a random number, and nothing else."""

    number = BytesField(max_length=16, unique=True)

    def __str__(self) -> str:
        return self.number.hex()


class Card(models.Model):
    """One life of one card: made anew in the workshop, it is a new generation."""

    uid = BytesField(max_length=7)
    generation = models.PositiveIntegerField()
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="cards")
    profile = models.CharField(max_length=32)
    key_version = models.PositiveIntegerField()
    """Of the service's masters; what proves the card's transactions never changes in a life."""
    terminal_key_version = models.PositiveIntegerField(null=True)
    """Of the key-1 master, once the card was re-keyed; null is that of its issue, `key_version`."""
    status = models.CharField(max_length=8, choices=CardStatus.choices, default=CardStatus.ISSUING)
    birth_tmc = models.PositiveBigIntegerField(default=0)
    birth_tmv = MaybeBytesField(max_length=8, null=True)
    birth_enc_tmri = MaybeBytesField(max_length=16, null=True)
    birth_spent_cents = models.PositiveBigIntegerField(default=0)
    proven_tmc = models.PositiveBigIntegerField(default=0)
    """The last transaction that the service has proven: what the directory tells stalls."""
    proven_tmv = MaybeBytesField(max_length=8, null=True)
    proven_spent_cents = models.PositiveBigIntegerField(default=0)
    is_settled = models.BooleanField(default=False)
    """Nothing up to the last proven transaction is in doubt: what follows is weighed alone."""

    class Meta:
        ordering = ["uid", "generation"]
        constraints = [
            models.UniqueConstraint(fields=["uid", "generation"], name="card_life_once"),
            models.CheckConstraint(condition=Q(generation__gt=0), name="card_generation_positive"),
            models.CheckConstraint(
                condition=Q(status__in=["issuing", "active", "blocked"]), name="card_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status="issuing") | Q(birth_tmv__isnull=False),
                name="card_in_use_has_a_proven_birth",
            ),
            models.CheckConstraint(
                condition=Q(proven_spent_cents__lt=2**31), name="card_spent_is_31_bits"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.uid.hex()}/{self.generation}"
