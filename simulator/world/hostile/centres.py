"""Harm done from inside: a service that lies with its real key, and a person with a console."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar, Final

from django.db import Error, connections

from cardkit.acts import RecoveryConfirmed
from cardkit.bodies import Sale, SaleProof
from cardkit.errors import Bug
from cardkit.sync import SyncAnswer, sign_answer
from server_stub.models import CardTransaction, Terminal
from server_stub.rules.facts import State
from server_stub.services import acts, recover
from simulator.burnt.caisse import keys_of
from simulator.world.founding import WORLD, merchant_of
from simulator.world.hostile.actor import Actor, open_card
from simulator.world.hostile.stolen import StolenTerminal

GHOST: Final = 77
"""A terminal that no root has certified."""
INSIDER: Final = 13
_STATEMENTS: Final = (
    "UPDATE clafoutis_postingline SET amount_cents = amount_cents + 1 WHERE id = "
    "(SELECT MAX(id) FROM clafoutis_postingline)",
    "DELETE FROM clafoutis_posting WHERE id = (SELECT MAX(id) FROM clafoutis_posting)",
    "DELETE FROM clafoutis_storedentry WHERE id = (SELECT MAX(id) FROM clafoutis_storedentry)",
    "UPDATE clafoutis_actrow SET kind = 8 WHERE seq = (SELECT MAX(seq) FROM clafoutis_actrow)",
)


@dataclass
class LyingService(Actor):
    """Answers a till with its real key, and not the truth (T6, T16).

    That it has stored what it has not, a till can't know: it sends again when an honest answer
    says less. That it has stored more, or another chain, stops the till.
    """

    name: ClassVar[str] = "lying service"

    def try_it(self) -> bool:
        """Acknowledge all that a till has, without storing any of it; or give an old answer."""
        stall, world = self.stall(), self.world
        if stall is None:
            return False
        head = stall.till.journal.head
        lie = SyncAnswer(
            terminal=stall.number,
            up_to_seq=head.seq,
            head=head.digest,
            epoch=world.centre.epoch,
            answered_at=world.now - timedelta(days=self.draw.choice((0, 0, 40))),
        )
        if self.draw.random() < 0.3:
            lie = replace(lie, terminal=stall.number + 1)
        signed = sign_answer(world.centre.caisse.ring.service, lie)
        stall.put_in_inbox(signed.encoded)
        world.truth.lied_to.add(stall.number)
        stall.guarded(stall.till.consume_inbox)
        self.note(f"lies to {stall.number}")
        return True


@dataclass
class Insider(Actor):
    """A coordinator with the database open and a console: alone, none of it may move money."""

    name: ClassVar[str] = "insider"

    def try_it(self) -> bool:
        """Try to change what is written, and to confirm what no card has paid."""
        self._rewrite()
        self._invent_recovery()
        self._confirm_twice()
        self.note("works at night")
        return True

    def _rewrite(self) -> None:
        """Change or delete what is never changed: the database itself says no."""
        statement = self.draw.choice(_STATEMENTS)
        with connections[WORLD].cursor() as cursor:
            cursor.execute("SAVEPOINT insider")
            try:
                cursor.execute(statement)
                changed = cursor.rowcount
            except Error:
                changed = 0
            cursor.execute("ROLLBACK TO insider")
            cursor.execute("RELEASE insider")
        if changed:
            self.world.complain("V11", f"somebody could: {statement}")

    def _invent_recovery(self) -> None:
        """Sign that a sale is recovered which no card has made."""
        card = self.card()
        body = RecoveryConfirmed(
            uid=card.uid,
            generation=1,
            tmc=len(card.history) + self.draw.randint(0, 3),
            terminal=self.draw.choice(sorted(self.world.stalls)),
            seq=self.draw.randint(3, 60),
            amount_cents=self.draw.randint(1, 900),
            merchant=merchant_of(self.draw.randint(1, 3)),
            tmv=self.draw.randbytes(8),
        )
        acts.record(self.world.centre.caisse, body, by=INSIDER)
        recover.look_again(self.world.centre.caisse)

    def _confirm_twice(self) -> None:
        """Confirm a sale that is owed already."""
        owed = CardTransaction.objects.using(WORLD).filter(state=State.PAYABLE.value)
        sale = owed.order_by("id").first()
        if sale is None:
            return
        try:
            recover.confirm(self.world.centre.caisse, sale, by=INSIDER)
        except Bug:
            return
        self.world.complain("V4", f"{sale} is owed, and was confirmed once more")


@dataclass
class Ghost(Actor):
    """A terminal that only the database knows, with keys of its maker's own."""

    name: ClassVar[str] = "ghost"
    ghost: StolenTerminal | None = None

    def try_it(self) -> bool:
        """Enrol it behind everybody's back, and let it claim sales."""
        if self.ghost is None:
            self.ghost = self._enrol()
        card, draw = self.card(), self.draw
        session = open_card(self.world, card)
        tmac, spent_cents = session.tmac(), session.spent_cents()
        card.reset()
        amount_cents = draw.randint(1, 900)
        intent = self.ghost.intent(
            card.uid,
            tmc0=tmac.tmc,
            tmv0=tmac.tmv,
            spent0_cents=spent_cents,
            amount_cents=amount_cents,
            enc_tmri=draw.randbytes(16),
        )
        seq = self.ghost.append(intent).seq
        self.ghost.append(
            Sale(
                intent_seq=seq,
                amount_cents=amount_cents,
                tmc=tmac.tmc + 1,
                proof=SaleProof.COMMIT_ANSWERED,
                tmv=draw.randbytes(8),
            )
        )
        self.ghost.send()
        self.note("claims sales", terminal=GHOST)
        return True

    def leave(self) -> None:
        """Nobody has ever seen that terminal: it is struck off."""
        row = Terminal.objects.using(WORLD).filter(id=GHOST).first()
        if row is not None:
            recover.declare_lost(self.world.centre.caisse, row, by=INSIDER)

    def _enrol(self) -> StolenTerminal:
        journal, transport = keys_of(GHOST, caisse=self.world.centre.caisse.name)
        Terminal.objects.using(WORLD).create(
            id=GHOST,
            journal_key=journal.public.encoded,
            transport_key=transport.public.encoded,
            certificate=hashlib.sha256(b"no certificate").digest(),
            enrolled_at=self.world.now,
            cursor_head=journal.public.digest,
        )
        stolen = StolenTerminal(
            self.world, GHOST, merchant_of(1), 0, journal.public.digest, bytes(32), bytes(32), {}
        )
        self.world.truth.hostile.add(GHOST)
        return stolen
