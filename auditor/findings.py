"""What an audit has found: which class of thing, where it stands, what it is about, and money."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique


@unique
class Class(StrEnum):
    """What is wrong."""

    UNREADABLE = "unreadable"
    """Bytes that are no document of the kind that stands there."""
    SIGNATURE = "signature"
    """Not signed by a key that the root has certified for it."""
    CERTIFICATE = "certificate"
    LOG = "log"
    """The service's log: an act is missing, twice there, or not in its place."""
    CHAIN = "chain"
    """A terminal's journal: an entry is missing, twice there, or not in its place."""
    TOTAL = "total"
    """A journal's perpetual total does not add up."""
    WITNESS = "witness"
    """A terminal was told another log than the one that is shown."""
    DIGEST = "digest"
    """A daily digest contradicts the log, the journals, or the digest before it."""
    DIRECTORY = "directory"
    """Rows that are not those of the signed header."""
    PROOF = "proof"
    """A card's proof does not fit what is claimed."""
    DOCUMENT = "document"
    """A document that an entry or act names is not there."""
    SALE = "sale"
    """A transaction of a card stands otherwise in the books than what was signed comes to."""
    POSTING = "posting"
    """Lines that do not sum to zero."""
    BALANCE = "balance"
    """An account says something else than what was signed comes to."""
    MEMBERSHIP = "membership"
    """An act about members that breaks their rules: the order of a wave, a leaver's credit."""
    DECISION = "decision"
    """An act of people about disputes, slips or earlier acts that breaks their rules."""
    SETTLEMENT = "settlement"
    """An act about payouts that breaks their rules: four eyes, order, totals."""
    CONTRIBUTION = "contribution"
    """An act about members' money that breaks its rules: numbers, what is taken back, the box."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong; `amount_cents` is what hangs on it, 0 where nobody can say."""

    kind: Class
    place: str
    """The row: such as `act 12`, `entry 3/17`, `card 04b0… transaction 5`, `payable of 2`."""
    words: str
    amount_cents: int = 0

    def __str__(self) -> str:
        money = f" ({self.amount_cents} cents)" if self.amount_cents else ""
        return f"{self.kind}: {self.place}: {self.words}{money}"
