"""Every directory that was published, and every row it had: so that decide() can be asked again."""

from __future__ import annotations

from django.db import models

from server_stub.models.fields import BytesField


class DirectoryVersion(models.Model):
    """One signed header; its `id` rises with (epoch, version)."""

    epoch = models.PositiveBigIntegerField()
    version = models.PositiveBigIntegerField()
    digest = BytesField(max_length=32, unique=True)
    content = BytesField(max_length=16_384)
    content_hash = BytesField(max_length=32)
    cards = models.PositiveBigIntegerField()
    issued_at = models.DateTimeField()
    valid_until = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["epoch", "version"], name="directory_version_once"),
        ]

    def __str__(self) -> str:
        return f"directory {self.epoch}.{self.version}"


class DirectoryRow(models.Model):
    """A card's row from one version on, until a later version has another."""

    directory = models.ForeignKey(DirectoryVersion, on_delete=models.PROTECT, related_name="rows")
    uid = BytesField(max_length=7)
    encoded = BytesField(max_length=512)
    until = models.ForeignKey(
        DirectoryVersion,
        on_delete=models.PROTECT,
        null=True,
        related_name="ended_rows",
        db_index=False,
    )
    """The version that has another row for this card, or none; absent while it is current."""

    class Meta:
        ordering = ["directory_id", "uid"]
        indexes = [models.Index(fields=["until", "directory"], name="directory_row_by_span")]
        """What has changed since a version is found without reading what has not."""
        constraints = [
            models.UniqueConstraint(fields=["uid", "directory"], name="directory_row_once"),
            models.UniqueConstraint(
                fields=["uid"],
                condition=models.Q(until__isnull=True),
                name="directory_row_current_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.uid.hex()} since directory {self.directory_id}"


class StaleCard(models.Model):
    """A card of which something changed that its row tells; written by the database's triggers."""

    uid = BytesField(max_length=7, primary_key=True)

    def __str__(self) -> str:
        return self.uid.hex()
