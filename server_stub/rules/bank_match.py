"""What a line of the bank's statement is, and why we think so; what is doubtful has no proposal.

Three things lead from a credit to an account, in this order: the exact reference; a payer of whom
a person said so before; the amount and the rhythm. A debit is only ever a run of ours, by its
EndToEndId. Two answers are none: a person decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum, StrEnum, unique
from typing import Final

from server_stub.rules.payment_reference import references_in

RHYTHM_DAYS: Final = (25, 37)
"""A standing order comes a month after the last one, some days more or less."""
ENTERED_DAYS: Final = 7
"""How far the day of a payment that was entered by hand may be from the bank's."""
DEPOSIT_DAYS: Final = 21
"""How long the bank takes with cash and cheques."""
_RUN: Final = re.compile(r"(?<![A-Z0-9])(R[0-9]{1,10}-[0-9]{4,9})(?:-M([0-9]{1,10}))?(?![0-9-])")


@unique
class Outcome(StrEnum):
    """What a line was found to be."""

    CONTRIBUTION = "contribution"
    """It made a contribution."""
    ENTERED = "entered"
    """A contribution that somebody had entered by hand."""
    TAKEN_BACK = "taken_back"
    """It took a contribution back, such as a cheque that was not covered."""
    DEPOSIT = "deposit"
    """Cash or cheques of ours, which the bank has credited."""
    PAYOUT = "payout"
    """A run, or one payment of it."""
    RETURNED = "returned"
    """A payment of a run that came back."""
    ASIDE = "aside"
    """Nothing of members or merchants: fees, subsidies."""
    UNDONE = "undone"
    """What was said before was wrong: the line is open again."""


@unique
class Why(Enum):
    """What speaks for a proposal, or against making one."""

    REFERENCE = "the exact reference of an account or a commitment"
    KNOWN_PAYER = "the same payer as of a line that a person confirmed"
    RHYTHM = "the amount due, a month after the same amount"
    DEPOSIT = "the amount of cash or cheques that were handed in"
    END_TO_END_ID = "the EndToEndId of a payment of ours, and its amount"
    RUN_NAME = "the name of a run of ours, and its sum"
    CAME_BACK = "the EndToEndId of a payment of ours, coming back"
    AMOUNT_DIFFERS = "names a payment of ours, but with another amount"
    UNKNOWN_RUN = "names a run that the books do not have"
    SEVERAL = "fits several: a person decides"
    NOTHING = "fits nothing that is known"


@dataclass(frozen=True, slots=True)
class Text:
    """What a line says beside day and amount."""

    words: str
    payer_key: str


@dataclass(frozen=True, slots=True)
class Paid:
    """A contribution or deposit that no line of the bank was held against yet."""

    act: int
    account: int
    """0 of a deposit."""
    amount_cents: int
    day: date


