"""The lines of the caisse's own bank statements, and what became of each.

Lines and outcomes are kept for ever; what a payer wrote stands apart, and can be erased.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from server_stub.models.act import ActRow
from server_stub.models.fields import BytesField
from server_stub.models.settlement import SETTLEMENT_CHARACTERS


class StatementProfile(models.Model):
    """What a bank's statements look like; the newest of a name counts."""

    name = models.CharField(max_length=40)
    settings = models.JSONField()
    """The fields of `server_stub.rules.bank_statement.Profile`."""
    saved_by = models.PositiveBigIntegerField()
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class BankImport(models.Model):
    """A file whose new lines were kept."""

    profile = models.ForeignKey(StatementProfile, on_delete=models.PROTECT, related_name="imports")
    content_hash = BytesField(max_length=32)
    """SHA-256 of the file."""
    kept_by = models.PositiveBigIntegerField()
    kept_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"import {self.pk}"


class BankLine(models.Model):
    """One line of a statement, in however many files it stands."""

    source = models.ForeignKey(BankImport, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveIntegerField()
    """Among the new lines of its import, from 1."""
    identity = BytesField(max_length=32, unique=True)
    day = models.DateField()
    amount_cents = models.BigIntegerField()
    """What came is positive."""

    class Meta:
        ordering = ["source_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["source", "position"], name="bank_line_once"),
            models.CheckConstraint(condition=~Q(amount_cents=0), name="bank_line_moves"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """What acts and people call it, such as `B3-12`."""
        return f"B{self.source_id}-{self.position}"


class BankLineText(models.Model):
    """What payer and bank wrote on a line; erased with the person, or when it is old."""

    line = models.OneToOneField(
        BankLine, on_delete=models.PROTECT, primary_key=True, related_name="text"
    )
    label = models.CharField(max_length=400)
    payer = models.CharField(max_length=140, blank=True, default="")
    reference = models.CharField(max_length=140, blank=True, default="")
    payer_key = models.CharField(max_length=540, blank=True, default="")
    """What stays the same from one of this payer's transfers to the next."""

    class Meta:
        indexes = [models.Index(fields=["payer_key"], name="text_by_payer")]

    def __str__(self) -> str:
        return f"text of line {self.line_id}"


class BankLineOutcome(models.Model):
    """What somebody found a line to be; the newest counts, and `undone` opens the line again."""

    line = models.ForeignKey(BankLine, on_delete=models.PROTECT, related_name="outcomes")
    kind = models.CharField(max_length=16)
    """A `server_stub.rules.bank_match.Outcome`."""
    act = models.ForeignKey(ActRow, on_delete=models.PROTECT, null=True, related_name="+")
    """What it made, or what it was found to be."""
    settlement = models.CharField(max_length=SETTLEMENT_CHARACTERS, blank=True, default="")
    merchant = models.PositiveBigIntegerField(default=0)
    """0: the whole run."""
    at = models.DateTimeField()
    by = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.line_id}: {self.kind}"
