"""What lies on the reader when it is not one of our purses: decided from what the card showed.

Activation costs no exchange and settles most cases (NXP AN10833, "MIFARE type identification
procedure", table 6; PC/SC part 3, 3.1.3.2.3 for readers that pass on an ATR only). The rest is
told by harmless questions, which `cardkit.card.stranger` puts. All of it is a claim that nothing
but the words on a screen depends on.
"""

from __future__ import annotations

from enum import Enum, IntEnum, unique

from cardkit.card.connection import Activation
from cardkit.frozen import dataclass

_RANDOM_UID_BYTES = 4
_RANDOM_UID_FIRST = 0x08  # ISO/IEC 14443-3, 6.5.4: a single-size UID that is drawn at each reset
_UID_OF_ANDROID = bytes.fromhex("01020304")  # what older Androids show instead of a random one

# Select acknowledges (AN10833 table 6), and their bit for NFC-DEP (NFC Forum Digital, 6.8.2).
_SAK_TAG = 0x00
_SAK_CLASSIC = 0x08
_SAKS_PLUS = frozenset({0x10, 0x11})
_SAK_NFC_DEP = 0x40

# PC/SC part 3, 3.1.3.2.3.2: 4F 0C, then RID, SS (standard) and NN (card name) of a storage card.
_STORAGE_CARD = bytes.fromhex("4F0CA000000306")
_NAME_OFFSET = len(_STORAGE_CARD) + 1
_NAME_BYTES = 2
_NAMES_CLASSIC = frozenset({0x0001, 0x0002, 0x0026, 0xFF88})
_NAMES_TAG = frozenset({0x0003, 0x003A, 0x003D})
_NAMES_PLUS = frozenset({0x0036, 0x0037, 0x0038, 0x0039})

# First frame of GetVersion (AN12343 table 3): vendor, type, subtype, major, minor, size, protocol.
HARDWARE_BYTES = 7
_VENDOR_NXP = 0x04
_TYPE_OFFSET = 1
_TYPE_FAMILY_MASK = 0x0F  # the high nibble is what the family runs on: 8 and 9 a µC, A a phone
_MAJOR_OFFSET = 3
_MAJORS_EV1 = frozenset({0x00, 0x01})
_MAJORS_ISSUABLE = frozenset({0x12, 0x33})


@unique
class CardKind(Enum):
    """What a card is that this terminal can't take."""

    ANOTHER_CAISSE = "a purse that answers to none of our keys"
    TRAINING = "a training card at a till that sells"
    REAL = "a member's card at a till that trains"
    BLANK_DESFIRE = "a DESFire EV2 or EV3 without applications"
    DESFIRE_EV1 = "a DESFire too old for a purse"
    DESFIRE_OTHER = "a DESFire of somebody else"
    TAG = "an NFC tag: NTAG or MIFARE Ultralight"
    MIFARE_CLASSIC = "a MIFARE Classic, or what passes for one"
    MIFARE_PLUS = "a MIFARE Plus"
    BANK_CARD = "a bank card"
    PHONE = "a phone, or a bank card that hides its number as one"
    TRANSIT = "a transport card (Calypso)"
    IDENTITY = "a passport or an identity card"
    RANDOM_UID = "a DESFire that hides its number"
    UNKNOWN = "no card that we know"


@unique
class _Family(IntEnum):
    """The low nibble of the hardware type in GetVersion, as Proxmark3 prints it."""

    DESFIRE = 0x1
    PLUS = 0x2
    ULTRALIGHT = 0x3
    NTAG = 0x4


