"""Every card that lands on a stall's reader by mistake, to be laid into a virtual field.

Each shows the ATQA, SAK and ATS of its kind, and answers what such a card answers to the few
questions that a till puts. None of them is a model of a whole card: what it does not know, it
refuses as its kind refuses.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from cardkit.card.keys import TRAINING_SYSTEM_ID
from simulator.card import VirtualCard
from simulator.desfire.crypto import diversified
from simulator.issued import AID, DF_NAME, IssuedKeys, demo_keys, issued_card
from simulator.plastic import Plastic

_NOT_FOUND: Final = bytes.fromhex("6A82")
_UNKNOWN_CLA: Final = bytes.fromhex("6E00")
_UNKNOWN_INS: Final = bytes.fromhex("6D00")
_OK: Final = bytes.fromhex("9000")
_NATIVE_OK: Final = bytes.fromhex("9100")
_ADDITIONAL_FRAME: Final = bytes.fromhex("91AF")
_ILLEGAL_COMMAND: Final = bytes.fromhex("911C")

_GET_VERSION: Final = bytes.fromhex("9060000000")
_MORE: Final = bytes.fromhex("90AF000000")
_APPLICATION_IDS: Final = bytes.fromhex("906A000000")
_SELECT_BY_NAME: Final = bytes.fromhex("00A404")

# ATQA, SAK and ATS of a DESFire as delivered (libnfc/proxmark3 issues quoted in `simulator.card`).
_ATQA_DOUBLE: Final = bytes.fromhex("0344")
_ATS_DESFIRE: Final = bytes.fromhex("067577810280")
# AN10833 table 5: a random or single-size UID of an ISO/IEC 14443-4 card.
_ATQA_SINGLE: Final = bytes.fromhex("0004")
# Seen on Android through a PN532: TL, FSC 256, same rate both ways, FWT 38.66 ms, no CID.
_ATS_PHONE: Final = bytes.fromhex("0578807000")
_ATS_BANK: Final = bytes.fromhex("0A788082022063CBA3A0")


@dataclass(slots=True, kw_only=True)
class Stranger:
    """A card that knows a few commands by heart (a `Plastic`).

    `answers` are by whole command, `selections` by DF name, answered with their FCI; `version` is
    the frames of GetVersion. `ats` None is a card of ISO/IEC 14443-3 only, mute to every APDU.
    """

    uid: bytes
    atqa: bytes
    sak: int
    ats: bytes | None = None
    answers: Mapping[bytes, bytes] = field(default_factory=dict)
    selections: Mapping[bytes, bytes] = field(default_factory=dict)
    version: tuple[bytes, ...] = ()
    otherwise: bytes = _UNKNOWN_CLA
    _frames: list[bytes] = field(default_factory=list)

    def reset(self) -> None:
        """Forget a version that was half told."""
        self._frames = []

    def transmit(self, command: bytes) -> bytes | None:
        """Answer what it knows, and refuse the rest as its kind does."""
        if self.ats is None:
            return None
        if self.version and command == _GET_VERSION:
            self._frames = list(self.version)
        if self._frames and command in (_GET_VERSION, _MORE):
            frame = self._frames.pop(0)
            return frame + (_ADDITIONAL_FRAME if self._frames else _NATIVE_OK)
        if command in self.answers:
            return self.answers[command]
        if command.startswith(_SELECT_BY_NAME):
            name = command[5 : 5 + command[4]]
            return self.selections[name] + _OK if name in self.selections else _NOT_FOUND
        return self.otherwise


class RandomUidDesfire:
    """A DESFire that shows another 4-byte UID at each reset (a `Plastic`)."""

    def __init__(self, uid: bytes, *, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._card = VirtualCard(uid, random=random)
        self._random = random
        self._shown = b""
        self.reset()

    @property
    def uid(self) -> bytes:
        """08, and three bytes that say nothing (ISO/IEC 14443-3, 6.5.4)."""
        return self._shown

    @property
    def atqa(self) -> bytes:
        """A single-size UID, DESFire otherwise."""
        return bytes.fromhex("0304")

    @property
    def sak(self) -> int:
        """Select acknowledge: ISO/IEC 14443-4."""
        return self._card.sak

    @property
    def ats(self) -> bytes | None:
        """As of any DESFire."""
        return self._card.ats

    def reset(self) -> None:
        """Lose power, and draw another UID."""
        self._card.reset()
        self._shown = b"\x08" + self._random(3)

    def transmit(self, command: bytes) -> bytes | None:
        """Answer as the DESFire that it is; GetVersion tells zeros for its UID (AN12343 4.2)."""
        answer = self._card.transmit(command)
        return answer and answer.replace(self._card.uid, bytes(len(self._card.uid)))


def blank_desfire(uid: bytes = bytes.fromhex("04E1A2B3C4D5E6")) -> VirtualCard:
    """An EV3 from the factory, without applications."""
    return VirtualCard(uid)


def desfire_ev1(uid: bytes = bytes.fromhex("04E1A2B3C4D5E1")) -> Stranger:
    """An EV1, hardware 01.00 software 01.04; AuthenticateEV2First is an illegal command there."""
    return _ev1(uid, selections={})


def purse_on_ev1(uid: bytes = bytes.fromhex("04E1A2B3C4D5E2")) -> Stranger:
    """An EV1 on which somebody has made an application with the purse's name."""
    return _ev1(uid, selections={DF_NAME: b""})


