"""Letters: prepared for whom one is due to, printed or mailed once, erased with their person."""

from __future__ import annotations

import json

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from server_stub.models import CaisseDetails, Letter, LetterKind, LetterState, LetterText, Person
from server_stub.rules.letters import (
    BODY_MAX,
    Objection,
    Part,
    Wrong,
    as_text,
    fill,
    objection,
    parts,
)
from server_stub.rules.scheme import LateDues, RuleName
from server_stub.services import letter_texts, letters, people, rules_in_force
from server_stub.services.letters import Batch, NotPrinted
from tests.letter_world import ANNE, BRUNO, OCTOBER, LetterWorld

pytestmark = pytest.mark.django_db
HOSTILE = '#read("/etc/passwd") ] \\ @ $ {montant} <x>'


@pytest.fixture
def world() -> LetterWorld:
    """A caisse that can be written from."""
    return LetterWorld.make()


def due(world: LetterWorld) -> dict[str, int]:
    """How many letters of each kind are to be prepared."""
    return {it.kind.value: it.due for it in letters.piles(world.world.caisse) if it.due}


def printed(world: LetterWorld, kind: LetterKind | None = None) -> Batch:
    """Print what waits."""
    done = letters.print_now(world.world.caisse, kind, by=BRUNO)
    assert isinstance(done, Batch), done
    return done


def said(batch: Batch) -> str:
    """Everything that a batch says."""
    return json.dumps(batch.contents, ensure_ascii=False)


# Words


@pytest.mark.parametrize(
    ("subject", "body", "wrong", "words"),
    [
        ("", "x", Wrong.EMPTY, ()),
        ("x", "  \n", Wrong.EMPTY, ()),
        ("x", "y" * (BODY_MAX + 1), Wrong.TOO_LONG, ()),
        ("a\nBcc: b@example.org", "x", Wrong.SUBJECT_OF_LINES, ()),
        ("x", "{nom", Wrong.LONE_BRACE, ()),
        ("x", "a } b", Wrong.LONE_BRACE, ()),
        ("x", "{nom} {carte}", Wrong.UNKNOWN_PLACEHOLDER, ("carte",)),
        ("{Nom}", "{revenu} {}", Wrong.UNKNOWN_PLACEHOLDER, ("Nom", "revenu", "")),
    ],
)
def test_a_text_that_can_not_be_filled_is_refused(
    subject: str, body: str, wrong: Wrong, words: tuple[str, ...]
) -> None:
    """Promise: no letter leaves with a hole: what nobody can fill in is said when it is typed."""
    assert objection("reminder", subject, body) == Objection(wrong=wrong, words=words)


def test_what_is_filled_in_is_no_placeholder_and_no_line() -> None:
    """Promise: a member may be called anything, and the letter stays the letter."""
    values = {"nom": "{montant}\nBcc: x\r\n- y", "montant": "20"}
    assert fill("{nom}", values) == "{montant} Bcc: x - y"
    assert parts("Bonjour {nom},\nbien.\n\n- un\n- {montant}\nfin", values) == (
        Part(lines=("Bonjour {montant} Bcc: x - y,", "bien.")),
        Part(items=("un", "20")),
        Part(lines=("fin",)),
    )
    assert as_text(parts("a\n\n- b\n- c", values)) == "a\n\n- b\n- c"


@pytest.mark.parametrize("kind", list(LetterKind))
@pytest.mark.parametrize("language", letter_texts.LANGUAGES)
def test_what_comes_with_the_program_can_be_filled(kind: LetterKind, language: str) -> None:
    """Promise: every kind has words in both languages from the first day."""
    assert objection(kind.value, *letter_texts.shipped(kind.value, language)) is None


def test_a_letter_says_by_which_words_it_was_written(world: LetterWorld) -> None:
    """Promise: words can be changed at any time, and what left keeps the ones it was made of."""
    caisse = world.world.caisse
    world.member("Marthe")
    letters.prepare(caisse, LetterKind.WELCOME, by=ANNE)
    saved = letter_texts.save_words(
        caisse, LetterKind.WELCOME, "fr", subject="Bonjour {nom}", body="Carte {carte}", by=ANNE
    )
    assert isinstance(saved, LetterText), saved
    (letter,) = printed(world).letters
    letter_texts.save_words(caisse, LetterKind.WELCOME, "fr", subject="x", body="y", by=ANNE)
    letter.refresh_from_db()
    assert letter.text == saved
    assert letter.content is not None
    assert letter.content["subject"] == "Bonjour Marthe"
    assert letter.content["body"] == [{"lines": ["Carte 04C1 AF00 0000 01"], "items": []}]
    assert [
        it.subject for it in letter_texts.history(caisse, LetterKind.WELCOME, "fr", count=9)
    ] == [
        "x",
        "Bonjour {nom}",
    ]


