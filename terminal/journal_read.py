"""Questions that the journal answers; none of them writes.

The numbers in the queries are those of EntryKind, which are for ever.
"""

from __future__ import annotations

import sqlite3
from datetime import date
from typing import Any, Final, cast

from cardkit.bodies import (
    Acknowledged,
    Closure,
    ClosurePeriod,
    EntryKind,
    Evidence,
    Intent,
    PaidOtherwise,
    Refund,
    RefundCounted,
    RefundReason,
    Resolution,
    ResolutionChoice,
    Sale,
    SettingChanged,
)
from cardkit.entries import Entry, open_entry
from cardkit.errors import DocumentError, JournalDamaged, JournalStopped, must
from cardkit.frozen import dataclass
from cardkit.signing import PublicKey
from terminal.journal_schema import day_number, day_of_number
from terminal.stretches import Mark

REFUNDED_FOR: Final = {
    ResolutionChoice.PAID_OTHERWISE: RefundReason.PAID_OTHERWISE,
    ResolutionChoice.CLIENT_LEFT: RefundReason.OTHER,
}
"""Answers to an amber sale after which a debit goes back by itself, and the refund's reason."""

_OPEN_OF_ALL: Final = """
SELECT seq, content FROM entry AS intent WHERE kind = 20 AND NOT EXISTS (
    SELECT 1 FROM entry WHERE about_seq = intent.seq AND kind IN (21, 22, 23)
) ORDER BY seq
"""
_OPEN_OF_ONE_CARD: Final = """
SELECT seq, content FROM entry AS intent WHERE uid = ? AND kind = 20 AND NOT EXISTS (
    SELECT 1 FROM entry WHERE about_seq = intent.seq AND kind IN (21, 22, 23)
) ORDER BY seq
"""


@dataclass(frozen=True, slots=True)
class OpenIntent:
    """An intent without an outcome, and what a person said of it last."""

    seq: int
    merchant: int
    training: bool
    intent: Intent
    choice: ResolutionChoice | None


