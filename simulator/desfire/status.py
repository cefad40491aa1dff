"""What a card can answer: status codes, and the fault that carries one out of a command."""

from __future__ import annotations

from enum import Enum, IntEnum, unique


@unique
class Status(IntEnum):
    """Second status byte after 91h (D40 3.4; AN12343 section 7)."""

    OK = 0x00
    NO_CHANGES = 0x0C
    OUT_OF_MEMORY = 0x0E
    ILLEGAL_COMMAND = 0x1C
    INTEGRITY_ERROR = 0x1E
    NO_SUCH_KEY = 0x40
    LENGTH_ERROR = 0x7E
    SIGNATURE_OK = 0x90
    PERMISSION_DENIED = 0x9D
    PARAMETER_ERROR = 0x9E
    APPLICATION_NOT_FOUND = 0xA0
    AUTHENTICATION_ERROR = 0xAE
    ADDITIONAL_FRAME = 0xAF
    BOUNDARY_ERROR = 0xBE
    COMMAND_ABORTED = 0xCA
    DUPLICATE = 0xDE
    FILE_NOT_FOUND = 0xF0


@unique
class IsoStatus(IntEnum):
    """Both status bytes of an answer that is not wrapped native (ISO/IEC 7816-4)."""

    OK = 0x9000
    SELECTED_DEACTIVATED = 0x6283
    WRONG_LENGTH = 0x6700
    NOT_FOUND = 0x6A82
    WRONG_P1_P2 = 0x6A86
    UNKNOWN_INS = 0x6D00
    UNKNOWN_CLA = 0x6E00


@unique
class Mode(Enum):
    """How one exchange is protected (AN12343 section 6: CommMode)."""

    PLAIN = "plain"
    MAC = "mac"
    FULL = "full"

    @classmethod
    def of_option(cls, option: int) -> Mode:
        """Read the two lowest bits of a file option: 00 and 10 Plain, 01 MAC, 11 Full."""
        return {0b01: cls.MAC, 0b11: cls.FULL}.get(option & 0b11, cls.PLAIN)


class Fault(Exception):
    """A command ends with an error status; the card turns it into an answer."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


class IsoFault(Exception):
    """An APDU ends with an ISO status word; the card turns it into an answer."""

    def __init__(self, status: IsoStatus) -> None:
        super().__init__(status.name)
        self.status = status


def require(condition: bool, status: Status) -> None:
    """Raise Fault with `status` unless the condition holds."""
    if not condition:
        raise Fault(status)
