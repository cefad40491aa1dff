"""The service's own signed, chained log, and the voted rules that it carries."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from server_stub.models.fields import BytesField


class ActRow(models.Model):
    """One act (`cardkit.acts`), word for word."""

    seq = models.PositiveBigIntegerField(primary_key=True)
    digest = BytesField(max_length=32, unique=True)
    kind = models.PositiveIntegerField()
    at = models.DateTimeField()
    content = BytesField(max_length=32_768)

    class Meta:
        ordering = ["seq"]
        constraints = [models.CheckConstraint(condition=Q(seq__gt=0), name="act_seq_positive")]
        indexes = [models.Index(fields=["kind", "seq"], name="act_by_kind")]

    def __str__(self) -> str:
        return f"act {self.seq}"


class Rule(models.Model):
    """A number that the committee voted, in force from a day on."""

    name = models.CharField(max_length=64)
    value = models.BigIntegerField()
    from_day = models.DateField()
    voted_on = models.DateField(null=True)
    minutes = models.CharField(max_length=120, blank=True, default="")
    """The title of the vote in that day's minutes; empty: what the caisse started with."""
    set_by = models.PositiveBigIntegerField(default=0)
    """The console user who entered it; 0: the service, when the caisse was made."""

    class Meta:
        ordering = ["name", "from_day"]
        constraints = [
            models.UniqueConstraint(fields=["name", "from_day"], name="rule_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.name} = {self.value} from {self.from_day}"
