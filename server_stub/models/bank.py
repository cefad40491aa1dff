"""Where merchants are paid: entered by one person, confirmed by another, never edited."""

from __future__ import annotations

from django.db import models

from server_stub.models.fields import BytesField
from server_stub.models.merchant import Merchant
from server_stub.models.settlement import Settlement


class BankDetails(models.Model):
    """An account that somebody entered for a merchant; append-only."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="bank_details")
    iban = models.CharField(max_length=34)
    holder = models.CharField(max_length=70)
    """Exactly as the bank knows it: banks compare the name since October 2025 (EU 2024/886)."""
    entered_by = models.PositiveBigIntegerField()
    entered_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"…{self.iban[-4:]}"


class BankDetailsConfirmed(models.Model):
    """A second person compared the account with the merchant's own paper; append-only."""

    details = models.OneToOneField(
        BankDetails, on_delete=models.PROTECT, related_name="confirmation"
    )
    confirmed_by = models.PositiveBigIntegerField()
    confirmed_at = models.DateTimeField()
    usable_from = models.DateTimeField()
    """After a cooling-off: whoever was deceived has some days to find out."""

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.details} from {self.usable_from}"


class SettlementFile(models.Model):
    """A file of a run that left the caisse; under its name it never says something else."""

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="files")
    form = models.CharField(max_length=32)
    content_hash = BytesField(max_length=32)
    """SHA-256."""
    made_by = models.PositiveBigIntegerField()
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["settlement", "form"], name="settlement_file_once")
        ]

    def __str__(self) -> str:
        return f"{self.settlement_id} {self.form}"
