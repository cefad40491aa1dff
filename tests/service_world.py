"""A small world for the service: a caisse, issued virtual cards, stalls that sign what happened.

world = ServiceWorld.make()
card = world.card()
stall = world.stall()
stall.sync()
sale = stall.sell(card, 12_50)
stall.sync()

Every proof in it was made by a virtual card; what a stall signs is what a terminal would sign.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

from cardkit import bodies
from cardkit.acts import CardIssued
from cardkit.allowance import accept_allowance
from cardkit.bodies import Body
from cardkit.card.issuing import BIRTH_READER
from cardkit.card.keys import TerminalCardKeys
from cardkit.card.session import PurseSession
from cardkit.card.token import ReaderId, SaleRecord, token_mac
from cardkit.certificates import Certificate, Role, certify
from cardkit.clock import ClockTrust
from cardkit.directory import (
    CardRow,
    accept_directory,
    content_hash,
    read_row,
    row_digest,
)
from cardkit.entries import SCHEMA_VERSION, Entry, Envelope, OperatorRole, sign_entry
from cardkit.permit import accept_permit
from cardkit.signing import SigningKey
from cardkit.sync import SyncAnswer, SyncRequest, accept_answer
from provisioning.keystore import KeySet, new_keys
from server_stub.keys import KeyRing, token_key_purpose
from server_stub.models import Card, Merchant, Terminal, TokenKey
from server_stub.services import acts, issue, rules_in_force
from server_stub.services.caisse import Caisse
from server_stub.services.sync import sync
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.field import Field
from simulator.issued import IssuedKeys, issued_card
from simulator.partner import sign_up

START: Final = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)
LONG_AGO: Final = datetime(2025, 1, 1, tzinfo=UTC)
LONG_AFTER: Final = datetime(2035, 1, 1, tzinfo=UTC)
MERCHANT: Final = 7
_KINDS: Final = {cls: kind for kind, cls in reversed(bodies.BODIES.items())}


def app_master_of(uid: bytes) -> bytes:
    """A card's key 0, which nobody here derives from a master."""
    return hashlib.sha256(uid).digest()[:16]


@cache
def ceremony() -> KeySet:
    """The keys of one caisse, made once for all tests."""
    return new_keys("flers", now=LONG_AGO, step_max_cents=500_00)


