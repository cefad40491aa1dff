"""A caisse without its desk: real keys, the real service, cards and tills set up at once.

Cards are set into their memory and tills are given their keys, so that a world costs seconds;
pairing, issuing and HTTP are the market week's. Django has to be prepared before this module is
imported.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cardkit.acts import CardIssued
from cardkit.bodies import Enrolled
from cardkit.card.issuing import BIRTH_READER
from cardkit.card.keys import TerminalCardKeys
from cardkit.card.session import PurseSession
from cardkit.certificates import Certificate, Role, certify
from cardkit.errors import must
from cardkit.pairing import CardMasters
from cardkit.signing import SigningKey
from provisioning.keystore import KeySet
from server_stub.keys import KeyRing, token_key_purpose
from server_stub.models import Card, Terminal, TokenKey
from server_stub.services import acts, issue, recover
from server_stub.services.caisse import Caisse
from server_stub.services.documents import permit_of
from server_stub.services.rules_in_force import start_rules
from simulator.burnt.stall import Stall
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.field import Field
from simulator.issued import AID, IssuedKeys, issued_card
from simulator.partner import sign_up
from terminal.config import DataDirectory
from terminal.documents import Documents, Identity
from terminal.floored import FlooredClock
from terminal.journal import Journal
from terminal.keyring import write_keyring
from terminal.software import Software
from terminal.store import Store
from terminal.wiring import open_till

START: Final = datetime(2026, 10, 1, 6, 0, tzinfo=UTC)
LONG_AGO: Final = datetime(2025, 1, 1, tzinfo=UTC)
LONG_AFTER: Final = datetime(2035, 1, 1, tzinfo=UTC)
MERCHANT: Final = 1
PROFILE: Final = "claf-purse/1"
KEY_VERSION: Final = 1
SOFTWARE: Final = Software(hashlib.sha256(b"the burnt worlds").digest(), "0.0.0", None)
CREDIT_CENTS: Final = 500_00
"""More than anybody spends here: a card that runs dry would only make fewer taps."""


@dataclass
class BareCaisse:
    """One caisse with its cards, on whatever database its service was given."""

    caisse: Caisse
    keys: KeySet = field(repr=False)
    clock: ManualClock
    reader: Field = field(default_factory=Field)
    cards: list[VirtualCard] = field(default_factory=list)

    @classmethod
    def found(cls, keys: KeySet, clock: ManualClock, *, using: str = "default") -> BareCaisse:
        """Found it, with rules and one merchant."""
        caisse = Caisse(ring=KeyRing(keys.public, keys.service), clock=clock, using=using)
        start_rules(caisse, from_day=LONG_AGO.date())
        sign_up(
            caisse,
            MERCHANT,
            "Ferme du Feu",
            convention_from=LONG_AGO,
            convention_until=LONG_AFTER,
        )
        return cls(caisse, keys, clock)

    @property
    def card_keys(self) -> TerminalCardKeys:
        """What opens every card of this caisse."""
        masters = {master.version: master.key for master in self.keys.workshop.masters}
        return TerminalCardKeys(system_id=self.keys.public.system_id, masters=masters)

    def issue_card(self, *, account: bytes | None = None) -> VirtualCard:
        """Hand out a card with its credit, on an account of its own unless one is given."""
        number = len(self.cards) + 1
        uid = bytes.fromhex("04B0E2") + number.to_bytes(4)
        ring, filler = self.caisse.ring, hashlib.sha256(uid).digest()[:16]
        _, terminal_key = next(self.card_keys.newest_first(uid=uid, aid=AID))
        tmac_key = ring.tmac_key(uid=uid, generation=1, key_version=KEY_VERSION, profile=PROFILE)
        card = issued_card(
            uid,
            IssuedKeys(
                picc=filler, app_master=filler, terminal=terminal_key, tmac=tmac_key, closed=filler
            ),
        )
        acts.record(self.caisse, self._birth(card, account=account or number.to_bytes(16)))
        issue.issue_allowance(self.caisse, self.row(card))
        self.cards.append(card)
        return card

    def row(self, card: VirtualCard) -> Card:
        """The service's row of a card."""
        return Card.objects.using(self.caisse.using).select_related("account").get(uid=card.uid)

    def enrol(self, terminal: int, folder: Path, *, merchant: int = MERCHANT) -> Stall:
        """Give a stall its terminal, which knows today's directory."""
        journal, transport = keys_of(terminal, caisse=self.caisse.name)
        token_key = token_key_of(terminal)
        certificate = Certificate(
            role=Role.TERMINAL,
            subject=terminal,
            valid_from=LONG_AGO,
            valid_until=LONG_AFTER,
            public_key=journal.public.encoded,
            transport_key=transport.public.encoded,
        )
        signed = certify(self.keys.root.signing_key(self.caisse.name), certificate)
        row = Terminal.objects.using(self.caisse.using).create(
            id=terminal,
            journal_key=journal.public.encoded,
            transport_key=transport.public.encoded,
            certificate=signed.encoded,
            enrolled_at=self.clock.now().at,
            cursor_head=journal.public.digest,
        )
        sealed = self.caisse.ring.seal(token_key, purpose=token_key_purpose(terminal))
        TokenKey.objects.using(self.caisse.using).create(terminal=row, sealed=sealed)
        permit = issue.issue_permit(self.caisse, row, merchants=(merchant,)).content
        data = DataDirectory(folder)
        data.create()
        write_keyring(
            data.keys,
            journal=journal,
            transport=transport,
            token=token_key,
            cards=CardMasters(
                system_id=self.keys.public.system_id, masters=self.keys.workshop.masters
            ),
        )
        self._begin_journal(data, terminal, journal, certificate=signed.digest, permit=permit)
        till = open_till(data, clock=self.clock, software=SOFTWARE)
        till.start()
        stall = Stall(self.caisse, till, data, field=self.reader, merchant=merchant)
        stall.sync()
        return stall

    def declare_lost(self, terminal: int) -> int:
        """Say that a terminal burnt; returns how many of its sales the cards prove by now."""
        row = Terminal.objects.using(self.caisse.using).get(id=terminal)
        return recover.declare_lost(self.caisse, row, by=1)

    def pass_days(self, days: int) -> None:
        """Let days go by."""
        self.clock.pass_time(timedelta(days=days))

    def _begin_journal(
        self,
        data: DataDirectory,
        terminal: int,
        key: SigningKey,
        *,
        certificate: bytes,
        permit: bytes,
    ) -> None:
        public = self.keys.public
        Documents(data.documents).identity = Identity(
            caisse=self.caisse.name,
            terminal=terminal,
            root=self.caisse.ring.trust.root,
            service_url="http://localhost",
        )
        store = Store.open(data)
        store.accept_certificates(public.certificates)
        digest = store.accept_permit(permit).digest
        must(permit_of(permit).terminal == terminal, "the permit is this terminal's")
        Journal.create(
            data.journal,
            key=key,
            terminal=terminal,
            clock=FlooredClock(self.clock, store),
            enrolled=Enrolled(certificate=certificate, permit=digest, software=SOFTWARE.digest),
        ).close()
        store.close()

    def _birth(self, card: VirtualCard, *, account: bytes) -> CardIssued:
        """Commit the transaction that ends issuing."""
        self.reader.lift()
        self.reader.place(card)
        connection = self.reader.wait_for_card(0)
        if connection is None:
            raise AssertionError("a card that was laid down is there")
        session = PurseSession.open(connection, self.card_keys)
        spent_cents = session.spent_cents()
        enc_tmri = session.commit_reader_id(BIRTH_READER)
        born = session.commit()
        self.reader.lift()
        return CardIssued(
            uid=card.uid,
            generation=1,
            account=account,
            profile=PROFILE,
            tmc=born.tmc,
            tmv=born.tmv,
            enc_tmri=enc_tmri,
            spent_cents=spent_cents,
            key_version=KEY_VERSION,
        )


def keys_of(terminal: int, *, caisse: str) -> tuple[SigningKey, SigningKey]:
    """Return the journal key and the transport key of a terminal of such a caisse."""
    journal, transport = (
        SigningKey.from_scalar(number * 10_000 + terminal, caisse=caisse) for number in (1, 2)
    )
    return journal, transport


def token_key_of(terminal: int) -> bytes:
    """Return K_T of a terminal of such a caisse."""
    return hashlib.sha256(b"burnt worlds, token key %d" % terminal).digest()
