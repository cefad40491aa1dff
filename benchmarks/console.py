"""What each page of the console costs, with a short history behind it and with a long one.

Every page is asked for through Django's own client: guard, queries, template. Milliseconds are of
the wall. A page whose cost follows the history shows in `ratio`; that none asks more than thirty
queries is a test's matter (tests/test_server_console_pages.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from statistics import median
from typing import Any, Final

from django.test import Client, override_settings
from django.urls import reverse

from benchmarks.bank_history import lengthen_bank
from benchmarks.history import lengthen
from server_stub.console.declared import Page
from server_stub.console.pages import PAGES
from server_stub.models import ConsoleRole, Merchant
from simulator.life.making import make
from simulator.life.plan import Plan
from simulator.quiet import without_log
from tests.console_life import arguments
from tests.console_visitors import HasCaisse, served, visitor

SIZES: Final = (1_000, 1_000_000)
TIMES: Final = 30
PLAN: Final = Plan(until=date(2026, 11, 26), months=3, members=20, producers=5, seed=2026)
P99: Final = 0.99
LINES_MIN: Final = 100
LINES_PERCENT: Final = 6
"""Lines of the bank to a hundred entries: a member pays once where a card buys some eight times."""
FOLLOWS_RATIO: Final = 3
FOLLOWS_MS: Final = 20
"""A page that is three times as slow, and then slower than this, follows the history."""
FILES: Final = ("books/ledger", "books/audit")
"""All that ever was, handed out as a file: what it costs follows from what it is."""
_HOST: Final = "testserver"
"""What Django's client calls the service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCost:
    """One page at one size."""

    median_ms: float
    p99_ms: float


@dataclass(slots=True, kw_only=True)
class ConsoleFigures:
    """Every page at every size."""

    sizes: tuple[int, ...]
    costs: dict[int, dict[str, PageCost]] = field(default_factory=dict)

    def ratio(self, name: str) -> float:
        """How much more a page costs with the longest history than with the shortest."""
        least, most = self.costs[self.sizes[0]][name], self.costs[self.sizes[-1]][name]
        return most.median_ms / least.median_ms

    def follows(self) -> list[str]:
        """Return the pages that a long history makes slow, the slowest first."""
        last = self.costs[self.sizes[-1]]
        slow = [
            name
            for name in last
            if last[name].median_ms >= FOLLOWS_MS and self.ratio(name) >= FOLLOWS_RATIO
        ]
        return sorted(slow, key=lambda name: -last[name].median_ms)

    def lines(self) -> Iterator[str]:
        """Yield every page, the slowest first, as a table of medians and 99th percentiles."""
        last = self.costs[self.sizes[-1]]
        yield f"{'page':28}" + "".join(f"{size:>22,}" for size in self.sizes) + "  ratio"
        for name in sorted(last, key=lambda it: -last[it].median_ms):
            cells = (self.costs[size][name] for size in self.sizes)
            told = "".join(f"{it.median_ms:>10.1f} / {it.p99_ms:>6.1f} ms" for it in cells)
            yield f"{name:28}{told}{self.ratio(name):>7.2f}"

    def summary(self) -> dict[str, Any]:
        """Return the last line."""
        last = self.costs[self.sizes[-1]]
        worst = max(last, key=lambda it: last[it].median_ms)
        return {
            "pages": len(last),
            "worst": {"page": worst, "median_ms": round(last[worst].median_ms, 1)},
            "p99_ms": round(max(it.p99_ms for it in last.values()), 1),
            "follows": {name: round(self.ratio(name), 2) for name in self.follows()},
            "median_ms": {
                str(size): round(median(it.median_ms for it in self.costs[size].values()), 1)
                for size in self.sizes
            },
        }


def measure_console(sizes: Sequence[int], times: int) -> ConsoleFigures:
    """Live a small caisse, lengthen its history, and ask for every page at each length."""
    made = make(PLAN, tell=lambda _month: None)
    figures = ConsoleFigures(sizes=tuple(sizes))
    with served(made), override_settings(ALLOWED_HOSTS=[_HOST]), without_log():
        clients = _clients(made)
        for size in sizes:
            lengthen(size, until=made.caisse.now())
            lengthen_bank(max(LINES_MIN, size * LINES_PERCENT // 100), until=made.caisse.now())
            figures.costs[size] = {
                page.name: cost
                for page in PAGES
                if "GET" in page.methods
                if (cost := _cost(clients, page, times)) is not None
            }
    return figures


def _clients(made: HasCaisse) -> dict[ConsoleRole, Client]:
    first = Merchant.objects.order_by("id")[0].pk
    return {
        role: visitor(made, role, merchant=first if role is ConsoleRole.MERCHANT else None)
        for role in ConsoleRole
    }


def _cost(clients: dict[ConsoleRole, Client], page: Page, times: int) -> PageCost | None:
    """Ask for a page; None where nothing is there to show, and for files, which are not shown."""
    client = clients[next(role for role in ConsoleRole if role in page.who)]
    address = reverse(page.name, kwargs=arguments(page) or None)
    if page.path.startswith(FILES):
        return None
    answer = client.get(address)
    if answer.status_code != 200 or not answer.headers["Content-Type"].startswith("text/html"):
        return None
    took = sorted(_ms(client, address) for _ in range(times))
    return PageCost(median_ms=median(took), p99_ms=took[min(times - 1, int(P99 * times))])


def _ms(client: Client, address: str) -> float:
    began = time.perf_counter()
    client.get(address)
    return 1_000 * (time.perf_counter() - began)
