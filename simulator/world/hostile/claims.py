"""Harm done with entries alone: sales that no card made, and old ones told again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from cardkit import bodies
from cardkit.bodies import SaleProof
from cardkit.sync import decode_request
from server_stub.rules.findings import FindingKind
from simulator.card import VirtualCard
from simulator.world.hostile.actor import Actor, open_card
from simulator.world.hostile.stolen import StolenTerminal, post

INVENTED: Final = frozenset(
    {
        FindingKind.NOT_GENUINE,
        FindingKind.CARD_UNKNOWN,
        FindingKind.AWAITS_PROOF,
        FindingKind.AMOUNT_DIFFERS,
        FindingKind.ENC_TMRI_WRONG,
        FindingKind.HELD,
    }
)
"""What a claim without a debit leads to."""
_CLAIMS: Final = 4


@dataclass
class Thief(Actor):
    """One who has taken a terminal."""

    stolen: StolenTerminal | None = None

    def take(self) -> StolenTerminal | None:
        """Return the terminal, taken now or before; an honest one has to be left."""
        if self.stolen is None:
            stall = self.stall()
            others = [it for it in self.world.stalls.values() if it.lives]
            if stall is None or len(others) < 2:
                return None
            self.stolen = StolenTerminal.taken(self.world, stall)
            self.world.trace.note(self.world.now, self.name, "takes", stall.number)
        return self.stolen

    def leave(self) -> None:
        """Somebody notices at last that the terminal is gone."""
        if self.stolen is not None and self.stolen.number not in self.world.lost:
            self.world.declare_lost(self.world.stalls[self.stolen.number])


@dataclass
class Forger(Thief):
    """Invents sales: every field is right but the proof, which only a card can make (T7)."""

    name: ClassVar[str] = "forger"

    def try_it(self) -> bool:
        """Claim some sales and send them."""
        stolen = self.take()
        if stolen is None:
            return False
        for _ in range(_CLAIMS):
            self._invent(stolen, self.card())
        if stolen.send():
            self.note("invents sales", terminal=stolen.number, betrayed_by=INVENTED)
        return True

    def _invent(self, stolen: StolenTerminal, card: VirtualCard) -> None:
        """Begin where the card really is, and answer with some other proof in its place."""
        draw, world = self.draw, self.world
        session = open_card(world, card)
        tmac, spent_cents = session.tmac(), session.spent_cents()
        card.reset()
        proofs = [one.tmv for it in world.cards for one in it.history] + [draw.randbytes(8)]
        tmv = bytearray(draw.choice(proofs))
        if draw.random() < 0.5:
            tmv[draw.randrange(8)] ^= 1 << draw.randrange(8)
        amount_cents = draw.randint(1, 3_000)
        ahead = draw.choice((0, 0, 0, 1, 5))
        seq = stolen.append(
            stolen.intent(
                card.uid if draw.random() < 0.9 else draw.randbytes(7),
                tmc0=tmac.tmc + ahead,
                tmv0=tmac.tmv if ahead == 0 else draw.randbytes(8),
                spent0_cents=spent_cents,
                amount_cents=amount_cents,
                enc_tmri=draw.randbytes(16),
            )
        ).seq
        stolen.append(
            bodies.Sale(
                intent_seq=seq,
                amount_cents=amount_cents,
                tmc=tmac.tmc + ahead + 1,
                proof=draw.choice((SaleProof.COMMIT_ANSWERED, SaleProof.READ_BACK)),
                tmv=bytes(tmv),
            )
        )


@dataclass
class Squatter(Thief):
    """Claims what every card will do next, before an honest till can (T5)."""

    name: ClassVar[str] = "squatter"

    def try_it(self) -> bool:
        """Claim the next transactions of every card."""
        stolen = self.take()
        if stolen is None:
            return False
        for card in self.world.cards:
            session = open_card(self.world, card)
            tmac, spent_cents = session.tmac(), session.spent_cents()
            card.reset()
            for ahead in range(2):
                amount_cents = self.draw.randint(1, 500)
                seq = stolen.append(
                    stolen.intent(
                        card.uid,
                        tmc0=tmac.tmc + ahead,
                        tmv0=tmac.tmv,
                        spent0_cents=spent_cents,
                        amount_cents=amount_cents,
                        enc_tmri=self.draw.randbytes(16),
                    )
                ).seq
                stolen.append(
                    bodies.Sale(
                        intent_seq=seq,
                        amount_cents=amount_cents,
                        tmc=tmac.tmc + ahead + 1,
                        proof=SaleProof.COMMIT_ANSWERED,
                        tmv=self.draw.randbytes(8),
                    )
                )
        if stolen.send():
            self.note("claims first", terminal=stolen.number, betrayed_by=INVENTED)
        return True


@dataclass
class Replayer(Actor):
    """Has overheard every request, and sends them again, whole or under another name (T5)."""

    name: ClassVar[str] = "replayer"

    def try_it(self) -> bool:
        """Send some old requests again, in any order."""
        wire = self.world.truth.wire
        if not wire:
            return False
        for number, body in self.draw.sample(wire, min(len(wire), _CLAIMS)):
            post(self.world, number, body)
        self.note("replays requests")
        return True


@dataclass
class Impostor(Thief):
    """Sends other terminals' entries as its own, and its own requests under other names."""

    name: ClassVar[str] = "impostor"

    def try_it(self) -> bool:
        """Wrap somebody else's entries in a request of the stolen terminal."""
        stolen = self.take()
        if stolen is None:
            return False
        others = [body for number, body in self.world.truth.wire if number != stolen.number]
        if not others:
            return False
        stolen.send(list(decode_request(self.draw.choice(others)).entries))
        self.note("sends others' entries", terminal=stolen.number)
        return True
