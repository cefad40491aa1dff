"""A caisse on paper: cards, stalls and sales whose every proof is right, made without a card.

What a virtual card answers is computed here from its key by the same published formulas, which is
what makes a million entries affordable; that both come to the same is a test's to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Final

from cardkit import bodies
from cardkit.acts import CardIssued
from cardkit.card import tmac
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.token import token_mac
from server_stub.models import AllowanceIssued, Terminal
from server_stub.rules import proof
from server_stub.services import acts, directory, issue
from tests.service_world import ServiceWorld, Stall

AMOUNT_CENTS: Final = 5
_UIDS: Final = bytes.fromhex("04F200")
_PROFILE: Final = CLAF_PURSE_1


@dataclass(slots=True)
class PaperCard:
    """A card's state, and the key that it proves its transactions with."""

    key: proof.CardKey
    allowance: bytes = b""
    """Digest of the newest one."""
    tmc: int = 1
    tmv: bytes = bytes(8)
    tmri: bytes = tmac.NO_TMRI
    spent_cents: int = 0


@dataclass
class PaperCaisse:
    """A caisse whose stalls and cards are as many as are asked for."""

    world: ServiceWorld = field(default_factory=ServiceWorld.make)
    cards: list[PaperCard] = field(default_factory=list)
    stalls: list[Stall] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def enrol(self, stalls: int) -> None:
        """Let so many terminals in; none has synced anything but its enrolment."""
        begin = len(self.stalls) + 1
        self.stalls += [self.world.stall(number) for number in range(begin, begin + stalls)]

    def issue(self, cards: int) -> None:
        """Issue so many cards with the credit that is due, and publish them."""
        with self.world.caisse.alone():
            self.cards += [self._card(next(self._numbers)) for _ in range(cards)]
            issue.issue_due(self.world.caisse)
        rows = AllowanceIssued.objects.using(self.world.caisse.using).order_by("epoch", "version")
        newest = {bytes(row.card.uid): row.digest for row in rows.select_related("card")}
        for card in self.cards:
            card.allowance = newest[card.key.uid]
        version = directory.publish(self.world.caisse)
        for stall in self.stalls:
            stall.directory = version.epoch, version.version
            stall.directory_digest = version.digest

    def sell(self, stall: Stall, card: PaperCard) -> None:
        """Journal one green sale: its intent and what the card answered."""
        seq = len(stall.entries) + 1
        token = token_mac(
            stall.token_key,
            uid=card.key.uid,
            tmc0=card.tmc,
            spent0_cents=card.spent_cents,
            amount_cents=AMOUNT_CENTS,
            seq=seq,
        )
        sale = proof.CardSale(
            tmc=card.tmc + 1,
            terminal=stall.terminal,
            seq=seq,
            spent0_cents=card.spent_cents,
            amount_cents=AMOUNT_CENTS,
            tmv0=card.tmv,
            token=token,
        )
        enc_tmri = proof.enc_tmri_after(card.key, tmc=sale.tmc, previous_tmri=card.tmri)
        stall.append(self._intent(stall, card, sale, enc_tmri))
        card.tmc, card.tmri, card.spent_cents = sale.tmc, sale.tmri, sale.spent_cents
        card.tmv = proof.expected_tmv(card.key, sale, enc_tmri=enc_tmri) or b""
        stall.append(
            bodies.Sale(
                intent_seq=seq,
                amount_cents=AMOUNT_CENTS,
                tmc=card.tmc,
                proof=bodies.SaleProof.COMMIT_ANSWERED,
                tmv=card.tmv,
            )
        )

    def terminal(self, stall: Stall) -> Terminal:
        """The service's row of a stall."""
        return Terminal.objects.using(self.world.caisse.using).get(id=stall.terminal)

    def _card(self, number: int) -> PaperCard:
        uid = _UIDS + number.to_bytes(4)
        ring = self.world.caisse.ring
        key = proof.CardKey(
            uid=uid,
            profile=_PROFILE,
            tmac_key=ring.tmac_key(uid=uid, generation=1, key_version=1, profile=_PROFILE.name),
        )
        card = PaperCard(key)
        enc_tmri = proof.enc_tmri_after(key, tmc=1, previous_tmri=tmac.NO_TMRI)
        message = tmac.birth_tmi(
            _PROFILE, value=_PROFILE.initial_value, tmri=tmac.NO_TMRI, enc_tmri=enc_tmri
        )
        card.tmv = tmac.tmv(tmac.session_mac_key(key.tmac_key, uid=uid, tmc=1), message)
        body = CardIssued(
            uid=uid,
            generation=1,
            account=number.to_bytes(16),
            profile=_PROFILE.name,
            tmc=1,
            tmv=card.tmv,
            enc_tmri=enc_tmri,
            spent_cents=0,
        )
        acts.record(self.world.caisse, body)
        return card

    @staticmethod
    def _intent(
        stall: Stall, card: PaperCard, sale: proof.CardSale, enc_tmri: bytes
    ) -> bodies.Intent:
        return bodies.Intent(
            uid=card.key.uid,
            generation=1,
            profile=_PROFILE.name,
            key_version=1,
            tmc0=card.tmc,
            tmv0=card.tmv,
            spent0_cents=card.spent_cents,
            amount_cents=AMOUNT_CENTS,
            token=sale.token,
            enc_tmri=enc_tmri,
            permit=stall.permit_digest,
            directory=stall.directory_digest,
            allowance=card.allowance,
            card_day_cents=0,
            unsent_cents=0,
        )
