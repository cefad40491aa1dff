"""AuthenticateEV2First and AuthenticateEV2NonFirst, the card's two answers (AN12343 table 16)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from simulator.desfire.channel import Session
from simulator.desfire.crypto import (
    BLOCK,
    decrypt,
    encrypt,
    rotated,
    session_keys,
)
from simulator.desfire.level import KEY_NO_MASK
from simulator.desfire.memory import KeyKind
from simulator.desfire.state import CardState
from simulator.desfire.status import Status, require
from simulator.desfire.transaction import Transaction

INS_EV2_FIRST, INS_EV2_NON_FIRST = 0x71, 0x77
TI_BYTES = 4
CAPABILITY_BYTES = 6


@dataclass(frozen=True, slots=True)
class Handshake:
    """A challenge on its way; `continued` is the session whose TI and counter NonFirst keeps."""

    key_no: int
    key: bytes = field(repr=False)
    rnd_b: bytes = field(repr=False)
    capabilities: bytes
    continued: Session | None


def challenge(state: CardState, ins: int, body: bytes) -> tuple[Handshake, bytes]:
    """Answer the first frame with E(RndB); First also begins a new transaction."""
    capabilities = bytes(CAPABILITY_BYTES)
    if ins == INS_EV2_FIRST:
        require(len(body) >= 2 and len(body) == 2 + body[1], Status.LENGTH_ERROR)
        require(body[1] <= CAPABILITY_BYTES, Status.LENGTH_ERROR)
        capabilities = body[2:].ljust(CAPABILITY_BYTES, b"\x00")
        continued = None
        state.transaction = Transaction()
    else:
        require(len(body) == 1, Status.LENGTH_ERROR)
        require(isinstance(state.session, Session), Status.AUTHENTICATION_ERROR)
        continued = state.session if isinstance(state.session, Session) else None
    key_no = body[0] & KEY_NO_MASK
    key = state.app.key(key_no)
    require(key.kind is KeyKind.AES, Status.AUTHENTICATION_ERROR)
    state.session = None
    rnd_b = state.random(BLOCK)
    handshake = Handshake(key_no, key.value, rnd_b, capabilities, continued)
    return handshake, encrypt(key.value, rnd_b)


def answer(state: CardState, handshake: Handshake, token: bytes) -> bytes:
    """Check E(RndA, RndB') and open the session; raises Fault AUTHENTICATION_ERROR."""
    require(len(token) == 2 * BLOCK, Status.LENGTH_ERROR)
    plain = decrypt(handshake.key, token)
    rnd_a, proof = plain[:BLOCK], plain[BLOCK:]
    proven = hmac.compare_digest(proof, rotated(handshake.rnd_b))
    require(proven, Status.AUTHENTICATION_ERROR)
    enc_key, mac_key = session_keys(handshake.key, rnd_a, handshake.rnd_b)
    if handshake.continued is not None:
        kept = handshake.continued
        state.session = Session(handshake.key_no, enc_key, mac_key, kept.ti, kept.counter)
        return encrypt(handshake.key, rotated(rnd_a))
    ti = state.random(TI_BYTES)
    state.session = Session(handshake.key_no, enc_key, mac_key, ti)
    card_capabilities = bytes(CAPABILITY_BYTES)
    opened = ti + rotated(rnd_a) + card_capabilities + handshake.capabilities
    return encrypt(handshake.key, opened)
