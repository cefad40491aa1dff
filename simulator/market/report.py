"""What the week came to: the payout table for people, one JSON object for programs."""

from __future__ import annotations

import json
from statistics import median

from rich.console import Console
from rich.table import Table

from cardkit.money import format_cents
from server_stub.services.owed import owed_to_merchants
from simulator.market.truth import Books, Debit, GreenScreen, violations
from simulator.market.week import Week


class Report:
    """The books held against the cards' own histories."""

    def __init__(self, week: Week, told: tuple[Debit, ...]) -> None:
        self._week = week
        self._told = told
        self.books: Books = week.caisse.books()
        self.greens: tuple[GreenScreen, ...] = tuple(dict.fromkeys(week.log.greens))
        self.violations = (
            *violations(told, self.greens, self.books),
            *week.caisse.rebuild_differences(),
        )

    @property
    def sales_owed(self) -> int:
        """How many green sales are owed, each exactly once."""
        owed = [(sale.terminal, sale.seq) for sale in self.books.owed]
        return sum(owed.count((green.terminal, green.seq)) == 1 for green in self.greens)

    def show(self, console: Console) -> None:
        """Print what each merchant is owed, and where every cent went."""
        table = Table(title="À payer aux producteurs conventionnés", title_justify="left")
        table.add_column("producteur")
        table.add_column("ventes", justify="right")
        table.add_column("à payer", justify="right")
        for one in owed_to_merchants(self._week.caisse.caisse):
            stall = next(
                it for it in self._week.stalls.values() if it.merchant == one.account.merchant
            )
            count = sum(sale.terminal == stall.terminal for sale in self.books.owed)
            amount = format_cents(one.account.payable_cents)
            table.add_row(one.name, str(count), f"{amount} €")
        console.print(table)
        for words, cents in (
            ("débité des cartes (leurs propres mémoires)", self._debited_cents),
            ("à payer aux producteurs", self.books.owed_cents),
            ("remboursé sur les cartes", self.books.refunded_cents),
            ("rendu aux membres (débité sans écran vert)", self.books.returned_cents),
        ):
            console.print(f"{format_cents(cents):>10} €  {words}", highlight=False)
        for violation in self.violations:
            console.print(f"[bold red]FAUX[/] {violation}", highlight=False)

    def as_json(self, *, seconds: float) -> str:
        """Return the one line that programs read."""
        return json.dumps(
            {
                "sales_green": len(self.greens),
                "sales_owed": self.sales_owed,
                "debited_cents": self._debited_cents,
                "owed_cents": self.books.owed_cents,
                "refunded_cents": self.books.refunded_cents,
                "returned_cents": self.books.returned_cents,
                "torn": self._week.torn,
                "recovered": self._week.recovered,
                "findings": self._week.caisse.open_findings(),
                "exchanges_per_sale_median": int(median(self._week.log.exchanges)),
                "seconds": round(seconds, 1),
            }
        )

    @property
    def _debited_cents(self) -> int:
        return sum(debit.amount_cents for debit in self._told)
