"""The basket that is being made, kept over a power cut: a queue does not wait twice for it."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from tinydb import TinyDB, where

from cardkit.errors import StoreError
from terminal.basket import BasketLine, LineKind, Unit
from terminal.documents import AtomicStorage

logger = logging.getLogger(__name__)

_NAME: Final = "basket"


class Draft:
    """One small file; nothing here is money, so that trouble with it stops nobody."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._table = TinyDB(path, storage=AtomicStorage).table("draft", cache_size=0)
        self._kept: tuple[int, tuple[BasketLine, ...]] | None = None
        self._asked: tuple[int, tuple[BasketLine, ...]] | None = None
        self._keeper = ThreadPoolExecutor(max_workers=1, thread_name_prefix="draft")

    def read(self, merchant: int) -> tuple[BasketLine, ...]:
        """Return the lines that were kept for a merchant, or none."""
        try:
            held = self._table.get(where("name") == _NAME)
            if not isinstance(held, dict) or held["merchant"] != merchant:
                return ()
            lines = tuple(_line(one) for one in held["lines"])
        except (StoreError, KeyError, TypeError, ValueError) as error:
            logger.warning("no basket was kept: %r", error)
            return ()
        return lines

    def keep_soon(self, merchant: int, lines: tuple[BasketLine, ...]) -> None:
        """Keep lines in a thread of its own: a disk takes its time, and a key must not wait."""
        if (merchant, lines) != self._asked:
            self._asked = merchant, lines
            self._keeper.submit(self.keep, merchant, lines)

    def close(self) -> None:
        """Wait until what was asked for is kept."""
        self._keeper.shutdown()

    def keep(self, merchant: int, lines: tuple[BasketLine, ...]) -> None:
        """Keep lines, unless they are kept already."""
        if (merchant, lines) == self._kept:
            return
        held = {"name": _NAME, "merchant": merchant, "lines": [_held(one) for one in lines]}
        try:
            self._table.upsert(held, where("name") == _NAME)
        except StoreError as error:
            logger.warning("the basket is kept anew: %s", error)
            self._keep_anew(held)
        self._kept = merchant, lines

    def _keep_anew(self, held: dict[str, Any]) -> None:
        """Keep a basket where the file was rotten, or none where nothing can be kept."""
        try:
            self._path.unlink(missing_ok=True)
            self._table.insert(held)
        except (OSError, StoreError) as error:
            logger.warning("the basket is not kept: %s", error)


def _held(one: BasketLine) -> dict[str, Any]:
    return {
        "kind": int(one.kind),
        "label": one.label,
        "amount_cents": one.amount_cents,
        "quantity": one.quantity,
        "unit": int(one.unit),
        "unit_price_cents": one.unit_price_cents,
        "vat_bp": one.vat_bp,
        "coverage_bp": one.coverage_bp,
    }


def _line(held: dict[str, Any]) -> BasketLine:
    return BasketLine(
        kind=LineKind(held["kind"]),
        label=str(held["label"]),
        amount_cents=int(held["amount_cents"]),
        quantity=int(held["quantity"]),
        unit=Unit(held["unit"]),
        unit_price_cents=int(held["unit_price_cents"]),
        vat_bp=int(held["vat_bp"]),
        coverage_bp=int(held["coverage_bp"]),
    )
