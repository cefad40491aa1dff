"""What a card keeps without power: its applications, keys and files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum, IntEnum, unique

from simulator.desfire.crypto import ZERO_BLOCK
from simulator.desfire.status import Mode, Status, require

FREE = 0xE
NEVER = 0xF
FILES_MAX = 32
KEYS_MAX = 14
TMC_LIMIT_DEFAULT = 0xFFFFFFFF
TMC_LIMIT_OPTION = 0x20
AID_BYTES = 3
ROOT_AID = bytes(AID_BYTES)
ROOT_DF_NAME = bytes.fromhex("D2760000850100")
ROOT_ISO_FID = bytes.fromhex("3F00")
SIGNATURE_BYTES = 56
MEMORY_BYTES = 4096
MEMORY_SIZE_CODE = 0x18
# What an application and a file cost beside their contents, in round numbers.
APPLICATION_BYTES = 128
FILE_BYTES = 32
KEY_SETTINGS_DEFAULT = 0x0F


@unique
class Model(Enum):
    """Which chip GetVersion shows: hardware type, hardware version, software version."""

    EV2 = (0x01, b"\x12\x00", b"\x02\x00")
    EV3 = (0x01, b"\x33\x00", b"\x03\x00")
    LIGHT = (0x08, b"\x30\x00", b"\x00\x02")

    def hardware_frame(self) -> bytes:
        """First frame of GetVersion, 7 bytes: NXP, type, subtype, version, size, protocol."""
        kind, version, _ = self.value
        return bytes([0x04, kind, 0x01]) + version + bytes([MEMORY_SIZE_CODE, 0x05])

    def software_frame(self) -> bytes:
        """Second frame of GetVersion, 7 bytes."""
        _, _, version = self.value
        return bytes([0x04, 0x01, 0x01]) + version + bytes([MEMORY_SIZE_CODE, 0x05])


@unique
class Right(IntEnum):
    """One of a file's four access rights; the value is its nibble's place on the wire."""

    CHANGE = 0
    READ_WRITE = 4
    WRITE = 8
    READ = 12


@unique
class KeySetting(IntEnum):
    """Bits of KS1, an application's key settings (D40 4.3.2)."""

    MASTER_KEY_CHANGEABLE = 0x01
    FREE_LISTING = 0x02
    FREE_CREATE_DELETE = 0x04
    SETTINGS_CHANGEABLE = 0x08


@unique
class KeyKind(IntEnum):
    """What a key is for; the value stands in bits 6 and 7 of KS2, and of KeyNo at PICC level."""

    DES = 0x00
    AES = 0x80


@dataclass(slots=True)
class Key:
    """One key of 16 bytes and its version byte; of a DES key both halves are the same."""

    value: bytes = field(default=ZERO_BLOCK, repr=False)
    version: int = 0
    kind: KeyKind = KeyKind.AES


@dataclass(slots=True)
class File(ABC):
    """What every file has: an option byte and access rights (2 bytes as on the wire)."""

    option: int
    rights: bytes

    @property
    def mode(self) -> Mode:
        """The file's own CommMode."""
        return Mode.of_option(self.option)

    def key_for(self, right: Right) -> int:
        """Key number that holds a right, or FREE or NEVER (AN12343 table 10)."""
        return int.from_bytes(self.rights, "little") >> right & 0xF

    def settings(self) -> bytes:
        """Answer of GetFileSettings."""
        return bytes([self.type_code, self.option]) + self.rights + self._details()

    def footprint_bytes(self) -> int:
        """Memory that the file takes; only FormatPICC gives it back."""
        return FILE_BYTES

    @property
    @abstractmethod
    def type_code(self) -> int:
        """First byte of GetFileSettings."""

    @abstractmethod
    def _details(self) -> bytes:
        """What GetFileSettings says after type, option and rights."""


@dataclass(slots=True)
class DataFile(File):
    """Standard data, written at once; or backup data, written by the commit."""

    content: bytes
    backed_up: bool = False
    iso_fid: bytes = b""

    @property
    def type_code(self) -> int:
        """00 standard, 01 backup."""
        return 0x01 if self.backed_up else 0x00

    def footprint_bytes(self) -> int:
        """A backup file holds its contents twice."""
        return FILE_BYTES + len(self.content) * (2 if self.backed_up else 1)

    def _details(self) -> bytes:
        return len(self.content).to_bytes(3, "little")


@dataclass(slots=True)
class ValueFile(File):
    """A signed 32-bit value between two limits (D40 4.5.6)."""

    lower: int
    upper: int
    value: int
    flags: int = 0
    limited_credit: int = 0

    @property
    def type_code(self) -> int:
        """02."""
        return 0x02

    @property
    def limited_credit_enabled(self) -> bool:
        """Bit 0 of the creation flags."""
        return bool(self.flags & 0x01)

    @property
    def free_get_value(self) -> bool:
        """Bit 1 of the creation flags."""
        return bool(self.flags & 0x02)

    def _details(self) -> bytes:
        limits = signed4(self.lower) + signed4(self.upper)
        return limits + signed4(self.limited_credit) + bytes([self.flags])


