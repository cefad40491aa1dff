"""What the caisse and a merchant signed: dated rows, several over time, none ever changed.

An end and a change are rows of their own. That two of a merchant's conventions never cover one
day is refused by the database itself (migration 0013), whatever the code above it does.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from server_stub.models.act import ActRow
from server_stub.models.fields import BytesField


class Convention(models.Model):
    """One convention: whom it is with, and which days it covers; append-only."""

    act = models.OneToOneField(
        ActRow, on_delete=models.PROTECT, null=True, related_name="convention"
    )
    """None where a migration carried it over: no act speaks of it."""
    merchant = models.PositiveBigIntegerField()
    from_day = models.DateField()
    until_day = models.DateField()
    """The first day that it no longer covers."""
    signed_on = models.DateField()
    terms = BytesField(max_length=32)
    """Digest of what was agreed (`ConventionTerms`)."""

    class Meta:
        ordering = ["merchant", "from_day", "id"]
        indexes = [models.Index(fields=["merchant", "from_day"], name="convention_by_day")]
        constraints = [
            models.CheckConstraint(
                condition=Q(from_day__lt=F("until_day")), name="convention_has_a_length"
            ),
        ]

    def __str__(self) -> str:
        return f"convention of merchant {self.merchant} from {self.from_day}"


class ConventionEnd(models.Model):
    """That a convention ends sooner than it says; append-only, and the earliest end holds."""

    act = models.ForeignKey(ActRow, on_delete=models.PROTECT, related_name="convention_ends")
    convention = models.ForeignKey(Convention, on_delete=models.PROTECT, related_name="ends")
    until_day = models.DateField()
    """The first day that it no longer covers; its own first day where it never covers any."""

    class Meta:
        ordering = ["act_id", "convention"]
        constraints = [
            models.UniqueConstraint(fields=["act", "convention"], name="convention_end_once"),
        ]

    def __str__(self) -> str:
        return f"{self.convention} ends on {self.until_day}"


class ConventionTerms(models.Model):
    """What was agreed, word for word (`rules.conventions.Terms`), by its hash; append-only."""

    digest = BytesField(max_length=32, unique=True)
    content = BytesField(max_length=262_144)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"terms {self.digest.hex()[:16]}"
