"""Runs of payouts as pages and tables show them: values, read by `payouts_read`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from server_stub.rules.statement import PayeeStatement
from server_stub.services.acts_read import ActSeen

_CHANGES_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RunListed:
    """One line of the list of runs."""

    key: int
    """Where the next page begins: the number of the act that approved it; 0 of a draft."""
    name: str
    state: str
    at: datetime
    """When it was approved; of a draft, drawn up."""
    sum_cents: int
    merchants: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsPage:
    """Runs, newest first, and where the next page begins."""

    runs: tuple[RunListed, ...]
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSeen:
    """What a run pays to one merchant, and what a person should look at before signing."""

    merchant: int
    name: str
    amount_cents: int
    total_cents: int
    last_cents: int
    """What the run before paid; 0: nothing."""
    has_account: bool
    """Whether a bank account may be paid to now: entered, confirmed by two, and old enough."""
    is_account_new: bool
    """It was confirmed after the run before was approved."""
    account_end: str
    """The last four digits of it; empty where there is none."""
    has_returned: bool
    """A payment to this merchant came back from the bank, and nobody has closed that."""
    is_owed_again: bool
    """The bank gave this payment back, and two people said so."""
    is_shown: bool
    """The bank's statement shows that it was paid."""
    part: PayeeStatement | None
    """Its days, terminals, corrections, what is late and what is kept back."""

    @property
    def change_cents(self) -> int:
        """How much more than the run before."""
        return self.amount_cents - self.last_cents

    @property
    def late_cents(self) -> int:
        """What of it happened before the run before, and arrived after."""
        days = () if self.part is None else self.part.days
        return sum(day.sum_cents for day in days if day.is_late)

    @property
    def kept_cents(self) -> int:
        """What is not paid yet."""
        return sum(row.amount_cents for row in (() if self.part is None else self.part.kept))

    @property
    def sales(self) -> int:
        """How many sales it pays."""
        return 0 if self.part is None else self.part.totals.sales


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSeen:
    """A file or a paper that left."""

    form: str
    sha256: str
    made_at: datetime
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSeen:
    """A run with its lines and all that was done about it."""

    name: str
    state: str
    lines: tuple[LineSeen, ...]
    drawn_up_by: int
    drawn_up_by_name: str
    at: datetime
    counted_since: datetime | None
    last_name: str
    """The run that it is compared with; empty where there is none."""
    last_sum_cents: int
    acts: tuple[ActSeen, ...]
    files: tuple[FileSeen, ...]
    seen: str
    """Names just these lines, in hex digits; empty once they cannot change any more."""
    is_stale: bool
    """The books do not come to its amounts any more: it has to be drawn up again."""

    @property
    def sum_cents(self) -> int:
        """What it pays in all."""
        return sum(line.amount_cents for line in self.lines)

    @property
    def change_cents(self) -> int:
        """How much more than the run before."""
        return self.sum_cents - self.last_sum_cents

    @property
    def biggest_changes(self) -> tuple[LineSeen, ...]:
        """The lines that differ most from the run before."""
        changed = (line for line in self.lines if line.change_cents)
        return tuple(sorted(changed, key=lambda it: -abs(it.change_cents))[:_CHANGES_SHOWN])

    @property
    def new_accounts(self) -> tuple[LineSeen, ...]:
        """Whose account is new: where money is stolen."""
        return tuple(line for line in self.lines if line.is_account_new)

    @property
    def without_account(self) -> tuple[LineSeen, ...]:
        """Whom no bank file can be made for."""
        return tuple(line for line in self.lines if not line.has_account)

    @property
    def kept_cents(self) -> int:
        """What its merchants sold and it does not pay."""
        return sum(line.kept_cents for line in self.lines)
