"""The service's own work: due by the calendar, run by one process at a time, and put on record.

Each job does what is due and no more, so that running it twice changes nothing, and one run after
days of absence catches up. What one leaves undone for trouble is due again at once.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique
from pathlib import Path
from typing import Final

from django.db import DatabaseError, connections

from cardkit.clock import PARIS
from cardkit.errors import ClafoutisError
from server_stub.models import Card, JobRun, LetterKind, LoginFailure
from server_stub.rules.jobs import Job, due, next_due
from server_stub.services import (
    deputies,
    digest,
    directory,
    disputes,
    exits,
    issue,
    letters,
    mail,
    people,
    public_figures,
    second_factor,
    unclaimed,
)
from server_stub.services.backups import daily_copy
from server_stub.services.behind import Lock, lock
from server_stub.services.caisse import Caisse

logger = logging.getLogger(__name__)

LOGIN_FAILURES_KEPT: Final = timedelta(days=1)
_ONE_RUN: Final = 0x4A4F4253
"""Names the lock in PostgreSQL; `Caisse.alone` has another."""


@unique
class Outcome(StrEnum):
    """How a job ended."""

    DONE = "done"
    LOCKED = "locked"
    """The books are behind what was paid: nothing is decided until a person has said so."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One job that has just run."""

    job: Job
    outcome: Outcome
    count: int = 0
    """What it did: versions, cards, people, files."""
    trouble: str = ""
    """The name of what went wrong, never its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job as it stands."""

    job: Job
    began_at: datetime | None
    succeeded_at: datetime | None
    outcome: Outcome | None
    """None: never run, or nothing but a power cut ended it."""
    count: int
    trouble: str
    due_at: datetime


class AlreadyRunning(ClafoutisError):
    """Another process is at the same work."""


def run_jobs(caisse: Caisse, data_dir: Path, only: Job | None = None) -> list[Ran]:
    """Run what is due, or one job now; raises AlreadyRunning while another process does.

    Trouble with one keeps no other from running.
    """
    with _one_at_a_time(caisse, data_dir):
        states = job_states(caisse)
        succeeded = {state.job: state.succeeded_at for state in states}
        wanted = (only,) if only is not None else due(succeeded, now=caisse.now(), zone=PARIS)
        return [_run(caisse, data_dir, job) for job in wanted]


def job_states(caisse: Caisse) -> list[JobState]:
    """Return every job with its last run, and from when on it is due again."""
    rows = JobRun.objects.using(caisse.using).in_bulk()
    return [_state(caisse, job, rows.get(job.value)) for job in Job]


def _state(caisse: Caisse, job: Job, row: JobRun | None) -> JobState:
    succeeded_at = None if row is None else row.succeeded_at
    return JobState(
        job=job,
        began_at=None if row is None else row.began_at,
        succeeded_at=succeeded_at,
        outcome=Outcome(row.outcome) if row is not None and row.outcome else None,
        count=0 if row is None else row.count,
        trouble="" if row is None else row.trouble,
        due_at=next_due(job, succeeded_at, now=caisse.now(), zone=PARIS),
    )


def _run(caisse: Caisse, data_dir: Path, job: Job) -> Ran:
    row, _ = JobRun.objects.using(caisse.using).update_or_create(
        name=job.value,
        defaults={"began_at": caisse.now(), "ended_at": None, "outcome": "", "trouble": ""},
    )
    try:
        ran = _WORK[job](caisse, data_dir)
    except (ClafoutisError, DatabaseError, OSError) as error:
        ran = Ran(job=job, outcome=Outcome.FAILED, trouble=type(error).__name__)
    row.ended_at, row.outcome = caisse.now(), ran.outcome.value
    row.count, row.trouble = ran.count, ran.trouble
    if ran.outcome is Outcome.DONE:
        row.succeeded_at = row.began_at
    row.save(using=caisse.using)
    log = logger.error if ran.outcome is Outcome.FAILED else logger.info
    log("job", extra={"job": job.value, "outcome": ran.outcome.value, "count": ran.count})
    return ran


# What each does


def _backup(caisse: Caisse, data_dir: Path) -> Ran:
    return _done(Job.BACKUP, daily_copy(caisse, data_dir / "backups"))


def _reconcile(caisse: Caisse, _data_dir: Path) -> Ran:
    if lock(caisse) is not None:
        return Ran(job=Job.RECONCILE, outcome=Outcome.LOCKED)
    cards = unclaimed.settle(caisse)
    disputes.settle_due(caisse)
    with caisse.alone():
        issue.give_back(caisse, issue.kept_waiting(caisse))
    exits.lapse_due(caisse)
    return _done(Job.RECONCILE, cards)


def _issue(caisse: Caisse, _data_dir: Path) -> Ran:
    if lock(caisse) is not None:
        return Ran(job=Job.ISSUE, outcome=Outcome.LOCKED)
    return Ran(job=Job.ISSUE, outcome=Outcome.DONE, count=issue.issue_due(caisse))


def _letters(caisse: Caisse, _data_dir: Path) -> Ran:
    if lock(caisse) is not None:
        return Ran(job=Job.LETTERS, outcome=Outcome.LOCKED)
    letters.prepare(caisse, LetterKind.WELCOME, by=0)
    return Ran(job=Job.LETTERS, outcome=Outcome.DONE, count=mail.send_due(caisse))


def _digest(caisse: Caisse, _data_dir: Path) -> Ran:
    if lock(caisse) is Lock.SUSPECTED:
        return Ran(job=Job.DIGEST, outcome=Outcome.LOCKED)
    if Card.objects.using(caisse.using).exists():  # a caisse that has just begun has voted nothing
        directory.publish(caisse)
    return _done(Job.DIGEST, [digest.todays(caisse)])


def _figures(caisse: Caisse, _data_dir: Path) -> Ran:
    made = public_figures.count(caisse)
    return _done(Job.FIGURES, [] if made is None else [made])


def _retention(caisse: Caisse, _data_dir: Path) -> Ran:
    """Forget people whose time is over; letters, sessions, wrong passwords go uncounted."""
    erased = people.erase_due(caisse) + deputies.erase_due(caisse)
    letters.erase_due(caisse)
    second_factor.forget_ended(caisse)
    failures = LoginFailure.objects.using(caisse.using)
    failures.filter(at__lt=caisse.now() - LOGIN_FAILURES_KEPT).delete()
    return Ran(job=Job.RETENTION, outcome=Outcome.DONE, count=erased)


def _done(job: Job, things: Iterable[object]) -> Ran:
    return Ran(job=job, outcome=Outcome.DONE, count=sum(1 for _ in things))


_WORK: Final[Mapping[Job, Callable[[Caisse, Path], Ran]]] = {
    Job.BACKUP: _backup,
    Job.RECONCILE: _reconcile,
    Job.ISSUE: _issue,
    Job.LETTERS: _letters,
    Job.DIGEST: _digest,
    Job.FIGURES: _figures,
    Job.RETENTION: _retention,
}


@contextmanager
def _one_at_a_time(caisse: Caisse, data_dir: Path) -> Iterator[None]:
    """Hold the lock of this machine, and of the database where several machines share one.

    Both end with the process that holds them, however that ends.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(data_dir / "jobs.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning("jobs are running already") from error
        with _alone_in_database(caisse):
            yield
    finally:
        os.close(descriptor)


@contextmanager
def _alone_in_database(caisse: Caisse) -> Iterator[None]:
    connection = connections[caisse.using]
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_ONE_RUN])
        (got,) = cursor.fetchone() or (False,)
    if not got:
        raise AlreadyRunning("jobs are running already")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_ONE_RUN])
