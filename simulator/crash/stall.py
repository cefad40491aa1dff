"""One stall for the rungs that break its disk: a real till, its cards, and a caisse of one hand.

No service and no network: the caisse signs a permit, one directory and the answers that the till
takes in from its inbox. Cards, keys and amounts come from the seed.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from cardkit.allowance import Allowance, Step, sign_allowance
from cardkit.bodies import Enrolled
from cardkit.card.connection import CardConnection
from cardkit.card.session import PurseSession
from cardkit.card.tmac import NO_TMRI, TmacState
from cardkit.card.token import ReaderId
from cardkit.certificates import Certificate, Role, certify
from cardkit.directory import (
    CardRow,
    CardStatus,
    DirectoryDelta,
    DirectoryHeader,
    content_hash,
    row_digest,
    sign_directory,
)
from cardkit.errors import must
from cardkit.pairing import CardMaster, CardMasters
from cardkit.permit import Caps, MerchantGrant, Permit, sign_permit
from cardkit.signing import SigningKey
from cardkit.sync import SyncAnswer, sign_answer
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.field import Field
from simulator.issued import DEMO_SYSTEM_ID, demo_keys, demo_master, issued_card
from terminal.config import DataDirectory
from terminal.documents import Documents, Identity
from terminal.floored import FlooredClock
from terminal.journal import Journal
from terminal.keyring import write_keyring
from terminal.software import Software
from terminal.store import Store
from terminal.till import Till
from terminal.wiring import open_till

T = TypeVar("T")

CAISSE: Final = "flers"
TERMINAL: Final = 3
MERCHANT: Final = 7
CARDS: Final = 3
START: Final = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)
SOFTWARE: Final = Software(hashlib.sha256(b"the crash rungs").digest(), "0.0.0", None)
ROOM_CENTS: Final = 20_000_00
"""What a card may spend: more than a rung sells."""
_LONG_AGO: Final = datetime(2025, 1, 1, tzinfo=UTC)
_LONG_AFTER: Final = datetime(2035, 1, 1, tzinfo=UTC)
_LIFE: Final = timedelta(days=35)
_CAPS: Final = Caps(
    sale_max_cents=150_00,
    card_day_max_cents=ROOM_CENTS,
    card_day_stale_max_cents=ROOM_CENTS,
    fresh_days=7,
    unsent_max_cents=CARDS * ROOM_CENTS,
)


def _key(scalar: int) -> SigningKey:
    return SigningKey.from_scalar(scalar, caisse=CAISSE)


@dataclass
class CrashStall:
    """A terminal's data directory, its cards, and the keys of its caisse."""

    data: DataDirectory
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    root: SigningKey = field(default_factory=lambda: _key(1001))
    issuer: SigningKey = field(default_factory=lambda: _key(1002))
    service: SigningKey = field(default_factory=lambda: _key(1003))
    journal_key: SigningKey = field(default_factory=lambda: _key(2000 + TERMINAL))
    cards: list[VirtualCard] = field(default_factory=list)
    blocked: VirtualCard | None = None
    """A card that the directory blocks: whoever forgets its row sells to it."""
    reader: Field = field(default_factory=Field)
    answers: int = 0

    @classmethod
    def enrolled(cls, folder: Path, seed: int = 0) -> CrashStall:
        """Make a terminal's data as pairing does, with a directory of a few cards."""
        stall = cls(DataDirectory(folder))
        chance = random.Random(f"cards {seed}")
        stall.cards = [
            issued_card(bytes.fromhex("04C1A5") + number.to_bytes(4), random=chance.randbytes)
            for number in range(1, CARDS + 2)
        ]
        proven = {card.uid: stall.give_birth(card) for card in stall.cards}
        stall.blocked = stall.cards.pop()
        stall.data.create()
        stall.write_keys()
        documents = Documents(stall.data.documents)
        documents.identity = Identity(
            caisse=CAISSE, terminal=TERMINAL, root=stall.root.public, service_url="http://localhost"
        )
        store = Store.open(stall.data)
        store.accept_certificates(stall.certificates())
        permit = store.accept_permit(stall.permit())
        store.accept_directory(*stall.directory(proven), refunded=frozenset())
        enrolled = Enrolled(certificate=bytes(32), permit=permit.digest, software=SOFTWARE.digest)
        Journal.create(
            stall.data.journal,
            key=stall.journal_key,
            terminal=TERMINAL,
            clock=FlooredClock(stall.clock, store),
            enrolled=enrolled,
        ).close()
        store.close()
        return stall

    @property
    def everybody(self) -> list[VirtualCard]:
        """Every card of the directory, the blocked one last."""
        return self.cards if self.blocked is None else [*self.cards, self.blocked]

    def write_keys(self) -> None:
        """Keep the terminal's secrets where it looks for them."""
        write_keyring(
            self.data.keys,
            journal=self.journal_key,
            transport=_key(3000 + TERMINAL),
            token=hashlib.sha256(b"token key of the crash rungs").digest(),
            cards=CardMasters(
                system_id=DEMO_SYSTEM_ID,
                masters=(CardMaster(version=1, key=demo_master("terminal")),),
            ),
        )

    def till(self) -> Till:
        """Open the till and start it."""
        till = self.open_till()
        till.start()
        return till

    def open_till(self) -> Till:
        """Open the till and do nothing with it."""
        return open_till(self.data, clock=self.clock, software=SOFTWARE)

    def journal_of(self, folder: Path) -> Journal:
        """Open the journal that lies in some folder as this terminal's."""
        return Journal.open(
            folder / self.data.journal.name,
            key=self.journal_key,
            terminal=TERMINAL,
            clock=self.clock,
        )

    def tap(self, card: VirtualCard, act: Callable[[CardConnection], T]) -> T:
        """Lay a card down, do something with it, and take it away."""
        self.reader.lift()
        self.reader.place(card)
        connection = self.reader.wait_for_card(0)
        must(connection is not None, "a card that was laid down is there")
        try:
            return act(connection)  # type: ignore[arg-type]  # narrowed by must()
        finally:
            self.reader.lift()

    def answer(self, journal: Journal) -> bytes:
        """The service's signed answer that acknowledges everything there is."""
        return sign_answer(
            self.service,
            SyncAnswer(
                terminal=TERMINAL,
                up_to_seq=journal.head.seq,
                head=journal.head.digest,
                epoch=1,
                answered_at=self.clock.now().at,
            ),
        ).encoded

    def leave_answer(self, journal: Journal) -> None:
        """Put an answer where the sync process puts one."""
        self.answers += 1
        path = self.data.inbox / f"{self.answers:010}.cbor"
        path.write_bytes(self.answer(journal))

    def certificates(self) -> tuple[bytes, ...]:
        """The certificates of issuer and service."""
        keys = ((Role.ISSUER, self.issuer, 100_000_00), (Role.SERVICE, self.service, None))
        return tuple(
            certify(
                self.root,
                Certificate(
                    role=role,
                    subject=1,
                    valid_from=_LONG_AGO,
                    valid_until=_LONG_AFTER,
                    public_key=key.public.encoded,
                    step_max_cents=step_max_cents,
                    counted_from=None if step_max_cents is None else _LONG_AGO,
                ),
            ).encoded
            for role, key, step_max_cents in keys
        )

    def permit(self, version: int = 1) -> bytes:
        """What the terminal may do."""
        grant = MerchantGrant(
            merchant=MERCHANT,
            name="Ferme du Gué",
            convention_from=_LONG_AGO,
            convention_until=_LONG_AFTER,
        )
        permit = Permit(
            epoch=1,
            version=version,
            terminal=TERMINAL,
            issued_at=self.clock.now().at,
            valid_until=self.clock.now().at + _LIFE,
            merchants=(grant,),
            caps=_CAPS,
            refund_days=30,
        )
        return sign_permit(self.issuer, permit).encoded

    def directory(self, proven: dict[bytes, TmacState]) -> tuple[bytes, DirectoryDelta]:
        """The signed directory of all cards, and its rows."""
        rows = tuple(self._row(uid, proof) for uid, proof in sorted(proven.items()))
        header = DirectoryHeader(
            epoch=1,
            version=1,
            issued_at=self.clock.now().at,
            valid_until=self.clock.now().at + _LIFE,
            cards=len(rows),
            content_hash=content_hash(row_digest(row) for row in rows),
        )
        delta = DirectoryDelta(base_epoch=0, base_version=0, rows=rows)
        return sign_directory(self.issuer, header).encoded, delta

    def give_birth(self, card: VirtualCard) -> TmacState:
        """The committed transaction that ends issuing."""

        def commit(connection: CardConnection) -> TmacState:
            session = PurseSession.open_with_key(connection, demo_keys(card.uid).terminal)
            session.spent_cents()
            session.commit_reader_id(ReaderId.unpack(NO_TMRI))
            return session.commit()

        return self.tap(card, commit)

    def _row(self, uid: bytes, proof: TmacState) -> bytes:
        is_blocked = self.blocked is not None and uid == self.blocked.uid
        allowance = Allowance(
            epoch=1,
            version=1,
            uid=uid,
            generation=0,
            issued_at=self.clock.now().at,
            spendable_until=_LONG_AFTER,
            steps=(Step(_LONG_AGO, ROOM_CENTS),),
        )
        return CardRow(
            uid=uid,
            generation=0,
            status=CardStatus.BLOCKED if is_blocked else CardStatus.ACTIVE,
            allowance=sign_allowance(self.issuer, allowance).encoded,
            tmc=proof.tmc,
            tmv=proof.tmv,
            spent_cents=0,
        ).encoded