@dataclass
class ServiceWorld:
    """A caisse whose service runs on the test's database."""

    keys: KeySet
    clock: ManualClock
    caisse: Caisse
    cards: dict[bytes, VirtualCard] = field(default_factory=dict)
    field: Field = field(default_factory=Field)

    @classmethod
    def make(cls, *, using: str = "default") -> ServiceWorld:
        """A caisse with rules and one merchant, on 1 October 2026, 10 o'clock in Flers."""
        keys, clock = ceremony(), ManualClock(START)
        ring = KeyRing(keys.public, keys.service)
        world = cls(keys, clock, Caisse(ring=ring, clock=clock, using=using))
        rules_in_force.start_rules(world.caisse, from_day=LONG_AGO.date())
        world.merchant(MERCHANT)
        return world

    @property
    def now(self) -> datetime:
        """The time of this world."""
        return self.clock.now().at

    def merchant(self, number: int) -> Merchant:
        """A partner whose convention covers every test."""
        known = Merchant.objects.using(self.caisse.using).filter(id=number).first()
        return known or sign_up(
            self.caisse,
            number,
            f"Ferme {number}",
            convention_from=LONG_AGO,
            convention_until=LONG_AFTER,
        )

    def card(self, *, account: bytes | None = None) -> VirtualCard:
        """Issue a card of an account, with the months that are due."""
        number = len(self.cards) + 1
        uid = bytes.fromhex("04C1AF") + number.to_bytes(4)
        virtual = self.personalise(uid, generation=1)
        self.give_birth(virtual, generation=1, account=account or number.to_bytes(16))
        issue.issue_allowance(self.caisse, self.row(virtual))
        return virtual

    def personalise(self, uid: bytes, *, generation: int) -> VirtualCard:
        """A card as the workshop makes it, before its birth transaction."""
        ring = self.caisse.ring
        tmac = ring.tmac_key(uid=uid, generation=generation, key_version=1, profile="claf-purse/1")
        filler = app_master_of(uid)
        virtual = issued_card(
            uid,
            IssuedKeys(
                picc=filler,
                app_master=filler,
                terminal=self._key_one(uid),
                tmac=tmac,
                closed=filler,
            ),
        )
        self.cards[uid] = virtual
        return virtual

    def give_birth(self, virtual: VirtualCard, *, generation: int, account: bytes) -> None:
        """Commit the birth transaction and put it on record."""
        session = self.open(virtual)
        spent_cents = session.spent_cents()
        enc_tmri = session.commit_reader_id(BIRTH_READER)
        born = session.commit()
        self.field.lift()
        body = CardIssued(
            uid=virtual.uid,
            generation=generation,
            account=account,
            profile="claf-purse/1",
            tmc=born.tmc,
            tmv=born.tmv,
            enc_tmri=enc_tmri,
            spent_cents=spent_cents,
        )
        acts.record(self.caisse, body)

    def row(self, virtual: VirtualCard) -> Card:
        """The service's row of a card's latest life."""
        cards = Card.objects.using(self.caisse.using).filter(uid=virtual.uid)
        return cards.order_by("generation").select_related("account").get()

    def open(self, virtual: VirtualCard) -> PurseSession:
        """Lay a card on the reader and authenticate."""
        self.field.lift()
        self.field.place(virtual)
        connection = self.field.wait_for_card(0)
        assert connection is not None
        system_id = self.keys.public.system_id
        masters = {master.version: master.key for master in self.keys.workshop.masters}
        return PurseSession.open(connection, TerminalCardKeys(system_id=system_id, masters=masters))

    def stall(self, terminal: int = 3, *, merchants: tuple[int, ...] = (MERCHANT,)) -> Stall:
        """Enrol a terminal and let it sync once."""
        key = _key(2000 + terminal)
        transport = _key(3000 + terminal)
        token_key = hashlib.sha256(f"token key {terminal}".encode()).digest()
        certificate = Certificate(
            role=Role.TERMINAL,
            subject=terminal,
            valid_from=LONG_AGO,
            valid_until=LONG_AFTER,
            public_key=key.public.encoded,
            transport_key=transport.public.encoded,
        )
        root = self.keys.root.signing_key("flers")
        row = Terminal.objects.using(self.caisse.using).create(
            id=terminal,
            journal_key=key.public.encoded,
            transport_key=transport.public.encoded,
            certificate=certify(root, certificate).encoded,
            enrolled_at=self.now,
            cursor_head=key.public.digest,
        )
        ring = self.caisse.ring
        TokenKey.objects.using(self.caisse.using).create(
            terminal=row, sealed=ring.seal(token_key, purpose=token_key_purpose(terminal))
        )
        issue.issue_permit(self.caisse, row, merchants=merchants)
        stall = Stall(self, terminal, merchants[0], key, transport, token_key, key.public.digest)
        stall.sync()
        stall.enrol()
        return stall

    def _key_one(self, uid: bytes) -> bytes:
        system_id = self.keys.public.system_id
        masters = {master.version: master.key for master in self.keys.workshop.masters}
        keys = TerminalCardKeys(system_id=system_id, masters=masters)
        return next(keys.newest_first(uid=uid, aid=bytes.fromhex("F4C1AF")))[1]


