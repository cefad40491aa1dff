"""Letters by e-mail: over a real line to a real server, at most once, and else on paper."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from server_stub.mail_settings import MailServer, mail_server
from server_stub.models import Letter, LetterKind, LetterState
from server_stub.rules.jobs import Job
from server_stub.services import letters, mail, restore
from server_stub.services.jobs import Outcome, run_jobs
from server_stub.services.letter_texts import used
from server_stub.services.letters import Batch
from server_stub.services.mail import TRIES_MAX, Trouble
from tests.letter_world import ANNE, BRUNO, LetterWorld
from tests.smtp_server import Inbox, Mood, smtp_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """A mail server that the service is set up with."""
    with smtp_server() as served, set_up(served.port):
        yield served


@pytest.fixture
def world() -> LetterWorld:
    """A caisse that can be written from."""
    return LetterWorld.make()


def set_up(port: int) -> override_settings:
    """A service that mails by this port of this machine."""
    return override_settings(
        MAIL_IS_SET_UP=True,
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        DEFAULT_FROM_EMAIL="caisse@flers.example",
    )


def queued(world: LetterWorld, *, email: str = "marthe@example.org") -> Letter:
    """Marthe's welcome, in the queue."""
    world.member("Marthe", email=email)
    letters.prepare(world.world.caisse, LetterKind.WELCOME, by=ANNE)
    return Letter.objects.get()


def test_who_has_an_address_gets_a_mail_and_no_paper(world: LetterWorld, inbox: Inbox) -> None:
    """Promise: the same words by mail; once; and nothing is printed of it."""
    letter = queued(world)
    world.member("Paul")
    letters.prepare(world.world.caisse, LetterKind.WELCOME, by=ANNE)
    assert mail.send_due(world.world.caisse) == 1
    assert mail.send_due(world.world.caisse) == 0
    (sent,) = inbox.mails
    assert (inbox.recipients, sent["From"]) == (["marthe@example.org"], "caisse@flers.example")
    assert sent["Subject"] == "Bienvenue à la caisse"
    text = sent.get_content()
    assert "04C1 AF00 0000 01" in text
    assert "\n- La carte n’a pas de code." in text
    letter.refresh_from_db()
    assert (letter.state, letter.done_by) == (LetterState.MAILED, 0)
    batch = letters.print_now(world.world.caisse, by=BRUNO)
    assert isinstance(batch, Batch)
    assert [it.person.name for it in batch.letters] == ["Paul"]


@pytest.mark.parametrize(
    ("mood", "trouble", "taken"),
    [
        (Mood.KNOWS_NOBODY, Trouble.REFUSED, 0),
        (Mood.REFUSES, Trouble.REFUSED, 0),
        (Mood.HANGS_UP, Trouble.UNSURE, 1),
    ],
)
def test_what_a_server_did_not_take_is_printed(
    world: LetterWorld, inbox: Inbox, mood: Mood, trouble: Trouble, taken: int
) -> None:
    """Promise: a mail that failed is seen, is never sent again, and goes by paper."""
    letter = queued(world)
    inbox.mood = mood
    for _ in range(2):
        assert mail.send_due(world.world.caisse) == 0
        inbox.mood = Mood.TAKES
    assert len(inbox.mails) == taken, "never twice, whatever the server does later"
    letter.refresh_from_db()
    assert (letter.state, letter.by_mail, letter.trouble) == (LetterState.QUEUED, False, trouble)
    batch = letters.print_now(world.world.caisse, by=BRUNO)
    assert isinstance(batch, Batch)
    assert len(batch.letters) == 1


def test_a_line_that_broke_keeps_no_other_mail_back(world: LetterWorld, inbox: Inbox) -> None:
    """Promise: of many letters each has its own fate, and its own connection if need be."""
    queued(world)
    world.member("Paul", email="paul@example.org")
    letters.prepare(world.world.caisse, LetterKind.WELCOME, by=ANNE)
    inbox.mood = Mood.HANGS_UP
    assert mail.send_due(world.world.caisse) == 0
    assert inbox.recipients == ["marthe@example.org", "paul@example.org"]
    assert set(Letter.objects.values_list("trouble", flat=True)) == {Trouble.UNSURE}


def test_a_server_that_is_away_is_asked_again_and_then_given_up(world: LetterWorld) -> None:
    """Promise: a morning without mail server costs nothing; a week without one costs paper."""
    letter = queued(world)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with set_up(port):
        Letter.objects.update(by_mail=True)
        for tries in range(1, TRIES_MAX + 1):
            assert mail.send_due(world.world.caisse) == 0
            letter.refresh_from_db()
            assert (letter.tries, letter.trouble) == (tries, Trouble.UNREACHABLE)
            assert letter.by_mail == (tries < TRIES_MAX)


