"""Native DESFire commands and their status words, as an ISO 7816-4 APDU wraps them.

Every refusal of a card is an exception of its own, so that callers catch facts, not numbers:

CardRefused
└── StatusRefused             any error status; `.ins` and `.status` say which
    ├── NoChanges             0C  commit or abort had nothing to do
    ├── OutOfMemory           0E
    ├── CommandUnknown        1C
    ├── IntegrityRefused      1E  the card found our MAC or padding wrong
    ├── KeyNotFound           40
    ├── LengthRefused         7E  also: a command without the MAC that the session demands
    ├── PermissionDenied      9D  authenticated, but with a key that lacks the right
    ├── ParameterRefused      9E
    ├── ApplicationNotFound   A0, 6A82
    ├── AuthenticationRefused AE  the wrong key, or no session where one is needed
    ├── BoundaryExceeded      BE  a limit of the value file, or the end of a file
    ├── AlreadyExists         DE
    ├── FileNotFound          F0
    ├── MemoryFailed          EE, F1, A1, C1, CD  the card is worn out or damaged
    └── ApplicationExhausted  6283  TMCLimit is reached
"""

from __future__ import annotations

from enum import IntEnum, unique

from cardkit.errors import CardRefused, must

ISO_SELECT = 0xA4

_NATIVE_CLA = 0x90
_PAYLOAD_BYTES_MAX = 255


@unique
class Ins(IntEnum):
    """Command bytes; data commands are those with ISO 14443-4 chaining, as in AN12343."""

    DEBIT = 0xDC
    GET_VALUE = 0x6C
    READ_DATA = 0xAD
    WRITE_DATA = 0x8D
    READ_RECORDS = 0xAB
    WRITE_RECORD = 0x8B
    COMMIT_READER_ID = 0xC8
    COMMIT_TRANSACTION = 0xC7
    ABORT_TRANSACTION = 0xA7

    SELECT_APPLICATION = 0x5A
    AUTHENTICATE_LEGACY = 0x0A
    AUTHENTICATE_EV2_FIRST = 0x71
    ADDITIONAL_FRAME = 0xAF

    GET_VERSION = 0x60
    GET_CARD_UID = 0x51
    READ_SIG = 0x3C
    FREE_MEM = 0x6E
    GET_APPLICATION_IDS = 0x6A
    GET_FILE_IDS = 0x6F
    GET_FILE_SETTINGS = 0xF5
    GET_KEY_VERSION = 0x64
    GET_KEY_SETTINGS = 0x45

    CREATE_APPLICATION = 0xCA
    CREATE_STD_DATA_FILE = 0xCD
    CREATE_VALUE_FILE = 0xCC
    CREATE_CYCLIC_RECORD_FILE = 0xC0
    CREATE_TRANSACTION_MAC_FILE = 0xCE
    CHANGE_KEY = 0xC4
    CHANGE_KEY_SETTINGS = 0x54
    CHANGE_FILE_SETTINGS = 0x5F
    SET_CONFIGURATION = 0x5C
    FORMAT_PICC = 0xFC


KEY_CARRYING = frozenset({Ins.CHANGE_KEY, Ins.CREATE_TRANSACTION_MAC_FILE})
"""Commands whose ciphertext is never logged: a blank card's session key is no secret."""


@unique
class StatusWord(IntEnum):
    """Status words that have a name; a card may answer others."""

    ISO_OK = 0x9000
    ISO_DEACTIVATED = 0x6283
    ISO_NOT_FOUND = 0x6A82
    OK = 0x9100
    PROXIMITY_CHECK = 0x910B
    NO_CHANGES = 0x910C
    OUT_OF_MEMORY = 0x910E
    ILLEGAL_COMMAND = 0x911C
    INTEGRITY_ERROR = 0x911E
    NO_SUCH_KEY = 0x9140
    LENGTH_ERROR = 0x917E
    SIGNATURE_OK = 0x9190
    PERMISSION_DENIED = 0x919D
    PARAMETER_ERROR = 0x919E
    APPLICATION_NOT_FOUND = 0x91A0
    APPLICATION_INTEGRITY_ERROR = 0x91A1
    AUTHENTICATION_ERROR = 0x91AE
    ADDITIONAL_FRAME = 0x91AF
    BOUNDARY_ERROR = 0x91BE
    PICC_INTEGRITY_ERROR = 0x91C1
    COMMAND_ABORTED = 0x91CA
    PICC_DISABLED = 0x91CD
    COUNT_ERROR = 0x91CE
    DUPLICATE = 0x91DE
    MEMORY_ERROR = 0x91EE
    FILE_NOT_FOUND = 0x91F0
    FILE_INTEGRITY_ERROR = 0x91F1