@dataclass(frozen=True, slots=True)
class Expected:
    """What an account owes each month, and when it paid just that."""

    account: int
    amount_cents: int
    paid_on: tuple[date, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What of the books can say what some lines are: nothing else need be read for them."""

    first_day: date
    last_day: date
    amounts_cents: frozenset[int]
    payer_keys: frozenset[str]
    settlements: frozenset[str]

    @property
    def entered_days(self) -> tuple[date, date]:
        """The days of payments that somebody may have entered by hand."""
        near = timedelta(days=ENTERED_DAYS)
        return self.first_day - near, self.last_day + near

    @property
    def deposit_days(self) -> tuple[date, date]:
        """The days on which cash and cheques were handed in that the bank may have credited."""
        return self.first_day - timedelta(days=DEPOSIT_DAYS), self.last_day

    @property
    def rhythm_days(self) -> tuple[date, date]:
        """The days a month before."""
        shortest, longest = (timedelta(days=days) for days in RHYTHM_DAYS)
        return self.first_day - longest, self.last_day - shortest


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that lines are held against."""

    references: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """Of accounts and commitments, to accounts."""
    payers: Mapping[str, frozenset[int]] = field(default_factory=dict)
    expected: tuple[Expected, ...] = ()
    entered: tuple[Paid, ...] = ()
    deposits: tuple[Paid, ...] = ()
    runs: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    """Of each run, what it pays to which merchant, or what the statement proved that it paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a line seems to be; an outcome of None is no proposal, and says why not."""

    why: Why
    outcome: Outcome | None = None
    account: int = 0
    act: int | None = None
    settlement: str = ""
    merchant: int = 0


def sought(lines: Iterable[tuple[date, int, Text]]) -> Sought | None:
    """Return what to read for lines of a day, an amount and a text each; None: of no line."""
    held = list(lines)
    if not held:
        return None
    days = [day for day, _cents, _text in held]
    runs = (_RUN.search(text.words.upper()) for _day, _cents, text in held)
    return Sought(
        first_day=min(days),
        last_day=max(days),
        amounts_cents=frozenset(cents for _day, cents, _text in held),
        payer_keys=frozenset(text.payer_key for _day, _cents, text in held) - {""},
        settlements=frozenset(run[1] for run in runs if run is not None),
    )


def propose(day: date, amount_cents: int, text: Text, known: Known) -> Proposal:
    """Return what a line seems to be."""
    run = _RUN.search(text.words.upper())
    if run is not None and run[1] in known.runs:
        return _of_run(amount_cents, run[1], int(run[2] or 0), known.runs[run[1]])
    if amount_cents < 0 or (run is not None and run[2]):
        # A payment of ours that comes back is nobody's contribution, whoever sends it.
        return Proposal(why=Why.NOTHING if run is None else Why.UNKNOWN_RUN)
    found = _account(day, amount_cents, text, known)
    if found.outcome is not Outcome.CONTRIBUTION:
        return found
    act = entered_before(day, amount_cents, found.account, known)
    if act is None:
        return found
    return Proposal(why=found.why, outcome=Outcome.ENTERED, account=found.account, act=act)


def entered_before(day: date, amount_cents: int, account: int, known: Known) -> int | None:
    """Return the act by which somebody had entered the money of a line by hand, if any."""
    near = [
        (abs((it.day - day).days), it.act)
        for it in known.entered
        if (it.account, it.amount_cents) == (account, amount_cents)
    ]
    return next((act for days, act in sorted(near) if days <= ENTERED_DAYS), None)


def _of_run(amount_cents: int, name: str, merchant: int, pays_cents: Mapping[int, int]) -> Proposal:
    if merchant and merchant not in pays_cents:
        return Proposal(why=Why.UNKNOWN_RUN)
    wanted_cents = pays_cents[merchant] if merchant else sum(pays_cents.values())
    if abs(amount_cents) != wanted_cents:
        return Proposal(why=Why.AMOUNT_DIFFERS, settlement=name, merchant=merchant)
    if amount_cents > 0:
        if not merchant:
            return Proposal(why=Why.SEVERAL, settlement=name)
        return Proposal(
            why=Why.CAME_BACK, outcome=Outcome.RETURNED, settlement=name, merchant=merchant
        )
    why = Why.END_TO_END_ID if merchant else Why.RUN_NAME
    return Proposal(why=why, outcome=Outcome.PAYOUT, settlement=name, merchant=merchant)


def _account(day: date, amount_cents: int, text: Text, known: Known) -> Proposal:
    referred = {
        account
        for reference in references_in(text.words)
        for account in known.references.get(reference, ())
    }
    if referred:
        return _contribution(Why.REFERENCE, referred)
    payers = known.payers.get(text.payer_key, frozenset()) if text.payer_key else frozenset()
    deposits = [
        it
        for it in known.deposits
        if it.amount_cents == amount_cents and 0 <= (day - it.day).days <= DEPOSIT_DAYS
    ]
    if payers and deposits:
        return Proposal(why=Why.SEVERAL)
    if payers:
        return _contribution(Why.KNOWN_PAYER, payers)
    in_rhythm = {
        it.account
        for it in known.expected
        if it.amount_cents == amount_cents and any(_is_month(day, paid) for paid in it.paid_on)
    }
    if len(deposits) + len(in_rhythm) > 1:
        return Proposal(why=Why.SEVERAL)
    if deposits:
        return Proposal(why=Why.DEPOSIT, outcome=Outcome.DEPOSIT, act=deposits[0].act)
    return _contribution(Why.RHYTHM, in_rhythm) if in_rhythm else Proposal(why=Why.NOTHING)


def _contribution(why: Why, accounts: set[int] | frozenset[int]) -> Proposal:
    if len(accounts) > 1:
        return Proposal(why=Why.SEVERAL)
    return Proposal(why=why, outcome=Outcome.CONTRIBUTION, account=next(iter(accounts)))


def _is_month(day: date, paid: date) -> bool:
    shortest, longest = RHYTHM_DAYS
    return shortest <= (day - paid).days <= longest
