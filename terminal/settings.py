"""How a terminal is set: by people, on the screen; nothing here is money or a key.

One small TinyDB file of its own beside the documents, replaced whole at each change: a file that
rots costs the settings and never the till, which goes on with those it is made with. The next
change sets the rotten file aside, for whoever can still read something in it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, field, fields, replace
from enum import StrEnum, unique
from pathlib import Path
from typing import Any, Final, TypeVar

from tinydb import TinyDB, where

from cardkit.errors import StoreError
from cardkit.frozen import dataclass
from cardkit.language import FRENCH
from terminal.catalogue import PRODUCTS_MAX, Product
from terminal.documents import AtomicStorage

logger = logging.getLogger(__name__)

HEADING_LINES_MAX: Final = 4
PAPERS_MM: Final = (58, 80)
DAMAGED: Final = ".damaged"
"""Ends the name of a file that was set aside."""
_TERMINAL: Final = "terminal"
_MERCHANT: Final = "merchant"
Chosen = TypeVar("Chosen", bound=StrEnum)


@unique
class Theme(StrEnum):
    """Colours for the light that there is."""

    DAY = "day"
    NIGHT = "night"


@unique
class AmountEntry(StrEnum):
    """How an amount is typed."""

    COMMA = "comma"
    """12 is twelve euros, as on scales and pocket calculators."""
    CENTS_FIRST = "cents-first"
    """1250 is twelve euros fifty, as on bank terminals."""


@unique
class Mode(StrEnum):
    """What the terminal is to its merchant."""

    PAYMENT = "payment"
    """A payment terminal: an amount, a card; the ticket is made by another till."""
    TILL = "till"
    """A till: lines, VAT, tickets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """Pin numbers of GPIO outputs (BCM); None for what is not wired."""

    buzzer: int | None = None
    green: int | None = None
    red: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalSettings:
    """What is set once for a terminal."""

    language: str = FRENCH
    theme: Theme = Theme.DAY
    sounds: bool = True
    brightness_percent: int = 100
    printer: str = ""
    """An address as `terminal.printer.open_printer` takes it; empty: none."""
    paper_mm: int = PAPERS_MM[0]
    """How wide the printer's paper is."""
    shows_balance: bool = True
    """Whether what is left on a card is shown while it lies there."""
    last_merchant: int = 0
    pins: Pins = field(default_factory=Pins)


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantSettings:
    """What is set for one merchant of a terminal."""

    amount_entry: AmountEntry = AmountEntry.COMMA
    mode: Mode = Mode.PAYMENT
    heading: tuple[str, ...] = ()
    """What a receipt says of the merchant below the name: address, SIRET, telephone."""
    shows_card: bool = False
    """Whether the card's last digits stand on a receipt."""
    products: tuple[Product, ...] = ()
    pin: str = field(default="", repr=False)
    """Salted hash of the producer's PIN (`terminal.pin`); empty: none was chosen."""


class Settings:
    """The settings of one terminal; writing may raise StoreError, reading never fails."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._table = TinyDB(path, storage=AtomicStorage).table("settings", cache_size=0)

    @property
    def terminal(self) -> TerminalSettings:
        """What is set for the terminal, or what it is made with."""
        held = self._get(_TERMINAL)
        made = TerminalSettings()
        paper_mm = _int(held, "paper_mm", made.paper_mm)
        return TerminalSettings(
            language=_text(held, "language", made.language),
            theme=_choice(held, "theme", made.theme),
            sounds=bool(held.get("sounds", made.sounds)),
            brightness_percent=min(100, max(5, _int(held, "brightness_percent", 100))),
            printer=_text(held, "printer", made.printer),
            paper_mm=paper_mm if paper_mm in PAPERS_MM else made.paper_mm,
            shows_balance=bool(held.get("shows_balance", made.shows_balance)),
            last_merchant=_int(held, "last_merchant", made.last_merchant),
            pins=_pins(held.get("pins")),
        )

    @terminal.setter
    def terminal(self, settings: TerminalSettings) -> None:
        self._put(_TERMINAL, asdict(settings))

    def merchant(self, merchant: int) -> MerchantSettings:
        """What is set for a merchant, or what a terminal is made with."""
        held = self._get(f"{_MERCHANT} {merchant}")
        made = MerchantSettings()
        heading = held.get("heading")
        return MerchantSettings(
            amount_entry=_choice(held, "amount_entry", made.amount_entry),
            mode=_choice(held, "mode", made.mode),
            heading=_lines(heading),
            shows_card=bool(held.get("shows_card", made.shows_card)),
            products=_products(held.get("products")),
            pin=_text(held, "pin", made.pin),
        )

    def set_merchant(self, merchant: int, settings: MerchantSettings) -> None:
        """Keep what is set for a merchant; a PIN replaces the one before."""
        self._put(
            f"{_MERCHANT} {merchant}",
            {
                "amount_entry": settings.amount_entry.value,
                "mode": settings.mode.value,
                "heading": list(settings.heading[:HEADING_LINES_MAX]),
                "shows_card": settings.shows_card,
                "products": [it.as_document() for it in settings.products[:PRODUCTS_MAX]],
                "pin": settings.pin,
            },
        )

    def set_pin(self, merchant: int, pin_hash: str) -> None:
        """Keep the hash of a merchant's PIN; empty takes it away."""
        self.set_merchant(merchant, replace(self.merchant(merchant), pin=pin_hash))

    def _get(self, name: str) -> Mapping[str, Any]:
        try:
            found = self._table.get(where("name") == name)
        except StoreError as error:
            logger.warning("settings can't be read: %s", error)
            return {}
        return dict(found) if isinstance(found, Mapping) else {}

    def _put(self, name: str, values: Mapping[str, object]) -> None:
        try:
            self._table.get(where("name") == name)
        except StoreError as error:
            logger.warning("settings are made anew: %s", error)
            self._set_aside()
        self._table.upsert({"name": name, **values}, where("name") == name)

    def _set_aside(self) -> None:
        """Make room for a file that can be read; raises StoreError."""
        try:
            self._path.rename(self._path.with_name(self._path.name + DAMAGED))
        except OSError as error:
            raise StoreError(f"{self._path.name}: {error}") from error


def _text(held: Mapping[str, Any], name: str, made: str) -> str:
    value = held.get(name, made)
    return value if isinstance(value, str) else made


def _int(held: Mapping[str, Any], name: str, made: int) -> int:
    value = held.get(name, made)
    return value if isinstance(value, int) else made


def _choice(held: Mapping[str, Any], name: str, made: Chosen) -> Chosen:
    try:
        return type(made)(held.get(name, made))
    except ValueError:
        return made


def _lines(held: object) -> tuple[str, ...]:
    lines = held if isinstance(held, list) else []
    return tuple(str(line) for line in lines[:HEADING_LINES_MAX])


def _pins(held: object) -> Pins:
    numbers = held if isinstance(held, Mapping) else {}
    wired = {it.name: numbers.get(it.name) for it in fields(Pins)}
    return Pins(**{name: pin for name, pin in wired.items() if isinstance(pin, int)})


def _products(held: object) -> tuple[Product, ...]:
    """Read the buttons; one that can't be read is left out, and the others stay."""
    products = []
    for one in held if isinstance(held, list) else []:
        try:
            products.append(Product.of_document(one))
        except (KeyError, TypeError, ValueError) as error:
            logger.warning("a product can't be read: %r", error)
    return tuple(products[:PRODUCTS_MAX])
