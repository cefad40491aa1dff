"""A newer key 1 for a card in use: key 0 for the workshop, and the version once it is there.

Nothing about a sale hangs on the version of key 1: what proves a card's transactions is its TMAC
key, which stays. So sales count in between, under whichever key they were made.
"""

from __future__ import annotations

import logging
from enum import Enum, unique

from django.db.models.functions import Coalesce

from cardkit import cbor
from cardkit.acts import CardRekeyed
from cardkit.schema import pack
from cardkit.sealing import seal
from cardkit.workshop import (
    CARD_KEY_0_PURPOSE,
    CardKeyZero,
    RekeyBegin,
    RekeyBegun,
    RekeyFinish,
    RekeyFinished,
    Versions,
    VersionsAsk,
)
from server_stub.keys import PROFILES
from server_stub.models import Card, CardStatus
from server_stub.services.acts import record
from server_stub.services.caisse import Caisse

logger = logging.getLogger(__name__)


@unique
class RekeyRefusal(Enum):
    """Why a card is not re-keyed."""

    NOT_ISSUED = "no such card was issued"
    NOT_IN_USE = "the card is blocked, or waits for its birth"
    VERSION_FELL = "the card is on record with a newer key"


def begin_rekey(caisse: Caisse, begin: RekeyBegin) -> RekeyBegun | RekeyRefusal:
    """Give out key 0 of a card in use; may be asked again and changes nothing."""
    with caisse.alone():
        card = _latest_life(caisse, begin.uid)
        if card is None:
            return RekeyRefusal.NOT_ISSUED
        if card.status != CardStatus.ACTIVE:
            return RekeyRefusal.NOT_IN_USE
        keys = caisse.ring.masters(card.key_version).card_keys(
            uid=card.uid,
            generation=card.generation,
            system_id=caisse.ring.public.system_id,
            profile=PROFILES[card.profile],
        )
        key_zero = cbor.encode(pack(CardKeyZero(app_master=keys.app_master)))
        return RekeyBegun(
            generation=card.generation,
            profile=card.profile,
            terminal_key_version=_version(card),
            sealed_key=seal(key_zero, begin.sealing_key, purpose=CARD_KEY_0_PURPOSE),
        )


def finish_rekey(caisse: Caisse, finish: RekeyFinish) -> RekeyFinished | RekeyRefusal:
    """Put the version on record that the card answered to; the same again is no new act."""
    with caisse.alone():
        card = _latest_life(caisse, finish.uid)
        if card is None or card.generation != finish.generation:
            return RekeyRefusal.NOT_ISSUED
        if card.status == CardStatus.ISSUING:
            return RekeyRefusal.NOT_IN_USE
        if finish.terminal_key_version < _version(card):
            return RekeyRefusal.VERSION_FELL
        if finish.terminal_key_version > _version(card):
            record(
                caisse,
                CardRekeyed(
                    uid=card.uid,
                    generation=card.generation,
                    terminal_key_version=finish.terminal_key_version,
                ),
            )
            version = finish.terminal_key_version
            logger.info("card re-keyed", extra={"card": card.pk, "number": version})
        return RekeyFinished()


def count_versions(caisse: Caisse, ask: VersionsAsk) -> Versions:
    """Count the cards in use that are still to be brought to the workshop, and those that were."""
    in_use = Card.objects.using(caisse.using).filter(status=CardStatus.ACTIVE)
    version = Coalesce("terminal_key_version", "key_version")
    dated = in_use.annotate(version=version)
    return Versions(
        to_go=dated.filter(version__lt=ask.terminal_key_version).count(),
        done=dated.filter(version__gte=ask.terminal_key_version).count(),
    )


def _latest_life(caisse: Caisse, uid: bytes) -> Card | None:
    cards = Card.objects.using(caisse.using).select_for_update().filter(uid=uid)
    return cards.order_by("generation").last()


def _version(card: Card) -> int:
    return card.terminal_key_version or card.key_version
