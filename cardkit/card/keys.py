"""Keys of one card: AN10922 diversification, the terminals' masters, and NXP's originality keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from enum import Enum, unique
from types import MappingProxyType

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP224R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA224

from cardkit.card.aes import KEY_BYTES, cmac
from cardkit.errors import must
from cardkit.frozen import dataclass

TRAINING_SYSTEM_ID = b"CLAF-ECOLE"
"""What training cards have in the place of their caisse's system id, under the same masters.

The masters tell caisses apart, so that one id does for all of them; no caisse may be called so.
"""
UID_BYTES = 7
AID_BYTES = 3
SIGNATURE_BYTES = 56

_INPUT_BYTES_MIN = 16
_INPUT_BYTES_MAX = 31
_AES128 = b"\x01"
_SCALAR_BYTES = SIGNATURE_BYTES // 2


@unique
class Chip(Enum):
    """Families of chips; NXP signs the UIDs of each with keys of its own."""

    LIGHT = "DESFire Light"
    EV2 = "DESFire EV2"
    EV2_XL = "DESFire EV2 XL"
    EV3 = "DESFire EV3"


@unique
class CardUse(Enum):
    """Which cards a terminal opens: never both, so that training debits no member."""

    REAL = "members' cards"
    TRAINING = "training cards"


@dataclass(frozen=True, slots=True)
class TerminalCardKeys:
    """The key-1 masters that a terminal holds, by version; a card carries one of them diversified.

    `system_id` separates caisses from each other; `use` separates training cards from real ones.
    """

    system_id: bytes
    masters: Mapping[int, bytes] = field(repr=False)
    use: CardUse = field(default=CardUse.REAL, repr=False)

    def __post_init__(self) -> None:
        must(bool(self.masters), "a terminal has at least one key-1 master")
        object.__setattr__(self, "masters", MappingProxyType(dict(self.masters)))

    def for_use(self, use: CardUse) -> TerminalCardKeys:
        """The same masters for the cards of one use."""
        return self if use is self.use else replace(self, use=use)

    @property
    def of_other_use(self) -> TerminalCardKeys:
        """The same masters for the cards that must not be opened here."""
        return self.for_use(CardUse.REAL if self.use is CardUse.TRAINING else CardUse.TRAINING)

    def newest_first(self, *, uid: bytes, aid: bytes) -> Iterator[tuple[int, bytes]]:
        """Version and diversified key 1 of the card `uid`, to be tried in this order."""
        system_id = TRAINING_SYSTEM_ID if self.use is CardUse.TRAINING else self.system_id
        for version in sorted(self.masters, reverse=True):
            master = self.masters[version]
            yield version, diversify(master, uid=uid, aid=aid, system_id=system_id)


def diversify(master: bytes, *, uid: bytes, aid: bytes, system_id: bytes) -> bytes:
    """One card's AES-128 key, with M = UID (7) ‖ AID (3, most significant first) ‖ system id.

    M has 16 to 31 bytes: only then is AN10922 the same as ordinary AES-CMAC, so that no other
    implementation can disagree with ours.
    """
    must(len(master) == KEY_BYTES, "an AES-128 key has 16 bytes")
    must(len(uid) == UID_BYTES, "a UID has 7 bytes")
    must(len(aid) == AID_BYTES, "an AID has 3 bytes")
    m = uid + aid + system_id
    must(len(m) >= _INPUT_BYTES_MIN, "a system id has 6 bytes at least")
    must(len(m) <= _INPUT_BYTES_MAX, "a system id has 21 bytes at most")
    return cmac(master, _AES128 + m)


class Originality:
    """Public keys whose signature over a bare UID says that somebody we trust made the chip.

    It does not say that this is that chip: a signature can be copied. Against copies stands the
    authentication with a diversified key.
    """

    def __init__(self, public_keys: Mapping[Chip, tuple[bytes, ...]]) -> None:
        """Take uncompressed secp224r1 points."""
        curve = SECP224R1()
        self._keys = tuple(
            (chip, EllipticCurvePublicKey.from_encoded_point(curve, point))
            for chip, points in public_keys.items()
            for point in points
        )

    def chip(self, *, uid: bytes, signature: bytes) -> Chip | None:
        """The family whose key signed this UID, or None: r (28) ‖ s (28), big-endian.

        The UID is the hash (AN12343 table 44), so it is widened to the 28 bytes of the curve.
        """
        if len(signature) != SIGNATURE_BYTES:
            return None
        r, s = signature[:_SCALAR_BYTES], signature[_SCALAR_BYTES:]
        dss = encode_dss_signature(int.from_bytes(r), int.from_bytes(s))
        digest = uid.rjust(_SCALAR_BYTES, b"\x00")
        for chip, key in self._keys:
            try:
                key.verify(dss, digest, ECDSA(Prehashed(SHA224())))
            except InvalidSignature:
                continue
            return chip
        return None


NXP_ORIGINALITY = Originality(
    {
        Chip.LIGHT: (
            bytes.fromhex(
                "040E98E117AAA36457F43173DC920A8757267F44CE4EC5ADD3C5407557"
                "1AEBBF7B942A9774A1D94AD02572427E5AE0A2DD36591B1FB34FCF3D"
            ),
        ),
        Chip.EV2: (
            bytes.fromhex(
                "04B304DC4C615F5326FE9383DDEC9AA892DF3A57FA7FFB3276192BC0EA"
                "A252ED45A865E3B093A3D0DCE5BE29E92F1392CE7DE321E3E5C52B3A"
            ),
            bytes.fromhex(
                "048A9B380AF2EE1B98DC417FECC263F8449C7625CECE82D9B916C992DA"
                "209D68422B81EC20B65A66B5102A61596AF3379200599316A00A1410"
            ),
        ),
        Chip.EV2_XL: (
            bytes.fromhex(
                "04CD5D45E50B1502F0BA4656FF37669597E7E183251150F9574CC8DA56"
                "BF01C7ABE019E29FEA48F9CE22C3EA4029A765E1BC95A89543BAD1BC"
            ),
        ),
        Chip.EV3: (
            bytes.fromhex(
                "041DB46C145D0A36539C6544BD6D9B0AA62FF91EC48CBC6ABAE36E0089"
                "A46F0D08C8A715EA40A63313B92E90DDC1730230E0458A33276FB743"
            ),
        ),
    }
)
"""NXP's keys, as Proxmark3's originality.c prints them; the Light's is in AN12343 as well."""
