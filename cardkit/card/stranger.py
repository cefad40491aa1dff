"""Asks a card that is none of ours what it is: a few harmless questions, and not one byte kept.

Nothing here is written or authenticated, and no answer is logged: GetVersion tells a UID, and
the answer to a selection may name its holder's account. At most `QUESTIONS_MAX` exchanges, so
that the words are on the screen while the hand is still there.
"""

from __future__ import annotations

import logging

from cardkit.card.apdu import ISO_SELECT, Ins, StatusWord, native
from cardkit.card.connection import CardConnection
from cardkit.card.kinds import (
    HARDWARE_BYTES,
    Answers,
    Application,
    CardKind,
    is_desfire,
    kind_at_first_sight,
    kind_of_stranger,
)
from cardkit.errors import CardError

logger = logging.getLogger(__name__)

QUESTIONS_MAX = 6
"""GetVersion (3 frames of a DESFire), then its applications, or three names of other people."""

_STATUS_BYTES = 2
_VERSION_FRAMES = 3
_SELECT_BY_NAME = bytes([0x00, ISO_SELECT, 0x04, 0x00])
"""ISO/IEC 7816-4, 11.2.2: select by DF name, answer with the FCI, as EMV book 1, 11.3.2 has it."""


def ask_what_it_is(connection: CardConnection) -> CardKind:
    """Say what the card on a connection is, which must not have let us select a purse.

    Afterwards the connection may be dead: a card that minds a question falls silent, and stays
    what it is for us, unknown.
    """
    activation = connection.activation
    kind = kind_at_first_sight(activation)
    if kind is not None:
        return kind
    try:
        answers = _answers(connection)
    except CardError as error:
        logger.debug("a stranger that does not answer: %s", type(error).__name__)
        return CardKind.UNKNOWN
    return kind_of_stranger(activation, answers)


def _answers(connection: CardConnection) -> Answers:
    hardware = _hardware(connection)
    if hardware is None:
        found = (name for name in Application if _selects(connection, name))
        return Answers(application=next(found, None))
    if not is_desfire(hardware):
        return Answers(hardware=hardware)
    aids, status = _ask(connection, native(Ins.GET_APPLICATION_IDS))
    is_listed = status == StatusWord.OK
    return Answers(hardware=hardware, has_applications=bool(aids) if is_listed else None)


def _hardware(connection: CardConnection) -> bytes | None:
    """Return the first frame of GetVersion, and fetch the others so that the card is free again."""
    first, status = _ask(connection, native(Ins.GET_VERSION))
    for _ in range(_VERSION_FRAMES - 1):
        if status != StatusWord.ADDITIONAL_FRAME:
            break
        _, status = _ask(connection, native(Ins.ADDITIONAL_FRAME))
    return first if status == StatusWord.OK and len(first) == HARDWARE_BYTES else None


def _selects(connection: CardConnection, application: Application) -> bool:
    name = application.value
    _, status = _ask(connection, _SELECT_BY_NAME + bytes([len(name)]) + name + b"\x00")
    return status == StatusWord.ISO_OK


def _ask(connection: CardConnection, question: bytes) -> tuple[bytes, int]:
    answer = connection.transceive(question)
    return answer[:-_STATUS_BYTES], int.from_bytes(answer[-_STATUS_BYTES:])
