"""From a blank card to a member's card, and what lies on the reader.

The service gives one card's keys and believes in the card only once its birth transaction
proves that it took them. Whatever tears on the way, the same call makes it good.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, unique
from typing import Final, TypeAlias

from cardkit import cbor
from cardkit.allowance import accept_allowance
from cardkit.card.apdu import AuthenticationRefused, StatusRefused
from cardkit.card.connection import CardConnection
from cardkit.card.desfire import PICC_AID, Desfire
from cardkit.card.issuing import (
    ZERO_KEY,
    BirthProof,
    CardReport,
    OneCardKeys,
    Step,
    inspect,
    personalise,
    wipe,
)
from cardkit.card.keys import NXP_ORIGINALITY, UID_BYTES, Originality, TerminalCardKeys, diversify
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.profile import CardProfile
from cardkit.card.rekeying import Rekeyed, rekey
from cardkit.card.session import PurseSession
from cardkit.card.tmac import TmacState
from cardkit.errors import (
    AnswerInvalid,
    CardError,
    CardForeign,
    CardNotIssuable,
    DocumentError,
    DocumentForeign,
)
from cardkit.keyfiles import CaissePublic, WorkshopKeys
from cardkit.schema import unpack
from cardkit.sealing import SealingKey
from cardkit.workshop import (
    CARD_KEY_0_PURPOSE,
    CARD_KEYS_PURPOSE,
    CardBegin,
    CardBegun,
    CardFinish,
    CardKeys,
    CardKeyZero,
    RekeyBegin,
    RekeyFinish,
)
from provisioning.client import ServiceClient

logger = logging.getLogger(__name__)

_BIRTH_TMC: Final = 1
_FIRST_SLOT: Final = 0


@unique
class Stage(Enum):
    """What issuing does beside the card's own steps (cardkit.card.issuing.Step)."""

    BEGIN = "ask the service for the card's keys"
    WIPE = "empty a card whose issue was interrupted"
    FINISH = "show the card's birth to the service"
    ALLOWANCE = "leave the first allowance on the card"


@unique
class Condition(Enum):
    """What lies on the reader."""

    BLANK = "no purse yet"
    TORN = "its issue was interrupted"
    ISSUED = "a purse of this caisse"
    FOREIGN = "a purse that answers to no key of ours"
    NOT_ORIGINAL = "nobody we trust made this chip"


Progress: TypeAlias = Callable[[Stage | Step], None]


@dataclass(frozen=True, slots=True)
class Issued:
    """The card is the member's; without its allowance it waits for a terminal's directory."""

    uid: bytes
    generation: int
    has_allowance: bool