def ntag216(uid: bytes = bytes.fromhex("04A1B2C3D4E580")) -> Stranger:
    """A sticker or key ring: NTAG216 data sheet, 7.3; it knows no APDU."""
    return Stranger(uid=uid, atqa=bytes.fromhex("0044"), sak=0x00)


def mifare_classic_1k(uid: bytes = bytes.fromhex("8B0D4F49")) -> Stranger:
    """A door badge: MF1S50 data sheet, 9.4; it speaks CRYPTO1 and no APDU."""
    return Stranger(uid=uid, atqa=_ATQA_SINGLE, sak=0x08)


def bank_card(uid: bytes = bytes.fromhex("028EEDB17074B0")) -> Stranger:
    """A French debit card: its payment directory lists CB and Mastercard (EMV book B, 3.3.1)."""
    directory = _directory("A0000000421010", "A0000000041010")
    return Stranger(
        uid=uid,
        atqa=_ATQA_SINGLE if len(uid) == 4 else bytes.fromhex("0044"),
        sak=0x20,
        ats=_ATS_BANK,
        selections={b"2PAY.SYS.DDF01": directory},
    )


def phone(uid: bytes = bytes.fromhex("08F1E2D3")) -> Stranger:
    """A phone that offers no card: host card emulation refuses every name (Android HCE guide)."""
    return _phone(uid, selections={})


def phone_wallet(uid: bytes = bytes.fromhex("08F1E2D4")) -> Stranger:
    """A phone whose wallet is ready to pay."""
    return _phone(uid, selections={b"2PAY.SYS.DDF01": _directory("A0000000041010")})


def transit_card(uid: bytes = bytes.fromhex("04C0FFEE123480")) -> Stranger:
    """A Calypso card on type A: the FCI names its serial number (Calypso 3.1, Select)."""
    serial = bytes.fromhex("0000000011223344")
    fci = _tlv(0xC7, serial) + _tlv(0x53, bytes.fromhex("0A3C2312141001"))
    issuer = bytes.fromhex("BF0C") + bytes([len(fci)]) + fci
    file = _tlv(0x84, b"1TIC.ICA") + _tlv(0xA5, issuer)
    return Stranger(
        uid=uid,
        atqa=bytes.fromhex("0044"),
        sak=0x20,
        ats=_ATS_PHONE,
        selections={b"1TIC.ICA": _tlv(0x6F, file)},
        otherwise=_UNKNOWN_INS,
    )


