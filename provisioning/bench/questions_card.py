"""Questions about the card itself: lengths, times, memory, and what a lifted card keeps."""

from __future__ import annotations

from statistics import median, quantiles

from cardkit.errors import CardLost
from provisioning.bench import specimen
from provisioning.bench.answers import Answer, Question, Said
from provisioning.bench.bench import LIFT_WAIT_S, Bench
from provisioning.bench.host import Cmd
from provisioning.bench.specimen import (
    DATA_BYTES,
    DATA_FILE,
    TMAC_FILE,
    TMAC_KEY,
    VALUE_FILE,
)
from provisioning.bench.tmi import Committed, Trace, amount, found

_MAC_BYTES = 8
_SALES_UNTIL_LIFTED_MAX = 500
_NS_PER_MS = 1_000_000


def settings_length(bench: Bench) -> Answer:
    """The bytes of GetFileSettings."""
    bench.open()
    settings = bench.host.demand(Cmd.GET_FILE_SETTINGS, bytes([TMAC_FILE]))
    return Answer(
        question=Question.SETTINGS_LENGTH,
        value=str(len(settings)),
        expected="6",
        evidence=(settings.hex(),),
    )


def capabilities(bench: Bench) -> Answer:
    """PDcap2 of AuthenticateEV2First; how it codes a transaction timer is not public."""
    bench.open()
    value = bench.host.capabilities.hex().upper()
    return Answer(question=Question.CAPABILITIES, value=value, expected=None)


def answer_bytes(bench: Bench) -> Answer:
    """The longest ReadData, by halving; data and MAC together are what one answer carried."""
    fits, too_long = 0, DATA_BYTES + 1
    refused: set[str] = set()
    while too_long - fits > 1:
        length = (fits + too_long) // 2
        bench.open()
        header = bytes([DATA_FILE]) + bytes(3) + length.to_bytes(3, "little")
        reply = bench.host.send(Cmd.READ_DATA, header)
        if reply.ok:
            fits = length
        else:
            too_long = length
            refused.add(reply.code)
    ats = bench.host.connection.activation.ats
    evidence = [f"longer ones: {' '.join(sorted(refused)) or 'none refused'}"]
    evidence.append(f"ATS {ats.hex() if ats else 'not told by this reader'}")
    return Answer(
        question=Question.ANSWER_BYTES,
        value=str(fits + _MAC_BYTES),
        expected="256",
        evidence=tuple(evidence),
    )


def timing(bench: Bench) -> Answer:
    """Whole sales, select and authentication with them; every exchange on its own."""
    bench.host.timings_ns.clear()
    sales_ns = []
    for _ in range(bench.sales):
        begun = bench.ticks_ns()
        bench.open()
        bench.tmac()
        bench.sell()
        sales_ns.append(bench.ticks_ns() - begun)
    evidence = [f"{name}: {_told(durations)}" for name, durations in bench.host.timings_ns.items()]
    return Answer(
        question=Question.TIMING,
        value=f"{median(sales_ns) / _NS_PER_MS:.1f} ms",
        expected=None,
        evidence=(f"a sale: {_told(sales_ns)}", *evidence),
    )


def lifted_before(bench: Bench) -> Answer:
    """A Debit is pending when the card leaves."""
    if not bench.asks_to_lift:
        return _answer(Question.LIFTED_BEFORE, Said.NOT_ASKED, None)
    bench.open()
    value, _ = bench.value()
    tmc = bench.tmac_now().tmc
    bench.change(Cmd.DEBIT, 1)
    bench.name_reader()
    bench.person.lift_before_commit()
    if not bench.reader.wait_for_removal(LIFT_WAIT_S):
        return _answer(Question.LIFTED_BEFORE, Said.NOT_LIFTED, None)
    bench.connect()
    bench.open()
    after = bench.tmac().tmc, bench.value()[0]
    said = Said.NOTHING_KEPT if after == (tmc, value) else Said.INCONSISTENT
    told = f"TMC and value {tmc}, {value} before; {after[0]}, {after[1]} after"
    return _answer(Question.LIFTED_BEFORE, said, Said.NOTHING_KEPT, told)


