"""What stands at the head of papers: how the caisse is reached, and a merchant's official number.

Public, and no fact of the books: it is changed in place, and can be erased.
"""

from __future__ import annotations

from django.db import models


class CaisseDetails(models.Model):
    """How the caisse is called and reached; the one row."""

    only = models.BooleanField(default=True, unique=True)
    name = models.CharField(max_length=120)
    address = models.CharField(max_length=240)
    """Lines end with a newline."""
    place = models.CharField(max_length=60)
    """Where a letter is written: the town."""
    telephone = models.CharField(max_length=40)
    lost_card_telephone = models.CharField(max_length=40, blank=True, default="")
    """Where a lost card is told; empty: the same."""
    email = models.EmailField(blank=True, default="")
    hours = models.CharField(max_length=120, blank=True, default="")
    iban = models.CharField(max_length=34, blank=True, default="")
    """Where contributions are paid to; empty: by no transfer."""
    controller = models.CharField(max_length=160, blank=True, default="")
    """Who answers for what is kept of people (GDPR art. 13); empty: the caisse itself."""
    saved_by = models.PositiveBigIntegerField()
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(only=True), name="caisse_details_only_one"),
        ]

    def __str__(self) -> str:
        return self.name


class MerchantDetails(models.Model):
    """A merchant's official number and address: a farmer's own, so they can be erased."""

    merchant = models.PositiveBigIntegerField(primary_key=True)
    siret = models.CharField(max_length=14, blank=True, default="")
    address = models.CharField(max_length=240, blank=True, default="")
    saved_by = models.PositiveBigIntegerField()
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["merchant"]

    def __str__(self) -> str:
        return f"details of merchant {self.merchant}"
