"""Commands on the contents of files, and the end of a transaction (AN12343 sections 8 to 10)."""

from __future__ import annotations

from simulator.desfire.memory import (
    FREE,
    NEVER,
    DataFile,
    RecordFile,
    Right,
    TmacFile,
    ValueFile,
    signed4,
)
from simulator.desfire.state import CardState
from simulator.desfire.status import Fault, Status, require
from simulator.desfire.transaction import Transaction

VALUE_MAX = 0x7FFFFFFF
COMMIT_WITH_TMAC = 0x01


def number3(data: bytes) -> int:
    """A 3-byte number of the wire, LSB first."""
    return int.from_bytes(data[:3], "little")


def read_data(state: CardState, ins: int, body: bytes) -> bytes:
    """ReadData AD/BD: file, offset, length (0: to the end). Reading the TMAC file leaves no TMI."""
    file = state.file(body[0])
    if not isinstance(file, DataFile | TmacFile):
        raise Fault(Status.PARAMETER_ERROR)
    offset, length = number3(body[1:]), number3(body[4:])
    length = length or len(file.content) - offset
    require(0 < length <= len(file.content) - offset, Status.BOUNDARY_ERROR)
    data = file.content[offset : offset + length]
    if isinstance(file, DataFile):
        state.note_read(bytes([ins]) + body[:4] + length.to_bytes(3, "little"), data)
    return data


def write_data(state: CardState, ins: int, body: bytes) -> bytes:
    """WriteData 8D/3D: standard files change at once, backup files with the commit."""
    file = state.file_of(body[0], DataFile)
    offset, data = number3(body[1:]), body[7:]
    require(bool(data), Status.PARAMETER_ERROR)
    require(offset + len(data) <= len(file.content), Status.BOUNDARY_ERROR)
    if file.backed_up:
        shadow = state.transaction.shadow_of(body[0], file)
        shadow.content = _patched(shadow.content, offset, data)
    else:
        stored = data[: state.cut_write_after_bytes]
        file.content = _patched(file.content, offset, stored)
        state.powered = state.cut_write_after_bytes is None
    state.note(bytes([ins]) + body[:7], data)
    return b""


def get_value(state: CardState, ins: int, body: bytes) -> bytes:
    """GetValue 6C: the committed value, whatever this transaction has changed (D40 4.6.3)."""
    answer = signed4(state.file_of(body[0], ValueFile).value)
    state.note_read(*state.amount_parts(bytes([ins]) + body, answer))
    return answer


def credit(state: CardState, ins: int, body: bytes) -> bytes:
    """Credit 0C."""
    shadow, amount = _value_shadow(state, body)
    _change(shadow, amount)
    _note_amount(state, ins, body)
    return b""


def debit(state: CardState, ins: int, body: bytes) -> bytes:
    """Debit DC."""
    shadow, amount = _value_shadow(state, body)
    _change(shadow, -amount)
    debited = state.transaction.debited
    debited[body[0]] = debited.get(body[0], 0) + amount
    _note_amount(state, ins, body)
    return b""


def limited_credit(state: CardState, ins: int, body: bytes) -> bytes:
    """LimitedCredit 1C: once, and at most what the last transaction with a Debit took."""
    file = state.file_of(body[0], ValueFile)
    require(file.limited_credit_enabled, Status.PERMISSION_DENIED)
    shadow, amount = _value_shadow(state, body)
    require(amount <= shadow.limited_credit, Status.BOUNDARY_ERROR)
    _change(shadow, amount)
    shadow.limited_credit = 0
    state.transaction.recredited.add(body[0])
    _note_amount(state, ins, body)
    return b""


def read_records(state: CardState, ins: int, body: bytes) -> bytes:
    """ReadRecords AB/BB: from the newest wanted (0 the newest of all), count (0: all the rest)."""
    file = state.file_of(body[0], RecordFile)
    newest, count = number3(body[1:]), number3(body[4:])
    available = len(file.records) - newest
    count = count or available
    require(0 < count <= available, Status.BOUNDARY_ERROR)
    data = b"".join(file.records[available - count : available])
    state.note_read(bytes([ins]) + body[:4] + count.to_bytes(3, "little"), data)
    return data


def write_record(state: CardState, ins: int, body: bytes) -> bytes:
    """WriteRecord 8B/3B: the one new record of this transaction, written again if repeated."""
    number, offset, data = body[0], number3(body[1:]), body[7:]
    file = state.file_of(number, RecordFile)
    require(bool(data), Status.PARAMETER_ERROR)
    require(offset + len(data) <= file.record_bytes, Status.BOUNDARY_ERROR)
    shadow = state.transaction.shadow_of(number, file)
    if number not in state.transaction.appended:
        full = not file.cyclic and len(shadow.records) == file.records_max
        require(not full, Status.BOUNDARY_ERROR)
        shadow.records += (bytes(file.record_bytes),)
        state.transaction.appended.add(number)
    *older, newest = shadow.records
    shadow.records = (*older, _patched(newest, offset, data))
    state.note(bytes([ins]) + body[:7], data)
    return b""


