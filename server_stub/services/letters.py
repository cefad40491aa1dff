"""The queue of letters: what is due is prepared, printed or mailed once, and kept as it left.

Whoever prepares decides to whom is written; whoever prints has the letters in hand. A letter whose
reason is gone by then is taken out and said so. What left is a row of its person's: it is shown to
them, and erased with them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, unique
from typing import Any, Final

from django.conf import settings

from cardkit.errors import must
from server_stub.models import Letter, LetterKind, LetterState, Person
from server_stub.rules.scheme import STARTING_VALUES, RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.details import details_of, is_email
from server_stub.services.letter_facts import Known, is_moot, known, occasions
from server_stub.services.letter_texts import used, words_of
from server_stub.services.letter_values import content_of
from server_stub.services.rules_in_force import voted

BATCH_MAX: Final = 200
"""Of one printing; the rest is the next one."""


@unique
class NotPrinted(Enum):
    """Why no letter leaves."""

    NO_DETAILS = "nobody has said how the caisse is reached"
    NOTHING = "no letter waits"
    NOT_QUEUED = "it has left already, or was dropped"
    NO_LETTER = "there is no such letter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pile:
    """How many letters of a kind there are, and are to be."""

    kind: LetterKind
    due: int
    """To be prepared."""
    due_by_mail: int
    """Of these, to people with an e-mail address, where mail is set up."""
    to_print: int
    to_mail: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Letters that leave together on paper."""

    letters: tuple[Letter, ...]
    moot: int
    """How many were taken out because their reason is gone."""
    left: int
    """How many wait for the next batch."""

    @property
    def contents(self) -> list[dict[str, Any]]:
        """What is printed, letter by letter."""
        return [dict(it.content or {}) for it in self.letters]


def piles(caisse: Caisse) -> list[Pile]:
    """Return every kind with what is due and what waits, in the order in which members get them."""
    due = occasions(known(caisse))
    queued = Letter.objects.using(caisse.using).filter(state=LetterState.QUEUED)
    waiting = Counter(queued.values_list("kind", "by_mail"))
    return [
        Pile(
            kind=kind,
            due=sum(it.kind is kind for it in due),
            due_by_mail=sum(it.kind is kind and goes_by_mail(it.person) for it in due),
            to_print=waiting[kind.value, False],
            to_mail=waiting[kind.value, True],
        )
        for kind in LetterKind
    ]


def prepare(
    caisse: Caisse, kind: LetterKind, *, language: str = "fr", on_paper: bool = False, by: int
) -> int:
    """Put everything of a kind that is due into the queue; returns how many.

    Those with an e-mail address get theirs by mail where mail is set up, unless `on_paper`.
    """
    with caisse.alone():
        due = [it for it in occasions(known(caisse)) if it.kind is kind]
        for one in due:
            _queue(caisse, one.person, kind, one.about, language, on_paper=on_paper, by=by)
        return len(due)


def drop(caisse: Caisse, number: int, *, by: int) -> NotPrinted | None:
    """Decide that a letter that waits is not sent; it is not prepared again."""
    must(by > 0, "a person decides that")
    done = {"state": LetterState.DROPPED, "done_at": caisse.now(), "done_by": by}
    waiting = Letter.objects.using(caisse.using).filter(pk=number, state=LetterState.QUEUED)
    return None if waiting.update(**done) else NotPrinted.NOT_QUEUED


def on_paper(caisse: Caisse, number: int) -> NotPrinted | None:
    """Let a letter that waits for a mail go by paper instead."""
    waiting = Letter.objects.using(caisse.using).filter(pk=number, state=LetterState.QUEUED)
    return None if waiting.update(by_mail=False) else NotPrinted.NOT_QUEUED


