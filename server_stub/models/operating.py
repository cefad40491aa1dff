"""What keeping the service running leaves behind: jobs that ran, and passwords that were wrong."""

from __future__ import annotations

from django.db import models


class JobRun(models.Model):
    """The last run of one job; nothing in it says anything about a person."""

    name = models.CharField(max_length=16, primary_key=True)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    """Absent while it runs, and after a run that nothing ended but a power cut."""
    succeeded_at = models.DateTimeField(null=True)
    """When it last went well: what it covers is done up to there."""
    outcome = models.CharField(max_length=8, default="", blank=True)
    count = models.PositiveBigIntegerField(default=0)
    """How many things it did; what they are is the job's own matter."""
    trouble = models.CharField(max_length=64, default="", blank=True)
    """The name of an exception, never its words."""

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome}"


class LoginFailure(models.Model):
    """A wrong password, counted for every process that serves; neither name nor address."""

    key = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["key", "at"], name="login_failure_by_key")]

    def __str__(self) -> str:
        return f"failure {self.pk}"
