"""A terminal on its way in."""

from __future__ import annotations

from django.db import models

from server_stub.models.fields import BytesField, MaybeBytesField
from server_stub.models.terminal import Terminal


class PairingState(models.TextChoices):
    """How far a pairing has come."""

    OPEN = "open"
    APPROVED = "approved"


class Pairing(models.Model):
    """One ticket: good for a few minutes and one terminal."""

    pairing_id = BytesField(max_length=8, unique=True)
    terminal_number = models.PositiveBigIntegerField(unique=True)
    """The id that the terminal will have."""
    merchants = models.JSONField()
    state = models.CharField(max_length=8, choices=PairingState.choices, default=PairingState.OPEN)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    result = MaybeBytesField(max_length=32_768, null=True)
    """The PairResult: everything in it is signed or sealed."""
    terminal = models.OneToOneField(
        Terminal, on_delete=models.PROTECT, null=True, related_name="pairing"
    )

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"pairing {self.pairing_id.hex()}"


class PairingRequest(models.Model):
    """A PairRequest that came for a ticket; only its secret tells which one is genuine."""

    pairing = models.ForeignKey(Pairing, on_delete=models.PROTECT, related_name="requests")
    tag = BytesField(max_length=32)
    """The request's HMAC, by which the workshop names the one that it approves."""
    content = BytesField(max_length=512)
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["pairing", "tag"], name="pairing_request_once"),
        ]

    def __str__(self) -> str:
        return f"request {self.pk} of {self.pairing}"
