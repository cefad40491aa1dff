"""The workshop of a life: cards take the keys that the service gives out, are born, and credited.

Django has to be prepared before this module is imported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from cardkit import cbor
from cardkit.card.issuing import BIRTH_READER
from cardkit.card.keys import TerminalCardKeys
from cardkit.card.session import PurseSession
from cardkit.errors import must
from cardkit.schema import unpack
from cardkit.sealing import SealingKey
from cardkit.workshop import (
    CARD_KEYS_PURPOSE,
    CardBegin,
    CardBegun,
    CardFinish,
    CardFinished,
    CardKeys,
)
from provisioning.keystore import KeySet
from server_stub.models import Account
from server_stub.services import card_issue
from server_stub.services.caisse import Caisse
from simulator.card import VirtualCard
from simulator.field import Field
from simulator.issued import AID, IssuedKeys, issued_card

_FIRST_SLOT: Final = 0
_UID_PREFIX: Final = bytes.fromhex("04F1E5")


@dataclass
class CardTable:
    """Where blank cards become members' cards."""

    caisse: Caisse
    keys: KeySet = field(repr=False)
    reader: Field
    made: int = 0

    def hand_out(self, account: Account) -> VirtualCard:
        """Issue a card: the service's keys set into its memory, its birth proven, credit on it."""
        self.made += 1
        uid = _UID_PREFIX + self.made.to_bytes(4)
        sealing = SealingKey.generate()
        begun = card_issue.begin_card(
            self.caisse,
            CardBegin(uid=uid, account=bytes(account.number), sealing_key=sealing.public_bytes),
        )
        if not isinstance(begun, CardBegun) or begun.sealed_keys is None:
            raise AssertionError(f"a blank card is begun: {begun}")
        opened = sealing.open(begun.sealed_keys, purpose=CARD_KEYS_PURPOSE)
        card = self._personalised(uid, unpack(CardKeys, cbor.decode(opened)))
        finished = card_issue.finish_card(self.caisse, self._birth(card, begun.generation))
        must(isinstance(finished, CardFinished), f"the card has proven its keys: {finished}")
        if isinstance(finished, CardFinished) and finished.allowance is not None:
            self._open(card).write_allowance(_FIRST_SLOT, finished.allowance)
            self.reader.lift()
        return card

    def _personalised(self, uid: bytes, keys: CardKeys) -> VirtualCard:
        _, terminal = next(self._card_keys.newest_first(uid=uid, aid=AID))
        return issued_card(
            uid,
            IssuedKeys(
                picc=keys.picc_master,
                app_master=keys.app_master,
                terminal=terminal,
                tmac=keys.tmac,
                closed=keys.closed,
            ),
        )

    def _birth(self, card: VirtualCard, generation: int) -> CardFinish:
        session = self._open(card)
        spent_cents = session.spent_cents()
        enc_tmri = session.commit_reader_id(BIRTH_READER)
        born = session.commit()
        self.reader.lift()
        return CardFinish(
            uid=card.uid,
            generation=generation,
            tmc=born.tmc,
            tmv=born.tmv,
            enc_tmri=enc_tmri,
            spent_cents=spent_cents,
        )

    def _open(self, card: VirtualCard) -> PurseSession:
        self.reader.lift()
        self.reader.place(card)
        connection = self.reader.wait_for_card(0)
        if connection is None:
            raise AssertionError("a card that was laid down is there")
        return PurseSession.open(connection, self._card_keys)

    @property
    def _card_keys(self) -> TerminalCardKeys:
        masters = {master.version: master.key for master in self.keys.workshop.masters}
        return TerminalCardKeys(system_id=self.keys.public.system_id, masters=masters)
