"""What whoever is in the office leaves for whoever comes next."""

from __future__ import annotations

from django.db import models


class HandoverNote(models.Model):
    """The one note that is pinned; a new one takes its place, for names may stand in it."""

    only = models.BooleanField(default=True, unique=True)
    text = models.CharField(max_length=4000)
    written_by = models.PositiveBigIntegerField()
    written_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(only=True), name="handover_is_the_only_one")
        ]

    def __str__(self) -> str:
        return f"note of {self.written_at:%Y-%m-%d}"