def test_shipped_words_are_kept_once_they_are_used(world: LetterWorld) -> None:
    """Promise: a later release changes no letter that left."""
    caisse = world.world.caisse
    for name in ("Marthe", "Paul"):
        world.member(name)
    letters.prepare(caisse, LetterKind.WELCOME, by=ANNE)
    assert not LetterText.objects.exists()
    printed(world)
    kept = LetterText.objects.get()
    assert (kept.saved_by, kept.subject) == (0, "Bienvenue à la caisse")


# Who gets one


def test_a_welcome_tells_the_number_and_what_to_do_when_it_is_lost(world: LetterWorld) -> None:
    """Promise: whoever loses a card has number and telephone on paper."""
    world.member("Marthe")
    assert due(world) == {"welcome": 1, "dues_call": 1}
    assert letters.prepare(world.world.caisse, LetterKind.WELCOME, by=ANNE) == 1
    text = said(printed(world))
    for word in ("Marthe", "04C1 AF00 0000 01", "06 12 34 56 78", "100,00\u00a0€"):
        assert word in text
    assert "welcome" not in due(world)


def test_reminders_are_gentle_then_again_and_then_no_more(world: LetterWorld) -> None:
    """Promise: of one lateness there are two letters, a fortnight apart, and never a third."""
    caisse = world.world.caisse
    person = world.member("Marthe")
    world.pass_days(15)
    assert due(world)["reminder"] == 1
    assert letters.prepare(caisse, LetterKind.REMINDER, by=ANNE) == 1
    assert letters.prepare(caisse, LetterKind.REMINDER, by=ANNE) == 0, "it waits already"
    assert "20,00\u00a0€ pour octobre 2026" in said(printed(world, LetterKind.REMINDER))
    world.pass_days(13)
    assert "second_reminder" not in due(world)
    world.pass_days(1)
    letters.prepare(caisse, LetterKind.SECOND_REMINDER, by=ANNE)
    assert "Nous aimerions trouver une solution" in said(printed(world, LetterKind.SECOND_REMINDER))
    world.pass_days(40)
    assert not {"reminder", "second_reminder"} & due(world).keys()
    assert Letter.objects.filter(person=person).count() == 2


def test_nobody_is_reminded_of_what_was_paid_meanwhile(world: LetterWorld) -> None:
    """Promise 7: a letter whose reason is gone when it is printed is not printed."""
    caisse = world.world.caisse
    marthe, _paul = world.member("Marthe"), world.member("Paul")
    world.pass_days(15)
    letters.prepare(caisse, LetterKind.REMINDER, by=ANNE)
    world.pay(marthe)
    batch = printed(world)
    assert (batch.moot, [it.person.name for it in batch.letters]) == (1, ["Paul"])
    assert not Letter.objects.filter(person=marthe).exists(), "the next lateness is another letter"


def test_where_lateness_leads_to_nothing_nobody_is_reminded(world: LetterWorld) -> None:
    """Promise: whether anybody is reminded is a vote."""
    rules_in_force.set_rule(
        world.world.caisse, RuleName.LATE_DUES, int(LateDues.NOTHING), from_day=OCTOBER
    )
    world.member("Marthe")
    world.pass_days(15)
    assert "reminder" not in due(world)


def test_a_renewal_is_offered_weeks_ahead_and_an_end_is_told(world: LetterWorld) -> None:
    """Promise: nobody's credit ends without a letter before and a letter after."""
    caisse = world.world.caisse
    world.member("Marthe")
    world.pass_days(45)
    assert "renewal" not in due(world)
    world.pass_days(15)  # 30 November, 32 days before the end
    assert letters.prepare(caisse, LetterKind.RENEWAL, by=ANNE) == 1
    text = said(printed(world, LetterKind.RENEWAL))
    assert "jusqu’à fin décembre 2026" in text
    assert "3 mois à partir de janvier 2027" in text
    world.pass_days(65)  # the month of grace is over
    assert letters.prepare(caisse, LetterKind.COMMITMENT_END, by=ANNE) == 1
    text = said(printed(world, LetterKind.COMMITMENT_END))
    assert "À partir de février 2027" in text
    assert "vous pouvez encore le dépenser" in text
    world.pass_days(300)
    assert "commitment_end" not in due(world)


