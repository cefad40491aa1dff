"""The cryptography that no implementation of the sale can do without, and nothing around it.

Counted from docs/protocol.md, 1.1 (what the host does; the card's half is the card's):

- AES-CMAC: key 1 of the card (1), both session keys (2), and each of the six commands inside the
  channel with its answer (12).
- AES-CBC: the handshake (3: RndB, our token, the card's token), GetValue's answer (2: its IV, its
  block), Debit's amount (2 likewise).
- HMAC-SHA256: the token.
- ES256: the allowance is verified, intent and sale are signed. A card that comes back to a till
  which has verified its allowance needs no verification.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.hashes import SHA256

_ES256: Final = ec.ECDSA(SHA256(), deterministic_signing=True)
_ALLOWANCE_BYTES: Final = 104
_INTENT_BYTES: Final = 322
_SALE_BYTES: Final = 161
"""What is signed of a plain sale: the Sig_structures of docs/protocol.md, 2."""
_CMAC_BYTES: Final = (21, 32, 32, 14, 19, 8, 23, 24, 7, 46, 7, 23, 23, 8, 19)
"""The messages in the order of the sale, each answer after its command."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of operation, how often a sale does it, and all of them at once as a call."""

    name: str
    count: int
    run: Callable[[], None]


def operations() -> tuple[Operation, ...]:
    """Return the operations of one sale, with keys and data of their own."""
    key, iv = os.urandom(16), os.urandom(16)
    block, two_blocks = os.urandom(16), os.urandom(32)
    signer = ec.generate_private_key(ec.SECP256R1())
    verifier = signer.public_key()
    messages = [os.urandom(length) for length in _CMAC_BYTES]
    allowance, intent, sale = (
        os.urandom(length) for length in (_ALLOWANCE_BYTES, _INTENT_BYTES, _SALE_BYTES)
    )
    signature = signer.sign(allowance, _ES256)

    def cmac() -> None:
        for message in messages:
            state = CMAC(AES(key))
            state.update(message)
            state.finalize()

    def cbc() -> None:
        for data in (two_blocks, block, block, block):
            encryptor = Cipher(AES(key), CBC(iv)).encryptor()
            encryptor.update(data)
            encryptor.finalize()
        for data in (block, two_blocks, block):
            decryptor = Cipher(AES(key), CBC(iv)).decryptor()
            decryptor.update(data)
            decryptor.finalize()

    def token() -> None:
        hmac.digest(two_blocks, messages[0], "sha256")

    def sign() -> None:
        signer.sign(intent, _ES256)
        signer.sign(sale, _ES256)

    def verify() -> None:
        verifier.verify(signature, allowance, _ES256)

    return (
        Operation("AES-CMAC", len(messages), cmac),
        Operation("AES-CBC", 7, cbc),
        Operation("HMAC-SHA256", 1, token),
        Operation("ES256 sign", 2, sign),
        Operation("ES256 verify", 1, verify),
    )


def cpu_ns(operation: Operation) -> int:
    """Return the CPU time of one sale's worth of an operation, once."""
    begun_ns = time.thread_time_ns()
    operation.run()
    return time.thread_time_ns() - begun_ns
