"""Did the card do this? The Transaction MAC Input is rebuilt from what is claimed, and checked.

The amount that is paid is the one in the rebuilt input, never one that stands beside it.
"""

from __future__ import annotations

from dataclasses import field

from cardkit.card import tmac
from cardkit.card.profile import CardProfile
from cardkit.card.token import ReaderId, SaleRecord, token_mac, verify_token
from cardkit.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CardKey:
    """One card, and the key that proves what it did in this life."""

    uid: bytes
    profile: CardProfile
    tmac_key: bytes = field(repr=False)
    generation: int = 1

    @property
    def life(self) -> str:
        """Card and generation as a text, for keys of findings."""
        return f"{self.uid.hex()}.{self.generation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSale:
    """A sale's transaction as somebody claims it; `tmc` is the counter after it."""

    tmc: int
    terminal: int
    seq: int
    spent0_cents: int
    amount_cents: int
    tmv0: bytes
    token: bytes

    @property
    def tmri(self) -> bytes:
        """The reader id that the terminal left."""
        return ReaderId(terminal=self.terminal, seq=self.seq, token=self.token).pack()

    @property
    def record(self) -> bytes:
        """The record that the terminal left."""
        return SaleRecord(
            terminal=self.terminal,
            seq=self.seq,
            amount_cents=self.amount_cents,
            spent0_cents=self.spent0_cents,
            tmv0=self.tmv0,
            token=self.token,
        ).pack()

    @property
    def spent_cents(self) -> int:
        """The card's counter after it."""
        return self.spent0_cents + self.amount_cents


def expected_tmv(card: CardKey, sale: CardSale, *, enc_tmri: bytes) -> bytes | None:
    """Return what the card must have answered if it executed just this; None: no card can have."""
    if not 0 < sale.tmc <= tmac.TMC_MAX or sale.spent_cents > card.profile.initial_value:
        return None
    facts = tmac.SaleFacts(
        spent0_cents=sale.spent0_cents,
        amount_cents=sale.amount_cents,
        record=sale.record,
        tmri=sale.tmri,
        enc_tmri=enc_tmri,
    )
    session_mac = tmac.session_mac_key(card.tmac_key, uid=card.uid, tmc=sale.tmc)
    return tmac.tmv(session_mac, tmac.tmi(card.profile, facts))


def enc_tmri_after(card: CardKey, *, tmc: int, previous_tmri: bytes) -> bytes:
    """Return what the card answered to CommitReaderID in transaction `tmc`."""
    keys = tmac.session_keys(card.tmac_key, uid=card.uid, tmc=tmc)
    return tmac.enc_tmri(keys.enc, previous_tmri)


def reader_before(card: CardKey, *, tmc: int, enc_tmri: bytes) -> ReaderId:
    """Return the reader of transaction `tmc - 1` from the card's word in transaction `tmc`."""
    keys = tmac.session_keys(card.tmac_key, uid=card.uid, tmc=tmc)
    return ReaderId.unpack(tmac.decrypt_tmri(keys.enc, enc_tmri))


def birth_holds(card: CardKey, *, tmc: int, tmv: bytes, enc_tmri: bytes, spent_cents: int) -> bool:
    """Say whether the transaction that ends issuing was made by a card with this key."""
    if tmc != 1 or spent_cents != 0:
        return False
    if enc_tmri != enc_tmri_after(card, tmc=tmc, previous_tmri=tmac.NO_TMRI):
        return False
    message = tmac.birth_tmi(
        card.profile,
        value=card.profile.initial_value - spent_cents,
        tmri=tmac.NO_TMRI,
        enc_tmri=enc_tmri,
    )
    session_mac = tmac.session_mac_key(card.tmac_key, uid=card.uid, tmc=tmc)
    return tmac.verify_tmv(session_mac, message, tmv)


def attributed(token_key: bytes, *, uid: bytes, sale: CardSale) -> bool:
    """Say whether the terminal that is named made this sale's token."""
    return verify_token(
        token_key,
        sale.token,
        uid=uid,
        tmc0=sale.tmc - 1,
        spent0_cents=sale.spent0_cents,
        amount_cents=sale.amount_cents,
        seq=sale.seq,
    )


def token_of(
    token_key: bytes, *, uid: bytes, tmc0: int, spent0_cents: int, amount_cents: int, seq: int
) -> bytes:
    """Return the token that this terminal would have made."""
    return token_mac(
        token_key,
        uid=uid,
        tmc0=tmc0,
        spent0_cents=spent0_cents,
        amount_cents=amount_cents,
        seq=seq,
    )


def place(token_key: bytes, *, uid: bytes, record: SaleRecord, newest_tmc: int, depth: int) -> int:
    """Return the transaction that a record belongs to, by its token; 0 when by none.

    `newest_tmc` is the card's counter when it was read: a record is among the last `depth`.
    """
    for tmc in range(newest_tmc, max(0, newest_tmc - depth), -1):
        if attributed(token_key, uid=uid, sale=of_record(record, tmc=tmc)):
            return tmc
    return 0


def of_record(record: SaleRecord, *, tmc: int) -> CardSale:
    """Return the transaction that a record tells of."""
    return CardSale(
        tmc=tmc,
        terminal=record.terminal,
        seq=record.seq,
        spent0_cents=record.spent0_cents,
        amount_cents=record.amount_cents,
        tmv0=record.tmv0,
        token=record.token,
    )
