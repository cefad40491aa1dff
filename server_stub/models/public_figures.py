"""What the caisse tells everybody: counted once a day, so that no visitor costs the books a sum."""

from __future__ import annotations

from django.db import models


class PublicFigures(models.Model):
    """The figures of a day; a new day's take their place."""

    only = models.BooleanField(default=True, unique=True)
    day = models.DateField()
    content = models.JSONField()
    """`services.public_figures.Figures.as_json`: sums and counts, no cell under five people."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(only=True), name="public_figures_are_the_only_ones"
            )
        ]

    def __str__(self) -> str:
        return f"figures of {self.day}"
