"""What a run pays, with the accounts that it goes to, as every export of it sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from server_stub.rules.statement import RunStatement


@dataclass(frozen=True, slots=True, kw_only=True)
class Payee:
    """One line of a run, and where its money goes."""

    merchant: int
    name: str
    holder: str
    """Whose account it is, exactly as the bank knows it (verification of payee)."""
    iban: str
    amount_cents: int
    end_to_end_id: str
    """What the bank's statement brings back."""
    siret: str = ""
    """Fourteen digits; empty where nobody has said them."""
    convention: str = ""
    """What the convention in force on the day of approval is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """One approved run."""

    settlement: str
    approved_at: datetime
    payees: tuple[Payee, ...]
    statement: RunStatement | None = None
    """Why it pays this; None for a run that was approved before statements were kept."""

    @property
    def sum_cents(self) -> int:
        """What it pays in all."""
        return sum(payee.amount_cents for payee in self.payees)


@dataclass(frozen=True, slots=True, kw_only=True)
class Debtor:
    """The caisse's own account."""

    name: str
    iban: str
    bic: str = ""
