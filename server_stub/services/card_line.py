"""A card's history as its line of proofs: counter after counter, and where the line has a gap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from itertools import zip_longest
from typing import Final

from cardkit.acts import ActKind
from server_stub.models import Card, CardDecision, CardTransaction, Claim, Merchant
from server_stub.rules.facts import State
from server_stub.services.caisse import Caisse

PAGE_ROWS: Final = 50
_BEYOND: Final = 2**63
_TOLD: Final = (State.HELD.value, State.WAITING.value, State.PROVISIONAL.value)


@unique
class What(StrEnum):
    """What stands at a counter."""

    PROVEN = "proven"
    """A sale that the card itself has proven."""
    TOLD = "told"
    """A sale that only a terminal tells of: held, or the card has still to prove it."""
    GAP = "gap"
    """Nothing is known here of transactions between two that are proven."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One sale, or one gap."""

    what: What
    tmc: int
    """The card's transaction counter; of a gap the last that is unknown."""
    first_tmc: int
    """Of a gap the first that is unknown; else the same."""
    at: datetime | None
    """By the terminal's clock; None for a gap, and for a sale that cards alone told."""
    merchant: int
    """0: nobody is known."""
    name: str
    """The merchant's."""
    terminal: int
    seq: int
    amount_cents: int
    """Of a gap: what was spent in it."""
    state: str
    """A `rules.facts.State`; empty for a gap."""
    reason: str
    returned_cents: int
    """What an act gave back to the card of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A piece of the line, the highest counter first."""

    links: tuple[Link, ...]
    after: int | None
    """The counter below which the next page begins; None: this page reaches the card's birth."""


def card_line(caisse: Caisse, card: Card, *, after: int | None = None) -> Line:
    """Return a piece of a card's line of proofs, below the counter `after`."""
    proven = _proven(caisse, card, after)
    told = _told(caisse, card, after)
    counters = sorted({it.tmc for it in proven} | {it.tmc for it in told}, reverse=True)
    is_more = len(counters) > PAGE_ROWS
    lowest = counters[PAGE_ROWS - 1] if is_more else 0
    highest = _BEYOND if after is None else after
    names = _names(caisse, [*proven, *told])
    back = _returned(caisse, card, low=lowest, high=after)
    links = [
        *(_of_proven(it, names, back) for it in proven if it.tmc >= lowest),
        *(_of_claim(it, names) for it in told if it.tmc >= lowest),
        *(it for it in _gaps(caisse, card, proven, back, after) if lowest <= it.tmc < highest),
    ]
    links.sort(key=lambda it: (it.tmc, it.what), reverse=True)
    return Line(links=tuple(links), after=lowest if is_more else None)


def _proven(caisse: Caisse, card: Card, after: int | None) -> list[CardTransaction]:
    rows = CardTransaction.objects.using(caisse.using).filter(card=card)
    rows = rows if after is None else rows.filter(tmc__lt=after)
    return list(rows.select_related("claim").order_by("-tmc")[: PAGE_ROWS + 1])


def _told(caisse: Caisse, card: Card, after: int | None) -> list[Claim]:
    rows = Claim.objects.using(caisse.using).filter(
        card=card, state__in=_TOLD, transactions__isnull=True
    )
    rows = rows if after is None else rows.filter(tmc__lt=after)
    # In no order that the database could take for a reason to read the card's whole life.
    return sorted(rows.order_by(), key=lambda it: (it.tmc, it.pk), reverse=True)[: PAGE_ROWS + 1]


def _gaps(
    caisse: Caisse,
    card: Card,
    proven: list[CardTransaction],
    back: dict[int, int],
    after: int | None,
) -> Iterator[Link]:
    """Yield what is unknown between proven transactions, down to the card's birth."""
    uppers = [*_just_above(caisse, card, after), *proven]
    for upper, lower in zip_longest(uppers, uppers[1:]):
        if lower is None and len(proven) > PAGE_ROWS:
            return
        known_tmc = card.birth_tmc if lower is None else lower.tmc
        known_cents = (
            card.birth_spent_cents if lower is None else lower.spent0_cents + lower.amount_cents
        )
        if upper.tmc - known_tmc > 1:
            yield _gap(known_tmc + 1, upper.tmc - 1, upper.spent0_cents - known_cents, back)


def _just_above(caisse: Caisse, card: Card, after: int | None) -> list[CardTransaction]:
    """The transaction that ended the page before: a gap below it is this page's."""
    if after is None:
        return []
    rows = CardTransaction.objects.using(caisse.using).filter(card=card, tmc__gte=after)
    return list(rows.order_by("tmc")[:1])


def _gap(first: int, last: int, cents: int, back: dict[int, int]) -> Link:
    return Link(
        what=What.GAP,
        tmc=last,
        first_tmc=first,
        at=None,
        merchant=0,
        name="",
        terminal=0,
        seq=0,
        amount_cents=cents,
        state="",
        reason="",
        returned_cents=sum(cents for tmc, cents in back.items() if first <= tmc <= last),
    )


def _of_proven(row: CardTransaction, names: dict[int, str], back: dict[int, int]) -> Link:
    return Link(
        what=What.PROVEN,
        tmc=row.tmc,
        first_tmc=row.tmc,
        at=None if row.claim is None else row.claim.at,
        merchant=row.merchant,
        name=names.get(row.merchant, ""),
        terminal=row.terminal,
        seq=row.seq,
        amount_cents=row.amount_cents,
        state=row.state,
        reason=row.reason,
        returned_cents=back.get(row.tmc, 0),
    )


def _of_claim(row: Claim, names: dict[int, str]) -> Link:
    return Link(
        what=What.TOLD,
        tmc=row.tmc,
        first_tmc=row.tmc,
        at=row.at,
        merchant=row.merchant,
        name=names.get(row.merchant, ""),
        terminal=row.terminal_id,
        seq=row.seq,
        amount_cents=row.amount_cents,
        state=row.state,
        reason=row.reason,
        returned_cents=0,
    )


def _names(caisse: Caisse, rows: Iterable[CardTransaction | Claim]) -> dict[int, str]:
    numbers = {row.merchant for row in rows}
    merchants = Merchant.objects.using(caisse.using).filter(id__in=numbers)
    return dict(merchants.values_list("id", "name"))


def _returned(caisse: Caisse, card: Card, *, low: int, high: int | None) -> dict[int, int]:
    """What acts gave back, by the counter that each of them ends at."""
    rows = CardDecision.objects.using(caisse.using).filter(
        card=card, kind=ActKind.SPEND_RETURNED, tmc__gte=low, act__reversed_by__isnull=True
    )
    if high is not None:
        rows = rows.filter(tmc__lte=high)
    back: dict[int, int] = {}
    for tmc, cents in rows.order_by().values_list("tmc", "amount_cents"):
        back[tmc] = back.get(tmc, 0) + cents
    return back
