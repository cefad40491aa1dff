"""A card table for torn cards: the real workshop, and a service at the end of its line that keeps
what it gave out in memory.

The real service is what other tests are about; here a card is issued thousands of times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

from cardkit import cbor
from cardkit.allowance import Allowance, Step, sign_allowance
from cardkit.card.keys import TerminalCardKeys
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.session import PurseSession
from cardkit.pairing import CardMaster
from cardkit.schema import pack, unpack
from cardkit.sealing import seal
from cardkit.workshop import (
    CARD_BEGIN_PATH,
    CARD_FINISH_PATH,
    CARD_KEY_0_PURPOSE,
    CARD_KEYS_PURPOSE,
    CARD_REKEY_PATH,
    CardBegin,
    CardBegun,
    CardFinish,
    CardFinished,
    CardKeys,
    CardKeyZero,
    RekeyBegin,
    RekeyBegun,
    RekeyFinish,
    RekeyFinished,
)
from provisioning.cards import CardWorkshop
from provisioning.client import Reply, ServiceClient
from provisioning.keystore import KeySet, new_keys
from server_stub.rules.proof import CardKey, birth_holds
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.field import Field, FieldConnection
from simulator.maker import Maker

NOW: Final = datetime(2026, 3, 16, 8, tzinfo=UTC)
UID: Final = bytes.fromhex("04A1B2C3D4E5F6")
ACCOUNT: Final = bytes(range(16))
URL: Final = "http://localhost"
GENERATION: Final = 1
OLD_VERSION, NEW_VERSION = 1, 2
_OK: Final = 200


@cache
def keys() -> KeySet:
    """The keys of one caisse, made once."""
    return new_keys("flers", now=NOW, step_max_cents=300_00)


@dataclass
class Ledger:
    """The other end of the line (a `Transport`): one life of a card, and what was proven of it."""

    is_born: bool = False
    terminal_key_version: int = OLD_VERSION
    birth_tmv: bytes = b""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Answer as the service does where all goes well; what is wrong is a failed test."""
        assert "Signature" in headers
        message, path = cbor.decode(body), url.removeprefix(URL)
        match path:
            case _ if path == CARD_BEGIN_PATH:
                answer: object = self._begun(unpack(CardBegin, message))
            case _ if path == CARD_FINISH_PATH:
                answer = self._finished(unpack(CardFinish, message))
            case _ if path == CARD_REKEY_PATH:
                answer = self._rekey_begun(unpack(RekeyBegin, message))
            case _:
                answer = self._rekeyed(unpack(RekeyFinish, message))
        return Reply(_OK, cbor.encode(pack(answer)))

    def _begun(self, begin: CardBegin) -> CardBegun:
        theirs = card_keys()
        sealed = seal(cbor.encode(pack(theirs)), begin.sealing_key, purpose=CARD_KEYS_PURPOSE)
        return CardBegun(
            generation=GENERATION,
            profile=CLAF_PURSE_1.name,
            key_version=OLD_VERSION,
            sealed_keys=None if self.is_born else sealed,
        )

    def _finished(self, finish: CardFinish) -> CardFinished:
        if self.is_born:
            assert finish.tmv == self.birth_tmv, "another birth"
            return CardFinished(allowance=first_allowance())
        key = CardKey(
            uid=UID, generation=GENERATION, profile=CLAF_PURSE_1, tmac_key=card_keys().tmac
        )
        self.is_born = birth_holds(
            key,
            tmc=finish.tmc,
            tmv=finish.tmv,
            enc_tmri=finish.enc_tmri,
            spent_cents=finish.spent_cents,
        )
        assert self.is_born, "a birth that proves nothing"
        self.birth_tmv = finish.tmv
        return CardFinished(allowance=first_allowance())

    def _rekey_begun(self, begin: RekeyBegin) -> RekeyBegun:
        zero = CardKeyZero(app_master=card_keys().app_master)
        return RekeyBegun(
            generation=GENERATION,
            profile=CLAF_PURSE_1.name,
            terminal_key_version=self.terminal_key_version,
            sealed_key=seal(cbor.encode(pack(zero)), begin.sealing_key, purpose=CARD_KEY_0_PURPOSE),
        )

    def _rekeyed(self, finish: RekeyFinish) -> RekeyFinished:
        assert finish.terminal_key_version >= self.terminal_key_version
        self.terminal_key_version = finish.terminal_key_version
        return RekeyFinished()


@cache
def card_keys() -> CardKeys:
    """The service's keys of the one card."""
    masters, system_id = keys().service.newest(), keys().public.system_id
    return masters.card_keys(
        uid=UID, generation=GENERATION, system_id=system_id, profile=CLAF_PURSE_1
    )


@cache
def first_allowance() -> bytes:
    """What the card may spend from the first day on."""
    allowance = Allowance(
        epoch=1,
        version=1,
        uid=UID,
        generation=GENERATION,
        issued_at=NOW,
        spendable_until=NOW + timedelta(days=400),
        steps=(Step(NOW, 100_00),),
    )
    return sign_allowance(keys().service.issuer_key("flers"), allowance).encoded


@dataclass
class Table:
    """The workshop's reader with one card on it, which is put back to a beginning at will."""

    card: VirtualCard
    workshop: CardWorkshop
    ledger: Ledger = field(default_factory=Ledger)
    field: Field = field(default_factory=Field)

    @classmethod
    def with_blank_card(cls) -> Table:
        """A card from the factory, and a workshop that has a newer key-1 master too."""
        maker, old = Maker(), keys().workshop
        newer = CardMaster(version=NEW_VERSION, key=bytes(range(16)))
        workshop = CardWorkshop(
            public=keys().public,
            keys=replace(old, masters=(*old.masters, newer)),
            originality=maker.originality,
        )
        return cls(maker.blank_card(UID), workshop)

    @property
    def client(self) -> ServiceClient:
        """The line to the service."""
        key = keys().workshop.signing_key("flers")
        return ServiceClient(URL, key=key, clock=ManualClock(NOW), transport=self.ledger)

    def laid(self) -> FieldConnection:
        """The card, laid down anew."""
        self.field.lift()
        self.field.place(self.card)
        connection = self.field.wait_for_card(0)
        assert connection is not None
        return connection

    def purse(self) -> PurseSession:
        """The card as a till with every master opens it; raises CardForeign."""
        masters = {master.version: master.key for master in self.workshop.keys.masters}
        terminal_keys = TerminalCardKeys(keys().public.system_id, masters)
        return PurseSession.open(self.laid(), terminal_keys)