def identity_card(uid: bytes = bytes.fromhex("08A7B6C5")) -> Stranger:
    """A passport or identity card: a travel document under a random UID (ICAO 9303-10, 3.7)."""
    return Stranger(
        uid=uid,
        atqa=_ATQA_SINGLE,
        sak=0x20,
        ats=_ATS_PHONE,
        selections={bytes.fromhex("A0000002471001"): b""},
    )


def random_uid_desfire(uid: bytes = bytes.fromhex("04E1A2B3C4D5E9")) -> RandomUidDesfire:
    """A DESFire with Random ID switched on (SetConfiguration 00, bit 1)."""
    return RandomUidDesfire(uid)


def training_card(uid: bytes = bytes.fromhex("04EC01E0000001")) -> VirtualCard:
    """A purse of the demo caisse for those who learn."""
    return issued_card(uid, demo_keys(uid, TRAINING_SYSTEM_ID))


def card_of_another_caisse(uid: bytes = bytes.fromhex("04AC0000000002")) -> VirtualCard:
    """The same purse under somebody else's masters."""
    return issued_card(uid, _keys_of_others(uid))


def desfire_of_others(uid: bytes = bytes.fromhex("04AC0000000003")) -> VirtualCard:
    """A DESFire EV3 with an application that is not ours, such as a town's library card."""
    card = issued_card(uid, _keys_of_others(uid))
    theirs = card.memory.applications.pop(AID)
    theirs.df_name, theirs.aid = b"LIBRARY", bytes.fromhex("F48010")
    card.memory.applications[theirs.aid] = theirs
    return card


STRANGERS: Final[Mapping[str, Callable[[], Plastic]]] = {
    "another caisse": card_of_another_caisse,
    "training": training_card,
    "blank": blank_desfire,
    "ev1": desfire_ev1,
    "purse on ev1": purse_on_ev1,
    "desfire of others": desfire_of_others,
    "random uid": random_uid_desfire,
    "ntag": ntag216,
    "classic": mifare_classic_1k,
    "bank": bank_card,
    "phone": phone,
    "wallet": phone_wallet,
    "transit": transit_card,
    "identity": identity_card,
}
"""Every stranger, by a name for tests; each call makes a new piece of plastic."""


def _ev1(uid: bytes, *, selections: Mapping[bytes, bytes]) -> Stranger:
    """GetVersion as in the MF3ICD81 data sheet, 9.4.10: hardware 01.00, software 01.04, 4 KB."""
    hardware, software = bytes.fromhex("04010101001805"), bytes.fromhex("04010101041805")
    production = uid + bytes.fromhex("BA34051640") + bytes.fromhex("0112")
    return Stranger(
        uid=uid,
        atqa=_ATQA_DOUBLE,
        sak=0x20,
        ats=_ATS_DESFIRE,
        answers={_APPLICATION_IDS: _NATIVE_OK},
        selections=selections,
        version=(hardware, software, production),
        otherwise=_ILLEGAL_COMMAND,
    )


def _phone(uid: bytes, *, selections: Mapping[bytes, bytes]) -> Stranger:
    return Stranger(
        uid=uid,
        atqa=_ATQA_SINGLE,
        sak=0x20,
        ats=_ATS_PHONE,
        selections=selections,
        otherwise=_UNKNOWN_INS,
    )


def _directory(*aids: str) -> bytes:
    """The FCI of a payment directory: 6F (84 name, A5 (BF0C (61 (4F AID)…)))."""
    entries = b"".join(_tlv(0x61, _tlv(0x4F, bytes.fromhex(aid))) for aid in aids)
    issuer = bytes.fromhex("BF0C") + bytes([len(entries)]) + entries
    return _tlv(0x6F, _tlv(0x84, b"2PAY.SYS.DDF01") + _tlv(0xA5, issuer))


def _tlv(tag: int, value: bytes) -> bytes:
    return bytes([tag, len(value)]) + value


def _keys_of_others(uid: bytes) -> IssuedKeys:
    message = uid + AID + b"CLAF-NANTES"
    key = diversified(bytes.fromhex("0F" * 16), message)
    return IssuedKeys(picc=key, app_master=key, terminal=key, tmac=key, closed=key)
