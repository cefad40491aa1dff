"""Who a member is: the one place where names stand, and nothing else points to it.

The books know accounts. A row here can be erased, and every sum is what it was.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from server_stub.models.card import Account


class Person(models.Model):
    """A member, with what the caisse needs to reach them; no income, no document, no birthday."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="person")
    name = models.CharField(max_length=120)
    address = models.CharField(max_length=240, blank=True, default="")
    telephone = models.CharField(max_length=40, blank=True, default="")
    email = models.EmailField(blank=True, default="")
    applied_on = models.DateField()
    last_contact_on = models.DateField()
    """The active base ends two years after it (CNIL, délibération 2023-095)."""

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="person_has_a_name"),
        ]

    def __str__(self) -> str:
        return f"person {self.pk}"


class Erasure(models.Model):
    """That an account's person was erased, when and by whom; never who it was."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="erasures")
    erased_at = models.DateTimeField()
    erased_by = models.PositiveBigIntegerField()
    """0: the retention job."""

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.account} on {self.erased_at:%Y-%m-%d}"


class Deputy(models.Model):
    """Who may act for a merchant, from a day until a day; erasable like a member."""

    merchant = models.PositiveBigIntegerField()
    name = models.CharField(max_length=120)
    telephone = models.CharField(max_length=40, blank=True, default="")
    """Where they are called back before they are told anything."""
    from_day = models.DateField()
    until_day = models.DateField(null=True)
    """The first day that they no longer may; null: until further notice."""
    entered_by = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["merchant", "from_day", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="deputy_has_a_name"),
            models.CheckConstraint(
                condition=Q(until_day__isnull=True) | Q(until_day__gte=F("from_day")),
                name="deputy_ends_after_begin",
            ),
        ]

    def __str__(self) -> str:
        return f"deputy {self.pk}"
