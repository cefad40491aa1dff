"""The one thread that owns till and reader: what blocks, blocks here and never the screen.

SQLite connections and readers belong to the thread that opened them, an fsync takes as long as a
card of memory likes, and a card answers when it does. So whoever shows the till hands over what is
to be done, and hears of it as facts (`Fact`), in the order in which they happened.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, TypeAlias, TypeVar

from cardkit.card.connection import CardConnection
from cardkit.errors import (
    CardError,
    JournalError,
    JournalStopped,
    ReaderError,
    ReaderMissing,
    StoreError,
)
from cardkit.frozen import dataclass
from cardkit.reader import Reader
from cardkit.reader.beep import Beep
from terminal.outcomes import BalanceOutcome, Green, SaleOutcome
from terminal.situation import Situation
from terminal.till import Announce, Till

logger = logging.getLogger(__name__)

T = TypeVar("T")

POLL_S: Final = 0.2
"""A reader is asked for a card so long at a time; whoever cancels waits no longer."""
IDLE_S: Final = 1.0
OPENING_S: Final = 1.0
"""A reader is first looked for when nothing was asked for so long: its libraries take long to
load, and whoever opens the till would wait for them."""
READER_AGAIN_S: Final = 2.0
"""Between two looks for a reader that is not there."""
RESTS_EVERY: Final = 30
"""Idle turns between two exchanges with inbox and outbox, besides those after each sale."""
_OVER: Final = "the till has ended"

Outcome: TypeAlias = SaleOutcome | BalanceOutcome
Act: TypeAlias = Callable[[Till, CardConnection, Announce], Outcome]
"""What is done with the next card; may raise CardError or ReaderError."""


@dataclass(frozen=True, slots=True)
class ReaderReady:
    """A reader is there."""

    name: str
    beep: Beep


@dataclass(frozen=True, slots=True)
class ReaderGone:
    """No reader is there, or it was unplugged."""

    error: ReaderError


@dataclass(frozen=True, slots=True)
class CardSeen:
    """A card lies there and is being spoken to."""


@dataclass(frozen=True, slots=True)
class CardTrouble:
    """Nothing came of it; what was armed still waits for a card."""

    error: CardError | ReaderError


@dataclass(frozen=True, slots=True)
class Announced:
    """A sale is on disk: green, whatever the card does now."""

    green: Green


@dataclass(frozen=True, slots=True)
class TapDone:
    """What was armed came to an outcome."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class CardLifted:
    """The field is empty again."""


@dataclass(frozen=True, slots=True)
class Stands:
    """How things stand now."""

    situation: Situation


@dataclass(frozen=True, slots=True)
class Halted:
    """The till can't go on in this process; what is on disk is kept."""

    error: Exception


Fact: TypeAlias = (
    ReaderReady
    | ReaderGone
    | CardSeen
    | CardTrouble
    | Announced
    | TapDone
    | CardLifted
    | Stands
    | Halted
)


@dataclass(frozen=True, slots=True)
class _Job:
    act: Callable[[Till], Any]
    future: Future[Any]


