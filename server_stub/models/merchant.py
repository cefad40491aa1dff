"""Who is paid: partner producers and groceries."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from server_stub.models.fields import MaybeBytesField


class Merchant(models.Model):
    """A stall under its public name, with the dates of its convention."""

    id = models.PositiveBigIntegerField(primary_key=True)
    name = models.CharField(max_length=70)
    convention_from = models.DateTimeField()
    convention_until = models.DateTimeField()
    """The first instant that the convention no longer covers."""
    certificate = MaybeBytesField(max_length=1024, null=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(id__gt=0, id__lt=2**32), name="merchant_id_is_32_bits"
            ),
            models.CheckConstraint(
                condition=Q(convention_from__lt=F("convention_until")),
                name="merchant_convention_has_a_length",
            ),
        ]

    def __str__(self) -> str:
        return self.name
