"""Every balance and debt, computed from what was signed, and held against what the books claim."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from auditor.cards import Cards, Log, Sold, granted_refunds
from auditor.claims import Life, Place, Told
from auditor.contributions import BOOKS as OF_MEMBERS
from auditor.contributions import check_contributions
from auditor.evidence import Evidence
from auditor.export import ClaimedLine, Export
from auditor.findings import Class, Finding
from auditor.resolutions import counted
from cardkit.acts import (
    Act,
    CreditMoved,
    SettlementApproved,
    SettlementConfirmed,
    SettlementRevoked,
)
from cardkit.membership import CreditLapsed
from cardkit.payouts import PayoutEvidenced, PayoutReturned

Key = TypeVar("Key", bound=tuple[Any, ...])
Account = tuple[str, int]
"""A book and the merchant whose it is; 0 for nobody's."""
OF_SALES: Final = frozenset({"payable", "held", "provisional"})
OF_MERCHANTS: Final = OF_SALES | {"in_payment", "paid"}
OF_NOBODY: Final = OF_MEMBERS | {
    "issued",
    "credit",
    "lapsed",
    "paper",
    "withheld",
    "spent",
    "waiting",
    "returned",
    "loss",
}


@dataclass(slots=True)
class Sums:
    """What the accounts should say."""

    of_merchants: Counter[Account] = field(default_factory=Counter)
    spent: Counter[tuple[bytes, int]] = field(default_factory=Counter)
    """By card and generation: what left the card, as far as it is proven."""
    credit: Counter[tuple[bytes, int]] = field(default_factory=Counter)
    lapsed: Counter[tuple[bytes, int]] = field(default_factory=Counter)
    """By card and generation: what leavers had not spent."""
    returned: Counter[tuple[bytes, int]] = field(default_factory=Counter)
    """By card and generation: what its member was given back."""
    sold: Counter[tuple[bytes, int, str, int]] = field(default_factory=Counter)
    """By card, generation, book and merchant: what merchants are owed of it, or may be."""
    paper: Counter[tuple[bytes, int]] = field(default_factory=Counter)
    """By card and generation, or nobody's: what paid slips came to, below zero."""
    withheld: Counter[tuple[bytes, int]] = field(default_factory=Counter)
    received: Counter[tuple[str]] = field(default_factory=Counter)
    """By book: what members paid in, and where it lies."""


def sums_of(found: Evidence, told: Told, log: Log, sold: list[Sold]) -> Sums:
    """Compute every account that somebody is owed by."""
    sums = Sums()
    for sale in sold:
        if sale.state in OF_SALES:
            sums.of_merchants[sale.state, sale.merchant] += sale.amount_cents
            sums.sold[(*sale.life, sale.state, sale.merchant)] += sale.amount_cents
    _spent(log, sold, sums)
    _refunds(told, log, sold, sums)
    check_disputed(found, log, sold)
    add_decisions(log, sold, _refunded(told, log, sold), sums)
    for life, allowances in log.by_card.items():
        sums.credit[life] = max(one.steps[-1].cumulative_cents for one in allowances)
    _acts(counted(found.acts, log.decisions), sums)
    sums.received = Counter({(book,): cents for book, cents in check_contributions(found).items()})
    return sums


def check_disputed(found: Evidence, log: Log, sold: list[Sold]) -> None:
    """Add every dispute of what no card has proven, and what disputes gave back beyond a sale."""
    sales = {(sale.life, sale.tmc): sale.amount_cents for sale in sold}
    for one in log.decisions.disputes.values():
        place, cents = f"act {one.seq}", one.opened.amount_cents
        sold_cents = sales.get((one.life, one.opened.tmc), 0)
        returned_cents = log.decisions.disputed_cents(one.life, one.opened.tmc)
        too_much = max(cents, returned_cents) - sold_cents
        if too_much > 0:
            words = "disputes, or gives back, more than a card has proven to be sold"
            found.find(Class.DECISION, place, words, too_much)


