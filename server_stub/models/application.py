"""What somebody who applies would like to pay: erased together with them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from server_stub.models.person import Person


class Application(models.Model):
    """The amount and the household of an application; it promises nothing yet."""

    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="application")
    monthly_cents = models.PositiveBigIntegerField()
    persons = models.PositiveIntegerField(default=1)
    """Of the household."""

    class Meta:
        ordering = ["person"]
        constraints = [
            models.CheckConstraint(condition=Q(persons__gt=0), name="application_is_somebodys"),
        ]

    def __str__(self) -> str:
        return f"application {self.pk}"
