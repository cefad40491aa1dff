"""What a world's office decides: disputed sales, slips of paper, terminals that were stolen.

Two people share it. What they write down stays written: a service that was put back to a backup
is told again of thefts and slips; a dispute that it has forgotten is nobody's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cardkit.clock import business_date
from cardkit.resolutions import DisputeAnswer, DisputeKind, DisputeReason
from server_stub.models import CardTransaction, Dispute, PaperPaid
from server_stub.rules.disputes import OPEN, Stage
from server_stub.rules.facts import State
from server_stub.rules.paper import DOUBTS, NotPaid
from server_stub.services import disputes, paper
from server_stub.services.deciding import Done, NeedsSecond, NotDone
from simulator.world.catalogue import Kind
from simulator.world.centre import COORDINATOR, TREASURER
from simulator.world.founding import MERCHANTS, SLIPS, WORLD
from simulator.world.marks import Mark
from simulator.world.truth import Slip

if TYPE_CHECKING:
    import random

    from simulator.world.world import World

_GOES_ON: Final = 0.3
"""How often somebody does something about an open dispute in a step."""
_ANSWERS: Final = 0.4
"""How often that is the producer's answer."""
_LEFT_TO_THE_RULE: Final = 0.5
_TO_THE_MEMBER: Final = 0.5
_GONE_FOR_GOOD: Final = 0.5
"""How often a thief destroys what he has; else it goes on selling, and tells."""
_SLIP_CENTS: Final = (50, 2_000)
"""A full carnet stays below what can be paid of a stall's slips of one day."""
_ALL_DOUBTS: Final = sum(DOUBTS)


