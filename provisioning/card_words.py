"""What becomes of a card on the workshop's table, in types; the words are in the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, unique
from typing import Final, TypeAlias

from cardkit.card.issuing import CardReport, Step
from cardkit.card.kinds import CardKind
from cardkit.card.tmac import TmacState
from cardkit.errors import CardNotIssuable


@unique
class Stage(Enum):
    """What issuing does beside the card's own steps (cardkit.card.issuing.Step)."""

    LOOK = "look at the card"
    BEGIN = "ask the service for the card's keys"
    WIPE = "empty a card whose issue was interrupted"
    FINISH = "show the card's birth to the service"
    ALLOWANCE = "leave the first allowance on the card"


@unique
class Condition(Enum):
    """What lies on the reader."""

    BLANK = "no purse yet"
    TORN = "its issue was interrupted"
    ISSUED = "a purse of this caisse"
    FOREIGN = "a purse that answers to no key of ours"
    NOT_ORIGINAL = "nobody we trust made this chip"
    STRANGER = "another kind of card"


Progress: TypeAlias = Callable[[Stage | Step], None]


@dataclass(frozen=True, slots=True)
class Issued:
    """The card is the member's; without its allowance it waits for a terminal's directory."""

    uid: bytes
    generation: int
    has_allowance: bool
    is_owed: bool = field(default=False, compare=False)
    """There is an allowance, and the card left before it was written."""


@dataclass(frozen=True, slots=True)
class AlreadyIssued:
    """The service has issued this card before; nothing but a missing allowance was written."""

    uid: bytes
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a card is; `spent_cents` and `tmac` of an issued one only, `kind` of a stranger.

    A stranger has no report: no answer of it is kept.
    """

    condition: Condition
    report: CardReport | None = None
    kind: CardKind | None = None
    key_version: int | None = None
    spent_cents: int | None = None
    tmac: TmacState | None = None


class CardStranger(CardNotIssuable):
    """The card is another kind of thing; `kind` is what it seems to be."""

    def __init__(self, kind: CardKind) -> None:
        super().__init__(kind.value)
        self.kind = kind


KINDS: Final[dict[CardKind, str]] = {
    CardKind.ANOTHER_CAISSE: "A card of another caisse, or with keys of before: put it aside.",
    CardKind.TRAINING: "A training card: put it aside.",
    CardKind.REAL: "A member's card: give it back.",
    CardKind.BLANK_DESFIRE: "A blank card: it can be issued.",
    CardKind.DESFIRE_EV1: "This chip is a DESFire EV1, which is too old: put it aside.",
    CardKind.DESFIRE_OTHER: "A card of another service: give it back.",
    CardKind.TAG: "An NFC tag, not a card: put it aside.",
    CardKind.MIFARE_CLASSIC: "A MIFARE Classic badge: the wrong chip, put it aside.",
    CardKind.MIFARE_PLUS: "A MIFARE Plus badge: the wrong chip, put it aside.",
    CardKind.BANK_CARD: "A bank card: give it back.",
    CardKind.PHONE: "A phone, or a bank card that hides its number: take it off the reader.",
    CardKind.TRANSIT: "A transport card: give it back.",
    CardKind.IDENTITY: "An identity document: give it back.",
    CardKind.RANDOM_UID: "This card hides its number: it can't be issued, put it aside.",
    CardKind.UNKNOWN: "No card that we know: put it aside.",
}
"""What is said of each stranger, and what to do with it."""


def silent(step: Stage | Step) -> None:
    """Tell nobody."""
