"""A stall that kept a till for three days over the end of a month, and the archive of it.

Baskets with two VAT rates and a deposit, an amount that was typed, a refund, a sale that is torn
and settled, a card that is declined, a day that nobody closed. Everything is drawn from seeds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from cardkit.bodies import RefundReason
from cardkit.certificates import Certificate, Role, certify
from cardkit.clock import business_date
from cardkit.entries import Entry, OperatorRole
from cardkit.signing import SigningKey
from simulator.card import VirtualCard
from terminal.basket import BasketLine, LineKind, Unit, line, total_cents, vat_totals
from terminal.documents import Document, Documents
from terminal.fiscal.archive import Archived, FiscalArchives
from terminal.fiscal.contents import Period
from terminal.fiscal.perimeter import note_perimeter, perimeter_digest
from terminal.lines import BasketLines
from terminal.outcomes import Basket, Green
from terminal.software import Software, Source, hash_of
from terminal.till import Till
from terminal.wiring import open_till
from tests.terminal_world import MERCHANT, TERMINAL, World

START: Final = datetime(2026, 10, 30, 8, 0, tzinfo=UTC)
DAYS: Final = (date(2026, 10, 30), date(2026, 10, 31), date(2026, 11, 2))
WHOLE: Final = Period(first_day=DAYS[0], last_day=DAYS[-1])
SOURCES: Final = (
    Source("cardkit/entries.py", hashlib.sha256(b"entries").digest()),
    Source("terminal/till.py", hashlib.sha256(b"till").digest()),
    Source("terminal/ui/screen.py", hashlib.sha256(b"screen").digest()),
)
SOFTWARE: Final = Software(hash_of(SOURCES), "0.0.0", None)
JOURNAL_KEY: Final = 2000 + TERMINAL
"""The scalar of the key that a world gives its terminal."""
VEGETABLES: Final = (
    line(LineKind.PRODUCT, "Carottes", 2_40, quantity=1_250, unit=Unit.GRAM),
    line(LineKind.PRODUCT, "Jus de pomme", 3_50, vat_bp=550),
    line(LineKind.DEPOSIT, "Bouteille", 50, vat_bp=2_000, coverage_bp=0),
)
CHEESE: Final = (
    line(LineKind.PRODUCT, "=Tomme", 18_00, quantity=500, unit=Unit.GRAM),
    line(LineKind.PRODUCT, "Bougie", 4_00, vat_bp=2_000, coverage_bp=0),
    line(LineKind.DEPOSIT_RETURNED, "Bouteille", 50, vat_bp=2_000, coverage_bp=0),
)


def salts() -> Iterator[bytes]:
    """Yield salts that are the same in every run."""
    number = 0
    while True:
        number += 1
        yield hashlib.sha256(f"salt {number}".encode()).digest()[:16]


@dataclass
class Stall:
    """A till with its lines, in a world."""

    world: World
    till: Till
    lines: BasketLines
    card: VirtualCard

    @classmethod
    def found(cls, folder: Path, *, at: datetime = START) -> Stall:
        """Enrol a terminal whose certificate the root has signed, and start it."""
        world = World.make(folder)
        world.clock.pass_time(at - world.now)
        card = world.new_card(500_00)
        world.publish()
        data = world.enrol()
        Documents(data.documents).put_content(Document.TERMINAL_CERTIFICATE, certificate(world))
        drawn = salts()
        lines = BasketLines.open(data.lines, draw=lambda length: next(drawn)[:length])
        stall = cls(world, open_till(data, clock=world.clock, software=SOFTWARE), lines, card)
        stall.begin()
        return stall

    def begin(self) -> None:
        """Start the till as a program does."""
        self.till.start()
        note_perimeter(self.till.journal, perimeter_digest(SOURCES))
        self.till.closures.make_up()
        self.till.open_session(MERCHANT, OperatorRole.PRODUCER)

    def restart(self) -> None:
        """Switch off and on again."""
        self.till.stop()
        self.till = open_till(self.world.data(), clock=self.world.clock, software=SOFTWARE)
        self.begin()

    def sell(self, amount_cents: int) -> int:
        """Sell for an amount, and return the sale's number."""
        sold = self.world.sell(self.till, self.card, amount_cents)
        assert isinstance(sold, Green)
        return sold.seq

    def sell_basket(self, lines: tuple[BasketLine, ...], card_cents: int) -> int:
        """Sell lines of which the card pays so much, and return the sale's number."""
        total = total_cents(lines)
        basket = Basket(
            total_cents=total,
            remainder_cents=total - card_cents,
            vat_totals=vat_totals(lines, card_cents),
            lines_hash=self.lines.keep(lines),
        )
        sold = self.world.tap(
            self.card,
            lambda it: self.till.sell(it, card_cents, merchant=MERCHANT, basket=basket),
        )
        assert isinstance(sold, Green)
        return sold.seq

    def sell_without_card(self, lines: tuple[BasketLine, ...]) -> int:
        """Take down lines that were paid another way, and return the ticket's number."""
        self.till._lines = self.lines  # one file has one connection
        try:
            return self.till.paid_otherwise(
                lines, merchant=MERCHANT, operator=OperatorRole.PRODUCER
            )
        finally:
            self.till._lines = None

    def close_day(self) -> Entry:
        """Close today."""
        entry = self.till.close_day(business_date(self.world.now))
        assert isinstance(entry, Entry)
        return entry

    def pass_days(self, days: int) -> None:
        """Let days go by."""
        self.world.clock.pass_time(timedelta(days=days))

    def archive(self, path: Path, period: Period = WHOLE) -> Archived:
        """Write an archive."""
        written = archives(self).write(period, path, operator=OperatorRole.PRODUCER)
        assert isinstance(written, Archived)
        return written

    def close(self) -> None:
        """Let go of everything."""
        self.lines.close()
        self.till.close()


def archives(stall: Stall) -> FiscalArchives:
    """What writes archives of a stall."""
    return FiscalArchives(
        stall.till.journal,
        lines=stall.lines,
        documents=Documents(stall.world.data().documents),
        now=lambda: stall.world.now,
        software=SOFTWARE,
        sources=SOURCES,
    )


def certificate(world: World, *, root: SigningKey | None = None) -> bytes:
    """The certificate of the stall's terminal."""
    return certify(
        root or world.root,
        Certificate(
            role=Role.TERMINAL,
            subject=TERMINAL,
            valid_from=datetime(2025, 1, 1, tzinfo=UTC),
            valid_until=datetime(2035, 1, 1, tzinfo=UTC),
            public_key=key(JOURNAL_KEY).public.encoded,
            transport_key=key(3000 + TERMINAL).public.encoded,
        ),
    ).encoded


def key(scalar: int) -> SigningKey:
    """A key of the world's caisse."""
    return SigningKey.from_scalar(scalar, caisse="flers")


def live(stall: Stall) -> None:
    """Live three days; the second is forgotten, and the month with it."""
    first = stall.sell_basket(VEGETABLES, 6_50)
    stall.sell(12_00)
    stall.till.refund(first, 2_00, RefundReason.GOODS_RETURNED)
    stall.close_day()
    stall.pass_days(1)
    stall.restart()
    stall.sell_basket(CHEESE, 9_00)
    stall.sell(3_00)
    stall.pass_days(2)
    stall.restart()
    stall.sell(7_50)
    stall.till.closures.read_totals()
    stall.close_day()
