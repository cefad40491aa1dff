"""What the service does by itself, how often, and what is due after days of absence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum, unique
from typing import Final

from server_stub.rules.allowances import midnight


@unique
class Job(StrEnum):
    """In the order in which they run: what is kept first, then what is decided."""

    BACKUP = "backup"
    """A copy of the books."""
    RECONCILE = "reconcile"
    """Money whose time has come goes back to cards."""
    ISSUE = "issue"
    """Months that are due are signed."""
    LETTERS = "letters"
    """Welcomes are put into the queue, and letters by e-mail are sent."""
    DIGEST = "digest"
    """The day's digest, so that it is there even on a day without a terminal."""
    FIGURES = "figures"
    """What everybody may read is counted again."""
    RETENTION = "retention"
    """Whom nobody has been in touch with for two years is forgotten."""


HOURLY: Final = frozenset({Job.RECONCILE, Job.LETTERS})
"""The others run once a business day, whenever on it the service is there."""


def next_due(job: Job, succeeded_at: datetime | None, *, now: datetime, zone: tzinfo) -> datetime:
    """Return from when on a job is due; one that never went well is due now.

    However many days were missed, one run catches up: what a job does depends on what is, and
    never on how often it ran.
    """
    if succeeded_at is None:
        return now
    if job in HOURLY:
        return succeeded_at + timedelta(hours=1)
    return midnight(succeeded_at.astimezone(zone).date() + timedelta(days=1), zone)


def due(
    succeeded: Mapping[Job, datetime | None], *, now: datetime, zone: tzinfo
) -> tuple[Job, ...]:
    """Return the jobs that are due, in order; `succeeded`: when each last went well."""
    return tuple(job for job in Job if next_due(job, succeeded.get(job), now=now, zone=zone) <= now)
