"""People who mean harm, each alone in a few worlds in which everything else goes well.

What they do is held against the same oracle as every world: nobody honest loses by it or is
blamed for it, and nobody is owed what no card has paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import pytest

from server_stub.models import CardTransaction, Claim, Finding
from server_stub.rules.facts import State
from simulator.world.founding import WORLD
from simulator.world.hostile.actor import Actor
from simulator.world.hostile.cast import ACTORS
from simulator.world.hostile.centres import GHOST, Ghost, LyingService
from simulator.world.hostile.claims import Forger, Squatter, Thief
from simulator.world.hostile.purses import Cloner, Drainer, Emulator, Reverser
from simulator.world.hostile.tills import Overstater, Twin, Withholder
from simulator.world.world import World

pytestmark = pytest.mark.no_cover  # tracing every line of a world would cost minutes

SEED: Final = 5
STEPS: Final = 14


@dataclass(frozen=True, slots=True)
class Life:
    """A world that one actor has lived in, and what the service makes of it."""

    world: World
    violations: tuple[str, ...]
    found: frozenset[tuple[int | None, str]]
    """Findings: of which terminal, and their kind."""
    owed: frozenset[tuple[int, int]]
    """Sales, by terminal and number."""
    held: frozenset[int]
    """Terminals of which claims are held."""

    def noticed(self, terminal: int | None = None) -> set[str]:
        """Return what was found, of one terminal or at all."""
        return {kind for number, kind in self.found if terminal in {None, number}}


@cache
def lived(kind: type[Actor]) -> Life:
    """Let one actor do harm in a world without mishaps."""
    world = World(SEED, hostile=[kind], only=(), steps=STEPS)
    verdict = world.live()
    owed = CardTransaction.objects.using(WORLD).filter(state=State.PAYABLE.value)
    held = Claim.objects.using(WORLD).filter(state=State.HELD.value)
    findings = Finding.objects.using(WORLD)
    return Life(
        world,
        tuple(str(it) for it in verdict.violations),
        frozenset(findings.values_list("terminal_id", "kind")),
        frozenset(owed.values_list("terminal", "seq")),
        frozenset(held.values_list("terminal_id", flat=True)),
    )


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ACTORS)
def test_nobody_honest_loses_and_nobody_gains(kind: type[Actor]) -> None:
    """Promise 2: whatever is tried, every green of a card is owed, and nothing else is.

    Red when the service takes a claim for proven, when it lets one claim keep out another, or
    when it blames whoever is named on a card.
    """
    life = lived(kind)
    assert life.violations == ()
    assert life.world.actors[0].deeds
    assert life.world.truth.greens, "the others went on selling"


def test_the_cast_is_wide_and_half_of_the_worlds_are_peaceful() -> None:
    """Promise: many kinds of harm are tried, and honest worlds stay a case of their own."""
    assert len(ACTORS) >= 12
    assert len({kind.name for kind in ACTORS}) == len(ACTORS)


@pytest.mark.django_db
def test_same_harm_from_the_same_seed() -> None:
    """Promise: what hostile people do can be replayed. Red when one of them draws elsewhere."""
    traces = set()
    for _ in range(2):
        world = World(5, hostile=ACTORS[:6], only=(), steps=12)
        traces.add(world.live().trace)
    assert len(traces) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [Forger, Squatter])
def test_invented_sales_are_found_and_never_owed(kind: type[Thief]) -> None:
    """Promise 2: of a terminal with all its keys not one invented claim is owed.

    Red when a proof is not compared with what the card must have answered.
    """
    life = lived(kind)
    (thief,) = life.world.actors
    assert isinstance(thief, Thief)
    assert thief.stolen is not None
    number = thief.stolen.number
    assert number in life.held
    assert life.noticed(number) & {"not_genuine", "awaits_proof"}


@pytest.mark.django_db
def test_drained_money_goes_back() -> None:
    """Promise 8: what a thief takes off a card, and nobody claims, is the member's again.

    Red when a gap is kept by the caisse.
    """
    assert "unclaimed" in lived(Drainer).noticed()


@pytest.mark.django_db
def test_a_copy_of_a_card_comes_out() -> None:
    """Promise 2: two pieces of one card are noticed. Red when a second proof is passed over."""
    found = lived(Cloner).noticed() | lived(Reverser).noticed()
    assert found & {"two_proofs", "card_branched", "counter_went_down"}


@pytest.mark.django_db
def test_an_emulated_card_pays_nobody() -> None:
    """Promise 2: what only key 1 has made is no card's money. Red when key 1 is enough."""
    life = lived(Emulator)
    assert life.world.truth.counterfeit
    assert not life.world.truth.counterfeit & life.owed


@pytest.mark.django_db
def test_two_amounts_for_one_sale_come_out() -> None:
    """Promise 2: only what the card has paid is owed. Red when the entry's amount is booked."""
    assert lived(Overstater).noticed() & {"amount_differs", "two_outcomes"}


@pytest.mark.django_db
def test_two_stories_of_one_terminal_come_out() -> None:
    """Promise 9: a copied terminal stops, or its two stories are found.

    Red when a till goes on after it was shown another chain, and no fork is told either.
    """
    life = lived(Twin)
    (twin,) = life.world.actors
    assert isinstance(twin, Twin)
    assert twin.copied is not None
    number = twin.copied.number
    stopped = life.world.stalls[number].why.startswith("JournalDamaged")
    assert stopped or life.noticed(number) & {"seq_fork", "chain_broken"}


@pytest.mark.django_db
def test_a_kept_back_sale_is_told_by_its_card() -> None:
    """Promise 9: withheld sales show up, with the till's name.

    Red when a lost terminal's token is not looked for.
    """
    assert lived(Withholder).noticed() >= {"recovered", "void_contradicted"}


@pytest.mark.django_db
def test_a_false_acknowledgement_loses_nothing() -> None:
    """Promise 1: a till that was lied to sends again what an honest answer does not know.

    Red when entries are forgotten once they are called sent.
    """
    assert lived(LyingService).world.truth.lied_to


@pytest.mark.django_db
def test_a_terminal_without_a_certificate_is_owed_nothing() -> None:
    """Promise 4: whoever can write into the database has not made a sale by it."""
    life = lived(Ghost)
    assert GHOST in life.held
    assert GHOST not in {terminal for terminal, _ in life.owed}
