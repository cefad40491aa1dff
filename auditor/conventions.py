"""Whether permits let merchants sell on just the days that their conventions cover."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime

from auditor.evidence import Evidence
from auditor.findings import Class
from cardkit.acts import DocumentHeld
from cardkit.clock import PARIS
from cardkit.conventions import ConventionEnded, ConventionSigned
from cardkit.errors import DocumentError
from cardkit.permit import MerchantGrant
from cardkit.signing import parse

Days = tuple[date, date]
"""The first day, and the first one that is no longer covered."""


def check_conventions(found: Evidence) -> None:
    """Go through the log: no two conventions on one day, and no grant beyond them."""
    held: dict[int, list[Days]] = defaultdict(list)
    unsigned: set[int] = set()
    for act in found.acts:
        place = f"act {act.envelope.seq}"
        match act.body:
            case ConventionSigned() as made:
                days = made.from_day, made.until_day
                if any(max(days[0], one[0]) < min(days[1], one[1]) for one in held[made.merchant]):
                    words = f"a second convention of merchant {made.merchant} for the same days"
                    found.find(Class.LOG, place, words)
                held[made.merchant].append(days)
            case ConventionEnded() as ended:
                held[ended.merchant] = [
                    (begins, min(until, ended.until_day)) for begins, until in held[ended.merchant]
                ]
            case DocumentHeld(content=content):
                for grant in _grants(found, content):
                    if grant.merchant not in held:
                        unsigned.add(grant.merchant)
                    elif not _is_covered(grant, held[grant.merchant]):
                        words = f"lets merchant {grant.merchant} sell outside its conventions"
                        found.find(Class.DOCUMENT, place, words)
    found.notes.extend(
        f"merchant {merchant}: no convention stands in the log" for merchant in sorted(unsigned)
    )


def _grants(found: Evidence, content: bytes) -> Iterable[MerchantGrant]:
    """Return what a permit grants for any time at all; other documents grant nothing."""
    try:
        permit = found.permits.get(parse(content).digest)
    except DocumentError:
        return ()
    grants = permit.merchants if permit is not None else ()
    return [it for it in grants if it.convention_from < it.convention_until]


def _is_covered(grant: MerchantGrant, held: Iterable[Days]) -> bool:
    """Follow the conventions from the first granted instant on, as far as they join."""
    reached = grant.convention_from
    for begins, until in sorted(held):
        if begins < until and _midnight(begins) <= reached:
            reached = max(reached, _midnight(until))
    return reached >= grant.convention_until


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=PARIS).astimezone(UTC)