@dataclass(frozen=True, slots=True)
class AlreadyIssued:
    """The service has issued this card before; nothing was done to it."""

    uid: bytes
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a card is; `spent_cents` and `tmac` of an issued one only."""

    condition: Condition
    report: CardReport
    key_version: int | None = None
    spent_cents: int | None = None
    tmac: TmacState | None = None


def silent(step: Stage | Step) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardWorkshop:
    """What stays on the table from card to card."""

    public: CaissePublic
    keys: WorkshopKeys
    profile: CardProfile = CLAF_PURSE_1
    originality: Originality = field(default=NXP_ORIGINALITY, repr=False)

    def issue(
        self,
        connection: CardConnection,
        client: ServiceClient,
        *,
        account: bytes,
        again: bool = False,
        progress: Progress = silent,
    ) -> Issued | AlreadyIssued:
        """Make the card on the reader an account's; `again` gives an issued one a new life.

        Raises CardNotIssuable, CardLost and other CardErrors, SyncErrors and KeyStoreError;
        after any of them the card may be laid down and issued again.
        """
        if len(connection.uid) != UID_BYTES:
            raise CardNotIssuable(f"a UID of {len(connection.uid)} bytes")
        progress(Stage.BEGIN)
        sealing_key = SealingKey.generate()
        begun = client.begin_card(
            CardBegin(
                uid=connection.uid,
                account=account,
                sealing_key=sealing_key.public_bytes,
                again=again,
            )
        )
        if begun.sealed_keys is None:
            return AlreadyIssued(connection.uid, begun.generation)
        theirs = self._opened(begun, sealing_key, begun.sealed_keys)
        keys = self._card_keys(connection.uid, theirs, begun.key_version)
        picc_key = theirs.picc_before or ZERO_KEY
        self._make_blank(connection, keys, picc_key, again=again, progress=progress)
        proof = personalise(
            connection,
            keys,
            profile=self.profile,
            picc_key=picc_key,
            originality=self.originality,
            progress=progress,
        )
        progress(Stage.FINISH)
        finished = client.finish_card(_finish(proof, begun.generation))
        has_allowance = finished.allowance is not None and self._leave_allowance(
            connection, keys, finished.allowance, progress
        )
        logger.info("card %s issued, generation %s", connection.uid.hex(), begun.generation)
        return Issued(connection.uid, begun.generation, has_allowance)

    def rekey(self, connection: CardConnection, client: ServiceClient) -> Rekeyed:
        """Bring key 1 of the issued card on the reader to the newest master of the workshop.

        The service puts the version on record only once the card has answered to the new key.
        Raises CardErrors, SyncErrors and KeyStoreError; after any of them the card buys under
        one of the two keys, and may be laid down and re-keyed again.
        """
        if len(connection.uid) != UID_BYTES:
            raise CardForeign(f"a UID of {len(connection.uid)} bytes")
        sealing_key = SealingKey.generate()
        begun = client.begin_rekey(
            RekeyBegin(uid=connection.uid, sealing_key=sealing_key.public_bytes)
        )
        self._check_profile(begun.profile)
        self.keys.version(begun.terminal_key_version)  # without it the card would go back
        try:
            opened = sealing_key.open(begun.sealed_key, purpose=CARD_KEY_0_PURPOSE)
            key_zero = unpack(CardKeyZero, cbor.decode(opened))
        except DocumentError as error:
            raise AnswerInvalid(f"card key 0: {error}") from error
        rekeyed = rekey(
            connection,
            app_master=key_zero.app_master,
            terminal_keys=self._terminal_keys(),
            profile=self.profile,
        )
        client.finish_rekey(
            RekeyFinish(
                uid=rekeyed.uid,
                generation=begun.generation,
                terminal_key_version=rekeyed.version,
            )
        )
        logger.info("card %s: key 1 of version %s", rekeyed.uid.hex(), rekeyed.version)
        return rekeyed

    def inspect(self, connection: CardConnection) -> Inspection:
        """Look at the card on the reader without changing it; raises CardError."""
        report = inspect(connection, None, profile=self.profile, originality=self.originality)
        if report.original is None:
            return Inspection(condition=Condition.NOT_ORIGINAL, report=report)
        if not report.has_application:
            return Inspection(condition=Condition.BLANK, report=report)
        try:
            purse = PurseSession.open(connection, self._terminal_keys(), profile=self.profile)
        except CardForeign:
            torn = self._has_no_keys_yet(connection)
            return Inspection(
                condition=Condition.TORN if torn else Condition.FOREIGN, report=report
            )
        try:
            tmac, spent_cents = purse.tmac(), purse.spent_cents()
        except StatusRefused:
            return Inspection(condition=Condition.TORN, report=report)
        return Inspection(
            condition=Condition.ISSUED if tmac.tmc else Condition.TORN,
            report=report,
            key_version=purse.key_version,
            spent_cents=spent_cents,
            tmac=tmac,
        )

    def _has_no_keys_yet(self, connection: CardConnection) -> bool:
        try:
            PurseSession.open_with_key(connection, ZERO_KEY, profile=self.profile)
        except AuthenticationRefused:
            return False
        return True

    def _opened(self, begun: CardBegun, sealing_key: SealingKey, sealed: bytes) -> CardKeys:
        self._check_profile(begun.profile)
        try:
            opened = sealing_key.open(sealed, purpose=CARD_KEYS_PURPOSE)
            return unpack(CardKeys, cbor.decode(opened))
        except DocumentError as error:
            raise AnswerInvalid(f"card keys: {error}") from error

    def _check_profile(self, name: str) -> None:
        if name != self.profile.name:
            raise AnswerInvalid(f"the service asks for a card of profile {name!r}")

    def _card_keys(self, uid: bytes, theirs: CardKeys, version: int) -> OneCardKeys:
        """The service's keys for this card, and key 1, whose master only the workshop has."""
        return OneCardKeys(
            picc_master=theirs.picc_master,
            app_master=theirs.app_master,
            terminal=diversify(
                self.keys.version(version).key,
                uid=uid,
                aid=self.profile.aid,
                system_id=self.public.system_id,
            ),
            closed=theirs.closed,
            tmac=theirs.tmac,
            version=version,
        )

    def _make_blank(
        self,
        connection: CardConnection,
        keys: OneCardKeys,
        picc_key: bytes,
        *,
        again: bool,
        progress: Progress,
    ) -> None:
        """Empty what a torn issue left; a purse that has paid is emptied only when told so."""
        found = self.inspect(connection)
        if found.condition is Condition.BLANK:
            return
        if found.condition is Condition.NOT_ORIGINAL:
            raise CardNotIssuable("nobody we trust signed this chip")
        if found.tmac is not None and found.tmac.tmc > _BIRTH_TMC and not again:
            raise CardNotIssuable("the card has paid, although the service does not know it")
        progress(Stage.WIPE)
        try:
            wipe(connection, keys, picc_key=picc_key)
        except AuthenticationRefused as error:
            raise CardNotIssuable("the card belongs to somebody else") from error
        Desfire(connection).select_application(PICC_AID)  # ends the session, for a card as new

    def _leave_allowance(
        self, connection: CardConnection, keys: OneCardKeys, document: bytes, progress: Progress
    ) -> bool:
        """Write the first slot; a card that left too early learns it from a directory instead."""
        progress(Stage.ALLOWANCE)
        try:
            if accept_allowance(document, self.public.trust()).uid != connection.uid:
                raise DocumentForeign("the allowance of another card")
        except DocumentError as error:
            raise AnswerInvalid(f"first allowance: {error}") from error
        try:
            purse = PurseSession.open_with_key(connection, keys.terminal, profile=self.profile)
            purse.write_allowance(_FIRST_SLOT, document)
        except CardError as error:
            logger.warning("card %s has no allowance yet: %s", connection.uid.hex(), error)
            return False
        return True

    def _terminal_keys(self) -> TerminalCardKeys:
        masters = {master.version: master.key for master in self.keys.masters}
        return TerminalCardKeys(self.public.system_id, masters)


def _finish(proof: BirthProof, generation: int) -> CardFinish:
    return CardFinish(
        uid=proof.uid,
        generation=generation,
        tmc=proof.tmc,
        tmv=proof.tmv,
        enc_tmri=proof.enc_tmri,
        spent_cents=proof.spent_cents,
    )
