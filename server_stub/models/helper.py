"""Who else is spoken to for a member: erased together with the member, and named nowhere else."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from server_stub.models.person import Person


class HelperRole(models.TextChoices):
    """What somebody is to a member."""

    GUARDIAN = "guardian"
    """Named by a judge: speaks and signs for the member."""
    RELATIVE = "relative"
    CARER = "carer"
    SOCIAL_WORKER = "social_worker"
    INTERPRETER = "interpreter"
    OTHER = "other"


class Helper(models.Model):
    """Somebody through whom a member is reached."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="helpers")
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=16, choices=HelperRole.choices)
    telephone = models.CharField(max_length=40, blank=True, default="")
    email = models.EmailField(blank=True, default="")

    class Meta:
        ordering = ["person", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="helper_has_a_name"),
            models.CheckConstraint(
                condition=Q(role__in=[it.value for it in HelperRole]), name="helper_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"helper {self.pk}"