def update_record(state: CardState, ins: int, body: bytes) -> bytes:
    """UpdateRecord BA/DB: change a committed record (0 the newest) with the next commit."""
    number, record_no, offset, data = body[0], number3(body[1:]), number3(body[4:]), body[10:]
    file = state.file_of(number, RecordFile)
    require(bool(data), Status.PARAMETER_ERROR)
    require(offset + len(data) <= file.record_bytes, Status.BOUNDARY_ERROR)
    shadow = state.transaction.shadow_of(number, file)
    index = len(shadow.records) - 1 - record_no - (number in state.transaction.appended)
    require(index >= 0, Status.BOUNDARY_ERROR)
    records = list(shadow.records)
    records[index] = _patched(records[index], offset, data)
    shadow.records = tuple(records)
    state.note(bytes([ins]) + body[:10], data)
    return b""


def clear_record_file(state: CardState, ins: int, body: bytes) -> bytes:
    """ClearRecordFile EB: empty with the next commit."""
    file = state.file_of(body[0], RecordFile)
    state.transaction.shadow_of(body[0], file).records = ()
    state.transaction.appended.discard(body[0])
    state.note(bytes([ins]) + body)
    return b""


def commit_reader_id(state: CardState, ins: int, body: bytes) -> bytes:
    """CommitReaderID C8: who transacts; answers who did before, encrypted for the key's holder."""
    tmac = state.reader_id_file()
    holder = tmac.key_for(Right.READ_WRITE)
    require(holder != NEVER and state.transaction.tmri is None, Status.PERMISSION_DENIED)
    if holder != FREE:
        state.require_key(holder)
    state.transaction.tmri = body
    encrypted = holder != FREE or state.behaviour.free_reader_id_is_encrypted
    if state.session is None or not encrypted:
        state.note(bytes([ins]) + body)
        return b""
    answer = state.transaction.encrypted_reader_id(tmac, state.memory.uid)
    state.transaction.enc_tmri = answer
    state.note(bytes([ins]) + body + (answer if state.behaviour.last_reader_enters_tmi else b""))
    return answer


def commit_transaction(state: CardState, _ins: int, body: bytes) -> bytes:
    """CommitTransaction C7: option 01 answers TMC (LSB first) and TMV of this transaction."""
    state.require_application()
    transaction, tmac = state.transaction, state.app.tmac
    wants_tmac = bool(body) and bool(body[0] & COMMIT_WITH_TMAC)
    require(not wants_tmac or tmac is not None, Status.PARAMETER_ERROR)
    pending = transaction.tmi if tmac else transaction.shadow
    require(bool(pending), Status.NO_CHANGES)
    if tmac is not None:
        named = tmac.key_for(Right.READ_WRITE) == NEVER or transaction.tmri is not None
        require(named, state.behaviour.commit_without_reader_id)
        require(not tmac.exhausted, Status.PERMISSION_DENIED)
    committed = transaction.commit(
        state.app,
        state.memory.uid,
        key_no=state.session.key_no if state.session else None,
        mixed_renews=state.behaviour.mixed_transaction_renews,
    )
    state.history.append(committed)
    state.transaction = Transaction()
    return tmac.content if wants_tmac and tmac is not None else b""


def abort_transaction(state: CardState, _ins: int, _body: bytes) -> bytes:
    """AbortTransaction A7: shadow and TMI are gone, the session stays."""
    state.require_application()
    transaction, state.transaction = state.transaction, Transaction()
    if not transaction.shadow:
        nothing = not transaction.tmi
        status = Status.NO_CHANGES if nothing else state.behaviour.abort_with_reads_only
        require(status is Status.OK, status)
    return b""


def _note_amount(state: CardState, ins: int, body: bytes) -> None:
    state.note(*state.amount_parts(bytes([ins]) + body[:1], body[1:]))


def _value_shadow(state: CardState, body: bytes) -> tuple[ValueFile, int]:
    file = state.file_of(body[0], ValueFile)
    amount = int.from_bytes(body[1:5], "little")
    require(amount <= VALUE_MAX, Status.PARAMETER_ERROR)
    return state.transaction.shadow_of(body[0], file), amount


def _change(shadow: ValueFile, amount: int) -> None:
    """Move a shadow value; the lower limit guards debits, the upper one credits (D40 4.5.6)."""
    value = shadow.value + amount
    within = value >= shadow.lower if amount < 0 else value <= shadow.upper
    require(within, Status.BOUNDARY_ERROR)
    shadow.value = value


def _patched(content: bytes, offset: int, data: bytes) -> bytes:
    return content[:offset] + data + content[offset + len(data) :]
