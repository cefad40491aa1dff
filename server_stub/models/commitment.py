"""What members promised and what came in: an account's, and no name leads to or from it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from server_stub.models.act import ActRow
from server_stub.models.card import Account
from server_stub.models.fields import BytesField


class Commitment(models.Model):
    """A promise of monthly contributions; append-only, as what belongs to it is."""

    number = BytesField(max_length=16, unique=True)
    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="commitment")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="commitments")
    monthly_cents = models.PositiveBigIntegerField()
    first_month = models.DateField()
    months = models.PositiveIntegerField()
    persons = models.PositiveIntegerField()

    class Meta:
        ordering = ["act_id"]
        constraints = [
            models.CheckConstraint(condition=Q(months__gt=0), name="commitment_lasts"),
            models.CheckConstraint(condition=Q(persons__gt=0), name="commitment_is_somebodys"),
        ]

    def __str__(self) -> str:
        return f"{self.monthly_cents} from {self.first_month}, {self.months} months"


class CommitmentChange(models.Model):
    """What the caisse changed of a commitment, from a month on."""

    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="commitment_change")
    commitment = models.ForeignKey(Commitment, on_delete=models.PROTECT, related_name="changes")
    kind = models.PositiveIntegerField()
    """A `cardkit.membership.CommitmentChangeKind`."""
    from_month = models.DateField()
    monthly_cents = models.PositiveBigIntegerField(default=0)
    persons = models.PositiveIntegerField(null=True)
    """Of the household from then on, where that is what changed."""

    class Meta:
        ordering = ["act_id"]

    def __str__(self) -> str:
        return f"{self.kind} from {self.from_month}"


class Contribution(models.Model):
    """Money that came in for an account; below zero when it was taken back."""

    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="contribution")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="contributions")
    amount_cents = models.BigIntegerField()
    value_date = models.DateField()
    reference = models.CharField(max_length=35)
    """Number of the quittance or of the bank's line; never a name."""

    class Meta:
        ordering = ["act_id"]
        indexes = [models.Index(fields=["account", "value_date"], name="contribution_by_day")]
        constraints = [
            models.CheckConstraint(condition=~Q(amount_cents=0), name="contribution_is_not_nothing")
        ]

    def __str__(self) -> str:
        return f"{self.amount_cents} on {self.value_date}"
