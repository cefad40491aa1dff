"""What physically happened in a world, by plastic, screens and wires, and by nobody's tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from cardkit.bodies import ResolutionChoice
from simulator.card import VirtualCard
from simulator.desfire.transaction import Committed

VALUE_FILE: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Debit:
    """Money that left a piece of plastic, and the mark that was left with it."""

    uid: bytes
    tmc: int
    terminal: int
    seq: int
    token: bytes
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Green:
    """Somebody saw green."""

    terminal: int
    seq: int
    uid: bytes
    amount_cents: int
    at: datetime
    """True time, not the till's."""
    by_record: bool = False
    """It came at a later tap, when the card had already done something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Somebody was told that money is given back."""

    terminal: int
    seq: int
    intent_seq: int
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """A sale on paper; every merchant has one carnet, which bears the merchant's number."""

    merchant: int
    number: int
    uid: bytes
    day: date
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Misdeed:
    """What somebody who means harm has done."""

    actor: str
    words: str
    terminal: int | None
    uid: bytes | None
    betrayed_by: frozenset[str]
    """Kinds of findings: one of them has to name the terminal, or else the card; empty where
    nothing is promised, or where nothing came of it."""


@dataclass
class Truth:
    """All that an oracle may believe."""

    cards: list[VirtualCard] = field(default_factory=list)
    """Every piece of genuine plastic."""
    greens: list[Green] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    answers: dict[tuple[int, int], ResolutionChoice] = field(default_factory=dict)
    """What people said of amber sales, by terminal and number."""
    heard: dict[int, dict[bytes, int]] = field(default_factory=lambda: defaultdict(dict))
    """Entries that reached a service which has not forgotten them: digest and number."""
    wire: list[tuple[int, bytes]] = field(default_factory=list)
    """Every request that the service has committed, in that order."""
    burnt: set[int] = field(default_factory=set)
    """Tills that are gone with all they held."""
    rewound: set[int] = field(default_factory=set)
    """Tills whose disk was put back or has rotted: what they had not sent may be gone."""
    hostile: set[int] = field(default_factory=set)
    """Tills in the hands of somebody who means harm."""
    cloned: set[bytes] = field(default_factory=set)
    """Cards of which there is a second piece."""
    meddled: dict[bytes, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Transactions that somebody with key 1 has made on a card, by its counter."""
    clones: list[VirtualCard] = field(default_factory=list)
    """The second pieces."""
    counterfeit: set[tuple[int, int]] = field(default_factory=set)
    """Greens, by terminal and number, for what was no card of ours."""
    lied_to: set[int] = field(default_factory=set)
    """Tills that were told, with the service's key, what is not true."""
    mischief: list[Misdeed] = field(default_factory=list)
    """What hostile actors did."""
    blocked_for: dict[tuple[int, bytes], bool] = field(default_factory=dict)
    """What the newest directory that a till took in says of a card."""
    paid_out: list[tuple[str, int, int]] = field(default_factory=list)
    """Transfers that left the bank: settlement, merchant, cents."""
    disputed: dict[bytes, int] = field(default_factory=dict)
    """What somebody disputed, by the number of the dispute: cents."""
    decided: dict[bytes, set[int]] = field(default_factory=lambda: defaultdict(set))
    """What people said goes back for a dispute: cents; a service that was put back may forget."""
    slips: list[Slip] = field(default_factory=list)
    stolen: dict[int, datetime] = field(default_factory=dict)
    """Tills that a thief has, and since when, in true time."""

    @property
    def is_honest(self) -> bool:
        """Whether nobody means harm here."""
        return not (self.hostile or self.cloned or self.meddled or self.mischief)

    def unlearn(self, terminal: int) -> None:
        """Note that a till no longer knows which cards are blocked: its disk is an older one."""
        for place in [place for place in self.blocked_for if place[0] == terminal]:
            del self.blocked_for[place]

    def debits(self) -> tuple[Debit, ...]:
        """Return every debit that genuine plastic ever committed."""
        return tuple(debit for card in self.cards for debit in debits_of(card))

    def forget(self, terminal: int, digests: Iterable[bytes]) -> None:
        """Note that the service no longer knows these entries."""
        for digest in digests:
            self.heard[terminal].pop(digest, None)


def debits_of(card: VirtualCard) -> Iterator[Debit]:
    """Yield what left one piece of plastic."""
    for committed in card.history:
        amount_cents = _debited_cents(committed)
        if amount_cents and committed.tmri is not None:
            yield Debit(
                uid=card.uid,
                tmc=committed.tmc,
                terminal=int.from_bytes(committed.tmri[:4]),
                seq=int.from_bytes(committed.tmri[4:8]),
                token=committed.tmri[8:],
                amount_cents=amount_cents,
            )


def _debited_cents(committed: Committed) -> int:
    return sum(
        change.before - change.after for change in committed.values if change.file_no == VALUE_FILE
    )