class Worker(threading.Thread):
    """Till and reader at work; `post` is called from this thread with each fact."""

    def __init__(
        self,
        open_till: Callable[[], Till],
        find_reader: Callable[[], Reader],
        look: Callable[[Till], Situation],
        *,
        post: Callable[[Fact], None],
    ) -> None:
        super().__init__(name="till", daemon=True)
        self._open_till = open_till
        self._find_reader = find_reader
        self._look = look
        self._post = post
        self._jobs: queue.Queue[_Job | None] = queue.Queue()
        self._lock = threading.Lock()
        self._armed: Act | None = None
        self._tried: Act | None = None
        """What the card that lies there was asked for last: no trouble is tried twice by itself."""
        self._is_tapping = False
        self._is_over = False
        self._ends = threading.Event()
        self._reader: Reader | None = None
        self._reader_error: ReaderError | None = None
        self._is_card_there = False
        self._idle_turns = 0

    # From any thread

    def arm(self, act: Act) -> None:
        """Do this with the next card, or with the one that lies there; replaces what was armed."""
        with self._lock:
            self._armed = act
        self._jobs.put(None)

    def take_back(self, act: Act) -> bool:
        """Want no card for this any more; False when one is at it, or is done: then wait for it."""
        with self._lock:
            if self._armed is not act or self._is_tapping:
                return False
            self._armed = None
            return True

    def do(self, act: Callable[[Till], T]) -> Future[T]:
        """Do something with the till between two taps; the future holds its value or error."""
        future: Future[T] = Future()
        with self._lock:
            if self._is_over:
                future.set_exception(JournalStopped(_OVER))
            else:
                self._jobs.put(_Job(act, future))
        return future

    def stop(self) -> None:
        """End in good order; `join` waits for it."""
        self._ends.set()
        self._jobs.put(None)

    # In the thread

    def run(self) -> None:
        """Open the till and work until `stop`, or until it can't go on."""
        till: Till | None = None
        try:
            till = self._open_till()
            till.start()
            self._stand(till)
            while not self._ends.is_set():
                self._turn(till)
            self._wind_up(till)
        except Exception as error:  # noqa: BLE001 - whatever ends this thread has to be shown
            logger.error("the till stops: %r", error)
            self._post(Halted(error))
        finally:
            if till is not None:
                till.close()
            if self._reader is not None:
                self._reader.close()
            self._refuse_jobs()

    def _turn(self, till: Till) -> None:
        """Serve one job, or attend to the reader."""
        try:
            job = self._jobs.get(timeout=self._patience_s)
        except queue.Empty:
            self._attend(till)
            return
        if job is not None:
            self._run_job(till, job)
        elif self._reader is None and not self._ends.is_set():
            self._attend(till)  # somebody waits for a card: look for the reader at once

    @property
    def _patience_s(self) -> float:
        """How long a job may be waited for: not at all while a card is."""
        if self._reader is None:
            return READER_AGAIN_S if self._reader_error else OPENING_S
        return 0.0 if self._is_armed or self._is_card_there else IDLE_S

    def _attend(self, till: Till) -> None:
        if self._reader is None:
            self._look_for_reader()
            self._idle(till)
        elif self._is_card_there and not self._wants_card_again:
            self._wait_for_removal(self._reader)
        elif self._is_armed:
            self._wait_for_card(till, self._reader)
        else:
            self._idle(till)

    @property
    def _is_armed(self) -> bool:
        with self._lock:
            return self._armed is not None

    def _run_job(self, till: Till, job: _Job) -> None:
        if not job.future.set_running_or_notify_cancel():
            return
        try:
            value = job.act(till)
        except JournalError as error:
            job.future.set_exception(error)
            raise
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
            job.future.set_exception(error)
        else:
            job.future.set_result(value)
        self._stand(till)

    def _idle(self, till: Till) -> None:
        """Use idle time: now and then answers in, requests out; look how things stand."""
        self._idle_turns += 1
        if self._idle_turns % RESTS_EVERY == 0:
            self._rest(till)
        self._stand(till)

    def _rest(self, till: Till) -> None:
        try:
            till.rest()
        except StoreError as error:
            logger.warning("no exchange with inbox and outbox: %s", error)

    def _stand(self, till: Till) -> None:
        self._post(Stands(self._look(till)))

    def _look_for_reader(self) -> None:
        try:
            self._reader = self._find_reader()
        except ReaderError as error:
            if _is_news(error, self._reader_error):
                self._post(ReaderGone(error))
                self._reader_error = error
        else:
            self._reader_error = None
            self._is_card_there = False
            self._post(ReaderReady(self._reader.name, self._reader.beep))

    def _lose_reader(self, error: ReaderError) -> None:
        if self._reader is not None:
            with suppress(ReaderError):
                self._reader.close()
        self._reader = None
        self._reader_error = error
        self._is_card_there = False
        self._post(ReaderGone(error))

    def _wait_for_removal(self, reader: Reader) -> None:
        """Wait a little for the card to leave."""
        try:
            is_empty = reader.wait_for_removal(POLL_S)
        except ReaderError as error:
            self._lose_reader(error)
            return
        if is_empty:
            self._see_no_card()

    def _see_no_card(self) -> None:
        if self._is_card_there:
            self._is_card_there = False
            self._post(CardLifted())

    @property
    def _wants_card_again(self) -> bool:
        """Whether something new is armed, which may have the card that lies there as it is."""
        with self._lock:
            return self._armed is not None and self._armed is not self._tried

    def _wait_for_card(self, till: Till, reader: Reader) -> None:
        try:
            connection = reader.wait_for_card(POLL_S)
        except ReaderError as error:
            self._lose_reader(error)
            return
        except CardError as error:
            with self._lock:
                self._tried = self._armed
            self._is_card_there = True
            self._post(CardTrouble(error))
            return
        if connection is None:
            self._see_no_card()
        else:
            self._tap(till, connection)

    def _tap(self, till: Till, connection: CardConnection) -> None:
        """Do what is armed with a card; an outcome disarms, trouble does not."""
        with self._lock:
            act = self._tried = self._armed
            self._is_tapping = act is not None
        self._is_card_there = True
        if act is None:
            connection.close()
            return
        self._post(CardSeen())
        try:
            outcome = act(till, connection, lambda green: self._post(Announced(green)))
        except (CardError, ReaderError) as error:
            self._end_tap()
            self._post(CardTrouble(error))
            if isinstance(error, ReaderError):
                self._lose_reader(error)
        else:
            self._end_tap(act)
            self._post(TapDone(outcome))
        finally:
            connection.close()
        self._stand(till)
        if not self._is_armed:
            self._rest(till)

    def _end_tap(self, done: Act | None = None) -> None:
        """Let people take back what still waits; what is done waits no longer."""
        with self._lock:
            self._is_tapping = False
            if done is not None and self._armed is done:
                self._armed = None

    def _wind_up(self, till: Till) -> None:
        """End in good order."""
        if till.journal.is_running:
            self._rest(till)
            till.stop()

    def _refuse_jobs(self) -> None:
        """Let nobody wait for a thread that has ended."""
        with self._lock:
            self._is_over = True
        with suppress(queue.Empty):
            while True:
                job = self._jobs.get_nowait()
                if job is not None and job.future.set_running_or_notify_cancel():
                    job.future.set_exception(JournalStopped(_OVER))


def _is_news(error: ReaderError, known: ReaderError | None) -> bool:
    """Say whether people should hear of it: who pulled the cable knows that no reader is there."""
    if known is None:
        return True
    return not isinstance(error, ReaderMissing) and str(error) != str(known)
