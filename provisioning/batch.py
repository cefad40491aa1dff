"""A box of blank cards and a list of accounts: one tap each, and whatever stops, it goes on.

What was begun is finished by the same card: it may be laid down in any order and at any time. A
card that is no blank one is named and touched no further.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, unique
from http import HTTPStatus
from typing import Final, Protocol

from cardkit.card.connection import CardConnection
from cardkit.card.issuing import Step
from cardkit.errors import CardError, CardNotIssuable, ServerRefused, ServerUnreachable
from cardkit.reader import Reader
from provisioning.batch_book import BatchBook, Entry, State
from provisioning.card_words import AlreadyIssued, Condition, Inspection, Stage
from provisioning.cards import CardInHand, CardWorkshop, finish_of
from provisioning.client import ServiceClient
from provisioning.members_file import Row
from provisioning.taps import taps

logger = logging.getLogger(__name__)


@unique
class Notice(Enum):
    """What a batch says of a card beside what went wrong with it."""

    SEEN = "Seen: it will be made in the second pass."
    DONE = "Issued: the card can buy now."
    DONE_WITHOUT_CREDIT = "Issued; the account has no credit yet."
    OWED = "Issued, but it left too early: lay it down again for its credit."
    MADE = "Made; the service will be told when it can be reached."
    AGAIN = "This card is done already."
    SEEN_AGAIN = "This card was seen already."
    FOREIGN = "A purse that answers to no key of ours: put it aside."
    ISSUED_ELSEWHERE = "A card of this caisse, issued before: it was left as it is."
    NOBODY_WAITS = "Every account has its card: lay down those that are half made."
    NOT_SEEN = "This card was not seen in the first pass: it was left as it is."
    ACCOUNT_UNKNOWN = "The service knows no such account: the next one has this card."
    ANOTHER_ACCOUNTS = "The service has this card as another account's: put it aside."
    NOT_PROVEN = "The card did not prove its keys: put it aside."

    @property
    def is_good(self) -> bool:
        """Whether the next card may come."""
        return self in {Notice.SEEN, Notice.DONE, Notice.DONE_WITHOUT_CREDIT, Notice.MADE}


_PURSES: Final = {
    Condition.ISSUED: Notice.ISSUED_ELSEWHERE,
    Condition.FOREIGN: Notice.FOREIGN,
}
"""What lies there with a purse on it, and in no book of ours."""


class Screen(Protocol):
    """What the person at the table sees and hears."""

    def counts(self, *, done: int, todo: int, wanted: str) -> None:
        """Show how far the batch is, and whose card comes next."""

    def step(self, step: Stage | Step) -> None:
        """Show what is being done to the card."""

    def notice(self, notice: Notice, *, label: str, uid: bytes) -> None:
        """Say what became of a card."""

    def trouble(self, error: Exception) -> None:
        """Say what went wrong, and what to do with the card."""


@dataclass(slots=True, kw_only=True)
class Batch:
    """One list at work; keys live in memory for as long as this does, and its repr shows none."""

    workshop: CardWorkshop
    client: ServiceClient
    book: BatchBook
    rows: Mapping[bytes, Row]
    screen: Screen
    _hands: dict[bytes, CardInHand] | None = field(default=None, repr=False)
    """By UID: the keys of a first pass; None without one."""

    def first_pass(self, reader: Reader) -> None:
        """Have every card seen once, then ask for all their keys: the second pass asks no more.

        Raises ReaderErrors, SyncErrors and KeyStoreError; what was seen stays seen.
        """
        self._show()
        if self._waiting():
            for connection in taps(reader, self.screen.trouble):
                self._guarded(connection, self._see)
                self._show()
                if not self._waiting():
                    break
        self._hands = {}
        for entry in self.book.in_state(State.BEGUN):
            hand = self._keys(entry)
            if isinstance(hand, CardInHand):
                self._hands[hand.uid] = hand

    def issue(self, reader: Reader) -> None:
        """Make cards until none is wanted any more, or nobody lays one down.

        Raises ReaderErrors, SyncErrors and KeyStoreError; the book knows where to go on.
        """
        self.tell_births()
        self._show()
        if not self._is_wanted():
            return
        for connection in taps(reader, self.screen.trouble):
            self._guarded(connection, self._make)
            self._show()
            if not self._is_wanted():
                return

    def tell_births(self) -> None:
        """Show the service the births that it has not answered yet; raises SyncError."""
        for entry in self.book.in_state(State.BORN):
            if entry.proof is None or entry.generation is None:
                continue
            try:
                answer = self.client.finish_card(finish_of(entry.proof, entry.generation))
            except ServerUnreachable:
                if self._hands is None:
                    raise
                return
            is_owed = answer.allowance is not None
            self.book.issued(entry.account, entry.generation, is_owed=is_owed)

    def _is_wanted(self) -> bool:
        unfinished = self.book.in_state(State.BEGUN) or self.book.in_state(State.BORN)
        waits = self._hands is None and bool(self._waiting())
        return bool(unfinished or self.book.owed()) or waits

    def _waiting(self) -> list[Entry]:
        """Accounts without a card, in the order of the list; what left the list waits no more."""
        return [it for it in self.book.in_state(State.WAITING) if it.account in self.rows]

    def _guarded(self, connection: CardConnection, work: Callable[[CardConnection], None]) -> None:
        """Do something to a card; what a card does wrong is said, and the next one may come."""
        try:
            work(connection)
        except CardNotIssuable as error:
            self._let_go(connection.uid)
            self.screen.trouble(error)
        except CardError as error:
            self.screen.trouble(error)

    def _see(self, connection: CardConnection) -> None:
        if self.book.of_card(connection.uid) is not None:
            self._say(Notice.SEEN_AGAIN, connection.uid)
            return
        entry = self._bound(connection, self.workshop.look(connection))
        if entry is not None:
            self._say(Notice.SEEN, connection.uid)

    def _make(self, connection: CardConnection) -> None:
        entry = self.book.of_card(connection.uid)
        if entry is not None and entry.state is State.ISSUED:
            self._complete(connection, entry)
            return
        if entry is not None and entry.state is State.BORN:
            self._finish(connection, entry)
            return
        self.screen.step(Stage.LOOK)
        found = self.workshop.look(connection)
        if entry is None and self._hands is not None:
            self._say(Notice.NOT_SEEN, connection.uid)
            return
        entry = entry or self._bound(connection, found)
        if entry is not None:
            self._write(connection, entry, found)

    def _bound(self, connection: CardConnection, found: Inspection) -> Entry | None:
        """Give a blank card to the next account of the list, on disk before anything else."""
        if found.condition in _PURSES:
            self._say(_PURSES[found.condition], connection.uid)
            return None
        waiting = self._waiting()
        if not waiting:
            self._say(Notice.NOBODY_WAITS, connection.uid)
            return None
        self.book.begin(waiting[0].account, connection.uid)
        return self.book.entry(waiting[0].account)

    def _write(self, connection: CardConnection, entry: Entry, found: Inspection) -> None:
        self.screen.step(Stage.BEGIN)
        hand = self._keys(entry)
        if hand is None:
            return
        if isinstance(hand, AlreadyIssued):
            is_whole = self.workshop.complete(connection, self.client, hand, found)
            self.book.issued(entry.account, hand.generation, is_owed=not is_whole)
            self._say(Notice.DONE if is_whole else Notice.OWED, connection.uid)
            return
        proof = self.workshop.make(connection, hand, found, progress=self.screen.step)
        self.book.born(entry.account, hand.generation, proof)
        self._finish(connection, self.book.entry(entry.account))

    def _keys(self, entry: Entry) -> CardInHand | AlreadyIssued | None:
        """The keys of one card; None where the service refuses card or account."""
        uid = entry.uid or b""
        if self._hands is not None and uid in self._hands:
            return self._hands[uid]
        try:
            return self.workshop.begin(self.client, uid, account=entry.account)
        except ServerRefused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                self._say(Notice.ACCOUNT_UNKNOWN, uid)
                self.book.refuse(entry.account, refused.reason)
            elif refused.status == HTTPStatus.CONFLICT:
                self._say(Notice.ANOTHER_ACCOUNTS, uid)
                self.book.let_go(entry.account)
            else:
                raise
            return None

    def _finish(self, connection: CardConnection, entry: Entry) -> None:
        """Show a birth to the service, and leave the allowance that it answers with."""
        if entry.proof is None or entry.generation is None:
            return
        try:
            issued = self.workshop.finish(
                connection, self.client, entry.generation, entry.proof, progress=self.screen.step
            )
        except ServerUnreachable:
            if self._hands is None:
                raise
            self._say(Notice.MADE, entry.proof.uid)
            return
        except ServerRefused as refused:
            if refused.status not in {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}:
                raise
            self._say(Notice.NOT_PROVEN, entry.proof.uid)
            self.book.let_go(entry.account)
            return
        self.workshop.bring_up_to_date(connection, self.client)
        self.book.issued(entry.account, entry.generation, is_owed=issued.is_owed)
        good = Notice.DONE if issued.has_allowance else Notice.DONE_WITHOUT_CREDIT
        self._say(Notice.OWED if issued.is_owed else good, entry.proof.uid)

    def _complete(self, connection: CardConnection, entry: Entry) -> None:
        """Leave the allowance on a card that was gone before it was written."""
        if not entry.is_owed:
            self._say(Notice.AGAIN, connection.uid)
            return
        self._finish(connection, entry)

    def _let_go(self, uid: bytes) -> None:
        entry = self.book.of_card(uid)
        if entry is not None and entry.state is State.BEGUN:
            self.book.let_go(entry.account)

    def _say(self, notice: Notice, uid: bytes) -> None:
        entry = self.book.of_card(uid)
        label = "" if entry is None else self._label(entry.account)
        logger.info("card %s: %s", uid.hex(), notice.name)
        self.screen.notice(notice, label=label, uid=uid)

    def _show(self) -> None:
        waiting = self._waiting()
        done = len(self.book.in_state(State.ISSUED))
        refused = len(self.book.in_state(State.REFUSED))
        self.screen.counts(
            done=done,
            todo=len(self.rows) - done - refused,
            wanted=self._label(waiting[0].account) if waiting else "",
        )

    def _label(self, account: bytes) -> str:
        row = self.rows.get(account)
        return row.label if row is not None and row.label else account.hex()[:8]