class StatusRefused(CardRefused):
    """The card answered command `ins` with the error `status`, a 16-bit status word."""

    def __init__(self, ins: int, status: int) -> None:
        super().__init__(f"{_name(Ins, ins, 2)} refused with {_name(StatusWord, status, 4)}")
        self.ins = ins
        self.status = status


class NoChanges(StatusRefused):
    """There was nothing to commit or to abort."""


class OutOfMemory(StatusRefused):
    """The card's memory is full."""


class CommandUnknown(StatusRefused):
    """The card does not know this command, or not in this state."""


class IntegrityRefused(StatusRefused):
    """The card found our MAC, padding or CRC wrong."""


class KeyNotFound(StatusRefused):
    """The application has no key with this number."""


class LengthRefused(StatusRefused):
    """The command's length is wrong, or it lacked the MAC that the session demands."""


class PermissionDenied(StatusRefused):
    """The session's key does not give the right to do this."""


class ParameterRefused(StatusRefused):
    """A parameter has a value that the card does not take."""


class ApplicationNotFound(StatusRefused):
    """The card carries no such application."""


class AuthenticationRefused(StatusRefused):
    """Our key is wrong, or there is no session where one is needed."""


class BoundaryExceeded(StatusRefused):
    """A limit of the value file, or the end of a file."""


class AlreadyExists(StatusRefused):
    """An application or file of this number is already there."""


class FileNotFound(StatusRefused):
    """The application has no file with this number."""


class MemoryFailed(StatusRefused):
    """The card reports damaged memory: it has to be replaced."""


class ApplicationExhausted(StatusRefused):
    """The transaction counter reached its limit: the card has to be replaced."""


_REFUSALS: dict[int, type[StatusRefused]] = {
    StatusWord.NO_CHANGES: NoChanges,
    StatusWord.OUT_OF_MEMORY: OutOfMemory,
    StatusWord.ILLEGAL_COMMAND: CommandUnknown,
    StatusWord.INTEGRITY_ERROR: IntegrityRefused,
    StatusWord.NO_SUCH_KEY: KeyNotFound,
    StatusWord.LENGTH_ERROR: LengthRefused,
    StatusWord.PERMISSION_DENIED: PermissionDenied,
    StatusWord.PARAMETER_ERROR: ParameterRefused,
    StatusWord.APPLICATION_NOT_FOUND: ApplicationNotFound,
    StatusWord.ISO_NOT_FOUND: ApplicationNotFound,
    StatusWord.AUTHENTICATION_ERROR: AuthenticationRefused,
    StatusWord.BOUNDARY_ERROR: BoundaryExceeded,
    StatusWord.DUPLICATE: AlreadyExists,
    StatusWord.FILE_NOT_FOUND: FileNotFound,
    StatusWord.MEMORY_ERROR: MemoryFailed,
    StatusWord.FILE_INTEGRITY_ERROR: MemoryFailed,
    StatusWord.APPLICATION_INTEGRITY_ERROR: MemoryFailed,
    StatusWord.PICC_INTEGRITY_ERROR: MemoryFailed,
    StatusWord.PICC_DISABLED: MemoryFailed,
    StatusWord.ISO_DEACTIVATED: ApplicationExhausted,
}


def refusal(ins: int, status: int) -> StatusRefused:
    """The exception that names an error status."""
    return _REFUSALS.get(status, StatusRefused)(ins, status)


def native(ins: int, payload: bytes = b"") -> bytes:
    """A wrapped native command: 90 INS 00 00 [Lc payload] 00, as in every trace of AN12343."""
    must(len(payload) <= _PAYLOAD_BYTES_MAX, "a short APDU carries 255 bytes at most")
    length = bytes([len(payload)]) if payload else b""
    return bytes([_NATIVE_CLA, ins, 0, 0]) + length + payload + b"\x00"


def iso_select(df_name: bytes) -> bytes:
    """ISOSelectFile by DF name, without FCI: 00 A4 04 0C Lc name 00 (AN12343 table 7)."""
    return bytes([0x00, ISO_SELECT, 0x04, 0x0C, len(df_name)]) + df_name + b"\x00"


def _name(names: type[IntEnum], value: int, digits: int) -> str:
    label = f" {names(value).name}" if value in set(names) else ""
    return f"{value:0{digits}X}{label}"