def add_decisions(
    log: Log, sold: list[Sold], refunded: Counter[tuple[Life, int]], sums: Sums
) -> None:
    """Add what people decided: disputed money held or returned, slips paid, credit held back."""
    sales = {(sale.life, sale.tmc): sale for sale in sold}
    left = {key: max(0, sale.amount_cents - refunded[key]) for key, sale in sales.items()}
    for one in log.decisions.disputes.values():
        key = one.life, one.opened.tmc
        sale = sales.get(key)
        state = sale.state if sale is not None else ""
        sums.returned[one.life] += one.returned_cents
        if sale is None or state not in OF_SALES:
            continue
        moved_cents, into = 0, ""
        if one.is_open and one.opened.is_held and state == "payable":
            moved_cents, into = min(one.opened.amount_cents, left[key]), "held"
        elif one.is_charged:
            moved_cents = min(one.returned_cents, left[key])
        left[key] -= moved_cents
        for book, cents in ((state, -moved_cents), (into, moved_cents)):
            if book and cents:
                sums.of_merchants[book, sale.merchant] += cents
                sums.sold[(*one.life, book, sale.merchant)] += cents
    for slip in log.decisions.paper.values():
        sums.of_merchants["payable", slip.merchant] += slip.amount_cents
        life = (slip.uid or b"", slip.generation or 0)
        sums.paper[life] -= slip.amount_cents
        if slip.uid:
            sums.sold[(*life, "payable", slip.merchant)] += slip.amount_cents
    sums.withheld.update(log.decisions.withheld)


def _spent(log: Log, sold: list[Sold], sums: Sums) -> None:
    """Add up what was sold and what left each card in the gaps between.

    A counter that goes back, as of two images of one card, takes nothing back.
    """
    last = {life: (birth.tmc, birth.spent_cents) for life, birth in log.births.items()}
    for sale in sold:
        tmc, spent_cents = last[sale.life]
        if sale.tmc > tmc + 1:
            sums.spent[sale.life] += max(0, sale.spent0_cents - spent_cents)
        sums.spent[sale.life] += sale.amount_cents
        last[sale.life] = sale.tmc, sale.spent0_cents + sale.amount_cents


def _refunds(told: Told, log: Log, sold: list[Sold], sums: Sums) -> None:
    """Take refunds from merchants; what an allowance contains is the member's all the same."""
    counted: set[tuple[Life, Place]] = set()
    for sale, place, cents in granted_refunds(sold, told, log):
        counted.add((sale.life, place))
        sums.of_merchants["payable", sale.merchant] -= cents
        sums.sold[(*sale.life, "payable", sale.merchant)] -= cents
        if log.returned_at(sale.life, sale.tmc) is None:
            sums.returned[sale.life] += cents
    for refunds in told.refunds.values():
        for place, refund, _ in sorted(refunds, key=lambda one: -one[1].amount_cents):
            life = refund.uid, refund.generation
            if (life, place) not in counted and log.contains(life, place):
                counted.add((life, place))
                sums.returned[life] += refund.amount_cents
    for life, backs in log.returned.items():
        sums.returned[life] += sum(one.amount_cents for one in backs)


def _refunded(told: Told, log: Log, sold: list[Sold]) -> Counter[tuple[Life, int]]:
    """Return the cents that refunds took from merchants, by card and counter of the sale."""
    cents: Counter[tuple[Life, int]] = Counter()
    for sale, _, part_cents in granted_refunds(sold, told, log):
        cents[sale.life, sale.tmc] += part_cents
    return cents


