"""The stalls' computers that the root has certified."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from server_stub.models.fields import BytesField, MaybeBytesField


class TerminalStatus(models.TextChoices):
    """Whether a terminal gets new documents; its facts are taken in any case."""

    ACTIVE = "active"
    REVOKED = "revoked"
    LOST = "lost"


class Terminal(models.Model):
    """One enrolment: an id, two keys, and how far its journal is held here."""

    id = models.PositiveBigIntegerField(primary_key=True)
    journal_key = BytesField(max_length=33, unique=True)
    """Signs its entries; a compressed P-256 point."""
    transport_key = BytesField(max_length=33)
    """Signs its requests."""
    certificate = BytesField(max_length=1024)
    status = models.CharField(
        max_length=8, choices=TerminalStatus.choices, default=TerminalStatus.ACTIVE
    )
    enrolled_at = models.DateTimeField()
    cursor_seq = models.PositiveBigIntegerField(default=0)
    """The journal is held without a gap up to here."""
    cursor_head = BytesField(max_length=32)
    """Digest of that entry; while there is none, the SHA-256 of the journal key."""
    forked = models.BooleanField(default=False)
    """Whether a number of its journal was signed twice: no entry is ever taken away again."""
    head_seq = models.PositiveBigIntegerField(default=0)
    """The last entry that the terminal says exists, sent or not."""
    epoch_seen = models.PositiveBigIntegerField(default=0)
    directory_epoch = models.PositiveBigIntegerField(default=0)
    directory_version = models.PositiveBigIntegerField(default=0)
    """The directory that it said it holds: the watermark of a block."""
    lost_after_seq = models.PositiveBigIntegerField(null=True)
    """Where its journal ended here when it was declared lost."""
    lost_head = MaybeBytesField(max_length=32, null=True)
    """Digest of that entry: what does not lead up to it and comes later is another story."""
    loss_window_cents = models.PositiveBigIntegerField(null=True)
    """The most that what it signed beyond may move by itself; null: all, it was not stolen."""
    last_seen_at = models.DateTimeField(null=True)
    software_version = models.CharField(max_length=32, default="", blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(id__lt=2**32), name="terminal_id_is_32_bits"),
            models.CheckConstraint(
                condition=Q(status__in=["active", "revoked", "lost"]), name="terminal_status_known"
            ),
        ]

    def __str__(self) -> str:
        return f"terminal {self.id}"


class TokenKey(models.Model):
    """K_T, which this terminal and the service share, encrypted with a key outside the database."""

    terminal = models.OneToOneField(
        Terminal, on_delete=models.PROTECT, primary_key=True, related_name="token_key"
    )
    sealed = BytesField(max_length=128)
    """As `KeyRing.seal` made it, for `token_key_purpose`."""

    def __str__(self) -> str:
        return f"token key of {self.terminal_id}"