class Office:
    """Two people with a list of what is open."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chance = world.chance
        self._draw = world.chance.stream("office")
        """Of what becomes of disputes; where there are none, nothing is drawn."""
        self._complaints: list[random.Random] = []
        """Of which no sale was owed yet, each with what it draws."""

    def step(self) -> None:
        """Hear what happened, and go on with what is open."""
        disputed = self._chance.strikes(Kind.PEOPLE_DISPUTES)
        if disputed is not None:
            self._complaints.append(disputed)
        self._hear()
        written = self._chance.strikes(Kind.PEOPLE_PAPER_SLIP)
        if written is not None:
            self._write_slip(written)
        stolen = self._chance.strikes(Kind.PEOPLE_TILL_STOLEN)
        if stolen is not None:
            self._steal(stolen)
        for dispute in self._open_disputes():
            if self._draw.random() < _GOES_ON:
                self._go_on(dispute)

    def end_day(self) -> None:
        """Pay every slip, and decide most of what is disputed."""
        self._hear()
        for slip in self._world.truth.slips:
            self._pay(slip)
        for dispute in self._open_disputes():
            is_asked = disputes.stage_of(self._world.centre.caisse, dispute) is Stage.ASKED
            if not is_asked or self._draw.random() >= _LEFT_TO_THE_RULE:
                self._decide(dispute)

    def end_days(self) -> None:
        """Days have gone by: the service lets the voted rule decide what nobody answered."""
        for slip in self._world.truth.slips:
            self._pay(slip)
        for dispute in self._open_disputes():
            if disputes.stage_of(self._world.centre.caisse, dispute) is not Stage.ASKED:
                self._decide(dispute)

    def waits(self) -> bool:
        """Whether anybody waits for a decision, or for two people to come to it."""
        paid = PaperPaid.objects.using(WORLD).count()
        return bool(self._open_disputes()) or paid < len(self._world.truth.slips)

    # Disputes

    def _hear(self) -> None:
        """Open a dispute for everybody who complains, as soon as any sale is owed."""
        if not self._complaints:
            return
        owed = CardTransaction.objects.using(WORLD).filter(state=State.PAYABLE.value)
        sales = list(owed.select_related("card").order_by("card__uid", "tmc"))
        while sales and self._complaints:
            detail = self._complaints.pop()
            self._open_dispute(detail.choice(sales), detail)

    def _open_dispute(self, sale: CardTransaction, detail: random.Random) -> None:
        world = self._world
        part_cents = detail.randint(1, sale.amount_cents)
        made = disputes.open_dispute(
            world.centre.caisse,
            sale,
            detail.choice(tuple(DisputeKind)),
            amount_cents=detail.choice((None, part_cents)),
            by=COORDINATOR,
            draw=detail.randbytes,
        )
        if isinstance(made, NotDone):
            world.trace.note(world.now, "not disputed", made.name)
            return
        world.truth.disputed[bytes(made.number)] = made.amount_cents
        world.trace.note(world.now, "disputed", sale.card.uid.hex(), sale.tmc, made.amount_cents)

    def _open_disputes(self) -> list[Dispute]:
        if not self._world.truth.disputed:
            return []
        caisse = self._world.centre.caisse
        rows = reversed(disputes.all_disputes(caisse))
        return [row for row in rows if disputes.stage_of(caisse, row) in OPEN]

    def _go_on(self, dispute: Dispute) -> None:
        if self._draw.random() < _ANSWERS:
            said = self._draw.choice(tuple(DisputeAnswer))
            done = disputes.answer(self._world.centre.caisse, dispute, said, by=COORDINATOR)
            self._world.trace.note(self._world.now, "answered", said.name, type(done).__name__)
        else:
            self._decide(dispute)

    def _decide(self, dispute: Dispute) -> None:
        """Two people decide alike; one of them twice is not two."""
        world, to_member = self._world, self._draw.random() < _TO_THE_MEMBER

        def signed_by(person: int) -> object:
            return disputes.decide(
                world.centre.caisse,
                dispute,
                to_member=to_member,
                reason=DisputeReason.SHOWN,
                by=person,
            )

        if signed_by(COORDINATOR) is NotDone.LOCKED:
            return
        if not isinstance(signed_by(COORDINATOR), NeedsSecond):
            world.complain("V11", "one person decided a dispute")
        if not isinstance(signed_by(TREASURER), Done):
            world.complain("V11", "two people could not decide a dispute")
        cents = dispute.amount_cents if to_member else 0
        world.truth.decided[bytes(dispute.number)].add(cents)
        world.marks.hit(Mark.DISPUTE_RETURNED if to_member else Mark.DISPUTE_REJECTED)
        world.trace.note(world.now, "decided", cents)

    # Paper

    def _write_slip(self, detail: random.Random) -> None:
        world = self._world
        merchant = detail.randint(1, MERCHANTS)
        number = 1 + sum(slip.merchant == merchant for slip in world.truth.slips)
        if number > SLIPS:
            return
        slip = Slip(
            merchant=merchant,
            number=number,
            uid=detail.choice(world.cards).uid,
            day=business_date(world.now),
            amount_cents=detail.randint(*_SLIP_CENTS),
        )
        world.truth.slips.append(slip)
        world.trace.note(world.now, "slip", merchant, number, slip.amount_cents)
        self._pay(slip)

    def _pay(self, slip: Slip) -> None:
        """Enter a slip unless that was done, and let a second person read it again."""
        world, caisse = self._world, self._world.centre.caisse
        entered = paper.enter(
            caisse,
            slip.merchant,
            slip.number,
            day=slip.day,
            card_number=slip.uid.hex(),
            amount_cents=slip.amount_cents,
            is_initialled=True,
            by=COORDINATOR,
        )
        if not isinstance(entered, NotPaid) and slip.day != business_date(world.now):
            world.marks.hit(Mark.SLIP_ENTERED_AGAIN)
        for person, cents in ((COORDINATOR, slip.amount_cents), (TREASURER, slip.amount_cents + 1)):
            if isinstance(self._confirm(slip, cents, by=person), Done):
                world.complain("V11", "a slip was paid that two people have not read alike")
        if isinstance(self._confirm(slip, slip.amount_cents, by=TREASURER), Done):
            world.marks.hit(Mark.SLIP_PAID)

    def _confirm(self, slip: Slip, cents: int, *, by: int) -> object:
        caisse = self._world.centre.caisse
        return paper.confirm(
            caisse, slip.merchant, slip.number, amount_cents=cents, doubts=_ALL_DOUBTS, by=by
        )

    # Theft

    def _steal(self, detail: random.Random) -> None:
        """A thief takes a terminal; it is destroyed, or goes on selling and telling."""
        world = self._world
        gone = world.lost | world.lost_too_soon | world.truth.hostile | world.truth.stolen.keys()
        lives = [stall for stall in world.stalls.values() if stall.lives]
        stalls = [stall for stall in lives if stall.number not in gone]
        if len(lives) == 1 or not stalls:
            return  # somebody has to be left
        stall = detail.choice(stalls)
        world.truth.stolen[stall.number] = world.now
        world.centre.declare_stolen(stall.number)
        if detail.random() < _GONE_FOR_GOOD:
            stall.lose()
            world.truth.burnt.add(stall.number)
            world.lost.add(stall.number)
        else:
            world.lost_too_soon.add(stall.number)
        world.trace.note(world.now, stall.number, "stolen", stall.condition.name)