def print_now(caisse: Caisse, kind: LetterKind | None = None, *, by: int) -> Batch | NotPrinted:
    """Let the letters that wait leave on paper, in the order of the queue; of one kind, or of all.

    To be called in one transaction with the making of their PDF: where none is made, none left.
    """
    must(by > 0, "a person prints letters")
    if details_of(caisse) is None:
        return NotPrinted.NO_DETAILS
    with caisse.alone():
        _settle_mail(caisse)
        waiting = Letter.objects.using(caisse.using).filter(state=LetterState.QUEUED, by_mail=False)
        if kind is not None:
            waiting = waiting.filter(kind=kind)
        found = list(waiting.select_related("person__account").order_by("id")[: BATCH_MAX + 1])
        batch, books = found[:BATCH_MAX], known(caisse)
        moot = [it for it in batch if is_moot(books, it)]
        Letter.objects.using(caisse.using).filter(pk__in=[it.pk for it in moot]).delete()
        leaving = [it for it in batch if it not in moot]
        if not leaving:
            return NotPrinted.NOTHING
        for letter in leaving:
            write(caisse, books, letter)
            letter.state, letter.done_at, letter.done_by = LetterState.PRINTED, caisse.now(), by
            letter.save(using=caisse.using)
        rest = waiting.exclude(pk__in=[it.pk for it in batch]).count() if found[BATCH_MAX:] else 0
        return Batch(letters=tuple(leaving), moot=len(moot), left=rest)


def again(caisse: Caisse, number: int) -> Batch | NotPrinted:
    """Return a letter that left as it left, with the others that were printed with it."""
    letter = Letter.objects.using(caisse.using).filter(pk=number).first()
    if letter is None or letter.content is None or letter.done_at is None:
        return NotPrinted.NO_LETTER
    if letter.state != LetterState.PRINTED:
        return Batch(letters=(letter,), moot=0, left=0)
    beside = Letter.objects.using(caisse.using).filter(
        state=LetterState.PRINTED, done_at=letter.done_at, done_by=letter.done_by
    )
    return Batch(letters=tuple(beside.order_by("id")), moot=0, left=0)


def write(caisse: Caisse, books: Known, letter: Letter) -> None:
    """Fill a letter in as it leaves; whoever calls it saves it."""
    kind = LetterKind(letter.kind)
    letter.text = used(caisse, kind, letter.language)
    letter.content = content_of(books, letter, words_of(caisse, kind, letter.language))


def waiting(caisse: Caisse, *, count: int, after: int = 0) -> list[Letter]:
    """Return letters that wait, the oldest first, behind the one of that number."""
    rows = Letter.objects.using(caisse.using).filter(state=LetterState.QUEUED, pk__gt=after)
    return list(rows.select_related("person").order_by("id")[:count])


def gone(caisse: Caisse, *, count: int, before: int | None = None) -> list[Letter]:
    """Return letters that left or were dropped, the newest first, before the one of that number."""
    rows = Letter.objects.using(caisse.using).exclude(state=LetterState.QUEUED)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.select_related("person").order_by("-id")[:count])


def find(caisse: Caisse, number: int) -> Letter | None:
    """Return a letter that was filled in; None where there is none."""
    rows = Letter.objects.using(caisse.using).filter(pk=number, content__isnull=False)
    return rows.select_related("person").first()


def letters_of(caisse: Caisse, person: Person) -> list[dict[str, Any]]:
    """Return what was written to a member, for the member."""
    rows = Letter.objects.using(caisse.using).filter(person=person, content__isnull=False)
    return [
        {"kind": it.kind, "state": it.state, "content": it.content} for it in rows.order_by("id")
    ]


def erase_due(caisse: Caisse) -> int:
    """Forget letters that left longer ago than names are kept; returns how many."""
    days = voted(caisse, RuleName.RETENTION_DAYS) or STARTING_VALUES[RuleName.RETENTION_DAYS]
    old = Letter.objects.using(caisse.using).filter(done_at__lt=caisse.now() - timedelta(days=days))
    return old.delete()[0]


def goes_by_mail(person: Person) -> bool:
    """Say whether a letter to somebody can go by e-mail."""
    return bool(settings.MAIL_IS_SET_UP and person.email and is_email(person.email))


def _queue(
    caisse: Caisse,
    person: Person,
    kind: LetterKind,
    about: str,
    language: str,
    *,
    on_paper: bool,
    by: int,
) -> None:
    Letter.objects.using(caisse.using).get_or_create(
        person=person,
        kind=kind,
        about=about,
        defaults={
            "language": language,
            "by_mail": not on_paper and goes_by_mail(person),
            "queued_at": caisse.now(),
            "queued_by": by,
        },
    )


def _settle_mail(caisse: Caisse) -> None:
    """Let letters wait for no mail where none is set up any more."""
    if not settings.MAIL_IS_SET_UP:
        rows = Letter.objects.using(caisse.using).filter(state=LetterState.QUEUED, by_mail=True)
        rows.update(by_mail=False)
