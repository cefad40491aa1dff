"""Jobs: what is due is done once, whoever asks and however late."""

from __future__ import annotations

import fcntl
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from cardkit.clock import PARIS
from server_stub.models import ActRow, AllowanceIssued, Erasure, JobRun, Person, Rule, Terminal
from server_stub.rules.jobs import Job, due, next_due
from server_stub.services import backups, behind, people
from server_stub.services.jobs import AlreadyRunning, Outcome, job_states, run_jobs
from tests.service_world import START, ServiceWorld
from tests.test_server_concurrency import connected

pytestmark = pytest.mark.django_db

SMALL_JOBS = (Job.RECONCILE, Job.ISSUE, Job.LETTERS, Job.DIGEST, Job.RETENTION)
"""All but the copy, which a transaction of a test can't have."""


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse with a card."""
    world = ServiceWorld.make()
    world.card()
    return world


def test_what_ran_today_is_due_tomorrow() -> None:
    """Promise 5: a day's work is due once a business day of Paris, and hourly work each hour."""
    assert (
        next_due(Job.ISSUE, START, now=START, zone=PARIS).isoformat() == "2026-10-01T22:00:00+00:00"
    )
    assert next_due(Job.RECONCILE, START, now=START, zone=PARIS) == START + timedelta(hours=1)
    assert next_due(Job.ISSUE, None, now=START, zone=PARIS) == START
    done = dict.fromkeys(Job, START)
    assert due(done, now=START, zone=PARIS) == ()
    assert due(done, now=START + timedelta(hours=2), zone=PARIS) == (Job.RECONCILE, Job.LETTERS)
    assert due(done, now=START + timedelta(days=9), zone=PARIS) == tuple(Job)
    assert due({}, now=START, zone=PARIS) == tuple(Job)


def test_running_twice_signs_nothing_twice(world: ServiceWorld, tmp_path: Path) -> None:
    """Promise 4: the second run of a day finds nothing to do, and adds no act."""
    world.clock.pass_time(timedelta(days=40))
    for job in SMALL_JOBS:
        (ran,) = run_jobs(world.caisse, tmp_path, job)
        assert ran.outcome is Outcome.DONE
    signed = ActRow.objects.count()
    for job in SMALL_JOBS:
        (again,) = run_jobs(world.caisse, tmp_path, job)
        assert again.outcome is Outcome.DONE
    assert ActRow.objects.count() == signed


def test_one_run_catches_up_with_months_of_absence(world: ServiceWorld, tmp_path: Path) -> None:
    """Promise 5: after two months without a machine, one run signs all that is due by then."""
    before = AllowanceIssued.objects.count()
    world.clock.pass_time(timedelta(days=62))
    (ran,) = run_jobs(world.caisse, tmp_path, Job.ISSUE)
    assert ran.count == AllowanceIssued.objects.count() - before == 1


def test_two_at_once_are_one(world: ServiceWorld, tmp_path: Path) -> None:
    """Promise 4: while one process is at it, another leaves at once, and does nothing."""
    with (tmp_path / "jobs.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(AlreadyRunning):
            run_jobs(world.caisse, tmp_path, Job.ISSUE)
    assert not JobRun.objects.exists()
    assert run_jobs(world.caisse, tmp_path, Job.ISSUE)[0].outcome is Outcome.DONE


def test_trouble_is_on_record_and_due_again(
    django_db_blocker: DjangoDbBlocker, tmp_path: Path
) -> None:
    """Promise 6: a copy that can't be written fails alone, and is due until it is there."""
    (tmp_path / "backups").write_text("in the way")
    with django_db_blocker.unblock(), connected("books", None, tmp_path):
        caisse = ServiceWorld.make(using="books").caisse
        (ran,) = run_jobs(caisse, tmp_path, Job.BACKUP)
        state = next(it for it in job_states(caisse) if it.job is Job.BACKUP)
        assert (ran.outcome, state.outcome) == (Outcome.FAILED, Outcome.FAILED)
        assert ran.trouble
        assert state.succeeded_at is None
        assert state.due_at <= caisse.now()
        (tmp_path / "backups").unlink()
        assert run_jobs(caisse, tmp_path, Job.BACKUP)[0].outcome is Outcome.DONE
        copied = backups.copied_at(tmp_path / "backups")
        assert copied == caisse.now().replace(microsecond=0)


def test_a_run_that_nothing_ended_is_due_again(world: ServiceWorld, tmp_path: Path) -> None:
    """Promise 5: a power cut in the middle of a job is no success."""
    JobRun.objects.create(name=Job.ISSUE.value, began_at=world.now)
    state = next(it for it in job_states(world.caisse) if it.job is Job.ISSUE)
    assert (state.outcome, state.due_at) == (None, world.now)


def test_nothing_is_decided_by_books_that_are_behind(world: ServiceWorld, tmp_path: Path) -> None:
    """Promise 2: jobs stop where people have to speak first, and say why."""
    stall = world.stall()
    row = Terminal.objects.get(id=stall.terminal)
    behind.notice_request(world.caisse, row, replace(stall.request(), epoch=9))
    for job in (Job.RECONCILE, Job.ISSUE, Job.DIGEST):
        (ran,) = run_jobs(world.caisse, tmp_path, job)
        assert ran.outcome is Outcome.LOCKED


def test_people_are_forgotten_two_years_after_the_last_contact(
    world: ServiceWorld, tmp_path: Path
) -> None:
    """Promise 7: nobody has to remember that somebody has to be forgotten."""
    people.register(world.caisse, "Camille Lefort")
    world.clock.pass_time(timedelta(days=730))
    assert run_jobs(world.caisse, tmp_path, Job.RETENTION)[0].count == 0
    world.clock.pass_time(timedelta(days=1))
    assert run_jobs(world.caisse, tmp_path, Job.RETENTION)[0].count == 1
    assert not Person.objects.exists()
    assert Erasure.objects.get().erased_by == 0


def test_a_caisse_that_has_just_begun_has_nothing_to_do(tmp_path: Path) -> None:
    """Promise 6: before anything was voted or issued, jobs run, and do nothing but sign the day."""
    made = ServiceWorld.make().caisse
    Rule.objects.all().delete()
    outcomes = [run_jobs(made, tmp_path, job)[0].outcome for job in SMALL_JOBS]
    assert outcomes == [Outcome.DONE] * len(SMALL_JOBS)


def test_so_many_copies_are_kept(tmp_path: Path) -> None:
    """Promise 6: the newest copies stay, and one that is not whole counts as none."""
    for number in range(20):
        (tmp_path / f"clafoutis-202610{number + 1:02}T080000Z.sqlite3").touch()
    (tmp_path / "clafoutis-20261021T080000Z.sqlite3.partial").touch()
    newest = backups.copies(tmp_path)[0]
    assert newest.name == "clafoutis-20261020T080000Z.sqlite3"
    copied = backups.copied_at(tmp_path)
    assert copied is not None
    assert copied.isoformat() == "2026-10-20T08:00:00+00:00"
