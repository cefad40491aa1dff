"""A purse card that proved to know our key: what a terminal does with it, in nine exchanges.

A session in hand is the proof that select and authentication succeeded. It also keeps account of
what went into the Transaction MAC Input, and commits nothing but the profile's canonical form.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from itertools import islice

from cardkit.card.apdu import (
    ISO_SELECT,
    ApplicationExhausted,
    AuthenticationRefused,
    BoundaryExceeded,
    CommandUnknown,
    Ins,
    KeyNotFound,
    MemoryFailed,
    NoChanges,
    StatusRefused,
    StatusWord,
)
from cardkit.card.connection import CardConnection
from cardkit.card.desfire import READ_BYTES_MAX, WRITE_BYTES_MAX, Desfire, RandomBytes
from cardkit.card.keys import UID_BYTES, CardUse, TerminalCardKeys
from cardkit.card.kinds import CardKind, kind_at_first_sight
from cardkit.card.layout import (
    CLAF_PURSE_1,
    SLOT_BYTES,
    SLOT_LENGTH_BYTES,
    decode_slot,
    encode_slot,
    slot_length,
)
from cardkit.card.profile import CardFile, CardProfile, ClearBy
from cardkit.card.tmac import TMAC_BYTES, TmacState
from cardkit.card.token import ReaderId, SaleRecord
from cardkit.errors import CardForeign, must

logger = logging.getLogger(__name__)

_OTHERS_TRIED_MAX = 2
"""Masters in use at one time; each costs three exchanges of a card that is refused anyway."""
_NATIVE_SW1 = 0x91
_TOO_OLD = "the card does not know AuthenticateEV2First"


class PurseSession:
    """An authenticated purse; exists only through `open` or `open_with_key`.

    Every method may raise CardLost, CardAnswerInvalid or CardRefused, and then the session is
    over: the card dropped it, or may be another card by now.
    """

    def __init__(
        self,
        card: Desfire,
        *,
        profile: CardProfile,
        authenticate: Callable[[], None],
        key_version: int | None,
    ) -> None:
        """Take a card that has just been authenticated; use `open` instead."""
        self.profile = profile
        self.key_version = key_version
        self._card = card
        self._authenticate = authenticate
        self._tmi: list[Ins] = []

    @classmethod
    def open(
        cls,
        connection: CardConnection,
        keys: TerminalCardKeys,
        *,
        profile: CardProfile = CLAF_PURSE_1,
        random: RandomBytes = os.urandom,
    ) -> PurseSession:
        """Select our application and authenticate with key 1, newest master first.

        Raises CardForeign when the card is not ours: one that its activation gives away (it is
        sent nothing), no 7-byte UID, no such application, or it answers to none of our keys.
        """
        uid = connection.uid
        kind = kind_at_first_sight(connection.activation)
        if kind is not None:
            raise CardForeign("the card is activated as another kind", kind)
        if len(uid) != UID_BYTES:
            raise CardForeign(f"a UID of {len(uid)} bytes")
        card = Desfire(connection)
        for version, key in keys.newest_first(uid=uid, aid=profile.aid):
            try:
                return cls._opened(card, key, version, profile, random)
            except (AuthenticationRefused, KeyNotFound):
                logger.debug("the card does not answer to key version %s", version)
            except CommandUnknown as refused:
                raise CardForeign(_TOO_OLD, CardKind.DESFIRE_EV1) from refused
            except StatusRefused as refused:
                if refused.ins == ISO_SELECT or refused.status >> 8 == _NATIVE_SW1:
                    raise
                raise CardForeign("the card selects anything, and is no DESFire") from refused
        kind = cls._kind_of_purse(card, keys, profile, random)
        raise CardForeign("the card answers to none of our keys", kind)

    @classmethod
    def _kind_of_purse(
        cls, card: Desfire, keys: TerminalCardKeys, profile: CardProfile, random: RandomBytes
    ) -> CardKind:
        """Say whether a purse is for training while we sell, or the other way round.

        Only the newest masters are tried, and nobody is given the session.
        """
        others = keys.of_other_use
        newest = islice(others.newest_first(uid=card.uid, aid=profile.aid), _OTHERS_TRIED_MAX)
        for version, key in newest:
            try:
                cls._opened(card, key, version, profile, random)
            except (AuthenticationRefused, KeyNotFound):
                continue
            return CardKind.TRAINING if others.use is CardUse.TRAINING else CardKind.REAL
        return CardKind.ANOTHER_CAISSE

    @classmethod
    def open_with_key(
        cls,
        connection: CardConnection,
        key: bytes,
        *,
        profile: CardProfile = CLAF_PURSE_1,
        random: RandomBytes = os.urandom,
    ) -> PurseSession:
        """The same with this card's own key 1, which is all that the workshop has.

        Raises CardForeign, or AuthenticationRefused when the key is another.
        """
        return cls._opened(Desfire(connection), key, None, profile, random)

    @classmethod
    def _opened(
        cls,
        card: Desfire,
        key: bytes,
        version: int | None,
        profile: CardProfile,
        random: RandomBytes,
    ) -> PurseSession:
        def authenticate() -> None:
            card.authenticate_ev2_first(profile.terminal_key_no, key, random=random)

        try:
            card.iso_select(profile.df_name)
        except (ApplicationExhausted, MemoryFailed):
            raise
        except StatusRefused as refused:
            if refused.status == StatusWord.OK:
                card.distrust("a native answer to ISOSelectFile")
            raise CardForeign("the card does not carry our application") from refused
        authenticate()
        return cls(card, profile=profile, authenticate=authenticate, key_version=version)

    @property
    def uid(self) -> bytes:
        """The card's 7-byte UID, proven: key 1 is diversified with it."""
        return self._card.uid

    @property
    def exchanges(self) -> int:
        """How many APDUs this tap has taken so far."""
        return self._card.exchanges

    # The sale, in the order of its exchanges

    def tmac(self) -> TmacState:
        """The last committed transaction; reading it never enters the TMI."""
        file = self.profile.tmac
        return TmacState.unpack(
            self._card.read_data(file.number, offset=0, length=TMAC_BYTES, mode=file.mode)
        )

    def spent_cents(self) -> int:
        """What the card has spent since its birth, in cents, without what is pending."""
        file = self.profile.value
        if Ins.GET_VALUE in self.profile.sale_tmi:
            self._tmi.append(Ins.GET_VALUE)
        value = self._card.get_value(file.number, mode=file.mode)
        if not 0 <= value <= self.profile.initial_value:
            self._card.distrust(f"a value of {value}")
        return self.profile.initial_value - value

    def debit(self, amount_cents: int) -> None:
        """Spend, once it is committed. Raises BoundaryExceeded when the purse is worn out."""
        must(0 < amount_cents <= self.profile.initial_value, "a debit is positive")
        file = self.profile.value
        self._tmi.append(Ins.DEBIT)
        self._card.debit(file.number, amount_cents, mode=file.mode)

    def write_record(self, record: SaleRecord) -> None:
        """Leave the record of this sale on the card, once it is committed."""
        file = self.profile.records
        self._tmi.append(Ins.WRITE_RECORD)
        self._card.write_record(file.number, record.pack(), mode=file.mode)

    def commit_reader_id(self, reader_id: ReaderId) -> bytes:
        """Name this sale to the card; answers EncTMRI, the card's word on who came before."""
        self._tmi.append(Ins.COMMIT_READER_ID)
        return self._card.commit_reader_id(reader_id.pack())

    def commit(self) -> TmacState:
        """Make it true; answers the proof of this transaction.

        After any exception the outcome is unknown, also after CardRefused: an error answer has no
        MAC. Only the card can tell, at its next tap.
        """
        must(
            tuple(self._tmi) in (self.profile.sale_tmi, self.profile.birth_tmi),
            "only a canonical transaction is committed",
        )
        tmc, tmv = self._card.commit_transaction()
        self._tmi.clear()
        return TmacState(tmc, tmv)

    # Before and after it

    def abort(self) -> None:
        """Give up what is pending, as after an inspection; having nothing pending is no error."""
        try:
            self._card.abort_transaction()
        except NoChanges:
            self._authenticate()
        self._tmi.clear()

    def clear(self) -> None:
        """Empty the transaction of everything read so far, so that a canonical one can begin."""
        match self.profile.clear_by:
            case ClearBy.REAUTHENTICATE:
                self._authenticate()
                self._tmi.clear()
            case ClearBy.ABORT:
                self.abort()

    def records(self, count: int = 0) -> tuple[SaleRecord | None, ...]:
        """The card's last `count` sales, newest first; 0 means all it keeps. Follow with `clear`.

        An answer shorter than `count` is all there is; None stands for a blank record. All eight
        take two exchanges, and asking for more than there are costs a new authentication: a
        caller who knows the count saves time.
        """
        wanted = count or self.profile.records_readable
        must(0 < wanted <= self.profile.records_readable, "the card keeps eight sales")
        at_once = READ_BYTES_MAX // self.profile.record_bytes
        newest_first: list[bytes] = []
        while len(newest_first) < wanted:
            asked = min(at_once, wanted - len(newest_first))
            read = self._read_records(first=len(newest_first), count=asked)
            newest_first += reversed(read)
            if len(read) < asked:
                break
        return tuple(SaleRecord.unpack(record) for record in newest_first)

    def allowance_slots(self) -> tuple[bytes | None, bytes | None]:
        """The documents in both allowance slots, unverified. Follow with `clear`."""
        first, second = self.profile.slots
        return self._read_slot(first), self._read_slot(second)

    def write_allowance(self, slot_index: int, document: bytes) -> None:
        """Overwrite one whole slot, at once and without a transaction. Follow with `clear`.

        A tear leaves this slot invalid and the other one as it was.
        """
        file = self.profile.slots[slot_index]
        slot = encode_slot(document)
        self._tmi.append(Ins.WRITE_DATA)
        for offset in range(0, SLOT_BYTES, WRITE_BYTES_MAX):
            part = slot[offset : offset + WRITE_BYTES_MAX]
            self._card.write_data(file.number, part, offset=offset, mode=file.mode)

    def _read_records(self, *, first: int, count: int) -> tuple[bytes, ...]:
        """Read `count` records, oldest first, or as many as there are; 0 asks for those.

        A card that has fewer refuses, and drops the session, which is then renewed.
        """
        file, size = self.profile.records, self.profile.record_bytes
        self._tmi.append(Ins.READ_RECORDS)
        try:
            return self._card.read_records(
                file.number, first=first, count=count, record_bytes=size, mode=file.mode
            )
        except BoundaryExceeded:
            self._authenticate()
            return self._read_records(first=first, count=0) if count > 1 else ()

    def _read_slot(self, file: CardFile) -> bytes | None:
        """Read as much as the document needs: one exchange for all but the longest ones."""
        self._tmi.append(Ins.READ_DATA)
        slot = self._card.read_data(file.number, offset=0, length=READ_BYTES_MAX, mode=file.mode)
        if SLOT_LENGTH_BYTES + (slot_length(slot) or 0) > READ_BYTES_MAX:
            slot += self._card.read_data(
                file.number,
                offset=READ_BYTES_MAX,
                length=SLOT_BYTES - READ_BYTES_MAX,
                mode=file.mode,
            )
        return decode_slot(slot)
