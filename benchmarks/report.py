"""The figures of a benchmark for a person to read."""

from __future__ import annotations

from benchmarks.air import FSC_BYTES, RATES_KBITS, air_ms, blocks
from benchmarks.sale import FSYNCS_MS, OVERHEADS_MS, SaleFigures

_RULE = "-" * 78


def lines(figures: SaleFigures) -> list[str]:
    """Return the table of a sale, line by line."""
    return [
        f"One sale, host CPU without the air; databases in {figures.where}",
        _RULE,
        *_floor(figures),
        _RULE,
        *_sale(figures),
        _RULE,
        *_air(figures),
        _RULE,
        *_taps(figures),
        "",
    ]


def _floor(figures: SaleFigures) -> list[str]:
    return [
        *(
            f"{f'{operation.name} × {operation.count}':<52}{spent_us:>10.1f} µs"
            for operation, spent_us in figures.operations
        ),
        f"{'floor: all of these':<52}{figures.floor_us:>10.1f} µs",
        f"{'no part of it: the two commits as bare SQLite':<52}{figures.commits_us:>10.1f} µs",
    ]


def _sale(figures: SaleFigures) -> list[str]:
    verify_us = next(us for it, us in figures.operations if it.name == "ES256 verify")
    uncommitted_us = figures.cpu_us - figures.commits_us
    again = figures.again_us / (figures.floor_us - verify_us)
    return [
        f"{'sale to a card that is new here':<52}{figures.cpu_us:>10.1f} µs"
        f"{figures.ratio:>8.2f} × floor",
        f"{'in the fastest tenth, sale and floor alike':<52}{figures.undisturbed_us:>10.1f} µs"
        f"{figures.undisturbed_us / figures.undisturbed_floor_us:>8.2f} × floor",
        f"{'the median without the two bare commits':<52}{uncommitted_us:>10.1f} µs"
        f"{uncommitted_us / figures.floor_us:>8.2f} × floor",
        f"{'the same card again (floor without verify)':<52}{figures.again_us:>10.1f} µs"
        f"{again:>8.2f} × floor",
        *(
            f"{f'with {size:,} cards and unsent sales, {2 * size:,} entries':<52}"
            f"{taken_us:>10.1f} µs"
            for size, taken_us in figures.flat_us.items()
        ),
    ]


def _air(figures: SaleFigures) -> list[str]:
    sent = [it.command_bytes for it in figures.exchanges]
    answered = [it.answer_bytes for it in figures.exchanges]
    frames = sum(map(blocks, sent)) + sum(map(blocks, answered))
    return [
        f"{len(sent)} exchanges, {sum(sent)} bytes out, {sum(answered)} bytes back,"
        f" {frames} blocks of at most {FSC_BYTES} bytes",
        *(
            f"{f'on the air at {rate} kbit/s':<52}"
            f"{air_ms(figures.exchanges, rate_kbits=rate):>10.1f} ms"
            for rate in RATES_KBITS
        ),
    ]


def _taps(figures: SaleFigures) -> list[str]:
    """Every combination of the model; what the card computes is unknown and counts as nothing."""
    head = "".join(f"{f'fsync {fsync} ms':>16}" for fsync in FSYNCS_MS)
    return [
        f"{'modelled tap, select to green, in ms':<30}{head}",
        *(
            f"{f'{rate} kbit/s, {overhead:g} ms a command':<30}"
            + "".join(f"{figures.tap_ms(rate, overhead, fsync):>16.1f}" for fsync in FSYNCS_MS)
            for rate in RATES_KBITS
            for overhead in OVERHEADS_MS
        ),
        "without activation, and without what the card computes: no silicon was measured yet",
    ]
