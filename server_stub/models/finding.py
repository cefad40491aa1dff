"""What does not match: facts for a person to look at, never a culprit."""

from __future__ import annotations

from django.db import models

from server_stub.models.card import Card
from server_stub.models.terminal import Terminal


class Finding(models.Model):
    """One observation; it closes by itself when later facts explain it."""

    kind = models.CharField(max_length=32)
    key = models.CharField(max_length=128)
    """What makes it the same finding when it is seen again."""
    card = models.ForeignKey(Card, on_delete=models.PROTECT, null=True, related_name="findings")
    terminal = models.ForeignKey(
        Terminal, on_delete=models.PROTECT, null=True, related_name="findings"
    )
    facts = models.JSONField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["opened_at"],
                condition=models.Q(closed_at__isnull=True),
                name="finding_open",
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"],
                condition=models.Q(closed_at__isnull=True),
                name="finding_open_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
