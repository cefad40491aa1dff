"""A list of people who apply, looked at and then taken in: the same list twice makes nobody twice.

Looking writes nothing. Taking in looks again, and writes all who are new, or nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final, TypeAlias

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from cardkit.clock import business_date
from cardkit.errors import must
from server_stub.models import Person
from server_stub.rules.member_sheet import (
    BYTES_MAX,
    Applicant,
    Column,
    NotRead,
    Refused,
    Wrong,
    read_sheet,
)
from server_stub.rules.names import folded
from server_stub.services.amounts import euros
from server_stub.services.applications import NoWish, apply, refusal_of_wish, terms
from server_stub.services.caisse import Caisse

FILE_BYTES_MAX: Final = BYTES_MAX
TEMPLATE: Final = (
    ("Nom", "Lecœur"),
    ("Prénom", "Marthe"),
    ("Adresse", "3 rue du Moulin"),
    ("Code postal", "61100"),
    ("Commune", "Flers"),
    ("Téléphone", "02 33 00 00 00"),
    ("Courriel", "marthe@example.org"),
    ("Date de la demande", "03/11/2026"),
    ("Montant mensuel", "25"),
    ("Personnes", "2"),
)
"""A file to begin with: its headings, and what stands under each of them."""


Unread: TypeAlias = NotRead
"""Why nothing of a file is taken."""


@unique
class Fate(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    NAMESAKE = "namesake"
    """Somebody at another address is called the same: new only where a person says so."""
    HERE_BY_NAME = "here_by_name"
    HERE_BY_EMAIL = "here_by_email"
    TWICE = "twice"
    """An earlier row of the file is the same person."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One row of the file, and what becomes of it."""

    line: int
    fate: Fate
    name: str = ""
    address: str = ""
    email: str = ""
    monthly_cents: int | None = None
    why: Wrong | NoWish | str = ""
    """Of a refusal; `email` where that is none."""
    words: str = ""
    """Those that are wrong."""
    person: int = 0
    """Who is here already; 0: nobody."""
    applicant: Applicant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What importing a file would do."""

    heading: tuple[str, ...]
    columns: Mapping[Column, int]
    rows: tuple[Looked, ...]
    namesakes_too: bool
    """Whether namesakes are taken for other people."""

    def count(self, *fates: Fate) -> int:
        """Say how many rows have one of these fates."""
        return sum(row.fate in fates for row in self.rows)

    @property
    def new(self) -> tuple[Applicant, ...]:
        """Everybody whom importing puts on the waiting list."""
        fates = {Fate.NEW, Fate.NAMESAKE} if self.namesakes_too else {Fate.NEW}
        taken = (row.applicant for row in self.rows if row.fate in fates)
        return tuple(it for it in taken if it is not None)


def look(
    caisse: Caisse,
    content: bytes,
    columns: Mapping[str, int] | None = None,
    *,
    namesakes_too: bool = False,
) -> Preview | NotRead:
    """Say what importing a file would do, row by row; writes nothing.

    `columns`: where each is, from 0, by its `Column`; None: by their headings.
    """
    places = None if columns is None else {Column(name): at for name, at in columns.items()}
    sheet = read_sheet(content, today=business_date(caisse.now()), columns=places)
    if isinstance(sheet, NotRead):
        return sheet
    known = _Known(caisse)
    rows = [
        _refused(row.line, row.read.why, row.read.words)
        if isinstance(row.read, Refused)
        else _looked(row.line, row.read, known)
        for row in sheet.rows
    ]
    return Preview(
        heading=sheet.heading,
        columns=sheet.columns,
        rows=tuple(rows) if {Column.LAST_NAME, Column.FIRST_NAME} & set(sheet.columns) else (),
        namesakes_too=namesakes_too,
    )


def take_in(
    caisse: Caisse,
    content: bytes,
    columns: Mapping[str, int] | None = None,
    *,
    namesakes_too: bool = False,
    expected: int,
    by: int,
) -> int | Preview | NotRead:
    """Put everybody who is new on the waiting list; returns how many.

    Where they are not as many as were `expected`, nobody is, and the list is shown again.
    """
    must(by > 0, "a person imports a list")
    with caisse.alone():
        seen = look(caisse, content, columns, namesakes_too=namesakes_too)
        if isinstance(seen, NotRead) or len(seen.new) != expected:
            return seen
        for applicant in seen.new:
            _take(caisse, applicant)
        return len(seen.new)


class _Known:
    """Who is here, by what they are recognised by; grows with the rows of the file."""

    def __init__(self, caisse: Caisse) -> None:
        self.names: set[str] = set()
        self.at: dict[tuple[str, str], int] = {}
        self.emails: dict[str, int] = {}
        self.terms = terms(caisse)
        people = Person.objects.using(caisse.using).order_by("id")
        for person in people.values_list("id", "name", "address", "email"):
            self.add(*person)

    def add(self, person: int, name: str, address: str, email: str) -> None:
        """Remember somebody; the first of two counts."""
        self.names.add(_name_key(name))
        self.at.setdefault((_name_key(name), folded(address)), person)
        if email:
            self.emails.setdefault(email.casefold(), person)


def _name_key(name: str) -> str:
    """First name and last name in either order are the same name."""
    return " ".join(sorted(folded(name).split()))


def _looked(line: int, read: Applicant, known: _Known) -> Looked:
    wish = refusal_of_wish(read.monthly_cents, known.terms)
    if wish is not None:
        return _refused(line, wish, euros(read.monthly_cents or 0), name=read.name)
    if read.email and not _is_email(read.email):
        return _refused(line, "email", read.email[:40], name=read.name)
    place = (_name_key(read.name), folded(read.address))
    by_name, by_email = known.at.get(place), known.emails.get(read.email.casefold())
    fate = Fate.NAMESAKE if place[0] in known.names else Fate.NEW
    person = 0
    if by_name is not None or by_email is not None:
        person = by_email or 0 if by_name is None else by_name
        fate = Fate.HERE_BY_EMAIL if by_name is None else Fate.HERE_BY_NAME
        fate = fate if person else Fate.TWICE
    else:
        known.add(0, read.name, read.address, read.email)
    return Looked(
        line=line,
        fate=fate,
        name=read.name,
        address=read.address,
        email=read.email,
        monthly_cents=read.monthly_cents,
        person=person,
        applicant=read,
    )


def _refused(line: int, why: Wrong | NoWish | str, words: str = "", *, name: str = "") -> Looked:
    return Looked(line=line, fate=Fate.REFUSED, name=name, why=why, words=words)


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _take(caisse: Caisse, read: Applicant) -> None:
    apply(
        caisse,
        read.name,
        applied_on=read.applied_on,
        monthly_cents=read.monthly_cents,
        persons=read.persons,
        address=read.address,
        telephone=read.telephone,
        email=read.email,
    )