def _acts(acts: Iterable[Act], sums: Sums) -> None:
    runs: dict[str, SettlementApproved] = {}
    books: Counter[Account] = sums.of_merchants
    for act in acts:
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
            case PayoutReturned() as back:
                books["paid", back.merchant] -= back.amount_cents
                books["payable", back.merchant] += back.amount_cents
            case CreditMoved() as moved:
                sums.credit[moved.uid, moved.generation] -= moved.amount_cents
            case CreditLapsed() as gone:
                sums.credit[gone.uid, gone.generation] -= gone.amount_cents
                sums.lapsed[gone.uid, gone.generation] += gone.amount_cents


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
            ("proof", row.tmv.hex(), sale.tmv.hex()),
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
    postings: dict[int, list[ClaimedLine]] = defaultdict(list)
    for line in export.lines:
        postings[line.posting].append(line)
    for posting, lines in sorted(postings.items()):
        place, cents = f"posting {posting}", sum(line.amount_cents for line in lines)
        if cents:
            yield Finding(Class.POSTING, place, "does not sum to zero", abs(cents))
        if len({(line.uid, line.generation) for line in lines}) > 1:
            yield Finding(Class.POSTING, place, "is of more than one card")
        for line in lines:
            is_right = line.book in OF_MERCHANTS or (line.book in OF_NOBODY and not line.merchant)
            if not is_right:
                words = f"no account is {line.book} of merchant {line.merchant}"
                yield Finding(Class.POSTING, place, words, abs(line.amount_cents))


def _accounts(export: Export, sums: Sums) -> Iterator[Finding]:
    merchants: Counter[Account] = Counter()
    of_cards: dict[str, Counter[tuple[bytes, int]]] = defaultdict(Counter)
    sold: Counter[tuple[bytes, int, str, int]] = Counter()
    whole: Counter[tuple[bytes, int]] = Counter()
    received: Counter[tuple[str]] = Counter()
    for line in export.lines:
        life = line.uid, line.generation
        if line.book in OF_MERCHANTS:
            merchants[line.book, line.merchant] += line.amount_cents
        else:
            of_cards[line.book][life] += line.amount_cents
        if line.book in OF_MEMBERS:
            received[(line.book,)] += line.amount_cents
        if line.book in OF_SALES and line.uid:
            sold[(*life, line.book, line.merchant)] += line.amount_cents
        if line.book not in {"credit", "issued", "lapsed", "withheld"} and line.uid:
            whole[life] += line.amount_cents
    spent = Counter({life: -cents for life, cents in sums.spent.items()})
    issued = Counter({life: -cents for life, cents in of_cards["credit"].items()})
    issued.subtract(of_cards["lapsed"])
    issued.subtract(of_cards["withheld"])
    yield from _differences(merchants, sums.of_merchants, "{0} of merchant {1}")
    yield from _differences(sold, sums.sold, "{2} of merchant {3} from card {0}.{1}")
    yield from _differences(of_cards["spent"], spent, "spent of card {0}.{1}")
    yield from _differences(of_cards["credit"], sums.credit, "credit of card {0}.{1}")
    yield from _differences(of_cards["lapsed"], sums.lapsed, "lapsed of card {0}.{1}")
    yield from _differences(of_cards["paper"], sums.paper, "paper of card {0}.{1}")
    yield from _differences(of_cards["withheld"], sums.withheld, "withheld of card {0}.{1}")
    yield from _differences(of_cards["issued"], issued, "issued of card {0}.{1}")
    yield from _differences(of_cards["returned"], sums.returned, "returned of card {0}.{1}")
    yield from _differences(received, sums.received, "{0} of what members paid in")
    yield from _differences(whole, Counter(), "conservation of card {0}.{1}")


def _differences(shown: Counter[Key], wanted: Counter[Key], place: str) -> Iterator[Finding]:
    for key in sorted(shown.keys() | wanted.keys()):
        if shown[key] != wanted[key]:
            words = f"{shown[key]} in the books, {wanted[key]} by what was signed"
            named = (part.hex() if isinstance(part, bytes) else part for part in key)
            where, cents = place.format(*named), abs(shown[key] - wanted[key])
            yield Finding(Class.BALANCE, where, words, cents)


def _payable(export: Export, sums: Sums) -> Iterator[Finding]:
    owed = {merchant for book, merchant in sums.of_merchants if book == "payable"}
    for merchant in sorted(export.payable.keys() | owed):
        cents = export.payable.get(merchant, 0)
        wanted_cents = sums.of_merchants["payable", merchant]
        if cents != wanted_cents:
            words = f"{cents} are said to be owed, {wanted_cents} by what was signed"
            place = f"owed to merchant {merchant}"
            yield Finding(Class.BALANCE, place, words, abs(cents - wanted_cents))
