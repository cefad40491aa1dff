"""Letters to members: the texts that they are made of, and the queue of those to print or mail.

What a letter says has a name in it: it is a row of its person's, and goes with them.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from server_stub.models.person import Person


class LetterKind(models.TextChoices):
    """What a letter is about, in the order in which a member gets them."""

    WELCOME = "welcome"
    DUES_CALL = "dues_call"
    REMINDER = "reminder"
    SECOND_REMINDER = "second_reminder"
    RENEWAL = "renewal"
    COMMITMENT_END = "commitment_end"


class LetterState(models.TextChoices):
    """Where a letter is: it leaves once, on paper or by mail."""

    QUEUED = "queued"
    MAILING = "mailing"
    """Handed to the mail server, which has not answered: it is never handed over again."""
    PRINTED = "printed"
    MAILED = "mailed"
    DROPPED = "dropped"
    """Somebody decided that it is not sent."""


class LetterText(models.Model):
    """The words of a kind of letter from a moment on; append-only, the newest counts."""

    kind = models.CharField(max_length=16, choices=LetterKind.choices)
    language = models.CharField(max_length=2)
    subject = models.CharField(max_length=120)
    body = models.CharField(max_length=4000)
    """With placeholders such as `{nom}`; an empty line begins a paragraph."""
    saved_by = models.PositiveBigIntegerField()
    """0: it came with the program."""
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["kind", "language", "id"], name="letter_text_newest")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=[it.value for it in LetterKind]),
                name="letter_text_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(language__in=["fr", "en"]), name="letter_text_language_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.language} {self.pk}"


class Letter(models.Model):
    """One letter to one member; of one occasion there is never a second."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="letters")
    kind = models.CharField(max_length=16, choices=LetterKind.choices)
    about = models.CharField(max_length=32)
    """The occasion: a month, or the end of a commitment."""
    language = models.CharField(max_length=2, default="fr")
    by_mail = models.BooleanField(default=False)
    """E-mail is tried before it is printed."""
    queued_at = models.DateTimeField()
    queued_by = models.PositiveBigIntegerField()
    """0: the service's own work."""
    state = models.CharField(max_length=8, choices=LetterState.choices, default=LetterState.QUEUED)
    tries = models.PositiveIntegerField(default=0)
    """How often a mail server was asked in vain."""
    trouble = models.CharField(max_length=40, blank=True, default="")
    """The name of what went wrong the last time, never its words."""
    text = models.ForeignKey(LetterText, on_delete=models.PROTECT, null=True)
    content = models.JSONField(null=True)
    """Word for word what left."""
    done_at = models.DateTimeField(null=True)
    done_by = models.PositiveBigIntegerField(null=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["state", "id"], name="letter_by_state"),
            models.Index(fields=["about"], name="letter_by_occasion"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["person", "kind", "about"], name="letter_once"),
            models.CheckConstraint(
                condition=Q(kind__in=[it.value for it in LetterKind]), name="letter_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[LetterState.QUEUED.value, LetterState.MAILING.value])
                & Q(done_at__isnull=True)
                | Q(
                    state__in=[
                        LetterState.PRINTED.value,
                        LetterState.MAILED.value,
                        LetterState.DROPPED.value,
                    ]
                )
                & Q(done_at__isnull=False),
                name="letter_done_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(
                    state__in=[
                        LetterState.MAILING.value,
                        LetterState.PRINTED.value,
                        LetterState.MAILED.value,
                    ]
                )
                | Q(text__isnull=False, content__isnull=False),
                name="letter_that_left_is_kept",
            ),
        ]

    def __str__(self) -> str:
        return f"letter {self.pk}: {self.kind}"
