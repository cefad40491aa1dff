"""Questions about transactions: what ends one, what a commit wants, what an error does."""

from __future__ import annotations

from collections.abc import Callable

from cardkit.card.apdu import StatusWord
from cardkit.card.files import FREE
from cardkit.card.secure import CommMode
from cardkit.card.tmac import TMRI_BYTES, decrypt_tmri, session_keys
from provisioning.bench import specimen
from provisioning.bench.answers import Answer, Question, Said
from provisioning.bench.bench import COMMIT_WITH_TMV, OTHER_READER, READER, Bench
from provisioning.bench.host import BenchHost, Cmd
from provisioning.bench.specimen import (
    KEY,
    READER_KEY_NO,
    TMAC_FILE,
    TMAC_KEY,
    VALUE_FILE,
    VALUE_MAX,
)

_CENTS = 250
_UNKNOWN_COMMAND = 0x01
_MISSING_FILE, _MISSING_KEY = b"\x1e", b"\x0d"
_PROVOCATIONS: tuple[tuple[str, Callable[[BenchHost], str]], ...] = (
    (
        "BE Debit below the limit",
        lambda host: (
            host.send(Cmd.DEBIT, bytes([VALUE_FILE]), _number(VALUE_MAX), mode=CommMode.FULL).code
        ),
    ),
    ("F0 missing file", lambda host: host.send(Cmd.GET_FILE_SETTINGS, _MISSING_FILE).code),
    ("40 missing key", lambda host: host.send(Cmd.GET_KEY_VERSION, _MISSING_KEY).code),
    ("9D not at this level", lambda host: host.send(Cmd.GET_APPLICATION_IDS).code),
    (
        "9E negative Debit",
        lambda host: (
            host.send(Cmd.DEBIT, bytes([VALUE_FILE]), _number(-1), mode=CommMode.FULL).code
        ),
    ),
    ("7E no MAC", lambda host: host.raw(Cmd.GET_VALUE, bytes([VALUE_FILE])).code),
    ("1E wrong MAC", lambda host: host.raw(Cmd.GET_FILE_SETTINGS, b"\x03" + bytes(8)).code),
    ("1C unknown command", lambda host: host.raw(_UNKNOWN_COMMAND).code),
)


def abort_after_reads(bench: Bench) -> Answer:
    """GetValue, then AbortTransaction."""
    bench.open()
    bench.value()
    reply = bench.host.send(Cmd.ABORT_TRANSACTION)
    return Answer(question=Question.ABORT_AFTER_READS, value=reply.code, expected="00")


def abort_of_nothing(bench: Bench) -> Answer:
    """AbortTransaction right after authenticating."""
    bench.open()
    reply = bench.host.send(Cmd.ABORT_TRANSACTION)
    return Answer(question=Question.ABORT_OF_NOTHING, value=reply.code, expected="0C")


def no_changes_session(bench: Bench) -> Answer:
    """Whatever gives 0C, followed by a command that wants the session."""
    evidence = []
    for name, cmd, data in (
        ("abort of nothing", Cmd.ABORT_TRANSACTION, b""),
        ("commit of nothing", Cmd.COMMIT_TRANSACTION, COMMIT_WITH_TMV),
    ):
        bench.open()
        reply = bench.host.send(cmd, data)
        evidence.append(f"{name}: {reply.code}")
        if reply.status == StatusWord.NO_CHANGES:
            after = bench.host.send(Cmd.GET_KEY_VERSION, b"\x01")
            evidence.append(f"GetKeyVersion after it: {after.code}")
            said = Said.NO if after.ok else Said.YES
            return _answer(Question.NO_CHANGES_SESSION, said, Said.YES, *evidence)
    return _answer(Question.NO_CHANGES_SESSION, Said.NOT_ASKED, Said.YES, *evidence)


def transaction_ends(bench: Bench) -> Answer:
    """A Debit is pending; the same commit then tells whether it still was after each act."""
    acts: tuple[tuple[str, Callable[[], object]], ...] = (
        ("authenticate first", lambda: bench.host.authenticate(READER_KEY_NO, KEY)),
        ("select", lambda: bench.host.select(specimen.AID)),
        ("abort", lambda: bench.host.send(Cmd.ABORT_TRANSACTION)),
        (
            "authenticate non-first",
            lambda: bench.host.authenticate_non_first(READER_KEY_NO, KEY),
        ),
    )
    before, evidence, ended = bench.tmac_now().tmc, [], []
    for name, act in acts:
        bench.open()
        bench.change(Cmd.DEBIT, 1)
        bench.name_reader()
        act()
        reply = bench.host.send(Cmd.COMMIT_TRANSACTION, COMMIT_WITH_TMV)
        after = bench.tmac_now().tmc
        evidence.append(f"{name}: commit {reply.code}, TMC {before} then {after}")
        ended.append(after == before)
        before = after
    said = Said.SELECT_FIRST_ABORT if ended == [True, True, True, False] else Said.INCONSISTENT
    return _answer(Question.TRANSACTION_ENDS, said, Said.SELECT_FIRST_ABORT, *evidence)


