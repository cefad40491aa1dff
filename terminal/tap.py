"""One card in the field: what it showed, and how to look at more of it without spoiling a sale."""

from __future__ import annotations

from typing import Self

from cardkit.bodies import Evidence
from cardkit.card.connection import CardConnection
from cardkit.card.keys import TerminalCardKeys
from cardkit.card.kinds import CardKind
from cardkit.card.session import PurseSession
from cardkit.card.stranger import ask_what_it_is
from cardkit.card.tmac import TmacState
from cardkit.card.token import TOKEN_BYTES, ReaderId, SaleRecord
from cardkit.decide import CardState
from cardkit.errors import CardForeign
from terminal.torn import CardFacts

_BLANK_RECORD = bytes(32)


class Tap:
    """An authenticated card with its state; every method may raise CardError."""

    def __init__(self, session: PurseSession) -> None:
        self.session = session
        self._is_canonical = False
        self._records: tuple[SaleRecord | None, ...] | None = None
        self.card = self._read()

    @classmethod
    def open(cls, connection: CardConnection, keys: TerminalCardKeys) -> Self:
        """Select, authenticate and read the state: exchanges 1 to 5 of a sale.

        Raises CardForeign, which says as far as it can what else lies there.
        """
        try:
            session = PurseSession.open(connection, keys)
        except CardForeign as foreign:
            if foreign.kind is CardKind.UNKNOWN:
                raise CardForeign(str(foreign), ask_what_it_is(connection)) from foreign
            raise
        return cls(session)

    def records(self) -> tuple[SaleRecord | None, ...]:
        """Return the card's last sales, newest first; read once a tap."""
        if self._records is None:
            self._is_canonical = False
            self._records = self.session.records()
        return self._records

    @property
    def has_records(self) -> bool:
        """Whether the records were read at this tap."""
        return self._records is not None

    def allowance_slots(self) -> tuple[bytes | None, bytes | None]:
        """Return what stands in both slots."""
        self._is_canonical = False
        return self.session.allowance_slots()

    def write_allowance(self, slot: int, content: bytes) -> None:
        """Overwrite one slot."""
        self._is_canonical = False
        self.session.write_allowance(slot, content)

    def prepare(self) -> CardState:
        """Make sure that the transaction holds nothing but one GetValue, as a sale must begin."""
        if not self._is_canonical:
            self.session.clear()
            self.card = self._read()
        return self.card

    def facts(self, *, with_records: bool) -> CardFacts:
        """Return what the torn rules look at."""
        return CardFacts(
            tmc=self.card.tmc,
            tmv=self.card.tmv,
            spent_cents=self.card.spent_cents,
            records=self.records() if with_records else None,
        )

    def reader_before(self, terminal: int) -> bytes:
        """Return the card's word, encrypted, on who made its last transaction; changes nothing."""
        self._is_canonical = False
        asked = ReaderId(terminal=terminal, seq=0, token=bytes(TOKEN_BYTES))
        enc_tmri = self.session.commit_reader_id(asked)
        self.session.abort()
        return enc_tmri

    def evidence(self, *, enc_tmri: bytes | None = None) -> Evidence:
        """Return what this card told, with its records where they were read."""
        records = self._records or ()
        return Evidence(
            uid=self.card.uid,
            tmc=self.card.tmc,
            tmv=self.card.tmv,
            spent_cents=self.card.spent_cents,
            enc_tmri=enc_tmri,
            records=tuple(_BLANK_RECORD if it is None else it.pack() for it in records),
            records_read=self._records is not None,
        )

    def paid(self, amount_cents: int, proof: TmacState) -> None:
        """Take note of what a committed sale made of the card."""
        self._is_canonical = False
        self._records = None
        spent_cents = self.card.spent_cents + amount_cents
        self.card = CardState(
            uid=self.card.uid, tmc=proof.tmc, tmv=proof.tmv, spent_cents=spent_cents
        )

    def _read(self) -> CardState:
        state = self.session.tmac()
        spent_cents = self.session.spent_cents()
        self._is_canonical = True
        return CardState(
            uid=self.session.uid, tmc=state.tmc, tmv=state.tmv, spent_cents=spent_cents
        )