@dataclass(frozen=True, slots=True)
class SoldIntent:
    """A proven sale with its intent and what of it was refunded."""

    entry: Entry
    intent: Intent
    sale: Sale
    refunded_cents: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Sales and refunds of a stretch of the journal, training left out."""

    sales: int = 0
    sales_cents: int = 0
    refunds: int = 0
    refunds_cents: int = 0


class JournalReader:
    """The reading half of a journal, over its one connection."""

    def __init__(
        self, db: sqlite3.Connection, *, key: PublicKey, caisse: str, terminal: int
    ) -> None:
        self._db = db
        self._public = key
        self.caisse = caisse
        self.terminal = terminal

    @property
    def public_key(self) -> PublicKey:
        """The key that verifies this journal."""
        return self._public

    @property
    def key_digest(self) -> bytes:
        """What the caisse knows this terminal's journal by."""
        return self._public.digest

    def entry(self, seq: int) -> Entry | None:
        """Return one entry."""
        return self._one("SELECT seq, content FROM entry WHERE seq = ?", seq)

    def last(self, kind: EntryKind) -> Entry | None:
        """Return the newest entry of a kind."""
        sql = "SELECT seq, content FROM entry WHERE kind = ? ORDER BY seq DESC LIMIT 1"
        return self._one(sql, int(kind))

    def entries(self, after_seq: int, limit: int) -> tuple[Entry, ...]:
        """Return up to `limit` entries that follow one, in their order."""
        sql = "SELECT seq, content FROM entry WHERE seq > ? ORDER BY seq LIMIT ?"
        return self._many(sql, after_seq, limit)

    def contents(self, after_seq: int, limit: int) -> tuple[bytes, ...]:
        """Return up to `limit` entries that follow one, as they were signed and unopened."""
        sql = "SELECT content FROM entry WHERE seq > ? ORDER BY seq LIMIT ?"
        return tuple(content for (content,) in self._rows(sql, after_seq, limit))

    def outcome(self, intent_seq: int) -> Entry | None:
        """Return how an intent ended, if it has."""
        sql = "SELECT seq, content FROM entry WHERE about_seq = ? AND kind IN (21, 22, 23)"
        return self._one(sql, intent_seq)

    def open_intents(self, uid: bytes | None = None) -> tuple[OpenIntent, ...]:
        """Return the intents, of one card or of all, whose outcome is not known yet."""
        found = self._many(_OPEN_OF_ALL) if uid is None else self._many(_OPEN_OF_ONE_CARD, uid)
        return tuple(self._open_intent(entry) for entry in found)

    def choice(self, intent_seq: int) -> ResolutionChoice | None:
        """Return what a person answered last about an intent."""
        sql = (
            "SELECT seq, content FROM entry WHERE about_seq = ? AND kind = 26"
            " ORDER BY seq DESC LIMIT 1"
        )
        entry = self._one(sql, intent_seq)
        return cast(Resolution, entry.body).choice if entry is not None else None

    def sold(self, intent_seq: int) -> SoldIntent | None:
        """Return the sale of an intent, if it was proven."""
        intent, outcome = self.entry(intent_seq), self.outcome(intent_seq)
        if intent is None or outcome is None or not isinstance(outcome.body, Sale):
            return None
        refunded_cents = self.refunded_cents(intent_seq)
        return SoldIntent(outcome, cast(Intent, intent.body), outcome.body, refunded_cents)

    def last_sale(self, uid: bytes) -> Entry | None:
        """Return the newest sale to a card."""
        sql = "SELECT seq, content FROM entry WHERE uid = ? AND kind = 21 ORDER BY seq DESC LIMIT 1"
        return self._one(sql, uid)

    def intents_before(self, seq: int, limit: int) -> tuple[Entry, ...]:
        """Return up to `limit` intents that came before an entry, newest first."""
        sql = "SELECT seq, content FROM entry WHERE kind = 20 AND seq < ? ORDER BY seq DESC LIMIT ?"
        return self._many(sql, seq, limit)

    def refunded_cents(self, intent_seq: int) -> int:
        """Return what of a sale was given back."""
        sql = "SELECT SUM(amount_cents) FROM entry WHERE about_seq = ? AND kind = 24"
        return self._sum(sql, intent_seq)

    def refunds(self, uid: bytes, generation: int) -> tuple[RefundCounted, ...]:
        """Return every refund of this terminal to one generation of a card, oldest first."""
        sql = "SELECT seq, content FROM entry WHERE uid = ? AND kind = 24 ORDER BY seq"
        found = ((entry.seq, cast(Refund, entry.body)) for entry in self._many(sql, uid))
        return tuple(
            RefundCounted(seq=seq, amount_cents=refund.amount_cents)
            for seq, refund in found
            if refund.generation == generation
        )

    def refunds_of(self, intent_seq: int) -> tuple[Entry, ...]:
        """Return the refunds of one sale, oldest first."""
        sql = "SELECT seq, content FROM entry WHERE about_seq = ? AND kind = 24 ORDER BY seq"
        return self._many(sql, intent_seq)

    def receipts_printed(self, seq: int) -> int:
        """Return how often a receipt about an entry has left the printer."""
        sql = "SELECT COUNT(*) FROM entry WHERE about_seq = ? AND kind = 42"
        return self._sum(sql, seq)

    def refunded_cards(self) -> frozenset[bytes]:
        """Return the cards that this terminal has refunded."""
        return frozenset(uid for (uid,) in self._rows("SELECT uid FROM entry WHERE kind = 24"))

    def owed_refunds(self) -> tuple[int, ...]:
        """Return intents that nothing was handed over for, but executed and not refunded yet."""
        sql = (
            "SELECT DISTINCT about_seq FROM entry AS said WHERE kind = 26"
            " AND EXISTS (SELECT 1 FROM entry WHERE about_seq = said.about_seq"
            " AND kind IN (21, 22, 23) AND kind = 21)"
        )
        return tuple(seq for (seq,) in self._rows(sql) if self._owes_refund(seq))

    def last_evidence(self, uid: bytes) -> Evidence | None:
        """Return what a card told last."""
        sql = "SELECT seq, content FROM entry WHERE uid = ? AND kind = 27 ORDER BY seq DESC LIMIT 1"
        entry = self._one(sql, uid)
        return cast(Evidence, entry.body) if entry is not None else None

    def last_known_tmc(self, uid: bytes) -> int | None:
        """Return the counter that a card had when this terminal last saw it."""
        sql = (
            "SELECT tmc, MAX(seq) FROM entry"  # of the row with that seq (SQLite, "Bare columns")
            " WHERE uid = ? AND kind BETWEEN 21 AND 27 AND kind <> 25 AND tmc IS NOT NULL"
        )
        ((tmc, _),) = self._rows(sql, uid)
        return None if tmc is None else int(tmc)

    @property
    def acknowledged_seq(self) -> int:
        """The last entry that the service says it holds; a restored service may hold less."""
        entry = self.last(EntryKind.ACKNOWLEDGED)
        return cast(Acknowledged, entry.body).up_to_seq if entry is not None else 0

    def first_unsent_sale(self) -> Entry | None:
        """Return the oldest sale that no acknowledgement covers."""
        sql = (
            "SELECT seq, content FROM entry WHERE kind = 21 AND training = 0 AND seq > ?"
            " ORDER BY seq LIMIT 1"
        )
        return self._one(sql, self.acknowledged_seq)

    def first_sale_after(self, seq: int) -> Entry | None:
        """Return the first sale after an entry, training included."""
        sql = "SELECT seq, content FROM entry WHERE kind = 21 AND seq > ? ORDER BY seq LIMIT 1"
        return self._one(sql, seq)

    def unsent_sales(self) -> int:
        """Return how many sales no acknowledgement covers."""
        sql = "SELECT COUNT(*) FROM entry WHERE kind = 21 AND training = 0 AND seq > ?"
        return self._sum(sql, self.acknowledged_seq)

    def unsent_cents(self) -> int:
        """Return the sales that no acknowledgement covers."""
        sql = "SELECT SUM(amount_cents) FROM entry WHERE kind = 21 AND training = 0 AND seq > ?"
        return self._sum(sql, self.acknowledged_seq)

    def perpetual_cents(self) -> int:
        """Return what every sale and refund of the table comes to, training left out."""
        sql = (
            "SELECT SUM(CASE kind WHEN 21 THEN amount_cents ELSE -amount_cents END) FROM entry"
            " WHERE kind IN (21, 24) AND training = 0"
        )
        return self._sum(sql)

    def card_day_cents(self, uid: bytes, day: date) -> int:
        """Return what this terminal has taken from a card on a business day."""
        sql = (
            "SELECT SUM(amount_cents) FROM entry WHERE uid = ? AND kind = 21 AND business_date = ?"
        )
        return self._sum(sql, uid, day_number(day))

    def sold_cents(self, merchant: int, first: date, last: date) -> int:
        """Return a merchant's sales less refunds of some business days, both ends included."""
        sql = (
            "SELECT seq, content FROM entry WHERE kind IN (21, 24) AND training = 0"
            " AND business_date BETWEEN ? AND ?"
        )
        entries = self._many(sql, day_number(first), day_number(last))
        return sum(
            it.body.amount_cents
            if isinstance(it.body, Sale)
            else -cast(Refund, it.body).amount_cents
            for it in entries
            if it.envelope.merchant == merchant
        )

    def totals(self, first_seq: int, last_seq: int) -> Totals:
        """Return sales and refunds of a stretch of the journal, both ends included."""
        sql = (
            "SELECT kind, COUNT(*), SUM(amount_cents) FROM entry"
            " WHERE seq BETWEEN ? AND ? AND kind IN (21, 24) AND training = 0 GROUP BY kind"
        )
        found = {kind: (n, cents) for kind, n, cents in self._rows(sql, first_seq, last_seq)}
        return Totals(*found.get(EntryKind.SALE, (0, 0)), *found.get(EntryKind.REFUND, (0, 0)))

    def marks(self, after_seq: int) -> tuple[Mark, ...]:
        """Return day and kind of every entry that follows one."""
        sql = "SELECT seq, business_date, kind FROM entry WHERE seq > ? ORDER BY seq"
        found = self._rows(sql, after_seq)
        return tuple(Mark(seq, day_of_number(number), kind) for seq, number, kind in found)

    def last_closure(self, *periods: ClosurePeriod) -> Closure | None:
        """Return what the newest closure of one of these periods says."""
        sql = "SELECT seq FROM entry WHERE kind = 40 ORDER BY seq DESC"
        for (seq,) in self._rows(sql):
            entry = self.entry(seq)
            body = None if entry is None else entry.body
            if isinstance(body, Closure) and body.period in periods:
                return body
        return None

    def closures(self, after_seq: int) -> tuple[Entry, ...]:
        """Return the closures that follow an entry."""
        sql = "SELECT seq, content FROM entry WHERE kind = 40 AND seq > ? ORDER BY seq"
        return self._many(sql, after_seq)

    def last_setting(self, name: str) -> SettingChanged | None:
        """Return the newest change of a setting."""
        sql = "SELECT seq FROM entry WHERE kind = 9 ORDER BY seq DESC"
        for (seq,) in self._rows(sql):
            entry = self.entry(seq)
            body = None if entry is None else entry.body
            if isinstance(body, SettingChanged) and body.name == name:
                return body
        return None

    def span(self, first_day: date, last_day: date) -> tuple[int, int] | None:
        """Return the first and the last entry of some business days; None when there is none."""
        sql = "SELECT MIN(seq), MAX(seq) FROM entry WHERE business_date BETWEEN ? AND ?"
        ((first, last),) = self._rows(sql, day_number(first_day), day_number(last_day))
        return None if first is None else (first, last)

    def sold_from(self, first_seq: int, last_seq: int) -> int:
        """Return where a stretch begins that holds the intents of its sales too."""
        sql = "SELECT MIN(about_seq) FROM entry WHERE seq BETWEEN ? AND ? AND kind IN (21, 22, 23)"
        ((earliest,),) = self._rows(sql, first_seq, last_seq)
        return first_seq if earliest is None else min(first_seq, earliest)

    def sold_between(self, first_seq: int, last_seq: int) -> tuple[Intent, ...]:
        """Return the intents of the sales of a stretch, training left out."""
        sql = (
            "SELECT seq, content FROM entry WHERE seq IN ("
            "SELECT about_seq FROM entry WHERE seq BETWEEN ? AND ? AND kind = 21 AND training = 0"
            ") ORDER BY seq"
        )
        return tuple(cast(Intent, entry.body) for entry in self._many(sql, first_seq, last_seq))

    def refunded_between(self, first_seq: int, last_seq: int) -> tuple[Refund, ...]:
        """Return the refunds of a stretch, training left out."""
        sql = (
            "SELECT seq, content FROM entry WHERE seq BETWEEN ? AND ? AND kind = 24"
            " AND training = 0 ORDER BY seq"
        )
        return tuple(cast(Refund, entry.body) for entry in self._many(sql, first_seq, last_seq))

    def paid_otherwise_between(self, first_seq: int, last_seq: int) -> tuple[PaidOtherwise, ...]:
        """Return the baskets of a stretch that no card paid, training left out."""
        sql = (
            "SELECT seq, content FROM entry WHERE seq BETWEEN ? AND ? AND kind = 29"
            " AND training = 0 ORDER BY seq"
        )
        found = self._many(sql, first_seq, last_seq)
        return tuple(cast(PaidOtherwise, entry.body) for entry in found)

    def _open_intent(self, entry: Entry) -> OpenIntent:
        envelope, intent = entry.envelope, cast(Intent, entry.body)
        choice = self.choice(entry.seq)
        return OpenIntent(entry.seq, envelope.merchant, envelope.training, intent, choice)

    def _owes_refund(self, intent_seq: int) -> bool:
        choice = self.choice(intent_seq)
        if choice not in REFUNDED_FOR:
            return False
        sql = "SELECT seq, content FROM entry WHERE about_seq = ? AND kind = 24"
        refunds = (cast(Refund, entry.body) for entry in self._many(sql, intent_seq))
        return all(refund.reason is not REFUNDED_FOR[choice] for refund in refunds)

    def _one(self, sql: str, *values: object) -> Entry | None:
        found = self._many(sql, *values)
        must(len(found) <= 1, "at most one entry")
        return found[0] if found else None

    def _many(self, sql: str, *values: object) -> tuple[Entry, ...]:
        return tuple(self._read(*row) for row in self._rows(sql, *values))

    def _read(self, seq: int, content: bytes) -> Entry:
        """Open one stored entry; raises JournalDamaged."""
        try:
            return open_entry(content, self._public, caisse=self.caisse, terminal=self.terminal)
        except DocumentError as error:
            raise JournalDamaged(seq, str(error)) from error

    def _sum(self, sql: str, *values: object) -> int:
        ((total,),) = self._rows(sql, *values)
        return int(total or 0)

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one query; raises JournalStopped, or JournalDamaged for what is no database."""
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            raise JournalStopped(str(error)) from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise JournalDamaged(1, str(error)) from error
