"""What a terminal leaves on a card: its reader id, the record of the sale, and a token in both.

The token is a MAC that only this terminal and the service can make. So another stall's sale is
never taken for one's own, and nobody can claim a sale under somebody else's name
(docs/protocol.md, "One sale").
"""

from __future__ import annotations

import hmac
import struct

from cardkit.card.keys import UID_BYTES
from cardkit.card.tmac import TMRI_BYTES
from cardkit.errors import must
from cardkit.frozen import dataclass

TOKEN_BYTES = 8
RECORD_BYTES = 32

_LABEL = b"R"
_TOKEN_KEY_BYTES_MIN = 16
_READER_ID = struct.Struct(">II8s")
_RECORD = struct.Struct(">IIII8s8s")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderId:
    """The TMRI of a sale: terminal (4, big-endian) ‖ seq (4) ‖ token (8)."""

    terminal: int
    seq: int
    token: bytes

    def pack(self) -> bytes:
        """The 16 bytes that CommitReaderID sends."""
        must(len(self.token) == TOKEN_BYTES, "a token has 8 bytes")
        return _READER_ID.pack(self.terminal, self.seq, self.token)

    @classmethod
    def unpack(cls, packed: bytes) -> ReaderId:
        """The reverse of `pack`; any 16 bytes are a claim, which only the token proves."""
        must(len(packed) == TMRI_BYTES, "a reader id has 16 bytes")
        terminal, seq, token = _READER_ID.unpack(packed)
        return cls(terminal=terminal, seq=seq, token=token)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleRecord:
    """One of the card's last sales, as the terminal that made it wrote it: 32 bytes, big-endian.

    Terminal 4 ‖ seq 4 ‖ amount 4 ‖ spent0 4 ‖ TMV0 8 ‖ token 8. `tmv0` proves the transaction
    before this one.
    """

    terminal: int
    seq: int
    amount_cents: int
    spent0_cents: int
    tmv0: bytes
    token: bytes

    def pack(self) -> bytes:
        """The 32 bytes that WriteRecord sends."""
        must(len(self.token) == len(self.tmv0) == TOKEN_BYTES, "token and TMV have 8 bytes")
        return _RECORD.pack(
            self.terminal, self.seq, self.amount_cents, self.spent0_cents, self.tmv0, self.token
        )

    @classmethod
    def unpack(cls, packed: bytes) -> SaleRecord | None:
        """The reverse of `pack`: None for a blank record, and garbage is a record like any other.

        Anybody with key 1 may have written it: nothing in it is true before its token is checked.
        """
        must(len(packed) == RECORD_BYTES, "a sale record has 32 bytes")
        if not any(packed):
            return None
        terminal, seq, amount_cents, spent0_cents, tmv0, token = _RECORD.unpack(packed)
        return cls(
            terminal=terminal,
            seq=seq,
            amount_cents=amount_cents,
            spent0_cents=spent0_cents,
            tmv0=tmv0,
            token=token,
        )


def token_mac(
    key: bytes, *, uid: bytes, tmc0: int, spent0_cents: int, amount_cents: int, seq: int
) -> bytes:
    """HMAC-SHA256(K_T, "R" ‖ UID ‖ TMC0 ‖ spent0 ‖ amount ‖ seq)[:8], integers in 4 bytes each."""
    must(len(key) >= _TOKEN_KEY_BYTES_MIN, "a token key has 16 bytes at least")
    must(len(uid) == UID_BYTES, "a UID has 7 bytes")
    message = _LABEL + uid + struct.pack(">IIII", tmc0, spent0_cents, amount_cents, seq)
    return hmac.digest(key, message, "sha256")[:TOKEN_BYTES]


def verify_token(
    key: bytes,
    claimed: bytes,
    *,
    uid: bytes,
    tmc0: int,
    spent0_cents: int,
    amount_cents: int,
    seq: int,
) -> bool:
    """Say, in constant time, whether the holder of `key` made this token for this sale."""
    made = token_mac(
        key, uid=uid, tmc0=tmc0, spent0_cents=spent0_cents, amount_cents=amount_cents, seq=seq
    )
    return hmac.compare_digest(made, claimed)
