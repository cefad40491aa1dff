"""A card's birth: keys for one life of it, and belief only once the card has proven them.

Both questions may be asked again and get the same answer, because a workshop's line drops and a
card slips off. A card that was born never moves to another account.
"""

from __future__ import annotations

import hmac
import logging
from dataclasses import replace
from enum import Enum, unique
from typing import Final

from cardkit import cbor
from cardkit.acts import CardIssued
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.schema import pack
from cardkit.sealing import seal
from cardkit.workshop import CARD_KEYS_PURPOSE, CardBegin, CardBegun, CardFinish, CardFinished
from server_stub.keys import PROFILES, KeyRing
from server_stub.models import Account, AllowanceIssued, Card, CardStatus
from server_stub.rules.proof import birth_holds
from server_stub.services.acts import record
from server_stub.services.blocks import block_card
from server_stub.services.caisse import Caisse
from server_stub.services.card_keys import card_key
from server_stub.services.issue import issue_allowance

logger = logging.getLogger(__name__)

PROFILE: Final = CLAF_PURSE_1
"""What new cards are."""


@unique
class CardRefusal(Enum):
    """Why a card is not issued."""

    ACCOUNT_UNKNOWN = "no such account"
    ANOTHER_ACCOUNTS = "the card is another account's"
    NOT_BEGUN = "this life of the card was not begun"
    NOT_PROVEN = "the card did not prove the keys that it was given"
    BORN_OTHERWISE = "the card was born with another proof"


def begin_card(caisse: Caisse, begin: CardBegin) -> CardBegun | CardRefusal:
    """Give out the keys of one life of a card; for one that is issued already, none."""
    with caisse.alone():
        account = Account.objects.using(caisse.using).filter(number=begin.account).first()
        if account is None:
            return CardRefusal.ACCOUNT_UNKNOWN
        cards = Card.objects.using(caisse.using).select_for_update()
        lives = list(cards.filter(uid=begin.uid).order_by("generation"))
        born = [life for life in lives if life.status != CardStatus.ISSUING]
        if any(life.account_id != account.pk for life in born):
            return CardRefusal.ANOTHER_ACCOUNTS
        latest = lives[-1] if lives else None
        if latest is not None and latest.status != CardStatus.ISSUING and not begin.again:
            return CardBegun(
                generation=latest.generation,
                profile=latest.profile,
                key_version=latest.key_version,
            )
        card = _life_to_come(caisse, begin.uid, account, latest)
        return _begun(caisse.ring, card, born[-1] if born else None, begin.sealing_key)


def finish_card(caisse: Caisse, finish: CardFinish) -> CardFinished | CardRefusal:
    """Verify the card's birth and issue it, with its first allowance."""
    with caisse.alone():
        cards = Card.objects.using(caisse.using).select_for_update().select_related("account")
        card = cards.filter(uid=finish.uid, generation=finish.generation).first()
        if card is None:
            return CardRefusal.NOT_BEGUN
        if card.status != CardStatus.ISSUING:
            same = hmac.compare_digest(card.birth_tmv or b"", finish.tmv)
            return _finished(caisse, card) if same else CardRefusal.BORN_OTHERWISE
        if not _is_proven(caisse, card, finish):
            logger.warning("birth not proven", extra={"card": card.pk})
            return CardRefusal.NOT_PROVEN
        _bear(caisse, card, finish)
        issue_allowance(caisse, card)
        return _finished(caisse, card)


def _life_to_come(caisse: Caisse, uid: bytes, account: Account, latest: Card | None) -> Card:
    """The life that waits for its birth, with the keys that were given out for it before."""
    if latest is not None and latest.status == CardStatus.ISSUING:
        latest.account = account
        latest.save(using=caisse.using, update_fields=["account"])
        return latest
    return Card.objects.using(caisse.using).create(
        uid=uid,
        generation=latest.generation + 1 if latest else 1,
        account=account,
        profile=PROFILE.name,
        key_version=caisse.ring.newest.version,
    )


def _begun(ring: KeyRing, card: Card, before: Card | None, sealing_key: bytes) -> CardBegun:
    profile, system_id = PROFILES[card.profile], ring.public.system_id
    theirs = ring.masters(card.key_version).card_keys(
        uid=card.uid, generation=card.generation, system_id=system_id, profile=profile
    )
    if before is not None and before.key_version != card.key_version:
        masters = ring.masters(before.key_version)
        picc_before = masters.picc_key(uid=card.uid, system_id=system_id, profile=profile)
        theirs = replace(theirs, picc_before=picc_before)
    return CardBegun(
        generation=card.generation,
        profile=card.profile,
        key_version=card.key_version,
        sealed_keys=seal(cbor.encode(pack(theirs)), sealing_key, purpose=CARD_KEYS_PURPOSE),
    )


def _is_proven(caisse: Caisse, card: Card, finish: CardFinish) -> bool:
    return birth_holds(
        card_key(caisse, card),
        tmc=finish.tmc,
        tmv=finish.tmv,
        enc_tmri=finish.enc_tmri,
        spent_cents=finish.spent_cents,
    )


def _bear(caisse: Caisse, card: Card, finish: CardFinish) -> None:
    """Issue a card whose birth is proven; what it was in earlier lives buys nothing more."""
    lives = Card.objects.using(caisse.using).filter(uid=card.uid, status=CardStatus.ACTIVE)
    for life in lives:
        block_card(caisse, life)
    record(
        caisse,
        CardIssued(
            uid=card.uid,
            generation=card.generation,
            account=card.account.number,
            profile=card.profile,
            key_version=card.key_version,
            tmc=finish.tmc,
            tmv=finish.tmv,
            enc_tmri=finish.enc_tmri,
            spent_cents=finish.spent_cents,
        ),
    )
    card.refresh_from_db(using=caisse.using)


def _finished(caisse: Caisse, card: Card) -> CardFinished:
    last = AllowanceIssued.objects.using(caisse.using).filter(card=card).last()
    return CardFinished(allowance=last.content if last else None)
