"""The Transaction MAC: what a card proves about a committed transaction (LIGHT-DS 10.3, pure).

The card accumulates the Transaction MAC Input (TMI) from the commands of a transaction; commit
returns counter (TMC) and value (TMV). Whoever holds the card's TMAC key can rebuild both.
"""

from __future__ import annotations

from dataclasses import field
from hmac import compare_digest

from cardkit.card.aes import (
    BLOCK_BYTES,
    MAC_BYTES,
    cmac,
    decrypt_cbc,
    encrypt_cbc,
    mac_truncated,
)
from cardkit.card.apdu import Ins
from cardkit.card.keys import UID_BYTES
from cardkit.card.profile import CardProfile
from cardkit.errors import must
from cardkit.frozen import dataclass

TMC_BYTES = 4
TMAC_BYTES = TMC_BYTES + MAC_BYTES
TMC_MAX = 0xFFFF_FFFF
TMRI_BYTES = 16
NO_TMRI = bytes(TMRI_BYTES)

_SV_MAC = bytes.fromhex("5A00010080")
_SV_ENC = bytes.fromhex("A500010080")


@dataclass(frozen=True, slots=True)
class TmacState:
    """What the TMAC file tells: how many transactions were committed, and the last one's TMV."""

    tmc: int
    tmv: bytes

    @classmethod
    def unpack(cls, data: bytes) -> TmacState:
        """Read 12 bytes: TMC (4, least significant first) ‖ TMV (8)."""
        must(len(data) == TMAC_BYTES, "a TMAC state has 12 bytes")
        return cls(int.from_bytes(data[:TMC_BYTES], "little"), data[TMC_BYTES:])


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionKeys:
    """SesTMMACKey and SesTMENCKey of one transaction of one card."""

    mac: bytes = field(repr=False)
    enc: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleFacts:
    """What a sale's transaction consisted of: amounts in cents, the rest as the card had it."""

    spent0_cents: int
    amount_cents: int
    record: bytes
    tmri: bytes
    enc_tmri: bytes


def session_keys(tmac_key: bytes, *, uid: bytes, tmc: int) -> TransactionKeys:
    """Both keys of the transaction that made the counter `tmc`, the value that commit returned."""
    return TransactionKeys(
        mac=session_mac_key(tmac_key, uid=uid, tmc=tmc),
        enc=cmac(tmac_key, _SV_ENC + _transaction(uid, tmc)),
    )


def session_mac_key(tmac_key: bytes, *, uid: bytes, tmc: int) -> bytes:
    """SesTMMACKey alone: it verifies this one transaction and nothing else, so auditors get it."""
    return cmac(tmac_key, _SV_MAC + _transaction(uid, tmc))


def tmi(profile: CardProfile, facts: SaleFacts) -> bytes:
    """The TMI of a sale, in the profile's one canonical form."""
    parts = {
        Ins.GET_VALUE: _get_value(profile, profile.initial_value - facts.spent0_cents),
        Ins.DEBIT: _amount(Ins.DEBIT, profile.value.number, facts.amount_cents),
        Ins.WRITE_RECORD: _write_record(profile, facts.record),
        Ins.COMMIT_READER_ID: _commit_reader_id(facts.tmri, facts.enc_tmri),
    }
    return b"".join(parts[ins] for ins in profile.sale_tmi)


def birth_tmi(profile: CardProfile, *, value: int, tmri: bytes, enc_tmri: bytes) -> bytes:
    """The TMI of the transaction that ends issuing; `value` is what GetValue answered."""
    parts = {
        Ins.GET_VALUE: _get_value(profile, value),
        Ins.COMMIT_READER_ID: _commit_reader_id(tmri, enc_tmri),
    }
    return b"".join(parts[ins] for ins in profile.birth_tmi)


def tmv(session_mac: bytes, message: bytes) -> bytes:
    """The 8-byte TMV of a whole TMI under SesTMMACKey."""
    must(len(message) % BLOCK_BYTES == 0, "a TMI is a whole number of blocks")
    return mac_truncated(session_mac, message)


def verify_tmv(session_mac: bytes, message: bytes, claimed: bytes) -> bool:
    """Say, in constant time, whether the card committed just this TMI."""
    return compare_digest(tmv(session_mac, message), claimed)


def enc_tmri(session_enc: bytes, previous_tmri: bytes) -> bytes:
    """What CommitReaderID answers: the reader of the card's previous transaction, encrypted."""
    must(len(previous_tmri) == TMRI_BYTES, "a reader id has 16 bytes")
    return encrypt_cbc(session_enc, previous_tmri)


def decrypt_tmri(session_enc: bytes, encrypted: bytes) -> bytes:
    """The reverse of `enc_tmri`; under a wrong key any 16 bytes come out."""
    must(len(encrypted) == TMRI_BYTES, "an encrypted reader id has 16 bytes")
    return decrypt_cbc(session_enc, encrypted)


def _transaction(uid: bytes, tmc: int) -> bytes:
    must(len(uid) == UID_BYTES, "a UID has 7 bytes")
    must(0 < tmc <= TMC_MAX, "the first transaction has counter 1")
    return tmc.to_bytes(TMC_BYTES, "little") + uid


def _get_value(profile: CardProfile, value: int) -> bytes:
    return _amount(Ins.GET_VALUE, profile.value.number, value)


def _amount(ins: Ins, file_no: int, value: int) -> bytes:
    return _block(bytes([ins, file_no]) + value.to_bytes(4, "little", signed=True))


def _write_record(profile: CardProfile, record: bytes) -> bytes:
    offset, length = (0).to_bytes(3, "little"), len(record).to_bytes(3, "little")
    head = bytes([Ins.WRITE_RECORD, profile.records.number]) + offset + length
    must(len(record) % BLOCK_BYTES == 0, "a record needs no padding in the TMI")
    return _block(head) + record


def _commit_reader_id(reader_id: bytes, encrypted: bytes) -> bytes:
    must(len(reader_id) == len(encrypted) == TMRI_BYTES, "reader ids have 16 bytes")
    return _block(bytes([Ins.COMMIT_READER_ID]) + reader_id + encrypted)


def _block(part: bytes) -> bytes:
    """Every part fills whole blocks with zeros (LIGHT-DS 10.3.4.2)."""
    return part + bytes(-len(part) % BLOCK_BYTES)