@unique
class Application(Enum):
    """Applications by which other people's cards give themselves away; the value is the DF name."""

    PAYMENT = b"2PAY.SYS.DDF01"
    """EMV contactless book B, 3.3.1: the directory of every payment card."""
    CALYPSO = b"1TIC.ICA"
    """Calypso's transport application, as on Navigo and on most cards of the French regions."""
    TRAVEL_DOCUMENT = bytes.fromhex("A0000002471001")
    """ICAO 9303-10, 3.7: passports and identity cards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a stranger answered; None is what was not asked, or not answered.

    `hardware` is the first frame of GetVersion (7 bytes), `has_applications` what a DESFire says
    of itself, `application` the first of the list that it let us select.
    """

    hardware: bytes | None = None
    has_applications: bool | None = None
    application: Application | None = None


def kind_at_first_sight(activation: Activation) -> CardKind | None:
    """Say what a card is that can't be a purse of ours, without asking it; None: it has to be."""
    if activation.sak is not None and not activation.speaks_apdus:
        return _kind_by_sak(activation.sak)
    if activation.atr is not None and _STORAGE_CARD in activation.atr:
        return _kind_by_name(activation.atr)
    return None


def has_random_uid(activation: Activation) -> bool:
    """Whether the UID names nobody: another one at each tap, or that of every old Android."""
    uid = activation.uid
    is_drawn = len(uid) == _RANDOM_UID_BYTES and uid[0] == _RANDOM_UID_FIRST
    return is_drawn or uid == _UID_OF_ANDROID


def is_desfire(hardware: bytes) -> bool:
    """Whether the first frame of GetVersion is that of a DESFire made as one."""
    return hardware[0] == _VENDOR_NXP and hardware[_TYPE_OFFSET] == _Family.DESFIRE


def kind_of_stranger(activation: Activation, answers: Answers) -> CardKind:
    """Say what a card is that did not let us select a purse."""
    if answers.hardware is not None:
        return _kind_by_hardware(activation, answers, answers.hardware)
    match answers.application:
        case Application.PAYMENT:
            return CardKind.PHONE if has_random_uid(activation) else CardKind.BANK_CARD
        case Application.CALYPSO:
            return CardKind.TRANSIT
        case Application.TRAVEL_DOCUMENT:
            return CardKind.IDENTITY
    if has_random_uid(activation):
        return CardKind.PHONE
    return CardKind.UNKNOWN if activation.sak is None else _kind_by_sak(activation.sak)


def _kind_by_sak(sak: int) -> CardKind:
    if sak == _SAK_TAG:
        return CardKind.TAG
    if sak & _SAK_CLASSIC:
        return CardKind.MIFARE_CLASSIC
    if sak & _SAK_NFC_DEP:
        return CardKind.PHONE
    return CardKind.MIFARE_PLUS if sak in _SAKS_PLUS else CardKind.UNKNOWN


def _kind_by_name(atr: bytes) -> CardKind:
    name_at = atr.index(_STORAGE_CARD) + _NAME_OFFSET
    name = int.from_bytes(atr[name_at : name_at + _NAME_BYTES])
    if name in _NAMES_CLASSIC:
        return CardKind.MIFARE_CLASSIC
    if name in _NAMES_TAG:
        return CardKind.TAG
    return CardKind.MIFARE_PLUS if name in _NAMES_PLUS else CardKind.UNKNOWN


def _kind_by_hardware(activation: Activation, answers: Answers, hardware: bytes) -> CardKind:
    match hardware[_TYPE_OFFSET] & _TYPE_FAMILY_MASK:
        case _Family.PLUS:
            return CardKind.MIFARE_PLUS
        case _Family.ULTRALIGHT | _Family.NTAG:
            return CardKind.TAG
    if has_random_uid(activation):
        return CardKind.RANDOM_UID if is_desfire(hardware) else CardKind.PHONE
    major = hardware[_MAJOR_OFFSET]
    if not is_desfire(hardware):
        return CardKind.DESFIRE_OTHER
    if major in _MAJORS_EV1:
        return CardKind.DESFIRE_EV1
    is_blank = answers.has_applications is False and major in _MAJORS_ISSUABLE
    return CardKind.BLANK_DESFIRE if is_blank else CardKind.DESFIRE_OTHER
