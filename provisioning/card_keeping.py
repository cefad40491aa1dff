"""What is done to a card that was made before: checked against the service, or emptied."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum, unique
from http import HTTPStatus

from cardkit.card.apdu import AuthenticationRefused
from cardkit.card.connection import CardConnection
from cardkit.card.desfire import Desfire
from cardkit.card.session import PurseSession
from cardkit.errors import AnswerInvalid, CardForeign, CardNotIssuable, ServerRefused
from cardkit.workshop import CardFinish
from provisioning.card_words import AlreadyIssued, CardStranger, Condition
from provisioning.cards import CardWorkshop
from provisioning.client import ServiceClient
from provisioning.language import _

logger = logging.getLogger(__name__)

_BIRTH_TMC = 1


@unique
class Proof(Enum):
    """What the service says of the card's last transaction."""

    BIRTH = "its birth is the one that the service verified"
    LATER = "it has paid since its birth: the service proves that by what the stalls tell"
    OTHER = "the service verified another birth: put the card aside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """An issued card as its own keys show it; `faults` names what is not as the layout says."""

    uid: bytes
    generation: int
    key_version: int
    tmc: int
    spent_cents: int
    allowances: int
    proof: Proof
    faults: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether the card may go to its member."""
        return not self.faults and self.proof is not Proof.OTHER


def verify(workshop: CardWorkshop, connection: CardConnection, client: ServiceClient) -> Verified:
    """Read a card in use back, with its own key 0, and hold it to the layout and to the service.

    Nothing is written. Raises CardError, SyncError and KeyStoreError.
    """
    _refuse_strangers(workshop, connection)
    begun, key_zero = workshop.key_zero(connection, client)
    faults = _faults(workshop, connection, key_zero.app_master)
    purse = PurseSession.open(connection, workshop.terminal_keys, profile=workshop.profile)
    tmac = purse.tmac()
    proof = Proof.LATER
    if tmac.tmc == _BIRTH_TMC:
        proof = _shown(client, purse.uid, begun.generation, tmac.tmv)
    return Verified(
        uid=purse.uid,
        generation=begun.generation,
        key_version=purse.key_version or 0,
        tmc=tmac.tmc,
        spent_cents=purse.spent_cents(),
        allowances=sum(slot is not None for slot in purse.allowance_slots()),
        proof=proof,
        faults=faults,
    )


def empty(
    workshop: CardWorkshop,
    connection: CardConnection,
    client: ServiceClient,
    *,
    account: bytes,
) -> None:
    """Make a card of an account blank: a half-made one, or one that the caisse has blocked.

    A card in use is refused: its credit would be on no card, and in nobody's book as lost.
    Raises CardNotIssuable and other CardErrors, SyncError and KeyStoreError.
    """
    _refuse_strangers(workshop, connection)
    if _is_in_use(workshop, connection, client):
        raise CardNotIssuable(_("the card is in use: block it at the caisse first"))
    hand = workshop.begin(client, connection.uid, account=account, again=True)
    if isinstance(hand, AlreadyIssued):
        raise AnswerInvalid("the service gave no keys for a new life")
    workshop.empty(connection, hand)
    logger.info("card %s emptied", connection.uid.hex())


def _refuse_strangers(workshop: CardWorkshop, connection: CardConnection) -> None:
    found = workshop.inspect(connection)
    if found.kind is not None:
        raise CardStranger(found.kind)
    if found.condition is Condition.NOT_ORIGINAL:
        raise CardNotIssuable(_("nobody we trust signed this chip"))


def _is_in_use(workshop: CardWorkshop, connection: CardConnection, client: ServiceClient) -> bool:
    try:
        workshop.key_zero(connection, client)
    except ServerRefused as refused:
        if refused.status in {HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND}:
            return False
        raise
    return True


def _faults(
    workshop: CardWorkshop, connection: CardConnection, app_master: bytes
) -> tuple[str, ...]:
    """Name every file whose rights or kind are not the layout's."""
    profile, card = workshop.profile, Desfire(connection)
    card.iso_select(profile.df_name)
    try:
        card.authenticate_ev2_first(profile.app_master_key_no, app_master)
    except AuthenticationRefused as refused:
        raise CardForeign("the card has another key 0") from refused
    found = card.get_file_ids()
    expected = {file.number for file in profile.files}
    wrong = {
        file.number
        for file in profile.files
        if file.number in found and card.get_file_settings(file.number) != file.settings
    }
    return tuple(f"{number:02X}" for number in sorted(found ^ expected | wrong))


def _shown(client: ServiceClient, uid: bytes, generation: int, tmv: bytes) -> Proof:
    """Ask the service whether the birth that a card shows is the one that it verified."""
    birth = CardFinish(
        uid=uid, generation=generation, tmc=_BIRTH_TMC, tmv=tmv, enc_tmri=bytes(16), spent_cents=0
    )
    try:
        client.finish_card(birth)
    except ServerRefused as refused:
        if refused.status == HTTPStatus.CONFLICT:
            return Proof.OTHER
        raise
    return Proof.BIRTH