def lifted_at_work(bench: Bench) -> Answer:
    """Sales without end until the card leaves in the middle of one."""
    if not bench.asks_to_lift:
        return _answer(Question.LIFTED_AT_WORK, Said.NOT_ASKED, None)
    bench.open()
    tmc, value = bench.tmac().tmc, bench.value()[0]
    bench.person.lift_at_work()
    sold, named = 0, None
    try:
        for _ in range(_SALES_UNTIL_LIFTED_MAX):
            bench.open()
            named = None
            bench.value()
            bench.change(Cmd.DEBIT, 1)
            named = bench.name_reader()
            bench.host.demand(Cmd.COMMIT_TRANSACTION, b"\x01")
            sold += 1
    except CardLost:
        return _after_the_lift(bench, tmc=tmc + sold, value=value - sold, reader=named)
    return _answer(Question.LIFTED_AT_WORK, Said.NOT_LIFTED, None, f"{sold} sales")


def _after_the_lift(bench: Bench, *, tmc: int, value: int, reader: Trace | None) -> Answer:
    """The sale that was cut is on the card wholly, and proven, or not at all."""
    bench.connect()
    bench.open()
    state, after = bench.tmac(), bench.value()[0]
    proven = False
    if reader is not None:
        traces = [amount(Cmd.GET_VALUE, VALUE_FILE, value), amount(Cmd.DEBIT, VALUE_FILE, 1)]
        cut = Committed(tmc + 1, state.tmv, reader)
        proven = bool(found(traces, cut, key=TMAC_KEY, uid=bench.uid))
    executed = (state.tmc, after) == (tmc + 1, value - 1) and proven
    untouched = (state.tmc, after) == (tmc, value)
    said = Said.ALL_OR_NOTHING if executed or untouched else Said.INCONSISTENT
    what = "executed" if executed else "not executed" if untouched else "neither"
    told = f"{what}: TMC and value {tmc}, {value} known; {state.tmc}, {after} found"
    return _answer(Question.LIFTED_AT_WORK, said, Said.ALL_OR_NOTHING, told)


def format_frees(bench: Bench) -> Answer:
    """Free memory with the application, without it, and after FormatPICC."""
    specimen.authenticate_picc(bench.host)
    full = int.from_bytes(bench.host.demand(Cmd.FREE_MEM), "little")
    deleted = bench.host.send(Cmd.DELETE_APPLICATION, specimen.AID[::-1])
    specimen.authenticate_picc(bench.host)
    without = int.from_bytes(bench.host.demand(Cmd.FREE_MEM), "little")
    formatted = specimen.format_card(bench.host)
    said = Said.YES if formatted == bench.free_bytes else Said.NO
    told = (
        f"{bench.free_bytes} bytes free when blank, {full} with the application, {without} after "
        f"DeleteApplication ({deleted.code}), {formatted} after FormatPICC"
    )
    return _answer(Question.FORMAT_FREES, said, Said.YES, told)


def _told(durations_ns: list[int]) -> str:
    """Count, least, middle and 95th of a hundred, in milliseconds."""
    least, middle = min(durations_ns), median(durations_ns)
    last = quantiles(durations_ns, n=20)[-1] if len(durations_ns) > 1 else least
    least_ms, middle_ms, last_ms = (ns / _NS_PER_MS for ns in (least, middle, last))
    return f"n={len(durations_ns)} min {least_ms:.2f} median {middle_ms:.2f} p95 {last_ms:.2f} ms"


def _answer(question: Question, said: Said, expected: Said | None, *evidence: str) -> Answer:
    return Answer(
        question=question,
        value=said.value,
        expected=expected.value if expected else None,
        evidence=evidence,
    )
