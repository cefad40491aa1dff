"""Which accounts became members, in which wave, and which left: an account's, never a name's."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from server_stub.models.act import ActRow
from server_stub.models.card import Account
from server_stub.models.fields import BytesField


class Wave(models.Model):
    """One admission: how it was ordered, so that anybody can order it again."""

    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="wave")
    number = models.PositiveIntegerField()
    order = models.PositiveIntegerField()
    """A `cardkit.membership.AdmissionOrder`."""
    candidates = models.PositiveIntegerField()
    """How many waited, those who were admitted included."""
    fingerprint = BytesField(max_length=32)
    """SHA-256 of the sorted accounts of everybody who waited."""
    seed = models.CharField(max_length=120, blank=True, default="")

    class Meta:
        ordering = ["act_id"]
        constraints = [models.CheckConstraint(condition=Q(number__gt=0), name="wave_positive")]

    def __str__(self) -> str:
        return f"wave {self.number}"


class Admission(models.Model):
    """That an account is a member's, since a wave."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="admission")
    wave = models.ForeignKey(Wave, on_delete=models.PROTECT, related_name="admissions")
    place = models.PositiveIntegerField()
    """In the order of the wave, from 1."""

    class Meta:
        ordering = ["wave", "place"]

    def __str__(self) -> str:
        return f"{self.account} in {self.wave}"


class Departure(models.Model):
    """That an account gets nothing more, from a month on."""

    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="departure")
    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="departure")
    from_month = models.DateField()

    class Meta:
        ordering = ["act_id"]

    def __str__(self) -> str:
        return f"{self.account} until {self.from_month}"
