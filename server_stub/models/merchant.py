"""Who is paid: partner producers and groceries."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from server_stub.models.fields import MaybeBytesField


class MerchantKind(models.TextChoices):
    """Where a merchant sells."""

    PRODUCER = "producer"
    GROCERY = "grocery"


class Merchant(models.Model):
    """A stall or shop under its public name; its conventions say from when until when."""

    id = models.PositiveBigIntegerField(primary_key=True)
    name = models.CharField(max_length=70)
    kind = models.CharField(
        max_length=8, choices=MerchantKind.choices, default=MerchantKind.PRODUCER
    )
    certificate = MaybeBytesField(max_length=1024, null=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(id__gt=0, id__lt=2**32), name="merchant_id_is_32_bits"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["producer", "grocery"]), name="merchant_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name
