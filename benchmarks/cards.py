"""How many blank cards a workshop issues in a minute, in CPU time of everything that takes part.

The batch with its book on a disk, the service with its database, HTTP between them as bytes, and
the virtual cards, which compute what a chip would. A reader's time, and a hand's, come on top.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path

from django.test import override_settings

from cardkit.card.issuing import Step
from cardkit.errors import must
from provisioning.batch import Batch, Notice
from provisioning.batch_book import BatchBook, State
from provisioning.card_words import Stage
from provisioning.keystore import new_keys
from provisioning.members_file import Row
from server_stub.models import Account
from simulator.clock import ManualClock
from simulator.field import Field
from tests.workshop_world import NOW, make_world, served

CARDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CardsFigures:
    """One box; seconds of CPU and of the clock on the wall."""

    cards: int
    cpu_s: float
    wall_s: float

    def summary(self) -> dict[str, float]:
        """As JSON."""
        return asdict(self) | {"a_minute": self.cards / self.cpu_s * 60}

    def lines(self) -> list[str]:
        """As a table."""
        return [
            f"cards             {self.cards}",
            f"CPU a card        {self.cpu_s / self.cards * 1000:.0f} ms",
            f"cards a minute    {self.cards / self.cpu_s * 60:.0f} (CPU)",
            f"cards a minute    {self.cards / self.wall_s * 60:.0f} (wall, as busy as this was)",
        ]


class _Silent:
    """A screen that nobody looks at."""

    def counts(self, *, done: int, todo: int, wanted: str) -> None:
        """Nothing."""

    def step(self, step: Stage | Step) -> None:
        """Nothing."""

    def notice(self, notice: Notice, *, label: str, uid: bytes) -> None:
        """Nothing."""

    def trouble(self, error: Exception) -> None:
        """No card goes wrong here."""
        raise error


def measure_cards(count: int, folder: Path) -> CardsFigures:
    """Issue a box of virtual cards; needs `benchmarks.service`."""
    world = make_world(new_keys("flers", now=NOW, step_max_cents=300_00), ManualClock(NOW))
    accounts = [b"\xbe" * 14 + number.to_bytes(2) for number in range(count)]
    Account.objects.bulk_create(Account(number=account) for account in accounts)
    box = [world.maker.blank_card(b"\x04" + account[-6:]) for account in accounts]

    def swap(_seconds: float) -> None:
        if field.card is None and box:
            field.place(box.pop())
        else:
            field.lift()

    field = Field(while_waiting=swap)
    hosts = override_settings(ALLOWED_HOSTS=["testserver"])
    with hosts, served(world), BatchBook.open(folder / "bench.cards") as book:
        book.expect(accounts)
        batch = Batch(
            workshop=world.cards,
            client=world.client,
            book=book,
            rows={it: Row(line=at, account=it, label="") for at, it in enumerate(accounts)},
            screen=_Silent(),
        )
        began_cpu_s, began_s = time.process_time(), time.perf_counter()
        batch.issue(field)
        cpu_s, wall_s = time.process_time() - began_cpu_s, time.perf_counter() - began_s
        must(len(book.in_state(State.ISSUED)) == count, "every card is issued")
    return CardsFigures(cards=count, cpu_s=cpu_s, wall_s=wall_s)
