"""The words of each kind of letter: those that came with the program, until a person saves others.

Every text that was ever saved stays, so that a letter of two years ago can still say by which
words it was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

from cardkit.errors import must
from server_stub.models import LetterKind, LetterText
from server_stub.rules.letters import Objection, objection
from server_stub.services.caisse import Caisse

LANGUAGES: Final = ("fr", "en")
_OURS: Final = Path(__file__).resolve().parent.parent / "letters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a kind of letter says now."""

    kind: LetterKind
    language: str
    subject: str
    body: str
    saved_by: int = 0
    """0: they came with the program."""
    saved_at: datetime | None = None


def words_of(caisse: Caisse, kind: LetterKind, language: str) -> Words:
    """Return the words in force."""
    row = _newest(caisse, kind, language)
    if row is None or row.saved_by == 0:  # a release may bring better words than were used before
        subject, body = shipped(kind.value, language)
        return Words(kind=kind, language=language, subject=subject, body=body)
    return Words(
        kind=kind,
        language=language,
        subject=row.subject,
        body=row.body,
        saved_by=row.saved_by,
        saved_at=row.saved_at,
    )


def save_words(
    caisse: Caisse, kind: LetterKind, language: str, *, subject: str, body: str, by: int
) -> LetterText | Objection:
    """Put other words in force from now on; what is wrong with them is said, and nothing kept."""
    must(by > 0, "a person writes the words of letters")
    must(language in LANGUAGES, "letters are written in a language that we know")
    typed = body.replace("\r\n", "\n").strip()
    refusal = objection(kind.value, subject.strip(), typed)
    if refusal is not None:
        return refusal
    return _keep(caisse, kind, language, subject.strip(), typed, by=by)


def objection_to(kind: LetterKind, subject: str, body: str) -> Objection | None:
    """Say what is wrong with words that somebody tries; None: nothing."""
    return objection(kind.value, subject.strip(), body.strip())


def used(caisse: Caisse, kind: LetterKind, language: str) -> LetterText:
    """Return the row of the words in force, for a letter that leaves; the first use keeps it."""
    row, words = _newest(caisse, kind, language), words_of(caisse, kind, language)
    if row is not None and (row.subject, row.body) == (words.subject, words.body):
        return row
    return _keep(caisse, kind, language, words.subject, words.body, by=0)


def history(caisse: Caisse, kind: LetterKind, language: str, *, count: int) -> list[LetterText]:
    """Return the last texts, the newest first."""
    rows = LetterText.objects.using(caisse.using).filter(kind=kind, language=language)
    return list(rows.order_by("-id")[:count])


@cache
def shipped(kind: str, language: str) -> tuple[str, str]:
    """Return subject and body as they came with the program."""
    text = (_OURS / f"{kind}.{language}.txt").read_text("utf-8")
    subject, _, body = text.partition("\n")
    return subject.strip(), body.strip()


def _newest(caisse: Caisse, kind: LetterKind, language: str) -> LetterText | None:
    rows = LetterText.objects.using(caisse.using).filter(kind=kind, language=language)
    return rows.order_by("-id").first()


def _keep(
    caisse: Caisse, kind: LetterKind, language: str, subject: str, body: str, *, by: int
) -> LetterText:
    return LetterText.objects.using(caisse.using).create(
        kind=kind,
        language=language,
        subject=subject,
        body=body,
        saved_by=by,
        saved_at=caisse.now(),
    )
