"""The real service of a world, on a database in memory, that can die, lock up and be put back."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from django.core.handlers.wsgi import WSGIRequest
from django.db import OperationalError, connections

from cardkit.errors import must
from cardkit.sync import PATH
from provisioning.keystore import KeySet
from server_stub.api.sync import addresses
from server_stub.keys import KeyRing
from server_stub.models import (
    Card,
    CardTransaction,
    DirectoryRow,
    DirectoryVersion,
    Finding,
    Merchant,
    StoredEntry,
    Terminal,
    TerminalStatus,
)
from server_stub.rules.facts import State
from server_stub.rules.findings import FindingKind
from server_stub.services import acts, blocks, directory, issue, recover, restore, theft
from server_stub.services.behind import Lock, lock
from server_stub.services.caisse import Caisse
from simulator.burnt.caisse import BareCaisse
from simulator.clock import ManualClock
from simulator.world.catalogue import Kind
from simulator.world.chance import Chance
from simulator.world.founding import WORLD, founding, merchant_of

COORDINATOR: Final = 1
TREASURER: Final = 2
_STATEMENTS: Final = 40
"""A small delivery asks the database about so often."""


class Crashed(BaseException):
    """The service is dead, and nobody gets an answer."""

    def __init__(self, *, committed: bool) -> None:
        super().__init__(committed)
        self.committed = committed
        """Whether its transaction had been committed by then."""


@dataclass
class Centre:
    """The service, as terminals and the coordinator meet it."""

    caisse: Caisse
    clock: ManualClock
    chance: Chance
    keys: KeySet = field(repr=False)
    has_typo: Callable[[], bool] = field(default=lambda: False)
    """Whether what people entered of the bank's statement is wrong: nobody finishes on that."""

    @property
    def epoch(self) -> int:
        """The epoch of everything that the service signs now."""
        return acts.epoch(self.caisse)

    @classmethod
    def fresh(cls, clock: ManualClock, chance: Chance, *, stalls: int) -> Centre:
        """The service as it was when the caisse was founded, with so many stalls."""
        begun = founding()
        ring = KeyRing(begun.keys.public, begun.keys.service)
        centre = cls(Caisse(ring=ring, clock=clock, using=WORLD), clock, chance, begun.keys)
        centre.put_back(begun.databases[stalls])
        return centre

    # What terminals meet

    def answer(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Answer one request to the terminals' address; raises Crashed."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": PATH,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": "http",
            "CONTENT_LENGTH": str(len(body)),
        }
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            plain = key in {"CONTENT_TYPE", "CONTENT_LENGTH"}
            environ[key if plain else f"HTTP_{key}"] = value
        (pattern,) = addresses(lambda: self.caisse)
        try:
            with self._troubled():
                response = pattern.callback(WSGIRequest(environ))
        except OperationalError as error:
            return 500, str(error).encode()
        if self.chance.strikes(Kind.SERVICE_CRASHED_AFTER) is not None:
            raise Crashed(committed=response.status_code == HTTPStatus.OK)
        return response.status_code, bytes(response.content)

    @contextmanager
    def _troubled(self) -> Iterator[None]:
        locked = self.chance.strikes(Kind.SERVICE_LOCKED)
        inside = self.chance.strikes(Kind.SERVICE_CRASHED_INSIDE)
        left = inside.randrange(_STATEMENTS) if inside is not None else -1

        def execute(
            run: Callable[..., Any], sql: str, values: object, many: bool, context: object
        ) -> Any:
            nonlocal left
            if locked is not None:
                raise OperationalError("database is locked")
            left -= 1
            if left == -1 and inside is not None and not sql.startswith(("ROLLBACK", "RELEASE")):
                raise Crashed(committed=False)
            return run(sql, values, many, context)

        if locked is None and inside is None:
            yield
            return
        with connections[WORLD].execute_wrapper(execute):
            yield

    # What the coordinator does

    def pass_month(self) -> None:
        """Sign what is due and publish it."""
        self.finish_restore()
        issue.issue_due(self.caisse)
        directory.publish(self.caisse)

    def publish(self) -> None:
        """Publish the directory."""
        self.finish_restore()
        directory.publish(self.caisse)

    def renew_permits(self) -> None:
        """Give every terminal in use a permit of today."""
        for terminal in Terminal.objects.using(WORLD).filter(status=TerminalStatus.ACTIVE):
            merchants = list(Merchant.objects.using(WORLD).filter(id=(terminal.id - 1) % 3 + 1))
            issue.issue_permit(self.caisse, terminal, merchants=[one.id for one in merchants])

    def block(self, uid: bytes) -> None:
        """Block a card."""
        blocks.block_card(self.caisse, self.card(uid), by=COORDINATOR)
        directory.publish(self.caisse)

    def free(self, uid: bytes) -> None:
        """Let a card buy again."""
        blocks.free_card(self.caisse, self.card(uid), by=COORDINATOR)
        directory.publish(self.caisse)

    def declare_lost(self, terminal: int) -> int:
        """Say that a terminal will send nothing any more."""
        row = Terminal.objects.using(WORLD).get(id=terminal)
        return recover.declare_lost(self.caisse, row, by=COORDINATOR)

    def declare_stolen(self, terminal: int) -> bool:
        """Say that a terminal was stolen, for the bound that is shown; False when that is known."""
        row = Terminal.objects.using(WORLD).get(id=terminal)
        shown_cents = theft.exposure(self.caisse, row).window_cents
        made = theft.declare_stolen(self.caisse, row, window_cents=shown_cents, by=COORDINATOR)
        return isinstance(made, theft.Exposure)

    def enrol(self, terminal: int, folder: Path) -> dict[bytes, int]:
        """Give a producer another terminal; returns what it has sent by then, as `heard` has it."""
        BareCaisse(self.caisse, self.keys, self.clock).enrol(
            terminal, folder, merchant=merchant_of(terminal)
        ).close()
        sent = StoredEntry.objects.using(WORLD).filter(terminal=terminal)
        return {bytes(digest): seq for digest, seq in sent.values_list("digest", "seq")}

    def confirm_recovered(self, terminal: int) -> int:
        """Confirm every recovered sale of a lost terminal; returns how many."""
        row = Terminal.objects.using(WORLD).get(id=terminal)
        sales: list[CardTransaction] = recover.recovered(self.caisse, row)
        for sale in sales:
            recover.confirm(self.caisse, sale, by=COORDINATOR)
        return len(sales)

    def card(self, uid: bytes) -> Card:
        """The row of a card."""
        return Card.objects.using(WORLD).select_related("account").get(uid=uid)

    def waits(self) -> bool:
        """Whether money waits for a rule's days, or for a person."""
        waiting = CardTransaction.objects.using(WORLD).filter(
            state__in=(State.WAITING.value, State.PROVISIONAL.value)
        )
        gaps = Finding.objects.using(WORLD).filter(closed_at=None, kind=FindingKind.GAP.value)
        return waiting.exists() or gaps.exists()

    def rows_of(self, order: tuple[int, int]) -> dict[bytes, bytes]:
        """The rows of a directory that was published, by card."""
        version = DirectoryVersion.objects.using(WORLD).filter(epoch=order[0], version=order[1])
        held = version.first()
        rows: dict[bytes, bytes] = {}
        if held is not None:
            said = DirectoryRow.objects.using(WORLD).filter(directory_id__lte=held.id)
            for row in said.order_by("directory_id"):
                rows[bytes(row.uid)] = bytes(row.encoded)
        return rows

    # Backups

    def copy(self) -> sqlite3.Connection:
        """Return a copy of the database."""
        kept = sqlite3.connect(":memory:", check_same_thread=False)
        connections[WORLD].connection.backup(kept)
        return kept

    def put_back(self, database: sqlite3.Connection) -> None:
        """Make the database what a copy was."""
        connection = connections[WORLD]
        must(not connection.in_atomic_block, "a database is put back between transactions")
        database.backup(connection.connection)

    def restore(self, database: sqlite3.Connection) -> None:
        """Put the service back to a backup, and say so: everything is signed anew above before."""
        self.put_back(database)
        self.clock.pass_time(timedelta(seconds=1))
        restore.declare_restored(self.caisse, by=COORDINATOR)
        directory.publish(self.caisse)

    @property
    def is_locked(self) -> bool:
        """Whether a restore is not finished yet, so that no money moves."""
        return lock(self.caisse) is not None

    def finish_restore(self) -> None:
        """Let money move again, as soon as every terminal in use has told all it holds."""
        if lock(self.caisse) is Lock.SUSPECTED:
            restore.declare_restored(self.caisse, by=COORDINATOR)
        if lock(self.caisse) is Lock.UNFINISHED and not self.has_typo():
            restore.finish(self.caisse, entered_by=COORDINATOR, by=TREASURER)
