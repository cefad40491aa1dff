"""Every balance and debt, computed from what was signed, and held against what the books claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from auditor.cards import Cards, Log, Sold, granted_refunds
from auditor.claims import Told
from auditor.evidence import Evidence
from auditor.export import Export
from auditor.findings import Class, Finding
from cardkit.acts import (
    CreditMoved,
    PayoutEvidenced,
    SettlementApproved,
    SettlementConfirmed,
    SettlementRevoked,
    SpendReturned,
)

Key = TypeVar("Key", bound=tuple[str, int])
Account = tuple[str, int]
"""A book and the merchant whose it is; 0 for nobody's."""
OF_CARDS = ("spent", "returned", "waiting", "loss")


@dataclass(slots=True)
class Sums:
    """What the accounts should say."""

    of_merchants: Counter[Account] = field(default_factory=Counter)
    spent: Counter[tuple[bytes, int]] = field(default_factory=Counter)
    """By card and generation: what left the card, as far as it is proven."""
    credit: Counter[tuple[bytes, int]] = field(default_factory=Counter)


def sums_of(found: Evidence, told: Told, log: Log, sold: list[Sold]) -> Sums:
    """Compute every account that somebody is owed by."""
    sums = Sums()
    last: dict[tuple[bytes, int], int] = {}
    for sale in sold:
        if sale.state in {"payable", "held", "provisional"}:
            sums.of_merchants[sale.state, sale.merchant] += sale.amount_cents
        last[sale.life] = max(last.get(sale.life, 0), sale.spent0_cents + sale.amount_cents)
    for life, spent_cents in last.items():
        birth = log.births.get(life)
        sums.spent[life] = spent_cents - (birth.spent_cents if birth else 0)
    for sale, _, cents in granted_refunds(sold, told, log):
        sums.of_merchants["payable", sale.merchant] -= cents
    for life, allowances in log.by_card.items():
        sums.credit[life] = max(one.steps[-1].cumulative_cents for one in allowances)
    _acts(found, sums)
    return sums


def _acts(found: Evidence, sums: Sums) -> None:
    runs: dict[str, SettlementApproved] = {}
    books: Counter[Account] = sums.of_merchants
    for act in found.acts:
        match act.body:
            case SettlementApproved() as run:
                runs[run.settlement] = run
                for line in run.lines:
                    books["payable", line.merchant] -= line.amount_cents
                    books["in_payment", line.merchant] += line.amount_cents
            case SettlementConfirmed(settlement=name) if name in runs:
                for line in runs[name].lines:
                    books["in_payment", line.merchant] -= line.amount_cents
                    books["paid", line.merchant] += line.amount_cents
            case SettlementRevoked(settlement=name) if name in runs:
                for line in runs[name].lines:
                    books["in_payment", line.merchant] -= line.amount_cents
                    books["payable", line.merchant] += line.amount_cents
            case PayoutEvidenced() as payout:
                books["payable", payout.merchant] -= payout.amount_cents
                books["paid", payout.merchant] += payout.amount_cents
            case CreditMoved() as moved:
                sums.credit[moved.uid, moved.generation] -= moved.amount_cents


def compare(export: Export, cards: Cards, sold: list[Sold], sums: Sums) -> Iterator[Finding]:
    """Yield every row of the books that is not what was signed comes to."""
    yield from _sales(export, sold)
    yield from _postings(export)
    yield from _accounts(export, sums)
    yield from _payable(export, sums)
    yield from cards.findings


def _sales(export: Export, sold: list[Sold]) -> Iterator[Finding]:
    wanted = {(*sale.life, sale.tmc): sale for sale in sold}
    shown: set[tuple[bytes, int, int]] = set()
    for row in export.sales:
        place = f"card {row.uid.hex()}.{row.generation} transaction {row.tmc}"
        key = row.uid, row.generation, row.tmc
        sale = wanted.get(key)
        if key in shown:
            yield Finding(Class.SALE, place, "stands there twice", row.amount_cents)
            continue
        shown.add(key)
        if sale is None:
            words = "no card has proven this"
            yield Finding(Class.SALE, place, words, row.amount_cents)
            continue
        for name, is_there, should_be in (
            ("terminal and number", (row.terminal, row.seq), sale.place),
            ("amount", row.amount_cents, sale.amount_cents),
            ("spent before", row.spent0_cents, sale.spent0_cents),
            ("merchant", row.merchant, sale.merchant),
            ("state", row.state, sale.state),
        ):
            if is_there != should_be:
                cents = row.amount_cents
                if name == "amount":
                    cents = abs(row.amount_cents - sale.amount_cents)
                words = f"{name}: {is_there} in the books, {should_be} by what was signed"
                yield Finding(Class.SALE, place, words, cents)
    for key, sale in wanted.items():
        if key not in shown:
            place = f"card {key[0].hex()}.{key[1]} transaction {key[2]}"
            yield Finding(Class.SALE, place, "is not in the books", sale.amount_cents)


def _postings(export: Export) -> Iterator[Finding]:
    sums: Counter[int] = Counter()
    for line in export.lines:
        sums[line.posting] += line.amount_cents
    for posting, cents in sorted(sums.items()):
        if cents:
            yield Finding(Class.POSTING, f"posting {posting}", "does not sum to zero", abs(cents))


def _accounts(export: Export, sums: Sums) -> Iterator[Finding]:
    merchants: Counter[Account] = Counter()
    spent: Counter[tuple[bytes, int]] = Counter()
    credit: Counter[tuple[bytes, int]] = Counter()
    cards: Counter[tuple[bytes, int]] = Counter()
    for line in export.lines:
        life = line.uid, line.generation
        if line.book in {"payable", "held", "provisional", "in_payment", "paid"}:
            merchants[line.book, line.merchant] += line.amount_cents
        if line.book == "spent":
            spent[life] -= line.amount_cents
        if line.book == "credit":
            credit[life] += line.amount_cents
        if line.book not in {"credit", "issued"} and line.uid:
            cards[life] += line.amount_cents
    yield from _differences(merchants, sums.of_merchants, "{0[0]} of merchant {0[1]}")
    of_card = "of card {0[0]}.{0[1]}"
    named = [
        Counter({(uid.hex(), number): cents for (uid, number), cents in it.items()})
        for it in (spent, sums.spent, credit, sums.credit, cards)
    ]
    yield from _differences(named[0], named[1], f"spent {of_card}")
    yield from _differences(named[2], named[3], f"credit {of_card}")
    yield from _differences(named[4], Counter(), f"conservation {of_card}")


def _differences(shown: Counter[Key], wanted: Counter[Key], place: str) -> Iterator[Finding]:
    for key in sorted(shown.keys() | wanted.keys()):
        if shown[key] != wanted[key]:
            words = f"{shown[key]} in the books, {wanted[key]} by what was signed"
            yield Finding(Class.BALANCE, place.format(key), words, abs(shown[key] - wanted[key]))


def _payable(export: Export, sums: Sums) -> Iterator[Finding]:
    owed = {merchant for book, merchant in sums.of_merchants if book == "payable"}
    for merchant in sorted(export.payable.keys() | owed):
        cents = export.payable.get(merchant, 0)
        wanted_cents = sums.of_merchants["payable", merchant]
        if cents != wanted_cents:
            words = f"{cents} are said to be owed, {wanted_cents} by what was signed"
            place = f"owed to merchant {merchant}"
            yield Finding(Class.BALANCE, place, words, abs(cents - wanted_cents))


def returned_cents(found: Evidence) -> int:
    """Return all that acts have given back to members."""
    return sum(act.body.amount_cents for act in found.acts if isinstance(act.body, SpendReturned))
