"""Waves: who of the waiting list is admitted, in the voted order, for everybody to repeat."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, unique

from django.db.models import Max

from cardkit.membership import (
    CANDIDATES_MAX,
    SEED_CHARACTERS_MAX,
    AdmissionOrder,
    WaveAdmitted,
    drawn,
)
from server_stub.models import Person, Wave
from server_stub.rules.scheme import RuleName
from server_stub.services import acts
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import voted


@unique
class NotDrawn(Enum):
    """Why a wave can't be put together as asked."""

    NOBODY_WAITS = "nobody waits"
    NO_PLACES = "a wave has at least one place"
    SEED_NEEDED = "a draw has a seed that was published"
    SEED_NOT_USED = "the voted order is the day of application, and no seed changes it"
    TOO_MANY = "more wait than one act can name"
    LIST_CHANGED = "somebody else waits since the list was shown, or no longer does"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveDraw:
    """A wave before it is admitted: everybody who waits, in the order of admission."""

    number: int
    order: AdmissionOrder
    seed: str
    people: tuple[Person, ...]
    places: int
    """How many of them are admitted."""
    fingerprint: bytes
    """SHA-256 of the sorted accounts: published before the seed is known."""

    @property
    def admitted(self) -> tuple[Person, ...]:
        """Those who are admitted."""
        return self.people[: self.places]


def waiting_list(caisse: Caisse) -> list[Person]:
    """Return who waits for a wave, in the order in which they applied."""
    waiting = Person.objects.using(caisse.using).filter(account__admission__isnull=True)
    return list(waiting.select_related("account", "application").order_by("applied_on", "id"))


def order_of(caisse: Caisse) -> AdmissionOrder:
    """Return the order that is voted."""
    return AdmissionOrder(voted(caisse, RuleName.ADMISSION_ORDER) or AdmissionOrder.APPLICATION)


def fingerprint(accounts: Iterable[bytes]) -> bytes:
    """Return what stands for a list of accounts, whatever its order."""
    return hashlib.sha256(b"".join(sorted(accounts))).digest()


def draw(caisse: Caisse, *, places: int, seed: str = "") -> WaveDraw | NotDrawn:
    """Put a wave together by the order in force today, and write nothing."""
    order = order_of(caisse)
    waiting = waiting_list(caisse)
    refusal = _refusal(order, waiting, places, seed)
    if refusal is not None:
        return refusal
    by_account = {bytes(it.account.number): it for it in waiting}
    if order is AdmissionOrder.DRAW:
        waiting = [by_account[account] for account in drawn(seed, by_account)]
    last = Wave.objects.using(caisse.using).aggregate(last=Max("number"))["last"] or 0
    return WaveDraw(
        number=last + 1,
        order=order,
        seed=seed,
        people=tuple(waiting),
        places=min(places, len(waiting)),
        fingerprint=fingerprint(by_account),
    )


def admit(
    caisse: Caisse, *, places: int, seed: str = "", by: int, shown: bytes | None = None
) -> WaveDraw | NotDrawn:
    """Admit a wave: the same list as `draw` shows, put on record by accounts.

    `shown`: the fingerprint of the list that somebody has looked at; another one is not admitted.
    """
    with caisse.alone():
        made = draw(caisse, places=places, seed=seed)
        if isinstance(made, NotDrawn):
            return made
        if shown is not None and made.fingerprint != shown:
            return NotDrawn.LIST_CHANGED
        body = WaveAdmitted(
            wave=made.number,
            order=made.order,
            candidates=tuple(bytes(it.account.number) for it in made.people),
            places=made.places,
            seed=made.seed,
        )
        acts.record(caisse, body, by=by)
        return made


def _refusal(
    order: AdmissionOrder, waiting: list[Person], places: int, seed: str
) -> NotDrawn | None:
    if places < 1:
        return NotDrawn.NO_PLACES
    if not waiting:
        return NotDrawn.NOBODY_WAITS
    if len(waiting) > CANDIDATES_MAX:
        return NotDrawn.TOO_MANY
    if order is AdmissionOrder.DRAW:
        return None if 0 < len(seed) <= SEED_CHARACTERS_MAX else NotDrawn.SEED_NEEDED
    return NotDrawn.SEED_NOT_USED if seed else None
