"""The page that waits for a card: the amount for both sides of the stall, and a way out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from cardkit.errors import (
    CardAnswerInvalid,
    CardCollision,
    CardError,
    CardForeign,
    ReaderError,
)
from cardkit.frozen import dataclass
from terminal.ui.frame import Frame, big
from terminal.ui.huge import Amount, Huge
from terminal.ui.pad import Pad
from terminal.ui.widgets import Choice, Choices
from terminal.worker import (
    Act,
    Announced,
    CardSeen,
    CardTrouble,
    Fact,
    Outcome,
    ReaderGone,
    ReaderReady,
    TapDone,
)


@dataclass(frozen=True, slots=True)
class Answered:
    """A person chose a way out instead of a card."""

    index: int


PresentResult: TypeAlias = Outcome | Answered | None


class PresentPage(Frame[PresentResult]):
    """Waits for a card; the result is what came of it, a choice, or None for going back."""

    def __init__(
        self,
        act: Act,
        *,
        amount: str,
        ask: str,
        text: str = "",
        choices: Sequence[Choice] = (),
        tone: str = "",
    ) -> None:
        super().__init__(classes=tone if choices else f"{tone} airy")
        self._act = act
        self._amount = amount
        self._ask = ask
        self._text = text
        self._choices = tuple(choices)
        self._was_gone = False

    def ways(self) -> Sequence[tuple[str, Pad]]:
        """How to leave."""
        return () if self._choices else ((self._("− cancel"), Pad.MINUS),)

    def content(self) -> ComposeResult:
        """Amount, question, what goes wrong, ways out."""
        if self._amount and self._choices:
            yield Amount(self._amount)  # choices need the room
        elif self._amount:
            yield Huge(self._amount, classes="huge")
        yield big(self._ask, classes="ask")
        yield Static(Text(self._text, justify="center"), id="say")
        if self._choices:
            yield Choices(self._choices)

    def on_mount(self) -> None:
        """Want a card."""
        self.till_app.worker.arm(self._act)
        if isinstance(self.till_app.reader, ReaderGone):
            self._was_gone = True
            self.say(self.words.trouble(self.till_app.reader.error), tone="alarm")

    def say(self, text: str, *, tone: str = "") -> None:
        """Say something below the question."""
        place = self.query_one("#say", Static)
        place.set_classes(tone)
        place.update(Text(text, justify="center"))

    def hear(self, fact: Fact) -> None:
        """Show what the card and the reader do."""
        match fact:
            case CardSeen():
                self.say(self._("Hold it still…"), tone="busy")
            case CardTrouble(error):
                self.say(self.words.trouble(error), tone="refused" if is_red(error) else "trouble")
            case Announced(green) if green.is_new:
                paid = self._("PAID {amount}").format(amount=self.words.euros(green.amount_cents))
                self.say(paid, tone="paid")
            case TapDone(outcome):
                self.dismiss(outcome)
            case ReaderGone(error):
                self._was_gone = True
                self.say(self.words.trouble(error), tone="alarm")
            case ReaderReady() if self._was_gone:
                self._was_gone = False
                self.say(self._("The reader is back."), tone="")
            case _:
                pass

    def press(self, pad: Pad) -> None:
        """Leave, or choose a way out; not while a card is being spoken to."""
        if pad.digit and self._choices:
            self.pick(pad.digit)
        elif pad is Pad.MINUS and not self._choices:
            self.back()

    def pick(self, number: int) -> None:
        """Take a way out."""
        if 1 <= number <= len(self._choices) and self._can_leave:
            self.dismiss(Answered(number - 1))

    def back(self) -> None:
        """Leave, unless a card came first: then what comes of it is shown."""
        if self._can_leave:
            super().back()

    @property
    def _can_leave(self) -> bool:
        return self.till_app.worker.take_back(self._act)


def is_red(error: CardError | ReaderError) -> bool:
    """Say whether a card is foreign or unreadable: then, and when it is blocked, red is shown."""
    return isinstance(error, CardForeign | CardAnswerInvalid | CardCollision)