def test_a_letter_that_was_handed_over_when_we_died_is_not_handed_over_again(
    world: LetterWorld, inbox: Inbox
) -> None:
    """Promise: after a power cut in the middle of a mail nobody gets it twice."""
    letter = queued(world)
    letter.text = used(world.world.caisse, LetterKind.WELCOME, "fr")
    letter.content = {"body": []}
    letter.state = LetterState.MAILING  # as `_claimed` leaves it before the server is spoken to
    letter.save()
    assert letters.print_now(world.world.caisse, by=BRUNO) is letters.NotPrinted.NOTHING
    assert mail.send_due(world.world.caisse) == 0
    assert inbox.mails == []
    letter.refresh_from_db()
    assert (letter.state, letter.by_mail, letter.trouble) == (
        LetterState.QUEUED,
        False,
        Trouble.UNSURE,
    )


def test_after_a_restore_nothing_that_waited_in_the_backup_is_mailed(
    world: LetterWorld, inbox: Inbox
) -> None:
    """Promise: a mail that left after the backup was made is not sent again out of the backup."""
    letter = queued(world)
    world.pass_days(1)
    restore.declare_restored(world.world.caisse, by=ANNE)
    assert mail.send_due(world.world.caisse) == 0
    assert inbox.mails == []
    letter.refresh_from_db()
    assert (letter.by_mail, letter.trouble) == (False, Trouble.UNSURE)


@pytest.mark.parametrize("email", ["", "marthe", "marthe@", "a@b.example\nBcc: x@y.example"])
def test_who_has_no_address_that_is_one_gets_paper(
    world: LetterWorld, inbox: Inbox, email: str
) -> None:
    """Promise: a wrong address is no mail to somebody else; the letter is printed."""
    assert not queued(world, email=email).by_mail


def test_paid_meanwhile_is_not_mailed(world: LetterWorld, inbox: Inbox) -> None:
    """Promise 7: nobody is reminded of what they have paid."""
    person = world.member("Marthe", email="marthe@example.org")
    world.pass_days(15)
    letters.prepare(world.world.caisse, LetterKind.REMINDER, by=ANNE)
    world.pay(person)
    assert mail.send_due(world.world.caisse) == 0
    assert (inbox.mails, Letter.objects.count()) == ([], 0)


def test_without_a_mail_server_everything_is_printed(world: LetterWorld) -> None:
    """Promise: a caisse without mail loses no letter, not even those that waited for it."""
    letter = queued(world)
    assert not letter.by_mail
    Letter.objects.update(by_mail=True)
    batch = letters.print_now(world.world.caisse, by=BRUNO)
    assert isinstance(batch, Batch)
    assert [it.pk for it in batch.letters] == [letter.pk]


def test_the_hourly_job_welcomes_and_mails(
    world: LetterWorld, inbox: Inbox, tmp_path: Path
) -> None:
    """Promise: a new card's letter is in the queue by itself; mail leaves without anybody."""
    world.member("Marthe", email="marthe@example.org")
    world.member("Paul")
    for count in (1, 0):
        (ran,) = run_jobs(world.world.caisse, tmp_path, Job.LETTERS)
        assert (ran.outcome, ran.count) == (Outcome.DONE, count)
    assert [it["Subject"] for it in inbox.mails] == ["Bienvenue à la caisse"]
    assert sorted(Letter.objects.values_list("kind", "state", "queued_by")) == [
        ("welcome", "mailed", 0),
        ("welcome", "queued", 0),
    ]


# Where mail goes


def test_an_address_of_a_server_is_read() -> None:
    """Promise: TLS over every network, and the clear only within this machine."""
    assert mail_server(None) == MailServer()
    found = mail_server("smtp://caisse%40flers.example:p%40ss@mail.example:2525")
    assert (found.host, found.port, found.starts_tls, found.is_tls) == (
        "mail.example",
        2525,
        True,
        False,
    )
    assert (found.user, found.password, found.sender) == (
        "caisse@flers.example",
        "p@ss",
        "caisse@flers.example",
    )
    over_tls = mail_server("smtps://mail.example?from=a@b.example")
    assert (over_tls.port, over_tls.is_tls, over_tls.sender) == (465, True, "a@b.example")
    assert not mail_server("smtp://localhost:25?from=a@b.example").starts_tls
    assert "p@ss" not in repr(found)


@pytest.mark.parametrize(
    "address",
    [
        "mail.example",
        "http://x:secret@y",
        "smtp://u:secret@mail.example",
        "smtp://h:secret?from=a@b",
    ],
)
def test_a_wrong_address_is_said_without_its_password(address: str) -> None:
    """Promise: a password stands in no message."""
    with pytest.raises(ImproperlyConfigured) as wrong:
        mail_server(address)
    assert "secret" not in str(wrong.value)
    assert "CLAFOUTIS_SMTP_URL" in str(wrong.value)
