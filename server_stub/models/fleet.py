"""How a terminal is, by its own last word; nothing here is money."""

from __future__ import annotations

from django.db import models

from server_stub.models.terminal import Terminal


class TerminalReport(models.Model):
    """What a terminal's newest request said of itself, beside what its journal says."""

    terminal = models.OneToOneField(
        Terminal, on_delete=models.PROTECT, primary_key=True, related_name="report"
    )
    reported_at = models.DateTimeField()
    """When it came here: the terminal's own clock may be wrong."""
    head_seq = models.PositiveBigIntegerField()
    acknowledged_seq = models.PositiveBigIntegerField()
    permit_epoch = models.PositiveBigIntegerField()
    permit_version = models.PositiveBigIntegerField()
    sqlite_version = models.CharField(max_length=16, blank=True, default="")
    clock = models.PositiveSmallIntegerField(null=True)
    """A `cardkit.clock.ClockTrust`; None, as all below, where it was not said."""
    fsync_p95_ms = models.PositiveBigIntegerField(null=True)
    disk_free_mb = models.PositiveBigIntegerField(null=True)
    temperature_c = models.BigIntegerField(null=True)
    undervoltage = models.PositiveBigIntegerField(null=True)
    """The bits of a Raspberry Pi's `vcgencmd get_throttled`."""

    class Meta:
        ordering = ["terminal_id"]

    def __str__(self) -> str:
        return f"report of terminal {self.terminal_id}"
