"""What the terminal says to people: English in the code, French through its catalogue.

French is what a terminal speaks unless the environment asks for English. Gettext's catalogue is
`locale/fr/LC_MESSAGES/clafoutis.po`; `python -m tools.build_messages` compiles it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cardkit.card.apdu import ApplicationExhausted, MemoryFailed
from cardkit.card.kinds import CardKind
from cardkit.clock import PARIS
from cardkit.decide import Declined, Reason
from cardkit.errors import (
    AlreadyPaired,
    AmountInvalid,
    CardAnswerInvalid,
    CardCollision,
    CardForeign,
    CardLost,
    CardRefused,
    ClafoutisError,
    DocumentError,
    JournalDamaged,
    JournalLocked,
    JournalStopped,
    KeyStoreError,
    NotPaired,
    ReaderBusy,
    ReaderForbidden,
    ReaderLost,
    ReaderMissing,
    ServerRefused,
    ServerUnreachable,
    StoreError,
    SyncError,
)
from cardkit.language import FRENCH, catalogue, language_of
from cardkit.money import format_cents
from terminal.borne import Fault, RefusedAllowance
from terminal.journal_read import OpenIntent
from terminal.outcomes import RefundObstacle, RefundRefused, Settlement
from terminal.torn import Executed, Undecidable

LOCALE: Final = Path(__file__).parent / "locale"
DOMAIN: Final = "clafoutis"
_DAYS_TYPED: Final = ("%d/%m/%Y %H:%M", "%d/%m/%Y %Hh%M", "%Y-%m-%d %H:%M")
"""How people write a day and an hour, whatever language the screen speaks."""


class Words:
    """Sentences in one language."""

    def __init__(self, language: str) -> None:
        self._language = language
        self.gettext: Final = catalogue(DOMAIN, LOCALE, language=language).gettext

    @classmethod
    def of_environment(cls) -> Words:
        """Speak as the environment asks."""
        return cls(language_of(os.environ))

    def euros(self, amount_cents: int) -> str:
        """Show an amount."""
        mark = "," if self._language == FRENCH else "."
        return f"{format_cents(amount_cents, decimal_mark=mark)} €"

    def day(self, at: datetime) -> str:
        """Show a day and an hour in France."""
        form = "%d/%m/%Y %H:%M" if self._language == FRENCH else "%Y-%m-%d %H:%M"
        return at.astimezone(PARIS).strftime(form)

    def long_day(self, at: datetime) -> str:
        """Show a day with its name and an hour, for who is asked whether it is right."""
        paris = at.astimezone(PARIS)
        return f"{self._weekdays()[paris.weekday()]} {self.day(at)}"

    def _weekdays(self) -> tuple[str, ...]:
        _ = self.gettext
        return (
            _("Monday"),
            _("Tuesday"),
            _("Wednesday"),
            _("Thursday"),
            _("Friday"),
            _("Saturday"),
            _("Sunday"),
        )

    def instant(self, text: str) -> datetime | None:
        """Read a day and an hour in France as `day` shows them, or None."""
        for form in _DAYS_TYPED:
            with suppress(ValueError, OverflowError):
                return datetime.strptime(text.strip(), form).replace(tzinfo=PARIS).astimezone(UTC)
        return None

    def declined(self, declined: Declined) -> str:
        """Say why a card can't pay, and what it could pay instead."""
        _ = self.gettext
        unusable = _("This card cannot be used. Its holder can ask at the caisse.")
        sentences = {
            Reason.NOT_ENOUGH: _("The card cannot pay the whole amount."),
            Reason.CARD_BLOCKED: _(
                "This card is blocked or replaced. Its holder can ask at the caisse."
            ),
            Reason.CARD_UNKNOWN: _("No credit is known for this card. Sync, then try again."),
            Reason.CARD_ROLLED_BACK: unusable,
            Reason.CARD_FORKED: unusable,
            Reason.CARD_EXHAUSTED: _("This card is worn out. The caisse replaces it."),
            Reason.SALE_CAP: _("The amount is above what one sale may be."),
            Reason.CARD_DAY_CAP: _("This card has reached its limit at this stall for today."),
            Reason.UNSENT_CAP: _("Too many sales wait to be sent. Sync, then try again."),
            Reason.PERMIT_EXPIRED: _("This terminal's permit has run out. Sync to renew it."),
            Reason.DIRECTORY_EXPIRED: _("The list of cards is too old. Sync to renew it."),
            Reason.MERCHANT_NOT_PERMITTED: _("This terminal may not sell for this merchant."),
            Reason.CONVENTION_OUT_OF_DATES: _("The merchant's agreement is not in force."),
        }
        sentence = sentences[declined.reason]
        if declined.payable_cents:
            can_pay = _("It can pay {amount}.").format(amount=self.euros(declined.payable_cents))
            return f"{sentence} {can_pay}"
        return sentence

    def refused_allowance(self, refused: RefusedAllowance) -> str:
        """Say why credit that stands on the card, or in the list of cards, does not count."""
        _ = self.gettext
        reasons = {
            Fault.GARBLED: _("it cannot be read"),
            Fault.NOT_SIGNED: _("the caisse did not sign it"),
            Fault.ANOTHER_CAISSE: _("it is of another caisse"),
            Fault.KEY_EXPIRED: _("its key was out of date"),
            Fault.ABOVE_CEILING: _("it is above what the caisse may give"),
            Fault.OTHER_CARD: _("it is of another card"),
            Fault.EARLIER_LIFE: _("the card has been made anew since"),
            Fault.OLDER: _("the card has shown a newer one before"),
        }
        reason = reasons[refused.fault]
        if refused.slot is None:
            return _("Credit in the list does not count: {reason}.").format(reason=reason)
        return _("Credit on the card does not count: {reason}.").format(reason=reason)

    def settled(self, earlier: Settlement) -> str:
        """Say what became of an amber sale."""
        _ = self.gettext
        if earlier.refund_seq is not None:
            text = _("Sale {seq} of {amount} had been debited; it has been refunded.")
        elif isinstance(earlier.verdict, Executed):
            text = _("Sale {seq} of {amount} had been debited: it is paid.")
        elif isinstance(earlier.verdict, Undecidable):
            text = _("Sale {seq} of {amount}: the caisse will find out and tell.")
        else:
            text = _("Sale {seq} of {amount} had not been debited.")
        return text.format(seq=earlier.intent_seq, amount=self.euros(earlier.amount_cents))

    def still_open(self, held: OpenIntent) -> str:
        """Remind of an amber sale, beside whatever else is said."""
        _ = self.gettext
        text = _("Nobody knows yet whether sale {seq} of {amount} is paid: present its card again.")
        return text.format(seq=held.seq, amount=self.euros(held.intent.amount_cents))

    def refund_refused(self, refused: RefundRefused) -> str:
        """Say why a refund was not entered."""
        _ = self.gettext
        sentences = {
            RefundObstacle.NO_SUCH_SALE: _("No paid sale of this terminal has this number."),
            RefundObstacle.TOO_MUCH: _("Only {amount} of this sale can still be refunded."),
            RefundObstacle.TOO_LATE: _("The time for refunding this sale has passed."),
        }
        left = self.euros(refused.refundable_cents)
        return sentences[refused.obstacle].format(amount=left)

    def amount_invalid(self, error: AmountInvalid) -> str:
        """Say why a text is no amount."""
        _ = self.gettext
        sentences = {
            "negative": _("An amount cannot be negative. For money back, enter a refund."),
            "not a number": _("That is not an amount. Type it like 12,50 or 12.50."),
            "more than two decimals": _("An amount has two decimals at most, like 12,50."),
            "zero": _("An amount is 0,01 at least."),
        }
        return sentences[error.reason]

    def stranger(self, kind: CardKind) -> str:
        """Say what lies there instead of a card that pays, and on a second line what to do."""
        _ = self.gettext
        take_ours = _("Nothing was debited. Present a card of this caisse, alone.")
        what_to_do = {
            CardKind.ANOTHER_CAISSE: _("Nothing was debited. If it is a new card of ours, sync."),
            CardKind.REAL: _("Nothing was debited. Present a training card."),
            CardKind.BLANK_DESFIRE: _("Nothing was debited. The caisse has to prepare it first."),
        }
        return f"{self._strangers()[kind]}\n{what_to_do.get(kind, take_ours)}"

    def _strangers(self) -> dict[CardKind, str]:
        _ = self.gettext
        return {
            CardKind.ANOTHER_CAISSE: _("This card is of another caisse."),
            CardKind.TRAINING: _("A training card pays nothing here."),
            CardKind.REAL: _("This terminal trains: it debits no member."),
            CardKind.BLANK_DESFIRE: _("This card is blank."),
            CardKind.DESFIRE_EV1: _("This card is of a model too old to pay."),
            CardKind.DESFIRE_OTHER: _("This card is of another service."),
            CardKind.TAG: _("This is an NFC tag, not a card that pays."),
            CardKind.MIFARE_CLASSIC: _("This is a badge, not a card that pays."),
            CardKind.MIFARE_PLUS: _("This is a MIFARE Plus badge, not our card."),
            CardKind.BANK_CARD: _("A bank card does not pay here."),
            CardKind.PHONE: _("A phone or bank card does not pay here."),
            CardKind.TRANSIT: _("A transport card does not pay here."),
            CardKind.IDENTITY: _("An identity document does not pay here."),
            CardKind.RANDOM_UID: _("This card hides its number: not ours."),
            CardKind.UNKNOWN: _("This is not a card of this caisse."),
        }

    def trouble(self, error: ClafoutisError) -> str:
        """Say what happened, what was kept and what to do."""
        if isinstance(error, AmountInvalid):
            return self.amount_invalid(error)
        if isinstance(error, CardForeign):
            return self.stranger(error.kind)
        for kind, sentence in self._troubles():
            if isinstance(error, kind):
                return sentence
        _ = self.gettext
        return _("Something unforeseen happened. What was journalled is kept.")

    def _troubles(self) -> tuple[tuple[type[ClafoutisError], str], ...]:
        """Errors of the world, the particular ones before the general."""
        _ = self.gettext
        return (
            (CardLost, _("The card was taken away too early. Nothing was debited. Tap again.")),
            (CardCollision, _("Several cards lie there. Nothing was debited. Present one alone.")),
            (ApplicationExhausted, _("This card is worn out. The caisse replaces it.")),
            (MemoryFailed, _("This card is worn out. The caisse replaces it.")),
            (CardRefused, _("The card refused. Nothing was debited. Tap again.")),
            (CardAnswerInvalid, _("The card was misread. Nothing was debited. Tap again.")),
            (ReaderMissing, _("No card reader was found. Plug it in, then try again.")),
            (ReaderBusy, _("Another program holds the card reader. Close it, then try again.")),
            (
                ReaderForbidden,
                _("The system refuses the card reader to this program. Call the workshop."),
            ),
            (ReaderLost, _("The card reader was unplugged. Nothing was debited. Plug it in.")),
            (JournalLocked, _("The till is open in another program. Close it first.")),
            (
                JournalStopped,
                _(
                    "The disk did not take the last entry: nobody knows whether a sale under way"
                    " is paid. Nothing more is sold; restart the till."
                ),
            ),
            (
                JournalDamaged,
                _("The journal is damaged. It is kept as it is; call the workshop."),
            ),
            (AlreadyPaired, _("This is a terminal already. The workshop can empty it.")),
            (
                NotPaired,
                _("This is no terminal of a caisse yet: pair it with a ticket of the caisse."),
            ),
            (StoreError, _("The terminal's documents cannot be read. Call the workshop.")),
            (KeyStoreError, _("The terminal's keys cannot be read. Call the workshop.")),
            (ServerUnreachable, _("The caisse cannot be reached. Everything is kept; try later.")),
            (ServerRefused, _("The caisse refused. Everything is kept; call the caisse.")),
            (SyncError, _("The caisse's answer is not genuine. Everything is kept; try later.")),
            (DocumentError, _("A document is not genuine, or not for this terminal.")),
        )
