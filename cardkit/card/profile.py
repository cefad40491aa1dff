"""What a card profile is: every number that a purse application on a card consists of, as data."""

from __future__ import annotations

from enum import Enum, unique

from cardkit.card.apdu import Ins
from cardkit.card.files import CyclicRecords, FileSettings
from cardkit.card.secure import CommMode
from cardkit.errors import Bug
from cardkit.frozen import dataclass


@unique
class ClearBy(Enum):
    """How a transaction is emptied of what was read before the sale."""

    REAUTHENTICATE = "AuthenticateEV2First: certain to start a new transaction"
    ABORT = "AbortTransaction: one exchange less, its status with only reads pending is not settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFile:
    """One file of the application; value and TMAC files have no ISO file identifier."""

    number: int
    settings: FileSettings
    iso_fid: int | None = None

    @property
    def mode(self) -> CommMode:
        """How its data commands are protected."""
        return self.settings.access.mode


@dataclass(frozen=True, slots=True, kw_only=True)
class CardProfile:
    """One kind of purse card.

    `aid` is written most significant byte first, as AN10922 takes it; on the wire it is reversed.
    `sale_tmi` and `birth_tmi` name, in order, the commands of a committed transaction that leave
    their mark in its Transaction MAC Input; GetValue is in both, or in neither.
    """

    name: str
    df_name: bytes
    aid: bytes
    iso_fid: int
    keys: int
    app_master_key_no: int
    terminal_key_no: int
    picc_flags: int
    picc_key_settings: int
    building_key_settings: int
    closed_key_settings: int
    initial_value: int
    value: CardFile
    records: CardFile
    slots: tuple[CardFile, CardFile]
    tmac: CardFile
    sale_tmi: tuple[Ins, ...]
    birth_tmi: tuple[Ins, ...]
    clear_by: ClearBy

    @property
    def files(self) -> tuple[CardFile, ...]:
        """Every file of the application."""
        return (*self.slots, self.records, self.value, self.tmac)

    @property
    def record_bytes(self) -> int:
        """The size of one sale record."""
        return self._records.record_bytes

    @property
    def records_readable(self) -> int:
        """How many sale records the card keeps."""
        return self._records.records_max - 1

    @property
    def _records(self) -> CyclicRecords:
        shape = self.records.settings.shape
        if not isinstance(shape, CyclicRecords):
            raise Bug("sales are kept in a cyclic record file")
        return shape
