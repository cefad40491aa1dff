"""A bench with a virtual card on it, and a person who does as asked."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count

from provisioning.bench import specimen
from provisioning.bench.answers import Answer, Question
from provisioning.bench.bench import Bench
from provisioning.bench.host import BenchHost
from provisioning.bench.runner import Outcome, run
from provisioning.bench.specimen import Refusal, Specimen
from simulator.card import Behaviour, KeyKind, Model, VirtualCard
from simulator.field import Field

UID = bytes.fromhex("04C1AF00000180")
OTHER_UID = bytes.fromhex("04C1AF00000281")
SALES = 2
EXCHANGES_OF_A_LIFTED_SALE = 7
LIFTED_AFTER = 7 * EXCHANGES_OF_A_LIFTED_SALE + 1


class Hand:
    """Lifts when asked to, lays down again what was lifted (a `Person`).

    `lifted_after` counts exchanges from the word NOW to the loss of an answer.
    """

    def __init__(
        self, field: Field, card: VirtualCard, *, lifted_after: int = LIFTED_AFTER
    ) -> None:
        self.field = field
        self.card = card
        self.lifted_after = lifted_after
        self.laid = 0

    def lay_down(self) -> None:
        """Put the card back if it is not there."""
        self.laid += 1
        if self.field.card is None:
            self.field.place(self.card)

    def lift_before_commit(self) -> None:
        """Lift at once."""
        self.field.lift()

    def lift_at_work(self) -> None:
        """Let the card be torn away some exchanges later."""
        self.field.tear_after(self.lifted_after)


def ticking() -> Callable[[], int]:
    """A clock that goes on by a millisecond at every look."""
    ticks = count(0, 1_000_000)
    return lambda: next(ticks)


def bench_of(card: VirtualCard, field: Field | None = None, *, lifts: bool = True) -> Bench:
    """A bench with this card laid on it."""
    field = field or Field(while_waiting=lambda _: None)
    if field.card is None:
        field.place(card)
    connection = field.wait_for_card(0)
    assert connection is not None
    draw = random.Random(7).randbytes
    ticks = ticking()
    return Bench(
        reader=field,
        person=Hand(field, card),
        uid=card.uid,
        ticks_ns=ticks,
        random=draw,
        host=BenchHost(connection, ticks, draw),
        sales=SALES,
        asks_to_lift=lifts,
    )


def factory_card(
    behaviour: Behaviour | None = None,
    *,
    model: Model = Model.EV3,
    picc_key: KeyKind = KeyKind.DES,
) -> VirtualCard:
    """A blank card."""
    return VirtualCard(UID, model=model, behaviour=behaviour, picc_key=picc_key)


def examined(bench: Bench) -> Specimen:
    """The card on the bench, which must be one that may be asked."""
    found = specimen.examine(bench.host, bench.uid)
    assert not isinstance(found, Refusal), found
    return found


def ran(bench: Bench) -> Outcome:
    """A whole run."""
    return run(bench, examined(bench))


def by_question(outcome: Outcome) -> dict[Question, Answer]:
    """Every answer of a run."""
    return {answer.question: answer for answer in outcome.answers}
