"""From a blank card to a member's card, and what lies on the reader.

The service gives one card's keys and believes in the card only once its birth transaction
proves that it took them. Whatever tears on the way, the same call makes it good.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

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
    inspect,
    is_issuable,
    personalise,
    wipe,
)
from cardkit.card.keys import NXP_ORIGINALITY, UID_BYTES, Originality, TerminalCardKeys, diversify
from cardkit.card.kinds import kind_at_first_sight
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.profile import CardProfile
from cardkit.card.rekeying import Rekeyed, rekey
from cardkit.card.session import PurseSession
from cardkit.card.stranger import ask_what_it_is
from cardkit.errors import (
    AnswerInvalid,
    CardAnswerInvalid,
    CardError,
    CardForeign,
    CardNotIssuable,
    CardRefused,
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
    RekeyBegun,
    RekeyFinish,
)
from provisioning.card_words import (
    AlreadyIssued,
    CardStranger,
    Condition,
    Inspection,
    Issued,
    Progress,
    Stage,
    silent,
)
from provisioning.client import ServiceClient
from provisioning.language import _

logger = logging.getLogger(__name__)

_BIRTH_TMC: Final = 1
_FIRST_SLOT: Final = 0
_NOT_ASKED: Final = bytes(16)
"""Stands for the encrypted reader id of a birth that the service has verified already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardInHand:
    """One card's keys for one life, from the service and from the workshop; its repr shows none."""

    uid: bytes
    generation: int
    keys: OneCardKeys = field(repr=False)
    picc_key: bytes = field(repr=False)
    again: bool = False


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

        Raises CardStranger, CardNotIssuable, CardLost and other CardErrors, SyncErrors and
        KeyStoreError; after any of them the card may be laid down and issued again.
        """
        progress(Stage.LOOK)
        found = self.look(connection)
        progress(Stage.BEGIN)
        begun = self.begin(client, connection.uid, account=account, again=again)
        if isinstance(begun, AlreadyIssued):
            self.complete(connection, client, begun, found)
            return begun
        proof = self.make(connection, begun, found, progress=progress)
        return self.finish(connection, client, begun.generation, proof, progress=progress)

    def look(self, connection: CardConnection) -> Inspection:
        """Look at a card that is to be issued; raises CardStranger, CardNotIssuable, CardError."""
        found = self.inspect(connection)
        if found.kind is not None:
            raise CardStranger(found.kind)
        if found.condition is Condition.NOT_ORIGINAL:
            raise CardNotIssuable(_("nobody we trust signed this chip"))
        return found

    def begin(
        self, client: ServiceClient, uid: bytes, *, account: bytes, again: bool = False
    ) -> CardInHand | AlreadyIssued:
        """Ask for the keys of one life of a card; raises SyncError, KeyStoreError."""
        sealing_key = SealingKey.generate()
        begun = client.begin_card(
            CardBegin(uid=uid, account=account, sealing_key=sealing_key.public_bytes, again=again)
        )
        if begun.sealed_keys is None:
            return AlreadyIssued(uid, begun.generation)
        theirs = self._opened(begun, sealing_key, begun.sealed_keys)
        return CardInHand(
            uid=uid,
            generation=begun.generation,
            keys=self._card_keys(uid, theirs, begun.key_version),
            picc_key=theirs.picc_before or ZERO_KEY,
            again=again,
        )

    def make(
        self,
        connection: CardConnection,
        hand: CardInHand,
        found: Inspection,
        *,
        progress: Progress = silent,
    ) -> BirthProof:
        """Write a card that was looked at, and let it prove its keys; raises CardErrors."""
        self._make_blank(connection, hand, found, progress)
        try:
            return personalise(
                connection,
                hand.keys,
                profile=self.profile,
                picc_key=hand.picc_key,
                originality=self.originality,
                progress=progress,
            )
        except AuthenticationRefused as error:
            raise CardNotIssuable(_("the card belongs to somebody else")) from error

    def finish(
        self,
        connection: CardConnection,
        client: ServiceClient,
        generation: int,
        proof: BirthProof,
        *,
        progress: Progress = silent,
    ) -> Issued:
        """Have the birth verified and leave the first allowance; raises SyncError."""
        progress(Stage.FINISH)
        finished = client.finish_card(finish_of(proof, generation))
        progress(Stage.ALLOWANCE)
        document = finished.allowance
        has_allowance = document is not None and self._leave_allowance(connection, document)
        logger.info("card %s issued, generation %s", proof.uid.hex(), generation)
        is_owed = document is not None and not has_allowance
        return Issued(proof.uid, generation, has_allowance, is_owed)

    def rekey(self, connection: CardConnection, client: ServiceClient) -> Rekeyed:
        """Bring key 1 of the issued card on the reader to the newest master of the workshop.

        The service puts the version on record only once the card has answered to the new key.
        Raises CardErrors, SyncErrors and KeyStoreError; after any of them the card buys under
        one of the two keys, and may be laid down and re-keyed again.
        """
        begun, key_zero = self.key_zero(connection, client)
        self.keys.version(begun.terminal_key_version)  # without it the card would go back
        rekeyed = rekey(
            connection,
            app_master=key_zero.app_master,
            terminal_keys=self.terminal_keys,
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

    def key_zero(
        self, connection: CardConnection, client: ServiceClient
    ) -> tuple[RekeyBegun, CardKeyZero]:
        """Ask for key 0 of a card in use; raises CardForeign, SyncError."""
        if len(connection.uid) != UID_BYTES:
            raise CardForeign(f"a UID of {len(connection.uid)} bytes")
        sealing_key = SealingKey.generate()
        begun = client.begin_rekey(
            RekeyBegin(uid=connection.uid, sealing_key=sealing_key.public_bytes)
        )
        self._check_profile(begun.profile)
        try:
            opened = sealing_key.open(begun.sealed_key, purpose=CARD_KEY_0_PURPOSE)
            return begun, unpack(CardKeyZero, cbor.decode(opened))
        except DocumentError as error:
            raise AnswerInvalid(f"card key 0: {error}") from error

    def inspect(self, connection: CardConnection) -> Inspection:
        """Look at what lies on the reader without changing it; raises CardError."""
        report = self._report(connection)
        if report is None:
            kind = ask_what_it_is(connection)
            return Inspection(condition=Condition.STRANGER, kind=kind)
        if report.original is None:
            return Inspection(condition=Condition.NOT_ORIGINAL, report=report)
        if not report.has_application:
            return Inspection(condition=Condition.BLANK, report=report)
        try:
            purse = PurseSession.open(connection, self.terminal_keys, profile=self.profile)
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

    @property
    def terminal_keys(self) -> TerminalCardKeys:
        """What a terminal of this workshop opens cards with."""
        masters = {master.version: master.key for master in self.keys.masters}
        return TerminalCardKeys(self.public.system_id, masters)

    def _report(self, connection: CardConnection) -> CardReport | None:
        """What a chip that could be a purse says of itself; None of every other."""
        if kind_at_first_sight(connection.activation) or len(connection.uid) != UID_BYTES:
            return None
        try:
            report = inspect(connection, None, profile=self.profile, originality=self.originality)
        except (CardRefused, CardAnswerInvalid):
            return None
        return report if is_issuable(report.version) else None

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
        self, connection: CardConnection, hand: CardInHand, found: Inspection, progress: Progress
    ) -> None:
        """Empty what a torn issue left; a purse that has paid is emptied only when told so."""
        if found.condition is Condition.BLANK:
            return
        if found.tmac is not None and found.tmac.tmc > _BIRTH_TMC and not hand.again:
            raise CardNotIssuable(_("the card has paid, although the service does not know it"))
        progress(Stage.WIPE)
        self.empty(connection, hand)

    def empty(self, connection: CardConnection, hand: CardInHand) -> None:
        """Make a card blank; raises CardNotIssuable when it is not ours to empty, CardError."""
        try:
            wipe(connection, hand.keys, picc_key=hand.picc_key)
        except AuthenticationRefused as error:
            raise CardNotIssuable(_("the card belongs to somebody else")) from error
        Desfire(connection).select_application(PICC_AID)  # ends the session, for a card as new

    def complete(
        self,
        connection: CardConnection,
        client: ServiceClient,
        issued: AlreadyIssued,
        found: Inspection,
    ) -> bool:
        """Leave the first allowance on a card that left after its birth and before it was written.

        The proof that the card still shows says which birth is meant. Answers whether nothing is
        owed to the card; raises CardNotIssuable, SyncError, CardError.
        """
        if found.condition is not Condition.ISSUED:
            raise CardNotIssuable(_("it was issued, and has been emptied since: card reissue"))
        if found.tmac is None or found.tmac.tmc != _BIRTH_TMC:
            return True
        purse = PurseSession.open(connection, self.terminal_keys, profile=self.profile)
        if any(self._is_allowance(slot) for slot in purse.allowance_slots()):
            return True
        shown = CardFinish(
            uid=issued.uid,
            generation=issued.generation,
            tmc=found.tmac.tmc,
            tmv=found.tmac.tmv,
            enc_tmri=_NOT_ASKED,
            spent_cents=0,
        )
        allowance = client.finish_card(shown).allowance
        return allowance is None or self._leave_allowance(connection, allowance)

    def _is_allowance(self, slot: bytes | None) -> bool:
        """Whether a slot holds what a terminal would take; half of one is none."""
        if slot is None:
            return False
        try:
            accept_allowance(slot, self.public.trust())
        except DocumentError:
            return False
        return True

    def bring_up_to_date(self, connection: CardConnection, client: ServiceClient) -> None:
        """Give a new card the newest key 1, where the service's masters go with an older one.

        A card that left too early has the older one, and is among those that are to be re-keyed.
        """
        newest = max(master.version for master in self.keys.masters)
        if len(self.keys.masters) == 1:
            return
        try:
            purse = PurseSession.open(connection, self.terminal_keys, profile=self.profile)
            if purse.key_version != newest:
                self.rekey(connection, client)
        except CardError as error:
            logger.warning("card %s has an older key 1: %s", connection.uid.hex(), error)

    def _leave_allowance(self, connection: CardConnection, document: bytes) -> bool:
        """Write the first slot; a card that left too early learns it from a directory instead."""
        try:
            if accept_allowance(document, self.public.trust()).uid != connection.uid:
                raise DocumentForeign("the allowance of another card")
        except DocumentError as error:
            raise AnswerInvalid(f"first allowance: {error}") from error
        try:
            purse = PurseSession.open(connection, self.terminal_keys, profile=self.profile)
            purse.write_allowance(_FIRST_SLOT, document)
        except CardError as error:
            logger.warning("card %s has no allowance yet: %s", connection.uid.hex(), error)
            return False
        return True


def finish_of(proof: BirthProof, generation: int) -> CardFinish:
    """Return what shows a birth to the service."""
    return CardFinish(
        uid=proof.uid,
        generation=generation,
        tmc=proof.tmc,
        tmv=proof.tmv,
        enc_tmri=proof.enc_tmri,
        spent_cents=proof.spent_cents,
    )
