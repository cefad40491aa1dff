"""A till to be played with on any screen: type an amount, tap a card, read the answer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Final

from cardkit.bodies import RefundReason, ResolutionChoice
from cardkit.card.connection import CardConnection
from cardkit.clock import ClockTrust, business_date
from cardkit.errors import CardError, ClafoutisError, JournalError, ReaderError, StoreError
from cardkit.money import parse_amount
from cardkit.reader import Reader
from terminal import reader_words
from terminal.borne import RefusedAllowance
from terminal.closures import AlreadyClosed
from terminal.config import TAP_TIMEOUT_S
from terminal.outcomes import (
    Amber,
    Balance,
    Green,
    Refunded,
    Refused,
    SaleOutcome,
    Settled,
    Settlement,
)
from terminal.till import Till
from terminal.words import Words

REMOVAL_TIMEOUT_S: Final = 5.0
_SEQ_DIGITS: Final = 10
_IN_A_DATE: Final = "/"

ReadLine = Callable[[], str | None]
"""Return what was typed, or None at the end."""
Write = Callable[[str], None]

_ANSWERS: Final = {
    "attend": ResolutionChoice.PARKED,
    "autrement": ResolutionChoice.PAID_OTHERWISE,
    "parti": ResolutionChoice.CLIENT_LEFT,
    "remis": ResolutionChoice.GOODS_HANDED_OVER,
}


class LineMode:
    """The dialogue over one till, one reader and one merchant."""

    def __init__(
        self,
        till: Till,
        reader: Reader,
        *,
        merchant: int,
        words: Words,
        read_line: ReadLine,
        write: Write,
    ) -> None:
        self._till = till
        self._reader = reader
        self._merchant = merchant
        self._words = words
        self._read_line = read_line
        self._write = write

    def run(self) -> None:
        """Answer line by line until the end, or until nothing can be sold any more.

        Raises JournalError or StoreError then.
        """
        _ = self._words.gettext
        self._write(_("Type an amount, or: {commands}").format(commands=", ".join(self._commands)))
        self._warn_of_the_beep()
        self._ask_the_time()
        self._remind()
        self._rest()
        while (line := self._read_line()) is not None:
            word, *rest = line.split() or [""]
            if word == "quitter":
                return
            try:
                self._answer(word, rest, line)
            except (JournalError, StoreError):
                raise
            except ClafoutisError as error:
                self._write(self._words.trouble(error))
            self._rest()

    @property
    def _commands(self) -> tuple[str, ...]:
        return ("solde", "attente", *_ANSWERS, "rembourser", "clore", "quitter")

    def _answer(self, word: str, rest: list[str], line: str) -> None:
        match word:
            case "":
                return
            case "solde":
                self._balance()
            case "attente":
                self._waiting()
            case "rembourser":
                self._refund(rest)
            case "clore":
                self._close_day()
            case _ if word in _ANSWERS:
                self._resolve(_ANSWERS[word], rest)
            case _ if _IN_A_DATE in word or self._words.instant(line) is not None:
                self._set_clock(line)
            case _:
                self._sell(parse_amount(line))

    def _warn_of_the_beep(self) -> None:
        warning = reader_words.beep_warning(self._words, self._reader.beep)
        if warning is not None:
            self._write(warning)

    def _ask_the_time(self) -> None:
        """Ask when nothing vouches for the clock; selling goes on without an answer."""
        _ = self._words.gettext
        now = self._till.clock.now()
        if now.trust is ClockTrust.UNTRUSTED:
            self._write_day(_("The clock is not sure: it says {day}."), now.at)
            self._write(_("What day and hour is it? Type it like 01/11/2026 08:30."))

    def _set_clock(self, line: str) -> None:
        _ = self._words.gettext
        at, clock = self._words.instant(line), self._till.clock
        now = clock.now()
        if at is None:
            self._write(_("That is no day and hour. Type it like 01/11/2026 08:30."))
        elif now.trust > ClockTrust.DECLARED:
            self._write_day(_("The clock can be trusted: it is {day}."), now.at)
        elif self._till.set_clock(at):
            self._write_day(_("Noted for today: it is {day}."), at)
        elif at < clock.earliest:
            too_early = _("It cannot be that early: the caisse signed on {day}.")
            self._write_day(too_early, clock.earliest)
        else:
            too_late = _("It cannot be that late: sync first, after {day}.")
            self._write_day(too_late, clock.latest)

    def _write_day(self, text: str, day: datetime) -> None:
        self._write(text.format(day=self._words.day(day)))

    def _sell(self, amount_cents: int) -> None:
        connection = self._tapped()
        if connection is None:
            return
        try:
            outcome = self._till.sell(
                connection, amount_cents, merchant=self._merchant, announce=self._green
            )
        except (CardError, ReaderError) as error:
            self._write(self._words.trouble(error))
            self._remind()
        else:
            self._show(outcome)
        finally:
            self._let_go(connection)

    def _balance(self) -> None:
        _ = self._words.gettext
        connection = self._tapped()
        if connection is None:
            return
        try:
            outcome = self._till.balance(connection, announce=self._green)
        except (CardError, ReaderError) as error:
            self._write(self._words.trouble(error))
            self._remind()
            return
        finally:
            self._let_go(connection)
        self._settled(outcome.settled)
        match outcome:
            case Balance(available_cents=available_cents):
                amount = self._words.euros(available_cents)
                self._write(_("This card can pay {amount}.").format(amount=amount))
            case Refused(declined=declined):
                self._write(self._words.declined(declined))
        self._faults(outcome.refused)

    def _tapped(self) -> CardConnection | None:
        _ = self._words.gettext
        self._write(_("Present the card…"))
        connection = self._reader.wait_for_card(TAP_TIMEOUT_S)
        if connection is None:
            self._write(_("No card came. Nothing was sold."))
        return connection

    def _let_go(self, connection: CardConnection) -> None:
        """Wait for the card to leave; a reader lost by now takes back nothing that was said."""
        connection.close()
        with contextlib.suppress(ReaderError):
            self._reader.wait_for_removal(REMOVAL_TIMEOUT_S)

    def _remind(self) -> None:
        for held in self._till.journal.open_intents():
            self._write(self._words.still_open(held))

    def _rest(self) -> None:
        try:
            self._till.rest()
        except StoreError as error:
            self._write(self._words.trouble(error))

    def _green(self, green: Green) -> None:
        _ = self._words.gettext
        amount = self._words.euros(green.amount_cents)
        self._write(_("PAID {amount}, sale {seq}").format(amount=amount, seq=green.seq))

    def _show(self, outcome: SaleOutcome) -> None:
        _ = self._words.gettext
        self._settled(outcome.settled)
        match outcome:
            case Refused(declined=declined, refused=refused):
                self._write(self._words.declined(declined))
                self._faults(refused)
            case Amber(seq=seq):
                self._write(
                    _(
                        "UNKNOWN: present the same card again, or answer"
                        " “autrement {seq}”, “parti {seq}”, “remis {seq}”."
                    ).format(seq=seq)
                )
            case Settled():
                self._write(_("Nothing else was sold. Type the amount again for a new sale."))
            case _:
                return

    def _settled(self, settled: tuple[Settlement, ...]) -> None:
        for earlier in settled:
            self._write(self._words.settled(earlier))

    def _faults(self, refused: tuple[RefusedAllowance, ...]) -> None:
        for it in refused:
            self._write(self._words.refused_allowance(it))

    def _waiting(self) -> None:
        _ = self._words.gettext
        held = self._till.journal.open_intents()
        if not held:
            self._write(_("No sale is waiting."))
        for it in held:
            amount = self._words.euros(it.intent.amount_cents)
            self._write(_("Sale {seq} of {amount} is waiting.").format(seq=it.seq, amount=amount))

    def _resolve(self, choice: ResolutionChoice, rest: list[str]) -> None:
        _ = self._words.gettext
        seq = _number(rest)
        if seq is None or not self._till.resolve(seq, choice):
            self._write(_("No sale with this number is waiting."))
        else:
            self._write(_("Noted for sale {seq}.").format(seq=seq))

    def _refund(self, rest: list[str]) -> None:
        _ = self._words.gettext
        amount_cents = parse_amount(rest[1]) if len(rest) > 1 else None
        outcome = self._till.refund(_number(rest) or 0, amount_cents, RefundReason.GOODS_RETURNED)
        if isinstance(outcome, Refunded):
            amount = self._words.euros(outcome.amount_cents)
            self._write(
                _("Refunded {amount}: here at once, elsewhere after the next sync.").format(
                    amount=amount
                )
            )
        else:
            self._write(self._words.refund_refused(outcome))

    def _close_day(self) -> None:
        _, euros, journal = self._words.gettext, self._words.euros, self._till.journal
        waiting = len(journal.open_intents())
        closed = self._till.close_day(business_date(self._till.clock.now().at))
        if isinstance(closed, AlreadyClosed):
            text = _("The day is closed already, and nothing was sold since: {amount}.")
            self._write(text.format(amount=euros(closed.closure.sales_cents)))
            return
        total, count = euros(journal.head.perpetual_cents), waiting - len(journal.open_intents())
        self._write(
            _("Day closed. {count} sales were left to the caisse. Total ever: {total}.").format(
                count=count, total=total
            )
        )


def _number(rest: list[str]) -> int | None:
    """Read the number of an entry; None for what no entry can have."""
    is_number = bool(rest) and rest[0].isascii() and rest[0].isdigit()
    return int(rest[0]) if is_number and len(rest[0]) <= _SEQ_DIGITS else None
