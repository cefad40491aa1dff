"""Questions about the Transaction MAC Input: which form of each command gives the card's value."""

from __future__ import annotations

from cardkit.card.apdu import StatusWord
from provisioning.bench.answers import Answer, Question, Said
from provisioning.bench.bench import Bench
from provisioning.bench.host import Cmd
from provisioning.bench.specimen import (
    DATA_FILE,
    ODD_RECORD_BYTES,
    ODD_RECORDS_FILE,
    RECORD_BYTES,
    RECORDS_FILE,
    TMAC_KEY,
)
from provisioning.bench.tmi import (
    READER_FORM,
    Committed,
    Trace,
    content,
    either_command,
    found,
)

_CENTS = 250
_READ_BYTES = 20


def debit(bench: Bench) -> Answer:
    """A committed Debit."""
    bench.open()
    trace = bench.change(Cmd.DEBIT, _CENTS)
    return _form(bench, Question.DEBIT, Said.ONE_BLOCK, trace, bench.commit())


def credit(bench: Bench) -> Answer:
    """A committed Credit."""
    bench.open()
    trace = bench.change(Cmd.CREDIT, _CENTS)
    return _form(bench, Question.CREDIT, Said.ONE_BLOCK, trace, bench.commit())


def limited_credit(bench: Bench) -> Answer:
    """A committed LimitedCredit, after a Debit that allows it."""
    bench.allow_limited_credit(_CENTS)
    bench.open()
    trace = bench.change(Cmd.LIMITED_CREDIT, _CENTS)
    return _form(bench, Question.LIMITED_CREDIT, Said.ONE_BLOCK, trace, bench.commit())


def get_value(bench: Bench) -> Answer:
    """A committed transaction that did nothing but ask the value."""
    bench.open()
    _, trace = bench.value()
    return _form(bench, Question.GET_VALUE, Said.ONE_BLOCK, trace, bench.commit())


def record_command(bench: Bench) -> Answer:
    """3Bh writes a record as 8Bh does; one of the two bytes is in the input."""
    record = bytes(range(1, RECORD_BYTES + 1))
    bench.open()
    header = bench.write_record(Cmd.WRITE_RECORD_NATIVE, RECORDS_FILE, record)
    trace = either_command(Cmd.WRITE_RECORD_NATIVE, Cmd.WRITE_RECORD, header, record)
    expected = f"{Cmd.WRITE_RECORD_NATIVE:02X}"
    return _named(bench, Question.RECORD_COMMAND, expected, trace, bench.commit())


def record_fill(bench: Bench) -> Answer:
    """A record whose size is no multiple of 16."""
    record = bytes(range(1, ODD_RECORD_BYTES + 1))
    bench.open()
    header = bench.write_record(Cmd.WRITE_RECORD, ODD_RECORDS_FILE, record)
    trace = content(bytes([Cmd.WRITE_RECORD]) + header, record)
    return _form(bench, Question.RECORD_FILL, Said.EACH_FILLED, trace, bench.commit())


def read_data(bench: Bench) -> Answer:
    """20 bytes of a data file; they are not zero, so that padding and data are told apart."""
    data = bytes(range(1, _READ_BYTES + 1))
    header = bytes([DATA_FILE]) + bytes(3) + _READ_BYTES.to_bytes(3, "little")
    bench.open()
    bench.host.demand(Cmd.WRITE_DATA, header, data)
    bench.open()
    read = bench.host.demand(Cmd.READ_DATA, header)
    trace = content(bytes([Cmd.READ_DATA]) + header, read)
    return _form(bench, Question.READ_DATA, Said.EACH_FILLED, trace, bench.commit())


def read_records(bench: Bench) -> Answer:
    """The newest record of 20 bytes, which is written first."""
    bench.open()
    bench.write_record(Cmd.WRITE_RECORD, ODD_RECORDS_FILE, bytes(range(1, ODD_RECORD_BYTES + 1)))
    bench.commit()
    bench.open()
    header = bytes([ODD_RECORDS_FILE]) + bytes(3) + (1).to_bytes(3, "little")
    read = bench.host.demand(Cmd.READ_RECORDS, header)
    trace = content(bytes([Cmd.READ_RECORDS]) + header, read)
    return _form(bench, Question.READ_RECORDS, Said.EACH_FILLED, trace, bench.commit())


def abort_clears(bench: Bench) -> Answer:
    """GetValue, abort, Debit, commit; the GetValue is in the value, or is not."""
    bench.open()
    _, read = bench.value()
    aborted = bench.host.send(Cmd.ABORT_TRANSACTION)
    evidence = [f"abort after GetValue: {aborted.code}"]
    if aborted.status not in (StatusWord.OK, StatusWord.NO_CHANGES):
        bench.open()
    elif not bench.host.send(Cmd.GET_KEY_VERSION, b"\x01").ok:
        evidence.append("the session was over, a new one begins a new transaction anyway")
        bench.open()
    debited = bench.change(Cmd.DEBIT, _CENTS)
    committed = bench.commit()
    cleared = found([debited], committed, key=TMAC_KEY, uid=bench.uid)
    kept = found([read, debited], committed, key=TMAC_KEY, uid=bench.uid)
    value = Said.YES if cleared else Said.NO if kept else Said.UNKNOWN_FORM
    return Answer(
        question=Question.ABORT_CLEARS,
        value=value.value,
        expected=Said.YES.value,
        evidence=(*evidence, _proof(committed)),
    )


def _form(
    bench: Bench, question: Question, expected: Said, trace: Trace, committed: Committed
) -> Answer:
    return _named(bench, question, expected.value, trace, committed)


def _named(
    bench: Bench, question: Question, expected: str, trace: Trace, committed: Committed
) -> Answer:
    """The one form that gives the card's value, or that none does."""
    names = found([trace], committed, key=TMAC_KEY, uid=bench.uid)
    value, told = Said.UNKNOWN_FORM.value, tuple[str, ...]()
    match names:
        case (name, reader) if reader == READER_FORM:
            value = name
        case (name, reader):
            value, told = Said.OTHER_READER_ID.value, (f"{name}, with CommitReaderID {reader}",)
    return Answer(
        question=question,
        value=value,
        expected=expected,
        evidence=(
            _proof(committed),
            *told,
            *(f"{name}: {form.hex() or '-'}" for name, form in trace.forms.items()),
        ),
    )


def _proof(committed: Committed) -> str:
    """All that somebody else needs, with a form, to compute the value again."""
    reader = committed.reader.forms[READER_FORM].hex()
    return f"TMC {committed.tmc}, TMV {committed.tmv.hex().upper()}, then {reader}"
