"""What is torn: operations of a till, every moment of them, and how one case is played.

The moments are found by running into them: exchange after exchange, byte after byte, entry after
entry, until an operation is over before the fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from cardkit.bodies import DoubtReason, ResolutionChoice
from cardkit.card.connection import CardConnection
from server_stub.rules.facts import State
from simulator.faults import Fault, FaultKind, every_fault
from terminal.till import Announce, Till
from tests.torn_judge import judge_books, judge_scene
from tests.torn_world import COMMIT, PRICE_CENTS, Act, Market, Moment, Scene, Step, StepKind, sale

EXECUTED: Final = Fault(FaultKind.LIFTED_AFTER, COMMIT)
NOT_EXECUTED: Final = Fault(FaultKind.LIFTED_BEFORE, COMMIT)
OVERWRITTEN: Final = frozenset({DoubtReason.RECORDS_OVERWRITTEN})
UNREAD: Final = OVERWRITTEN | {DoubtReason.RECORDS_UNREADABLE}
DAY_CLOSED: Final = frozenset({DoubtReason.DAY_CLOSED})
NO_DOUBT: Final[frozenset[DoubtReason]] = frozenset()


def nothing(_scene: Scene) -> None:
    """Nothing happened before."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a till does with a card, and what has happened before."""

    name: str
    act: Act
    prepare: Callable[[Scene], None] = field(default=nothing)


def balance(till: Till, connection: CardConnection, announce: Announce) -> object:
    """Ask what the card may spend."""
    return till.balance(connection, announce=announce)


def inspect(till: Till, connection: CardConnection, _announce: Announce) -> object:
    """Ask the card for its past."""
    return till.inspect(connection)


def torn_sale(scene: Scene, moment: Moment) -> None:
    """Leave an amber sale behind."""
    assert scene.attempt(sale, moment)
    assert scene.here.journal.open_intents(scene.card.uid)


def void_behind_another(scene: Scene) -> None:
    """An amber sale that was none, hidden behind a sale of another stall over the same price."""
    torn_sale(scene, NOT_EXECUTED)
    scene.buy_elsewhere(PRICE_CENTS)


def paid_otherwise(scene: Scene) -> None:
    """An amber sale that was one, whose client has paid in coins since."""
    torn_sale(scene, EXECUTED)
    (held,) = scene.here.journal.open_intents(scene.card.uid)
    assert scene.here.resolve(held.seq, ResolutionChoice.PAID_OTHERWISE)


SALE: Final = Operation("sale", sale)
OPERATIONS: Final = (
    SALE,
    Operation("sale that settles a debit", sale, partial(torn_sale, moment=EXECUTED)),
    Operation("sale that settles a void", sale, void_behind_another),
    Operation("sale that settles and gives back", sale, paid_otherwise),
    Operation("balance", balance),
    Operation("balance that settles a debit", balance, partial(torn_sale, moment=EXECUTED)),
    Operation("inspection", inspect),
)


def play(
    market: Market,
    operation: Operation,
    moment: Moment | None,
    *,
    aside_cents: Sequence[int] = (),
    second: Moment | None = None,
    again: Act = sale,
    may_doubt: frozenset[DoubtReason] = NO_DOUBT,
    heal: Callable[[Scene], None] = Scene.heal,
) -> bool:
    """Play one case to its end and judge it; say whether its last fault was hit.

    `second` strikes when the card comes back and the till does `again`, after it has bought
    `aside_cents` elsewhere.
    """
    market.rest()
    scene = Scene(market, market.next_card())
    operation.prepare(scene)
    struck = scene.attempt(operation.act, moment)
    scene.buy_elsewhere(*aside_cents)
    if second is not None:
        struck = scene.attempt(again, second)
    heal(scene)
    judge_scene(scene, may_doubt=may_doubt | doubts_of(moment) | doubts_of(second))
    return struck


def doubts_of(moment: Moment | None) -> frozenset[DoubtReason]:
    """What a fault may leave to the service: a refusal, though false, ends a look at records."""
    looks_refused = isinstance(moment, Fault) and moment.kind in {
        FaultKind.REPLACED,
        FaultKind.GARBLED,
    }
    return UNREAD if looks_refused else NO_DOUBT


def every_moment(struck: Callable[[Moment], bool]) -> Iterator[Moment]:
    """Yield each moment and fault of an operation that `struck` runs, but for garbled bytes."""
    yield from every_step(struck)
    yield from every_fault(struck)


def every_step(struck: Callable[[Step], bool]) -> Iterator[Step]:
    """Yield each fault at an entry or at a green of an operation that `struck` runs."""
    for kind in StepKind:
        number = 1
        while struck(step := Step(kind, number)):
            yield step
            number += 1


def leaving_open(market: Market) -> list[tuple[Moment, bool]]:
    """Find the moments and faults that leave a sale open, and whether the card was debited."""
    found = []

    def struck(moment: Moment) -> bool:
        scene = Scene(market, market.next_card())
        hit = scene.attempt(sale, moment)
        if scene.here.journal.open_intents(scene.card.uid):
            executed = len(scene.card.history) > scene.committed_before
            found.append((moment, executed))
        scene.heal()
        return hit

    for _ in every_moment(struck):
        pass
    return found


def books_of(market: Market) -> dict[State, int]:
    """Tell the service everything, and judge its books."""
    market.tell_everything()
    return judge_books(market)
