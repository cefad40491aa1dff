"""What is put on paper about a run: frozen when it is approved, and handed out as it left."""

from __future__ import annotations

from django.db import models

from server_stub.models.bank import SettlementFile
from server_stub.models.fields import BytesField
from server_stub.models.settlement import Settlement


class SettlementStatement(models.Model):
    """Why a run pays what it pays, as the second person approved it; append-only.

    Every paper of the run is made from this alone: what arrives, is decided or is renamed later
    changes no paper.
    """

    settlement = models.OneToOneField(
        Settlement, on_delete=models.PROTECT, related_name="statement"
    )
    up_to_posting = models.PositiveBigIntegerField()
    """The last posting that it counts; the next run begins behind it."""
    content = models.JSONField()
    """`rules.statement.RunStatement.as_json`: no member, no card, no counter."""

    class Meta:
        ordering = ["settlement__act"]

    def __str__(self) -> str:
        return f"statement of {self.settlement_id}"


class SettlementPaper(models.Model):
    """A paper that left, to the byte: handed out again the same, whatever makes papers by then."""

    file = models.OneToOneField(SettlementFile, on_delete=models.PROTECT, related_name="paper")
    content = BytesField()

    class Meta:
        ordering = ["file_id"]

    def __str__(self) -> str:
        return f"paper {self.file}"
