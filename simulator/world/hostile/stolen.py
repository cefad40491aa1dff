"""A terminal in wrong hands: its keys sign whatever its thief likes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cardkit import bodies
from cardkit.bodies import BODIES, Body
from cardkit.card.token import token_mac
from cardkit.clock import ClockTrust
from cardkit.entries import SCHEMA_VERSION, Entry, Envelope, OperatorRole, sign_entry
from cardkit.httpsig import sign_post
from cardkit.signing import SigningKey
from cardkit.sync import ENTRIES_MAX, PATH, SyncRequest, encode_request, terminal_key_id
from simulator.burnt.caisse import KEY_VERSION, PROFILE, keys_of, token_key_of
from simulator.world.centre import Crashed

if TYPE_CHECKING:
    from simulator.world.till import WorldTill
    from simulator.world.world import World

URL: Final = f"http://localhost{PATH}"
_KINDS: Final = {cls: kind for kind, cls in reversed(BODIES.items())}


@dataclass
class StolenTerminal:
    """What a thief has who opened a terminal: its keys, its documents, the end of its chain."""

    world: World
    number: int
    merchant: int
    seq: int
    head: bytes
    permit: bytes
    directory: bytes
    allowances: dict[bytes, bytes]
    """Of every card in its directory, by digest."""
    unsent: list[bytes] = field(default_factory=list)

    @classmethod
    def copied(cls, world: World, stall: WorldTill) -> StolenTerminal:
        """Copy a stall that is on, which goes on as if nothing had happened."""
        till = stall.till
        directory = till.store.directory
        allowances = {}
        for card in world.cards:
            row = till.store.row(card.uid)
            if row is not None and row.allowance is not None:
                allowances[card.uid] = till.store.allowance(row.allowance).digest
        world.truth.hostile.add(stall.number)
        return cls(
            world,
            stall.number,
            stall.merchant,
            till.journal.head.seq,
            till.journal.head.digest,
            till.store.permit.digest,
            bytes(32) if directory is None else directory.digest,
            allowances,
            list(till.journal.contents(till.journal.acknowledged_seq, ENTRIES_MAX)),
        )

    @classmethod
    def taken(cls, world: World, stall: WorldTill) -> StolenTerminal:
        """Take a stall's terminal away: nobody honest sees it again."""
        stolen = cls.copied(world, stall)
        stall.lose()
        return stolen

    @property
    def key(self) -> SigningKey:
        """The journal key."""
        return keys_of(self.number, caisse=self.world.centre.caisse.name)[0]

    # The journal

    def sign(self, body: Body, *, seq: int | None = None, prev: bytes | None = None) -> Entry:
        """Sign an entry in its place, or in any other."""
        envelope = Envelope(
            v=SCHEMA_VERSION,
            kind=_KINDS[type(body)],
            terminal=self.number,
            seq=self.seq + 1 if seq is None else seq,
            prev=self.head if prev is None else prev,
            at=self.world.now,
            clock=ClockTrust.RTC,
            boot_id=bytes(16),
            monotonic_ms=0,
            merchant=self.merchant,
            operator=OperatorRole.PRODUCER,
            perpetual_cents=0,
        )
        return sign_entry(self.key, envelope, body)

    def append(self, body: Body) -> Entry:
        """Sign the next entry of the chain."""
        entry = self.sign(body)
        self.seq, self.head = entry.seq, entry.digest
        self.unsent.append(entry.signed.encoded)
        return entry

    def intent(
        self,
        uid: bytes,
        *,
        tmc0: int,
        tmv0: bytes,
        spent0_cents: int,
        amount_cents: int,
        enc_tmri: bytes,
    ) -> bodies.Intent:
        """Say that a sale was about to be made, under the next number and with a right token."""
        return bodies.Intent(
            uid=uid,
            generation=1,
            profile=PROFILE,
            key_version=KEY_VERSION,
            tmc0=tmc0,
            tmv0=tmv0,
            spent0_cents=spent0_cents,
            amount_cents=amount_cents,
            token=self.token(uid, tmc0=tmc0, spent0_cents=spent0_cents, amount_cents=amount_cents),
            enc_tmri=enc_tmri,
            permit=self.permit,
            directory=self.directory,
            allowance=self.allowances.get(uid, bytes(32)),
            card_day_cents=0,
            unsent_cents=0,
        )

    def token(self, uid: bytes, *, tmc0: int, spent0_cents: int, amount_cents: int) -> bytes:
        """Make the token of a sale under the next number."""
        return token_mac(
            token_key_of(self.number),
            uid=uid,
            tmc0=tmc0,
            spent0_cents=spent0_cents,
            amount_cents=amount_cents,
            seq=self.seq + 1,
        )

    # The exchange

    def send(self, entries: list[bytes] | None = None) -> bool:
        """Send entries, or all that were not sent; False when the service took nothing in."""
        mine = entries is None
        batch = self.unsent[-ENTRIES_MAX:] if entries is None else entries
        request = SyncRequest(
            terminal=self.number,
            entries=tuple(batch),
            epoch=self.world.centre.epoch,
            directory_epoch=0,
            directory_version=0,
            permit_epoch=1,
            permit_version=1,
            acknowledged_seq=0,
            head_seq=self.seq,
        )
        done = post(self.world, self.number, encode_request(request))
        if done and mine:
            self.unsent.clear()
        return done


def post(world: World, number: int, body: bytes) -> bool:
    """Post a request in a terminal's name, as whoever holds or has overheard it can."""
    transport = keys_of(number, caisse=world.centre.caisse.name)[1]
    headers = sign_post(URL, body, key=transport, key_id=terminal_key_id(number), created=world.now)
    try:
        status, _ = world.centre.answer(headers, body)
    except Crashed as crashed:
        status = 200 if crashed.committed else 500
    if status == 200:
        world.truth.wire.append((number, body))
    return status == 200
