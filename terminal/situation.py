"""How things stand at a till: what its status line says, and what it warns of before it bites.

`look` asks the till; everything after it is pure, so that a screen shows facts and decides none.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, unique
from typing import Final

from cardkit.bodies import Intent, ResolutionChoice
from cardkit.clock import ClockTrust, Instant, business_date
from cardkit.frozen import dataclass
from cardkit.permit import Permit
from cardkit.sync import MerchantAccount
from terminal.journal_read import Totals
from terminal.till import Till

SOON: Final = timedelta(days=3)
"""A date that stops sales is announced so long before, so that a market without network is safe."""
UNSENT_SHARE: Final = 0.8
"""Of the most that may be unsent: from here on it is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSale:
    """A sale of which nobody knows yet whether it is paid."""

    seq: int
    uid: bytes
    merchant: int
    amount_cents: int
    at: datetime
    choice: ResolutionChoice | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A picture of the till at one moment."""

    now: Instant
    caisse: str
    terminal: int
    permit: Permit
    day: Totals
    """Sales and refunds since the last closure of a day."""
    day_began: datetime | None
    """The first sale since then."""
    open_sales: tuple[OpenSale, ...]
    unsent_sales: int
    unsent_cents: int
    unsent_since: datetime | None
    answered_at: datetime | None
    """The service's last answer."""
    directory_issued_at: datetime | None
    directory_valid_until: datetime | None
    accounts: tuple[MerchantAccount, ...]
    head_seq: int
    perpetual_cents: int
    fsync_p95_ms: int | None

    @property
    def training(self) -> bool:
        """Whether this terminal only plays."""
        return self.permit.training


@unique
class Concern(Enum):
    """What will stop sales, or already does, and is not the card's fault."""

    PERMIT_EXPIRED = "permit expired"
    PERMIT_ENDS = "permit ends"
    DIRECTORY_MISSING = "no directory"
    DIRECTORY_EXPIRED = "directory expired"
    DIRECTORY_ENDS = "directory ends"
    DIRECTORY_STALE = "directory stale"
    """Old enough that a card may spend less a day here."""
    UNSENT_FULL = "unsent cap reached"
    UNSENT_HIGH = "unsent cap near"
    CLOCK_UNTRUSTED = "clock"


STOPS: Final = frozenset(
    {
        Concern.PERMIT_EXPIRED,
        Concern.DIRECTORY_MISSING,
        Concern.DIRECTORY_EXPIRED,
        Concern.UNSENT_FULL,
    }
)
"""With one of these nothing is sold."""


@dataclass(frozen=True, slots=True)
class Warned:
    """A concern, and when it bites or bit."""

    concern: Concern
    at: datetime | None = None
    cents: int = 0
    """What may still be sold before the cap of what is unsent."""


def look(till: Till) -> Situation:
    """Take a picture of a till."""
    journal, store = till.journal, till.store
    directory, answer, head = store.directory, store.answer, journal.head
    first = journal.first_unsent_sale()
    begun_seq = till.day_begins_after
    opening = journal.first_sale_after(begun_seq)
    return Situation(
        now=till.clock.now(),
        caisse=journal.caisse,
        terminal=journal.terminal,
        permit=store.permit.permit,
        day=journal.totals(begun_seq + 1, head.seq),
        day_began=None if opening is None else opening.envelope.at,
        open_sales=_open_sales(till),
        unsent_sales=journal.unsent_sales() if first is not None else 0,
        unsent_cents=journal.unsent_cents(),
        unsent_since=None if first is None else first.envelope.at,
        answered_at=None if answer is None else answer.answered_at,
        directory_issued_at=None if directory is None else directory.header.issued_at,
        directory_valid_until=None if directory is None else directory.header.valid_until,
        accounts=() if answer is None else answer.accounts,
        head_seq=head.seq,
        perpetual_cents=head.perpetual_cents,
        fsync_p95_ms=journal.commit_p95_ms,
    )


def concerns(situation: Situation) -> tuple[Warned, ...]:
    """Return what a person should hear of, what stops sales first."""
    now, caps = situation.now.at, situation.permit.caps
    found = [
        *_date(now, situation.permit.valid_until, Concern.PERMIT_EXPIRED, Concern.PERMIT_ENDS),
        *_directory(situation, now),
    ]
    room_cents = caps.unsent_max_cents - situation.unsent_cents
    if room_cents <= 0:
        found.append(Warned(Concern.UNSENT_FULL))
    elif situation.unsent_cents >= UNSENT_SHARE * caps.unsent_max_cents:
        found.append(Warned(Concern.UNSENT_HIGH, cents=room_cents))
    if situation.now.trust is ClockTrust.UNTRUSTED:
        found.append(Warned(Concern.CLOCK_UNTRUSTED))
    return tuple(sorted(found, key=lambda warned: warned.concern not in STOPS))


def forgotten_day(situation: Situation) -> bool:
    """Say whether sales of an earlier business day still wait for their closure."""
    if situation.day_began is None:
        return False
    return business_date(situation.day_began) < business_date(situation.now.at)


def _directory(situation: Situation, now: datetime) -> list[Warned]:
    valid_until, issued_at = situation.directory_valid_until, situation.directory_issued_at
    if valid_until is None or issued_at is None:
        return [Warned(Concern.DIRECTORY_MISSING)]
    found = _date(now, valid_until, Concern.DIRECTORY_EXPIRED, Concern.DIRECTORY_ENDS)
    stale_at = issued_at + timedelta(days=situation.permit.caps.fresh_days)
    if not found and now > stale_at:
        found = [Warned(Concern.DIRECTORY_STALE, at=valid_until)]
    return found


def _date(now: datetime, at: datetime, over: Concern, soon: Concern) -> list[Warned]:
    if now > at:
        return [Warned(over, at=at)]
    return [Warned(soon, at=at)] if at - now <= SOON else []


def _open_sales(till: Till) -> tuple[OpenSale, ...]:
    found = []
    for held in till.journal.open_intents():
        entry = till.journal.entry(held.seq)
        if entry is not None and isinstance(entry.body, Intent):
            found.append(
                OpenSale(
                    seq=held.seq,
                    uid=held.intent.uid,
                    merchant=held.merchant,
                    amount_cents=held.intent.amount_cents,
                    at=entry.envelope.at,
                    choice=held.choice,
                )
            )
    return tuple(found)
