"""What terminals sent: every signed entry, word for word, by its hash."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from server_stub.models.fields import BytesField
from server_stub.models.terminal import Terminal


class Batch(models.Model):
    """One delivery of entries: who, when, from where to where."""

    terminal = models.ForeignKey(Terminal, on_delete=models.PROTECT, related_name="batches")
    received_at = models.DateTimeField()
    first_seq = models.PositiveBigIntegerField(null=True)
    last_seq = models.PositiveBigIntegerField(null=True)
    entries = models.PositiveIntegerField()
    new_entries = models.PositiveIntegerField()
    refused_entries = models.PositiveIntegerField(default=0)
    """Bytes that carry no signature of this terminal: nobody has said them."""

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["received_at"], name="batch_by_time")]

    def __str__(self) -> str:
        return f"batch {self.pk} of {self.terminal_id}"


class StoredEntry(models.Model):
    """One signed entry. Two entries of one (terminal, seq) are both kept, and are a finding."""

    digest = BytesField(max_length=32, unique=True)
    terminal = models.ForeignKey(
        Terminal, on_delete=models.PROTECT, related_name="entries", db_index=False
    )
    """Two indexes begin with it."""
    seq = models.PositiveBigIntegerField()
    prev = BytesField(max_length=32)
    kind = models.PositiveBigIntegerField()
    readable = models.BooleanField()
    """Whether kind and version are known here; otherwise the body is opaque, and kept."""
    about_seq = models.PositiveBigIntegerField(null=True)
    """The intent that this entry says something about."""
    at = models.DateTimeField()
    merchant = models.PositiveBigIntegerField()
    content = BytesField(max_length=4096)
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="stored")

    class Meta:
        ordering = ["terminal_id", "seq", "digest"]
        indexes = [
            models.Index(fields=["terminal", "seq"], name="entry_by_place"),
            models.Index(fields=["terminal", "about_seq"], name="entry_by_intent"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(seq__gt=0), name="entry_seq_positive"),
        ]

    def __str__(self) -> str:
        return f"entry {self.terminal_id}/{self.seq}"
