"""By what contributions came in, and the till box that cash and cheques lie in meanwhile."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from cardkit.till_box import Means
from server_stub.models.act import ActRow
from server_stub.models.commitment import Contribution


class PaymentMeans(models.Model):
    """How one contribution came in; with its quittance where it was cash or a cheque."""

    contribution = models.OneToOneField(
        Contribution, on_delete=models.PROTECT, primary_key=True, related_name="paid_by"
    )
    means = models.PositiveIntegerField()
    """A `cardkit.acts.Means`."""
    quittance_year = models.PositiveIntegerField(null=True)
    quittance_number = models.PositiveBigIntegerField(null=True)
    cancels = models.OneToOneField(
        Contribution, on_delete=models.PROTECT, null=True, related_name="cancelled_by"
    )
    """The contribution that this entry takes back, whole."""

    class Meta:
        ordering = ["contribution_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["quittance_year", "quittance_number"], name="quittance_once"
            ),
            models.CheckConstraint(
                condition=Q(quittance_year__isnull=True, quittance_number__isnull=True)
                | Q(
                    quittance_year__isnull=False,
                    quittance_number__gt=0,
                    cancels__isnull=True,
                    means__in=[int(Means.CASH), int(Means.CHEQUE)],
                ),
                name="quittance_of_cash_or_cheque",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.means} of {self.contribution_id}"


class QuittancePrint(models.Model):
    """That a quittance was printed: the first is the original, each later one a duplicate."""

    contribution = models.ForeignKey(
        Contribution, on_delete=models.PROTECT, related_name="quittance_prints"
    )
    printed_at = models.DateTimeField()
    printed_by = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.contribution_id} on {self.printed_at:%Y-%m-%d}"


class CashCount(models.Model):
    """The till box as somebody counted it."""

    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="cash_count")
    day = models.DateField()
    booked_cents = models.BigIntegerField()
    counted_cents = models.PositiveBigIntegerField()
    counted_by = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["act_id"]

    def __str__(self) -> str:
        return f"{self.counted_cents} for {self.booked_cents} on {self.day}"


class MoneyDeposit(models.Model):
    """Cash or cheques handed in to the bank, or to the trésorier."""

    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="money_deposit")
    means = models.PositiveIntegerField()
    amount_cents = models.PositiveBigIntegerField()
    day = models.DateField()
    reference = models.CharField(max_length=35)
    """Number of the slip."""
    deposited_by = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["act_id"]
        constraints = [models.CheckConstraint(condition=Q(amount_cents__gt=0), name="deposit_is")]

    def __str__(self) -> str:
        return f"{self.reference}: {self.amount_cents} on {self.day}"


class DepositedCheque(models.Model):
    """A cheque that was handed in, once."""

    deposit = models.ForeignKey(MoneyDeposit, on_delete=models.PROTECT, related_name="cheques")
    contribution = models.OneToOneField(
        Contribution, on_delete=models.PROTECT, related_name="deposited"
    )

    class Meta:
        ordering = ["deposit", "contribution"]

    def __str__(self) -> str:
        return f"{self.contribution_id} in {self.deposit_id}"