@dataclass(slots=True)
class RecordFile(File):
    """Records of one size, oldest first; cyclic files drop the oldest, linear ones fill up."""

    record_bytes: int
    records_max: int
    cyclic: bool
    records: tuple[bytes, ...] = ()
    iso_fid: bytes = b""

    @property
    def type_code(self) -> int:
        """03 linear, 04 cyclic."""
        return 0x04 if self.cyclic else 0x03

    @property
    def readable_max(self) -> int:
        """A cyclic file keeps one record as the spare that makes its commit atomic."""
        return self.records_max - 1 if self.cyclic else self.records_max

    def footprint_bytes(self) -> int:
        """Every record has its place from the start."""
        return FILE_BYTES + self.record_bytes * self.records_max

    def _details(self) -> bytes:
        counts = (self.record_bytes, self.records_max, len(self.records))
        return b"".join(count.to_bytes(3, "little") for count in counts)


@dataclass(slots=True)
class TmacFile(File):
    """Transaction MAC: its key, and counter, MAC and ReaderID of the last transaction."""

    key: Key
    tmc: int = 0
    tmv: bytes = bytes(8)
    reader_id: bytes = ZERO_BLOCK
    tmc_limit: int = TMC_LIMIT_DEFAULT
    shows_limit: bool = False

    @property
    def type_code(self) -> int:
        """05."""
        return 0x05

    @property
    def content(self) -> bytes:
        """The 12 bytes that ReadData gives: TMC (LSB first) and TMV."""
        return self.tmc.to_bytes(4, "little") + self.tmv

    @property
    def exhausted(self) -> bool:
        """The counter stands at its limit: no data command is served any more."""
        return self.tmc >= self.tmc_limit

    def _details(self) -> bytes:
        limit = self.tmc_limit.to_bytes(4, "little") if self.shows_limit else b""
        return bytes([0x02, self.key.version]) + limit


@dataclass(slots=True)
class Application:
    """Keys and files under one AID (3 bytes, MSB first); the card's root is one without files."""

    aid: bytes
    key_settings: int
    keys: list[Key]
    iso_fids: bool = False
    iso_fid: bytes = b""
    df_name: bytes = b""
    delete_with_master_key: bool = False
    files: dict[int, File] = field(default_factory=dict)
    tmc_last: int = 0

    @property
    def is_root(self) -> bool:
        """Whether this is the PICC level."""
        return self.aid == ROOT_AID

    @property
    def tmac(self) -> TmacFile | None:
        """The application's one Transaction MAC file."""
        files = self.files.values()
        return next((file for file in files if isinstance(file, TmacFile)), None)

    def allows(self, setting: KeySetting) -> bool:
        """Whether a bit of the key settings is set."""
        return bool(self.key_settings & setting)

    def key(self, number: int) -> Key:
        """Raises Fault NO_SUCH_KEY."""
        require(number < len(self.keys), Status.NO_SUCH_KEY)
        return self.keys[number]


@dataclass(slots=True)
class Memory:
    """Everything that survives the loss of the field."""

    uid: bytes
    model: Model
    root: Application
    applications: dict[bytes, Application] = field(default_factory=dict)
    configuration: dict[int, bytes] = field(default_factory=dict)
    default_key: Key = field(default_factory=Key)
    signature: bytes = bytes(SIGNATURE_BYTES)
    used_bytes: int = 0

    @classmethod
    def blank(cls, uid: bytes, model: Model, kind: KeyKind) -> Memory:
        """A chip without applications, whose PICC master key is all zero and of this kind."""
        root = Application(ROOT_AID, KEY_SETTINGS_DEFAULT, [Key(kind=kind)], df_name=ROOT_DF_NAME)
        root.iso_fid = ROOT_ISO_FID
        return cls(uid, model, root)

    @property
    def free_bytes(self) -> int:
        """What FreeMem answers."""
        return MEMORY_BYTES - self.used_bytes

    @property
    def format_disabled(self) -> bool:
        """Bit 0 of the one-way flags of SetConfiguration 00."""
        return bool(self.configuration.get(0x00, b"\x00")[0] & 0x01)

    def take(self, size: int) -> None:
        """Use memory; raises Fault OUT_OF_MEMORY."""
        require(size <= self.free_bytes, Status.OUT_OF_MEMORY)
        self.used_bytes += size

    def by_df_name(self, name: bytes) -> Application | None:
        """Find an application, or the root, by its ISO name."""
        return next((app for app in self._all() if app.df_name and app.df_name == name), None)

    def by_iso_fid(self, fid: bytes) -> Application | None:
        """Find an application, or the root, by its 2-byte ISO file identifier (MSB first)."""
        return next((app for app in self._all() if app.iso_fid and app.iso_fid == fid), None)

    def _all(self) -> list[Application]:
        return [self.root, *self.applications.values()]


def signed4(number: int) -> bytes:
    """A signed 32-bit number as on the wire, LSB first."""
    return number.to_bytes(4, "little", signed=True)
