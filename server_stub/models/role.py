"""Who may do what in the console, from a day until a day; granted and ended, never edited."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q

from server_stub.models.merchant import Merchant


class ConsoleRole(models.TextChoices):
    """What a person is to the caisse; a person may be several."""

    COORDINATOR = "coordinator"
    TREASURER = "treasurer"
    COMMITTEE = "committee"
    """Sees what the committee decides on: rules, the fund, sums; no person."""
    MERCHANT = "merchant"
    """Sees one merchant's own sales and payouts; a grant for each merchant."""
    AUDITOR = "auditor"
    """Reads the books, the log and the merchants; no person, and changes nothing."""
    ADMINISTRATOR = "administrator"
    """Lets people in and out of the console; no money, no member."""


class RoleGrant(models.Model):
    """That a console user has a role, from a day until a day."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="role_grants")
    role = models.CharField(max_length=16, choices=ConsoleRole.choices)
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, null=True, related_name="role_grants"
    )
    from_day = models.DateField()
    until_day = models.DateField(null=True)
    """The first day without it; null: until it is ended."""
    granted_by = models.PositiveBigIntegerField()
    """A console user; 0: typed on the server itself."""
    granted_at = models.DateTimeField()

    class Meta:
        ordering = ["user_id", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(role__in=[it.value for it in ConsoleRole]), name="role_known"
            ),
            models.CheckConstraint(
                condition=Q(role=ConsoleRole.MERCHANT, merchant__isnull=False)
                | (~Q(role=ConsoleRole.MERCHANT) & Q(merchant__isnull=True)),
                name="role_merchant_has_one",
            ),
            models.CheckConstraint(
                condition=Q(until_day__isnull=True) | Q(until_day__gt=F("from_day")),
                name="role_ends_after_begin",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} of user {self.user_id}"


class RoleEnd(models.Model):
    """That a grant counts no more, from this moment on."""

    grant = models.OneToOneField(RoleGrant, on_delete=models.PROTECT, related_name="end")
    ended_by = models.PositiveBigIntegerField()
    ended_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"end of {self.grant}"