def test_what_was_dropped_is_not_prepared_again(world: LetterWorld) -> None:
    """Promise: who decides that somebody is not written to has decided it."""
    caisse = world.world.caisse
    world.member("Marthe")
    letters.prepare(caisse, LetterKind.WELCOME, by=ANNE)
    (letter,) = letters.waiting(caisse, count=9)
    assert letters.drop(caisse, letter.pk, by=BRUNO) is None
    assert letters.drop(caisse, letter.pk, by=BRUNO) is NotPrinted.NOT_QUEUED
    assert letters.prepare(caisse, LetterKind.WELCOME, by=ANNE) == 0
    assert letters.print_now(caisse, by=BRUNO) is NotPrinted.NOTHING
    (gone,) = letters.gone(caisse, count=9)
    assert (gone.state, gone.done_by) == (LetterState.DROPPED, BRUNO)


# Once


def test_a_letter_is_printed_once_and_can_be_seen_again(world: LetterWorld) -> None:
    """Promise: nobody gets two letters; a jammed printer gets the same ones once more."""
    caisse = world.world.caisse
    world.member("Marthe")
    letters.prepare(caisse, LetterKind.WELCOME, by=ANNE)
    first = printed(world)
    assert letters.print_now(caisse, by=BRUNO) is NotPrinted.NOTHING
    world.pass_days(3)
    again = letters.again(caisse, first.letters[0].pk)
    assert isinstance(again, Batch)
    assert again.contents == first.contents
    assert letters.again(caisse, 999_999) is NotPrinted.NO_LETTER
    with pytest.raises(IntegrityError), transaction.atomic():
        Letter.objects.create(
            person=first.letters[0].person,
            kind=LetterKind.WELCOME,
            about="card",
            queued_at=world.world.now,
            queued_by=ANNE,
        )


def test_without_an_address_of_the_caisse_nothing_is_printed(world: LetterWorld) -> None:
    """Promise: no letter says to call a number that is a row of dots."""
    world.member("Marthe")
    letters.prepare(world.world.caisse, LetterKind.WELCOME, by=ANNE)
    CaisseDetails.objects.all().delete()
    assert letters.print_now(world.world.caisse, by=BRUNO) is NotPrinted.NO_DETAILS
    assert Letter.objects.get().state == LetterState.QUEUED


# Whose it is


def test_letters_go_with_their_person(world: LetterWorld) -> None:
    """Promise 7: who is forgotten is forgotten in every letter, waiting or gone."""
    caisse = world.world.caisse
    marthe = world.member("Marthe Lecœur")
    letters.prepare(caisse, LetterKind.WELCOME, by=ANNE)
    printed(world)
    letters.prepare(caisse, LetterKind.DUES_CALL, by=ANNE)
    (told,) = people.all_about(caisse, marthe)["letters"]
    assert "Marthe Lecœur" in told["content"]["address"]
    people.erase(caisse, marthe, by=ANNE)
    for model in apps.get_app_config("clafoutis").get_models():
        for row in model._default_manager.values():
            assert "Lecœur" not in json.dumps(row, default=repr, ensure_ascii=False), model


def test_old_letters_are_forgotten_by_the_retention_job(world: LetterWorld) -> None:
    """Promise 7: a letter is kept no longer than a name would be."""
    caisse = world.world.caisse
    world.member("Marthe", months=40)
    letters.prepare(caisse, LetterKind.WELCOME, by=ANNE)
    printed(world)
    world.pass_days(729)
    assert letters.erase_due(caisse) == 0
    world.pass_days(2)
    assert letters.erase_due(caisse) == 1
    assert Person.objects.count() == 1


def test_due_letters_cost_the_same_for_two_members_and_for_many(world: LetterWorld) -> None:
    """Promise: a page that says what is to print is as quick for a hundred members."""
    counts = []
    for name in ("Marthe", "Paul", "Zoé"):
        world.member(name)
        world.pass_days(15)
        with CaptureQueriesContext(connection) as asked:
            letters.piles(world.world.caisse)
        counts.append(len(asked))
    assert counts[1] == counts[2] <= 25, counts


def test_hostile_names_are_words_in_a_letter(world: LetterWorld) -> None:
    """Promise: what somebody is called is printed as it is, wherever it stands."""
    world.member(HOSTILE)
    letters.prepare(world.world.caisse, LetterKind.WELCOME, by=ANNE)
    (content,) = printed(world).contents
    assert content["address"][0] == HOSTILE
    assert content["body"][0]["lines"] == [f"Bonjour {HOSTILE},"]
