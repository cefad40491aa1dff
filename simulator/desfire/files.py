"""Commands that make, list, set and delete files of the selected application."""

from __future__ import annotations

from simulator.desfire.crypto import BLOCK
from simulator.desfire.data import number3
from simulator.desfire.memory import (
    FILES_MAX,
    FREE,
    NEVER,
    TMC_LIMIT_OPTION,
    DataFile,
    File,
    Key,
    KeySetting,
    RecordFile,
    Right,
    TmacFile,
    ValueFile,
)
from simulator.desfire.state import CardState
from simulator.desfire.status import Fault, Status, require

INS_CREATE_BACKUP, INS_CREATE_CYCLIC = 0xCB, 0xC0
ISO_FID_BYTES = 2
COMM_MODE_MASK = 0b11
TMAC_AES = 0x02


def iso_fid_bytes(state: CardState) -> int:
    """Length of the ISO file identifier in Create commands: data and record files only."""
    return ISO_FID_BYTES if state.app.iso_fids else 0


def create_data_file(state: CardState, ins: int, body: bytes) -> bytes:
    """CreateStdDataFile CD and CreateBackupDataFile CB: size in 3 bytes."""
    fid, common = _split_iso_fid(state, body)
    option, rights, size = _common(common[:4]), common[2:4], number3(common[4:])
    require(size > 0, Status.PARAMETER_ERROR)
    require(size <= state.memory.free_bytes, Status.OUT_OF_MEMORY)
    backed_up = ins == INS_CREATE_BACKUP
    return _create(state, body[0], DataFile(option, rights, bytes(size), backed_up, fid))


def create_record_file(state: CardState, ins: int, body: bytes) -> bytes:
    """CreateLinearRecordFile C1 and CreateCyclicRecordFile C0: record size and count."""
    fid, common = _split_iso_fid(state, body)
    option, rights = _common(common[:4]), common[2:4]
    record_bytes, records_max = number3(common[4:]), number3(common[7:])
    cyclic = ins == INS_CREATE_CYCLIC
    require(record_bytes > 0 and records_max > int(cyclic), Status.PARAMETER_ERROR)
    file = RecordFile(option, rights, record_bytes, records_max, cyclic, iso_fid=fid)
    return _create(state, body[0], file)


def create_value_file(state: CardState, _ins: int, body: bytes) -> bytes:
    """CreateValueFile CC: two limits, a value, the flags for LimitedCredit and free GetValue."""
    lower, upper, value = (
        int.from_bytes(body[start : start + 4], "little", signed=True) for start in (4, 8, 12)
    )
    require(lower <= value <= upper and body[16] <= 0x03, Status.PARAMETER_ERROR)
    file = ValueFile(_common(body[:4]), body[2:4], lower, upper, value, body[16])
    return _create(state, body[0], file)


def create_transaction_mac_file(state: CardState, _ins: int, body: bytes) -> bytes:
    """CreateTransactionMACFile CE: needs the master key, because the MAC key travels in it."""
    state.require_key(0)
    option, rights = _common(body[:4]), body[2:4]
    require(body[4] == TMAC_AES, Status.PARAMETER_ERROR)
    require(state.app.tmac is None, Status.DUPLICATE)
    file = TmacFile(option, rights, Key(body[5 : 5 + BLOCK], body[5 + BLOCK]))
    require(file.key_for(Right.WRITE) == NEVER, Status.PARAMETER_ERROR)
    file.shows_limit = state.behaviour.tmac_settings_show_limit
    file.tmc = 0 if state.behaviour.recreated_tmac_restarts else state.app.tmc_last
    return _create(state, body[0], file)


def delete_file(state: CardState, _ins: int, body: bytes) -> bytes:
    """DeleteFile DF: what the running transaction planned for the file is gone too."""
    file = state.file(body[0])
    state.require_master_key_unless(KeySetting.FREE_CREATE_DELETE)
    if isinstance(file, TmacFile):
        state.app.tmc_last = file.tmc
    state.transaction.shadow.pop(body[0], None)
    state.transaction.appended.discard(body[0])
    state.transaction.debited.pop(body[0], None)
    del state.app.files[body[0]]
    return b""


def get_file_ids(state: CardState, _ins: int, _body: bytes) -> bytes:
    """GetFileIDs 6F."""
    state.require_application()
    state.require_master_key_unless(KeySetting.FREE_LISTING)
    return bytes(sorted(state.app.files))


def get_iso_file_ids(state: CardState, _ins: int, _body: bytes) -> bytes:
    """GetISOFileIDs 61: LSB first."""
    state.require_application()
    state.require_master_key_unless(KeySetting.FREE_LISTING)
    return b"".join(
        file.iso_fid
        for _, file in sorted(state.app.files.items())
        if isinstance(file, DataFile | RecordFile)
    )


def get_file_settings(state: CardState, _ins: int, body: bytes) -> bytes:
    """GetFileSettings F5."""
    state.require_master_key_unless(KeySetting.FREE_LISTING)
    return state.file(body[0]).settings()


def change_file_settings(state: CardState, _ins: int, body: bytes) -> bytes:
    """ChangeFileSettings 5F: option and rights; for a TMAC file also its counter's limit."""
    file, option, rights, rest = state.file(body[0]), body[1], body[2:4], body[4:]
    limited = isinstance(file, TmacFile) and bool(option & TMC_LIMIT_OPTION)
    require(len(rest) == (4 if limited else 0), Status.LENGTH_ERROR)
    if isinstance(file, TmacFile):
        require(rights[1] & 0x0F == NEVER, Status.PARAMETER_ERROR)
        option &= ~TMC_LIMIT_OPTION
    require(option <= COMM_MODE_MASK, Status.PARAMETER_ERROR)
    if isinstance(file, TmacFile) and limited:
        limit = int.from_bytes(rest, "little")
        require(limit > file.tmc, Status.PARAMETER_ERROR)
        file.tmc_limit, file.shows_limit = limit, True
    file.option, file.rights = option, rights
    return b""


def _split_iso_fid(state: CardState, body: bytes) -> tuple[bytes, bytes]:
    """Take the ISO file identifier (kept as on the wire) out of a Create command."""
    size = iso_fid_bytes(state)
    return body[1 : 1 + size], body[:1] + body[1 + size :]


def _common(common: bytes) -> int:
    """Check number, option and rights, and return the option.

    Additional access rights and secure dynamic messaging (b7, b6) are not modelled.
    """
    require(common[0] < FILES_MAX and common[1] <= COMM_MODE_MASK, Status.PARAMETER_ERROR)
    return common[1]


def _create(state: CardState, number: int, file: File) -> bytes:
    state.require_application()
    state.require_master_key_unless(KeySetting.FREE_CREATE_DELETE)
    _require_keys_exist(state, file)
    require(number not in state.app.files, Status.DUPLICATE)
    if isinstance(file, DataFile | RecordFile) and file.iso_fid:
        others = (other for other in state.app.files.values())
        taken = {o.iso_fid for o in others if isinstance(o, DataFile | RecordFile)}
        require(file.iso_fid not in taken, Status.DUPLICATE)
    state.memory.take(file.footprint_bytes())
    state.app.files[number] = file
    return b""


def _require_keys_exist(state: CardState, file: File) -> None:
    """Raises Fault PARAMETER_ERROR for rights that name a key the application lacks."""
    for right in Right:
        key_no = file.key_for(right)
        if key_no not in (FREE, NEVER) and key_no >= len(state.app.keys):
            raise Fault(Status.PARAMETER_ERROR)
