"""Torn at the card table: a card is blank, or can be wiped, or is issued and proven; never lost.

Whatever happens to a card that is issued or re-keyed, the same command makes it good.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import pytest

from cardkit.card.connection import CardConnection
from cardkit.errors import CardError
from provisioning.card_words import Condition, Issued
from simulator.card import Snapshot
from simulator.faults import (
    FLIPS,
    Fault,
    FaultKind,
    FaultyConnection,
    Killed,
    every_fault,
    every_flip,
)
from tests.torn_workshop import (
    ACCOUNT,
    GENERATION,
    NEW_VERSION,
    OLD_VERSION,
    UID,
    Ledger,
    Table,
    first_allowance,
)

logger = logging.getLogger(__name__)

STRIDE: Final = 4
AT_LEAST: Final = 300
"""What `pytest -m slow` has of everything."""
FLOORS: Final = {
    "issue": 671,
    "rekey": 187,
    "rekey, garbled": 598,
    "rekey, twice": 330,
    "issue, slipped twice": 325,
}
"""Distinct cases by command."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the workshop, the card that it begins with, and what it has to come to."""

    name: str
    beginning: Snapshot
    born: bool
    run: Callable[[Table, CardConnection], object]
    judge: Callable[[Table], None]


def issue(table: Table, connection: CardConnection) -> object:
    """`card issue`."""
    return table.workshop.issue(connection, table.client, account=ACCOUNT)


def rekey(table: Table, connection: CardConnection) -> object:
    """`card rekey`."""
    return table.workshop.rekey(connection, table.client)


def is_issued(table: Table) -> None:
    """The service believes in the card, and a till can sell to it."""
    assert table.ledger.is_born
    purse = table.purse()
    assert (purse.tmac().tmc, purse.spent_cents(), purse.key_version) == (1, 0, OLD_VERSION)
    assert first_allowance() in purse.allowance_slots()


def is_rekeyed(table: Table) -> None:
    """Card and record have the new key, and the purse is what it was."""
    assert table.ledger.terminal_key_version == NEW_VERSION
    purse = table.purse()
    assert (purse.tmac().tmc, purse.spent_cents(), purse.key_version) == (1, 0, NEW_VERSION)
    assert purse.allowance_slots() == (first_allowance(), None)


@pytest.fixture(scope="module")
def table() -> Table:
    """One card for all cases; each begins with what it remembers at its beginning."""
    return Table.with_blank_card()


@pytest.fixture(scope="module")
def commands(table: Table) -> dict[str, Command]:
    """Both commands, each with the card that it is for."""
    blank = table.card.snapshot()
    assert issue(table, table.laid()) == Issued(UID, GENERATION, has_allowance=True)
    issued = table.card.snapshot()
    return {
        "issue": Command("issue", blank, False, issue, is_issued),
        "rekey": Command("rekey", issued, True, rekey, is_rekeyed),
    }


def begin(table: Table, command: Command) -> None:
    """Put card and service back to where a command begins."""
    table.card.restore(command.beginning)
    table.ledger = Ledger(is_born=command.born)


def attempt(table: Table, command: Command, fault: Fault) -> bool:
    """Run a command while something goes wrong; say whether it did."""
    if fault.kind is FaultKind.DISK_FAILS:
        return False  # the workshop writes nothing
    connection = FaultyConnection(table.laid(), fault, lift=table.field.lift)
    try:
        command.run(table, connection)
    except (CardError, Killed) as trouble:
        logger.debug("%s: %r", fault, trouble)
    return connection.struck


def finish(table: Table, command: Command) -> None:
    """Lay the card down once more: the same command makes it good."""
    condition = table.workshop.inspect(table.laid()).condition
    assert condition not in {Condition.FOREIGN, Condition.NOT_ORIGINAL}, "a card that is lost"
    if command.born or table.ledger.is_born:
        assert condition is Condition.ISSUED
    try:
        command.run(table, table.laid())
    except CardError as trouble:
        raise AssertionError("the same command does not finish it") from trouble
    command.judge(table)


def tell(name: str, cases: Sequence[object]) -> None:
    """Say how many cases there were, and that they are no fewer than they were."""
    assert len(cases) == len(set(cases)), "distinct cases"
    logger.warning("%s: %s cases", name, len(cases))
    assert len(cases) >= FLOORS.get(name, AT_LEAST)


def struck_by(table: Table, command: Command) -> Callable[[Fault], bool]:
    """What plays one case of a command to its end."""

    def struck(fault: Fault) -> bool:
        begin(table, command)
        hit = attempt(table, command, fault)
        finish(table, command)
        return hit

    return struck


@pytest.mark.parametrize("name", ["issue", "rekey"])
def test_every_fault_at_every_exchange(
    table: Table, commands: dict[str, Command], name: str
) -> None:
    """Promise: torn anywhere, the same command finishes it."""
    tell(name, list(every_fault(struck_by(table, commands[name]))))


@pytest.mark.parametrize("name", [pytest.param("issue", marks=pytest.mark.slow), "rekey"])
def test_every_byte(table: Table, commands: dict[str, Command], name: str) -> None:
    """Promise: the same for a garbled byte."""
    flips = FLIPS[:1] if name == "issue" else FLIPS
    tell(f"{name}, garbled", list(every_flip(struck_by(table, commands[name]), flips=flips)))


def states(table: Table, command: Command) -> Iterator[tuple[Fault, Snapshot, Ledger]]:
    """Yield each state that a first fault leaves a card in, once."""
    seen: list[Snapshot] = []

    def struck(fault: Fault) -> bool:
        begin(table, command)
        return attempt(table, command, fault)

    for fault in every_fault(struck):
        begin(table, command)
        attempt(table, command, fault)
        snapshot = table.card.snapshot()
        if snapshot not in seen:
            seen.append(snapshot)
            yield fault, snapshot, replace(table.ledger)


def played_again(
    table: Table, command: Command, snapshot: Snapshot, ledger: Ledger
) -> Callable[[Fault], bool]:
    """What plays one case from a state that a first fault left."""

    def struck(second: Fault) -> bool:
        table.card.restore(snapshot)
        table.ledger = replace(ledger)
        hit = attempt(table, command, second)
        finish(table, command)
        return hit

    return struck


@pytest.mark.parametrize("name", [pytest.param("issue", marks=pytest.mark.slow), "rekey"])
def test_torn_again_while_it_is_made_good(
    table: Table, commands: dict[str, Command], name: str
) -> None:
    """Promise: from every state that one fault leaves, a second one leaves nothing worse."""
    command, pairs = commands[name], list[tuple[Fault, Fault]]()
    for first, snapshot, ledger in states(table, command):
        struck = played_again(table, command, snapshot, ledger)
        pairs += [(first, second) for second in every_fault(struck)]
    tell(f"{name}, twice", pairs)


def test_an_issue_slips_twice(table: Table, commands: dict[str, Command]) -> None:
    """Promise: the same for cards that slip off twice; every fourth exchange from each state."""
    command, pairs = commands["issue"], list[tuple[Fault, Fault]]()
    for index, (first, snapshot, ledger) in enumerate(states(table, command)):
        struck = played_again(table, command, snapshot, ledger)
        number = 1 + index % STRIDE
        while struck(second := Fault(FaultKind.LIFTED_AFTER, number)):
            pairs.append((first, second))
            number += STRIDE
    tell("issue, slipped twice", pairs)