@dataclass
class Stall:
    """A terminal without its program: it sells, signs, sends, and may be told to cheat."""

    world: ServiceWorld
    terminal: int
    merchant: int
    key: SigningKey
    transport: SigningKey
    token_key: bytes
    head: bytes
    entries: list[Entry] = field(default_factory=list)
    acknowledged: int = 0
    rows: dict[bytes, CardRow] = field(default_factory=dict)
    directory: tuple[int, int] = (0, 0)
    directory_digest: bytes = bytes(32)
    permit: tuple[int, int] = (0, 0)
    permit_digest: bytes = bytes(32)
    answers: list[SyncAnswer] = field(default_factory=list)
    epoch: int = 1
    key_version: int = 1
    """Of the key-1 master that it opened the card with."""

    def enrol(self) -> None:
        """Begin the chain."""
        self.append(
            bodies.Enrolled(certificate=bytes(32), permit=self.permit_digest, software=bytes(32))
        )

    # The journal

    def sign(self, body: Body, *, seq: int, prev: bytes, **more: int) -> Entry:
        """Sign an entry with this terminal's key, in its place or in any other."""
        envelope = Envelope(
            v=SCHEMA_VERSION,
            kind=_KINDS[type(body)],
            terminal=self.terminal,
            seq=seq,
            prev=prev,
            at=self.world.now,
            clock=ClockTrust.RTC,
            boot_id=bytes(16),
            monotonic_ms=0,
            merchant=more.get("merchant", self.merchant),
            operator=OperatorRole.PRODUCER,
            perpetual_cents=0,
        )
        return sign_entry(self.key, envelope, body)

    def append(self, body: Body) -> Entry:
        """Sign the next entry of the chain."""
        entry = self.sign(body, seq=len(self.entries) + 1, prev=self.head)
        self.entries.append(entry)
        self.head = entry.digest
        return entry

    @property
    def unsent(self) -> list[bytes]:
        """Entries after the last acknowledged one."""
        return [entry.signed.encoded for entry in self.entries[self.acknowledged :]]

    # Sales

    def intent(
        self, session: PurseSession, amount_cents: int, *, refunds: tuple[tuple[int, int], ...] = ()
    ) -> bodies.Intent:
        """Go through exchanges 4 to 8 of a sale."""
        tmac, spent0_cents = session.tmac(), session.spent_cents()
        seq = len(self.entries) + 1
        token = token_mac(
            self.token_key,
            uid=session.uid,
            tmc0=tmac.tmc,
            spent0_cents=spent0_cents,
            amount_cents=amount_cents,
            seq=seq,
        )
        record = SaleRecord(
            terminal=self.terminal,
            seq=seq,
            amount_cents=amount_cents,
            spent0_cents=spent0_cents,
            tmv0=tmac.tmv,
            token=token,
        )
        session.debit(amount_cents)
        session.write_record(record)
        reader = ReaderId(terminal=self.terminal, seq=seq, token=token)
        enc_tmri = session.commit_reader_id(reader)
        row = self.rows[session.uid]
        assert row.allowance is not None
        return bodies.Intent(
            uid=session.uid,
            generation=row.generation,
            profile="claf-purse/1",
            key_version=self.key_version,
            tmc0=tmac.tmc,
            tmv0=tmac.tmv,
            spent0_cents=spent0_cents,
            amount_cents=amount_cents,
            token=token,
            enc_tmri=enc_tmri,
            permit=self.permit_digest,
            directory=self.directory_digest,
            allowance=accept_allowance(row.allowance, self.world.caisse.ring.trust).digest,
            card_day_cents=0,
            unsent_cents=0,
            refunds_counted=tuple(
                bodies.RefundCounted(seq=at, amount_cents=cents) for at, cents in refunds
            ),
        )

    def sell(
        self,
        card: VirtualCard,
        amount_cents: int,
        *,
        refunds: tuple[tuple[int, int], ...] = (),
    ) -> int:
        """Sell, green; returns the intent's number."""
        session = self.world.open(card)
        intent = self.intent(session, amount_cents, refunds=refunds)
        seq = self.append(intent).seq
        done = session.commit()
        self.world.field.lift()
        sale = bodies.Sale(
            intent_seq=seq,
            amount_cents=amount_cents,
            tmc=done.tmc,
            proof=bodies.SaleProof.COMMIT_ANSWERED,
            tmv=done.tmv,
        )
        self.append(sale)
        return seq

    def tear(self, card: VirtualCard, amount_cents: int, *, executed: bool) -> int:
        """Sell to a card that is lifted at the commit: amber, and only the card knows."""
        session = self.world.open(card)
        seq = self.append(self.intent(session, amount_cents)).seq
        if executed:
            session.commit()
        self.world.field.lift()
        return seq

    def refund(self, card: VirtualCard, intent_seq: int, amount_cents: int) -> int:
        """Sign a refund; returns its number."""
        return self.append(
            bodies.Refund(
                intent_seq=intent_seq,
                amount_cents=amount_cents,
                reason=bodies.RefundReason.GOODS_RETURNED,
                uid=card.uid,
                generation=self.rows[card.uid].generation,
            )
        ).seq

    def inspect(self, card: VirtualCard) -> None:
        """Read a card without a sale, its records included, and put it on record."""
        session = self.world.open(card)
        tmac, spent_cents = session.tmac(), session.spent_cents()
        records = tuple(record.pack() for record in session.records() if record is not None)
        session.clear()
        enc_tmri = session.commit_reader_id(
            ReaderId(terminal=self.terminal, seq=len(self.entries) + 1, token=bytes(8))
        )
        session.abort()
        self.world.field.lift()
        self.append(
            bodies.Evidence(
                uid=card.uid,
                tmc=tmac.tmc,
                tmv=tmac.tmv,
                spent_cents=spent_cents,
                enc_tmri=enc_tmri,
                records=records,
                records_read=True,
            )
        )

    # The exchange

    def request(self, entries: list[bytes] | None = None) -> SyncRequest:
        """The request that this terminal would make now."""
        return SyncRequest(
            terminal=self.terminal,
            entries=tuple(self.unsent if entries is None else entries),
            epoch=self.epoch,
            directory_epoch=self.directory[0],
            directory_version=self.directory[1],
            permit_epoch=self.permit[0],
            permit_version=self.permit[1],
            acknowledged_seq=self.acknowledged,
            head_seq=len(self.entries),
        )

    def sync(self, entries: list[bytes] | None = None) -> SyncAnswer:
        """Send, and take in the answer as a terminal does."""
        self.world.clock.pass_time(timedelta(minutes=1))
        data = sync(self.world.caisse, self.request(entries))
        trust = self.world.caisse.ring.trust
        answer = accept_answer(data, trust, terminal=self.terminal).answer
        self.answers.append(answer)
        self.acknowledged, self.epoch = answer.up_to_seq, answer.epoch
        if answer.permit is not None:
            held = accept_permit(answer.permit, trust, terminal=self.terminal)
            self.permit, self.permit_digest = held.permit.order, held.digest
        self._take_directory(answer)
        return answer

    def _take_directory(self, answer: SyncAnswer) -> None:
        if answer.directory is None or answer.delta is None:
            return
        held = accept_directory(answer.directory, self.world.caisse.ring.trust, held=None)
        base = answer.delta.base_epoch, answer.delta.base_version
        assert base in {self.directory, (0, 0)}
        rows = {} if base == (0, 0) else dict(self.rows)
        for uid in answer.delta.removed:
            rows.pop(uid, None)
        for encoded in answer.delta.rows:
            rows[read_row(encoded).uid] = read_row(encoded)
        assert held.header.content_hash == content_hash(
            row_digest(rows[uid].encoded) for uid in sorted(rows)
        )
        self.rows = rows
        self.directory, self.directory_digest = held.header.order, held.digest


def forged(stall: Stall, entry: Entry, **changes: object) -> Entry:
    """Change a body and sign it again, in the same place, with the terminal's real key."""
    assert entry.body is not None
    changed = replace(entry.body, **changes)  # type: ignore[arg-type]  # fields by name
    return sign_entry(stall.key, entry.envelope, changed)


def _key(scalar: int) -> SigningKey:
    return SigningKey.from_scalar(scalar, caisse="flers")