def errors_abort(bench: Bench) -> Answer:
    """A Debit and a ReaderID are pending when an error comes; a bare commit tells what is left."""
    before, evidence, aborting = bench.tmac_now().tmc, [], []
    for name, provoke in _PROVOCATIONS:
        bench.open()
        bench.change(Cmd.DEBIT, 1)
        bench.name_reader()
        code = provoke(bench.host)
        reply = bench.bare_commit()
        if reply.status == StatusWord.LENGTH_ERROR:  # the session had gone on, and is over now
            reply = bench.bare_commit()
        after = bench.tmac_now().tmc
        evidence.append(f"{name}: {code}, then a bare commit: {reply.code}")
        if after == before:
            aborting.append(code)
        before = after
    said = Said.ALL_ABORT if len(aborting) == len(_PROVOCATIONS) else Said.NONE_ABORTS
    partly = 0 < len(aborting) < len(_PROVOCATIONS)
    return Answer(
        question=Question.ERRORS_ABORT,
        value=" ".join(aborting) if partly else said.value,
        expected=Said.ALL_ABORT.value,
        evidence=tuple(evidence),
    )


def free_reader_id(bench: Bench) -> Answer:
    """CommitReaderID when the file's right is E, inside a session of any key."""
    specimen.create_tmac_file(bench.host, reader_id_key=FREE)
    try:
        bench.open()
        bench.change(Cmd.DEBIT, 1)
        reply = bench.host.send(Cmd.COMMIT_READER_ID, b"", READER)
        if not reply.ok:
            return _fact(Question.FREE_READER_ID, reply.code, Said.YES, "with a MAC")
        said = Said.YES if len(reply.data) == TMRI_BYTES else Said.NO
        return _answer(Question.FREE_READER_ID, said, Said.YES, f"{len(reply.data)} bytes")
    finally:
        specimen.create_tmac_file(bench.host, reader_id_key=READER_KEY_NO)


def no_reader_id(bench: Bench) -> Answer:
    """A commit that lacks the CommitReaderID that the file demands."""
    bench.open()
    bench.change(Cmd.DEBIT, 1)
    reply = bench.host.send(Cmd.COMMIT_TRANSACTION, COMMIT_WITH_TMV)
    return Answer(question=Question.NO_READER_ID, value=reply.code, expected="9D")


def tmc_restarts(bench: Bench) -> Answer:
    """Commit, delete the Transaction MAC file, make it again, read it."""
    bench.open()
    bench.change(Cmd.DEBIT, 1)
    before = bench.commit().tmc
    specimen.create_tmac_file(bench.host, reader_id_key=READER_KEY_NO)
    after = bench.tmac_now().tmc
    said = Said.STARTS_AGAIN if after == 0 else Said.GOES_ON
    return _answer(
        Question.TMC_RESTARTS, said, Said.STARTS_AGAIN, f"TMC {before} before, {after} after"
    )


def mixed_credit(bench: Bench) -> Answer:
    """Debit and LimitedCredit in one transaction, and what may be given back after it."""
    bench.allow_limited_credit(_CENTS)
    bench.open()
    bench.change(Cmd.DEBIT, _CENTS)
    bench.change(Cmd.LIMITED_CREDIT, 1)
    bench.commit()
    left = bench.limited_credit()
    said = Said.YES if left else Said.NO
    return _answer(Question.MIXED_CREDIT, said, Said.YES, f"{left} of {_CENTS} left")


def inspection(bench: Bench) -> Answer:
    """CommitReaderID twice, never committed, after a transaction of another reader."""
    bench.open()
    bench.change(Cmd.DEBIT, 1)
    bench.name_reader(OTHER_READER)
    bench.host.demand(Cmd.COMMIT_TRANSACTION, COMMIT_WITH_TMV)
    tmc = bench.tmac_now().tmc
    keys = session_keys(TMAC_KEY, uid=bench.uid, tmc=tmc + 1)
    told = []
    for _ in range(2):
        bench.open()
        answer = bench.host.demand(Cmd.COMMIT_READER_ID, b"", READER)
        told.append(len(answer) == TMRI_BYTES and decrypt_tmri(keys.enc, answer) == OTHER_READER)
    unchanged = bench.tmac_now().tmc == tmc
    said = Said.YES if all(told) and unchanged else Said.NO
    return _answer(Question.INSPECTION, said, Said.YES, f"told {told}, TMC unchanged {unchanged}")


def option_bits(bench: Bench) -> Answer:
    """ChangeFileSettings of the TMAC file with bit 4 or bit 5, with and without a TMCLimit.

    The limit is the highest there is, and the file is made anew after each: nothing stays.
    """
    rights = bytes([READER_KEY_NO << 4, READER_KEY_NO << 4 | 0xF])
    evidence, accepted = [], []
    for option in (0x11, 0x21):
        for limit in (b"", b"\xff" * 4):
            specimen.open_application(bench.host, specimen.MASTER_KEY_NO)
            data = bytes([option]) + rights + limit
            file = bytes([TMAC_FILE])
            reply = bench.host.send(Cmd.CHANGE_FILE_SETTINGS, file, data, mode=CommMode.FULL)
            sent = f"{option:02X} {limit.hex().upper()}".strip()
            evidence.append(f"option {sent}: {reply.code}")
            if reply.ok:
                accepted.append(sent)
                settings = bench.host.demand(Cmd.GET_FILE_SETTINGS, file)
                evidence.append(f"settings then: {settings.hex()}")
                specimen.create_tmac_file(bench.host, reader_id_key=READER_KEY_NO)
    return Answer(
        question=Question.OPTION_BITS,
        value=", ".join(accepted) or Said.NO_TRACE.value,
        expected="21 FFFFFFFF",
        evidence=tuple(evidence),
    )


def _answer(question: Question, said: Said, expected: Said, *evidence: str) -> Answer:
    return _fact(question, said.value, expected, *evidence)


def _fact(question: Question, value: str, expected: Said, *evidence: str) -> Answer:
    return Answer(question=question, value=value, expected=expected.value, evidence=evidence)


def _number(value: int) -> bytes:
    return value.to_bytes(4, "little", signed=True)
