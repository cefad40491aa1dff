"""A small world for terminals: a caisse with its keys, issued virtual cards, stalls, one clock.

world = World.make(tmp_path)
card = world.new_card(50_00)
world.publish()
till = world.till()
outcome = world.tap(card, lambda connection: till.sell(connection, 12_50, merchant=7))
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from cardkit.allowance import Allowance, RefundRef, Step, sign_allowance
from cardkit.bodies import Enrolled, EntryKind, Intent
from cardkit.card.session import PurseSession
from cardkit.card.tmac import NO_TMRI, TmacState
from cardkit.card.token import ReaderId
from cardkit.certificates import Certificate, Role, certify
from cardkit.decide import Reason
from cardkit.directory import (
    CardRow,
    CardStatus,
    DirectoryDelta,
    DirectoryHeader,
    content_hash,
    row_digest,
    sign_directory,
)
from cardkit.pairing import CardMaster, CardMasters
from cardkit.permit import Caps, MerchantGrant, Permit, sign_permit
from cardkit.signing import SigningKey
from cardkit.sync import SyncAnswer, sign_answer
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.field import Field, FieldConnection
from simulator.issued import DEMO_SYSTEM_ID, demo_keys, demo_master, issued_card
from terminal.config import DataDirectory
from terminal.documents import Documents, Identity
from terminal.floored import FlooredClock
from terminal.journal import Journal
from terminal.keyring import write_keyring
from terminal.outcomes import Refused, SaleOutcome
from terminal.software import Software
from terminal.store import Store
from terminal.till import Till
from terminal.wiring import open_till

T = TypeVar("T")

CAISSE: Final = "flers"
TERMINAL: Final = 3
MERCHANT: Final = 7
START: Final = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)
LIFE: Final = timedelta(days=35)
SOFTWARE: Final = Software(hashlib.sha256(b"the program under test").digest(), "0.0.0", None)
CAPS: Final = Caps(
    sale_max_cents=150_00,
    card_day_max_cents=300_00,
    card_day_stale_max_cents=60_00,
    fresh_days=7,
    unsent_max_cents=5_000_00,
)
_LONG_AGO: Final = datetime(2025, 1, 1, tzinfo=UTC)
_LONG_AFTER: Final = datetime(2035, 1, 1, tzinfo=UTC)


def _key(scalar: int) -> SigningKey:
    return SigningKey.from_scalar(scalar, caisse=CAISSE)


@dataclass
class Member:
    """One card, and what the caisse says of it."""

    card: VirtualCard
    steps: tuple[Step, ...]
    spendable_until: datetime
    version: int = 1
    generation: int = 0
    refunds: tuple[RefundRef, ...] = ()
    blocked: bool = False
    read_records: bool = False
    proven: TmacState | None = None
    proven_spent_cents: int = 0


@dataclass
class World:
    """A caisse, its cards and its stalls."""

    path: Path
    clock: ManualClock
    root: SigningKey = field(default_factory=lambda: _key(1001))
    issuer: SigningKey = field(default_factory=lambda: _key(1002))
    service: SigningKey = field(default_factory=lambda: _key(1003))
    members: dict[bytes, Member] = field(default_factory=dict)
    issued: int = 0
    epoch: int = 1
    directory_version: int = 0
    permit_version: int = 1
    caps: Caps = CAPS
    coverages_bp: tuple[int, ...] = ()
    """Rates that the merchants' conventions name."""
    field: Field = field(default_factory=Field)
    directory: bytes = b""
    rows: tuple[bytes, ...] = ()

    @classmethod
    def make(cls, path: Path) -> World:
        """A caisse without cards on 1 October 2026, 10 o'clock in Flers."""
        return cls(path, ManualClock(START))

    @property
    def now(self) -> datetime:
        """The time of this world."""
        return self.clock.now().at

    # The caisse

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

    def new_card(self, *cents: int, starting: datetime = _LONG_AGO) -> VirtualCard:
        """Issue a card that may spend so much, and `cents[1:]` more from each following month."""
        self.issued += 1
        uid = bytes.fromhex("04C1AF") + self.issued.to_bytes(4)
        card = issued_card(uid)
        proof = self._give_birth(card)
        steps, cumulative_cents = [], 0
        for months, amount_cents in enumerate(cents):
            cumulative_cents += amount_cents
            from_at = starting if months == 0 else _first_of(self.now, months)
            steps.append(Step(from_at, cumulative_cents))
        self.members[uid] = Member(card, tuple(steps), _LONG_AFTER, proven=proof)
        return card

    def allowance(self, card: VirtualCard) -> bytes:
        """The signed allowance of a card as the caisse means it now."""
        member = self.members[card.uid]
        return sign_allowance(
            self.issuer,
            Allowance(
                epoch=self.epoch,
                version=member.version,
                uid=card.uid,
                generation=member.generation,
                issued_at=self.now,
                spendable_until=member.spendable_until,
                steps=member.steps,
                refunds=member.refunds,
            ),
        ).encoded

    def raise_allowance(self, card: VirtualCard, amount_cents: int, *refunds: RefundRef) -> None:
        """Let a card spend more in total, from a new version on."""
        member = self.members[card.uid]
        first, *later = member.steps
        raised = [replace(it, cumulative_cents=it.cumulative_cents + amount_cents) for it in later]
        first = replace(first, cumulative_cents=first.cumulative_cents + amount_cents)
        member.steps = (first, *raised)
        member.refunds = refunds
        member.version += 1

    def hear_of(self, *cards: VirtualCard) -> None:
        """Let the service have proven everything that these cards did."""
        for card in cards:
            member = self.members[card.uid]
            session = PurseSession.open_with_key(self.connect(card), demo_keys(card.uid).terminal)
            member.proven, member.proven_spent_cents = session.tmac(), session.spent_cents()
            self.field.lift()

    def publish(self) -> None:
        """Issue a new directory of all cards."""
        self.directory_version += 1
        rows = [self._row(member) for _, member in sorted(self.members.items())]
        header = DirectoryHeader(
            epoch=self.epoch,
            version=self.directory_version,
            issued_at=self.now,
            valid_until=self.now + LIFE,
            cards=len(rows),
            content_hash=content_hash(row_digest(row) for row in rows),
        )
        self.rows = tuple(rows)
        self.directory = sign_directory(self.issuer, header).encoded

    def whole_delta(self) -> DirectoryDelta:
        """The whole directory as a delta from nothing."""
        return DirectoryDelta(base_epoch=0, base_version=0, rows=self.rows)

    def permit(
        self, terminal: int = TERMINAL, *, merchants: tuple[int, ...] = (MERCHANT,)
    ) -> bytes:
        """A permit for a terminal."""
        grants = tuple(
            MerchantGrant(
                merchant=merchant,
                name=f"Ferme {merchant}",
                convention_from=_LONG_AGO,
                convention_until=_LONG_AFTER,
                coverages_bp=self.coverages_bp,
            )
            for merchant in merchants
        )
        permit = Permit(
            epoch=self.epoch,
            version=self.permit_version,
            terminal=terminal,
            issued_at=self.now,
            valid_until=self.now + LIFE,
            merchants=grants,
            caps=self.caps,
            refund_days=30,
        )
        return sign_permit(self.issuer, permit).encoded

    def answer(self, journal: Journal, up_to_seq: int, **more: object) -> bytes:
        """The service's signed answer that acknowledges a journal up to an entry."""
        entry = journal.entry(up_to_seq)
        content = SyncAnswer(
            terminal=journal.terminal,
            up_to_seq=up_to_seq,
            head=bytes(32) if entry is None else entry.digest,
            epoch=self.epoch,
            answered_at=self.now,
        )
        return sign_answer(self.service, replace(content, **more)).encoded  # type: ignore[arg-type]  # fields by name

    # Stalls

    def data(self, terminal: int = TERMINAL) -> DataDirectory:
        """Where a terminal keeps its data."""
        return DataDirectory(self.path / f"terminal-{terminal}")

    def identity(self, terminal: int = TERMINAL) -> Identity:
        """Who a terminal of this caisse is."""
        return Identity(
            caisse=CAISSE, terminal=terminal, root=self.root.public, service_url="http://localhost"
        )

    def enrol(
        self,
        terminal: int = TERMINAL,
        *,
        board_serial: bytes | None = None,
        merchants: tuple[int, ...] = (MERCHANT,),
    ) -> DataDirectory:
        """Make a terminal's data as pairing does, with the directory of this moment."""
        data = self.data(terminal)
        data.create()
        journal_key = _key(2000 + terminal)
        write_keyring(
            data.keys,
            journal=journal_key,
            transport=_key(3000 + terminal),
            token=hashlib.sha256(f"token key {terminal}".encode()).digest(),
            cards=CardMasters(
                system_id=DEMO_SYSTEM_ID,
                masters=(CardMaster(version=1, key=demo_master("terminal")),),
            ),
        )
        documents = Documents(data.documents)
        documents.identity = self.identity(terminal)
        store = Store.open(data)
        store.accept_certificates(self.certificates())
        permit = store.accept_permit(self.permit(terminal, merchants=merchants))
        if self.directory:
            store.accept_directory(self.directory, self.whole_delta(), refunded=frozenset())
        enrolled = Enrolled(
            certificate=bytes(32),
            permit=permit.digest,
            software=SOFTWARE.digest,
            board_serial=board_serial,
        )
        clock = FlooredClock(self.clock, store)
        Journal.create(
            data.journal, key=journal_key, terminal=terminal, clock=clock, enrolled=enrolled
        ).close()
        store.close()
        return data

    def till(self, terminal: int = TERMINAL) -> Till:
        """Open a stall's till and start it, enrolling it the first time."""
        data = self.data(terminal)
        if not data.journal.exists():
            self.enrol(terminal)
        till = open_till(data, clock=self.clock, software=SOFTWARE)
        till.start()
        return till

    def deliver(self, till: Till) -> None:
        """Let a till take in the directory of this moment, as if it had synced."""
        refunded = till.journal.refunded_cards()
        till.store.accept_directory(self.directory, self.whole_delta(), refunded=refunded)

    # Taps

    def connect(self, card: VirtualCard) -> FieldConnection:
        """Lay a card on the reader."""
        self.field.lift()
        self.field.place(card)
        connection = self.field.wait_for_card(0)
        assert connection is not None
        return connection

    def tap(self, card: VirtualCard, act: Callable[[FieldConnection], T]) -> T:
        """Lay a card on the reader, do something with it, and lift it."""
        try:
            return act(self.connect(card))
        finally:
            self.field.lift()

    def sell(self, till: Till, card: VirtualCard, amount_cents: int) -> SaleOutcome:
        """Sell to a card, without any trouble of the world's making."""
        return self.tap(card, lambda it: till.sell(it, amount_cents, merchant=MERCHANT))

    def _row(self, member: Member) -> bytes:
        """As the service writes it, which leaves a blocked card its allowance."""
        return CardRow(
            uid=member.card.uid,
            generation=member.generation,
            status=CardStatus.BLOCKED if member.blocked else CardStatus.ACTIVE,
            allowance=self.allowance(member.card),
            tmc=0 if member.proven is None else member.proven.tmc,
            tmv=None if member.proven is None else member.proven.tmv,
            spent_cents=member.proven_spent_cents,
            read_records=member.read_records,
        ).encoded

    def _give_birth(self, card: VirtualCard) -> TmacState:
        """The committed transaction that ends issuing."""
        session = PurseSession.open_with_key(self.connect(card), demo_keys(card.uid).terminal)
        session.spent_cents()
        session.commit_reader_id(ReaderId.unpack(NO_TMRI))
        proof = session.commit()
        self.field.lift()
        return proof


def debits_cents(card: VirtualCard) -> list[int]:
    """What a card was debited, one by one: physical truth, from its own history."""
    changes = (change for committed in card.history for change in committed.values)
    return [change.before - change.after for change in changes if change.before != change.after]


def _first_of(now: datetime, months: int) -> datetime:
    """Midnight UTC of the first of a later month; the issuer's calendar is not what is tested."""
    months += now.month - 1
    return datetime(now.year + months // 12, months % 12 + 1, 1, tzinfo=UTC)


def kinds(till: Till, after_seq: int) -> list[EntryKind]:
    """The kinds of the entries after one."""
    return [EntryKind(entry.envelope.kind) for entry in till.journal.entries(after_seq, 100)]


def last_intent(till: Till) -> Intent:
    """The newest intent."""
    entry = till.journal.last(EntryKind.INTENT)
    assert entry is not None
    assert isinstance(entry.body, Intent)
    return entry.body


def reason_of(outcome: object) -> Reason:
    """Why something was refused."""
    assert isinstance(outcome, Refused)
    return outcome.declined.reason
