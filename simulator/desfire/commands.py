"""The table of native commands: which code does what, how long it is, how it is protected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulator.desfire import data, files, level
from simulator.desfire.memory import Right
from simulator.desfire.state import CardState
from simulator.desfire.status import Mode, Status

Run = Callable[[CardState, int, bytes], bytes]

READING = (Right.READ, Right.READ_WRITE)
WRITING = (Right.WRITE, Right.READ_WRITE)
CREDITING = (Right.READ_WRITE,)
PAYING = (Right.READ, Right.WRITE, Right.READ_WRITE)
# A frame of 64 bytes holds 59 of data; GetVersion answers 7, 7 and 14 bytes, with a MAC 22.
FRAME = (59,)
VERSION_FRAMES = (7, 7, 22)
CHAINED_DATA_BYTES_MAX = 4096


def exactly(count: int) -> range:
    """A fixed number of data bytes."""
    return range(count, count + 1)


def between(least: int, most: int) -> range:
    """A number of data bytes between two bounds."""
    return range(least, most + 1)


@dataclass(frozen=True, slots=True)
class Command:
    """One native command.

    `header_bytes` stay in clear when the data is encrypted; `data_bytes` is how much may follow,
    or None when the last 3 header bytes announce it; `iso_fid` adds 2 bytes in applications with
    ISO file identifiers; `mode` is the protection inside a session, None for the file's own;
    any one of the file's `rights` opens it; `frames` cut the answer; `collects` marks codes whose
    command may arrive in several frames.
    """

    run: Run
    header_bytes: int = 0
    data_bytes: range | None = range(1)
    mode: Mode | None = Mode.MAC
    rights: tuple[Right, ...] = ()
    frames: tuple[int, ...] = ()
    status: Status = Status.OK
    iso_fid: bool = False
    collects: bool = False

    def lengths(self, state: CardState, header: bytes) -> range:
        """How many data bytes may follow this header in the selected application."""
        if self.data_bytes is None:
            return exactly(data.number3(header[-3:]))
        extra = files.iso_fid_bytes(state) if self.iso_fid else 0
        return range(self.data_bytes.start + extra, self.data_bytes.stop + extra)


def _read(run: Run, frames: tuple[int, ...] = ()) -> Command:
    return Command(run, 7, mode=None, rights=READING, frames=frames)


def _write(run: Run, rights: tuple[Right, ...], header: int = 7, more: bool = False) -> Command:
    return Command(run, header, None, None, rights, collects=more)


def _value(run: Run, rights: tuple[Right, ...]) -> Command:
    return Command(run, 1, exactly(4), None, rights)


def _create(run: Run, data_bytes: int) -> Command:
    return Command(run, 0, exactly(data_bytes), iso_fid=True)


COMMANDS: dict[int, Command] = {
    # the card and its applications
    0x5A: Command(level.select_application, 3, mode=Mode.PLAIN),
    0x60: Command(level.get_version, frames=VERSION_FRAMES),
    0x6E: Command(level.free_memory),
    0x51: Command(level.get_card_uid, mode=Mode.FULL),
    0x3C: Command(level.read_signature, 1, mode=Mode.FULL, status=Status.SIGNATURE_OK),
    0xCA: Command(level.create_application, 5, between(0, 1 + 2 + 16)),
    0xDA: Command(level.delete_application, 3),
    0x6A: Command(level.get_application_ids),
    0xFC: Command(level.format_picc),
    0x5C: Command(level.set_configuration, 1, between(1, 32), Mode.FULL),
    # keys
    0x45: Command(level.get_key_settings),
    0x54: Command(level.change_key_settings, 0, exactly(1), Mode.FULL),
    0x64: Command(level.get_key_version, 1),
    0xC4: Command(level.change_key, 1, between(16, 21), Mode.FULL),
    # files
    0xCD: _create(files.create_data_file, 7),
    0xCB: _create(files.create_data_file, 7),
    0xCC: Command(files.create_value_file, 0, exactly(17)),
    0xC0: _create(files.create_record_file, 10),
    0xC1: _create(files.create_record_file, 10),
    0xCE: Command(files.create_transaction_mac_file, 5, exactly(17), Mode.FULL),
    0xDF: Command(files.delete_file, 1),
    0x6F: Command(files.get_file_ids),
    0x61: Command(files.get_iso_file_ids),
    0xF5: Command(files.get_file_settings, 1),
    0x5F: Command(files.change_file_settings, 1, between(3, 7), Mode.FULL, rights=(Right.CHANGE,)),
    # contents
    0xAD: _read(data.read_data),
    0xBD: _read(data.read_data, FRAME),
    0x8D: _write(data.write_data, WRITING),
    0x3D: _write(data.write_data, WRITING, more=True),
    0x6C: Command(data.get_value, 1, mode=None, rights=PAYING),
    0x0C: _value(data.credit, CREDITING),
    0xDC: _value(data.debit, PAYING),
    0x1C: _value(data.limited_credit, WRITING),
    0xAB: _read(data.read_records),
    0xBB: _read(data.read_records, FRAME),
    0x8B: _write(data.write_record, WRITING),
    0x3B: _write(data.write_record, WRITING, more=True),
    0xBA: _write(data.update_record, CREDITING, header=10),
    0xDB: _write(data.update_record, CREDITING, header=10, more=True),
    0xEB: Command(data.clear_record_file, 1, rights=WRITING),
    # the transaction
    0xC8: Command(data.commit_reader_id, 0, exactly(16)),
    0xC7: Command(data.commit_transaction, 0, between(0, 1)),
    0xA7: Command(data.abort_transaction),
}
