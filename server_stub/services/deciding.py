"""What one person decides, and what takes a second one who decides just the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TypeAlias

from cardkit.errors import must
from server_stub.models import Proposal
from server_stub.rules.scheme import RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import voted


@unique
class NotDone(StrEnum):
    """Why a decision is not carried out; everything stays as it was."""

    NO_SUCH_FINDING = "no_such_finding"
    NOT_FOR_THIS = "not_for_this"
    """This kind of finding is not settled so."""
    NO_PROOF = "no_proof"
    """No card has proven it: what is paid without proof is a slip that two people enter."""
    NO_CARD = "no_card"
    NO_TERMINAL = "no_terminal"
    ALREADY = "already"
    """It was decided, held or disputed before."""
    NOT_PAYABLE = "not_payable"
    """Nothing is owed for this sale now, so nothing can be held or disputed of it."""
    MORE_THAN_LEFT = "more_than_left"
    """Less is left of the sale than that."""
    NO_MERCHANT = "no_merchant"
    """The lost terminal sold for several: somebody has to say for whom."""
    NO_SUCH_DISPUTE = "no_such_dispute"
    DECIDED = "decided"
    """The dispute is over."""
    NO_SUCH_ACT = "no_such_act"
    NOT_REVERSIBLE = "not_reversible"
    """A signed credit is never taken back, and a lost terminal stays lost."""
    REVERSED_ALREADY = "reversed_already"
    CAME_BACK = "came_back"
    """The return of this payout is on record, and rests on it."""
    LOCKED = "locked"
    """A restore is not finished: nothing is returned or paid."""


@dataclass(frozen=True, slots=True)
class Done:
    """It was carried out, by this act of the log."""

    act: int


@dataclass(frozen=True, slots=True)
class NeedsSecond:
    """It is kept, and carried out once a second person decides just the same."""

    first: int


Result: TypeAlias = Done | NeedsSecond | NotDone


def single_max_cents(caisse: Caisse) -> int:
    """Return up to what amount one person decides alone; 0 where nothing is voted."""
    return voted(caisse, RuleName.SINGLE_SIGNATURE_MAX_CENTS) or 0


def agreed(caisse: Caisse, subject: str, content: Sequence[int | str], *, by: int) -> int | None:
    """Return the first person once somebody else decides the same; None while nobody has.

    What was kept for another decision about the same subject makes room for the new one.
    """
    must(by > 0, "a person decides")
    manager = Proposal.objects.using(caisse.using)
    held = manager.filter(subject=subject).first()
    if held is not None and held.content == list(content) and held.by != by:
        first = held.by
        held.delete(using=caisse.using)
        return first
    if held is None or held.content != list(content):
        manager.update_or_create(
            subject=subject, defaults={"content": list(content), "by": by, "at": caisse.now()}
        )
    return None


def waiting(caisse: Caisse) -> list[Proposal]:
    """Return what waits for a second person, the oldest first."""
    return list(Proposal.objects.using(caisse.using).order_by("at", "id"))
