"""How a person gets into the console: one-time links, second factors, and what was done to them."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q


class AccessLink(models.Model):
    """A link by which one person chooses a password, once and for a while."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="access_links")
    token_hash = models.CharField(max_length=64, unique=True)
    """SHA-256 of what stands in the address; the address itself is kept nowhere."""
    made_by = models.PositiveBigIntegerField()
    """A console user; 0: typed on the server itself."""
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("made_at")), name="access_link_lasts"
            ),
        ]

    def __str__(self) -> str:
        return f"link {self.pk} of user {self.user_id}"


class LinkEndKind(models.TextChoices):
    """Why a link opens nothing any more, before its time."""

    USED = "used"
    REVOKED = "revoked"
    REPLACED = "replaced"
    """Another one was made for the same person."""


class AccessLinkEnd(models.Model):
    """That a link opens nothing any more."""

    link = models.OneToOneField(AccessLink, on_delete=models.PROTECT, related_name="end")
    kind = models.CharField(max_length=8, choices=LinkEndKind.choices)
    by = models.PositiveBigIntegerField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.link}: {self.kind}"


class FactorExemption(models.Model):
    """That somebody may enter without a second factor until a moment: to try things out."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="factor_exemptions")
    until = models.DateTimeField()
    granted_by = models.PositiveBigIntegerField()
    granted_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"exemption of user {self.user_id} until {self.until}"


class AccessEventKind(models.TextChoices):
    """What was done to somebody's way in."""

    PASSWORD_CHOSEN = "password_chosen"  # noqa: S105 - a kind of event
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - see above
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    FACTORS_RESET = "factors_reset"
    """All of them, by another administrator: a telephone was lost."""
    SESSIONS_ENDED = "sessions_ended"
    CLOSED = "closed"
    """They may not enter any more."""
    REOPENED = "reopened"


class AccessEvent(models.Model):
    """Something that was done to somebody's way in, and by whom; numbers and no name."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="access_events")
    kind = models.CharField(max_length=20, choices=AccessEventKind.choices)
    by = models.PositiveBigIntegerField()
    """A console user, the same one where they did it themselves; 0: typed on the server."""
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} of user {self.user_id}"


class CacheRow(models.Model):
    """What Django's database cache keeps: how often somebody tried, which code was used.

    Django reads and writes it by itself; that it is a model makes its table like every other.
    """

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "clafoutis_cache"
        ordering = ["cache_key"]

    def __str__(self) -> str:
        return self.cache_key
