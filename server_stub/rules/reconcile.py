"""What a card's facts come to: for every cent that it spent, one book; for every doubt, a finding.

A pure function of everything known, whatever the order in which it came. The service posts the
difference to what it posted before, so replays, reordering and late arrivals end in the same books.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from cardkit.acts import ReturnReason
from cardkit.errors import must
from cardkit.frozen import dataclass
from server_stub.rules import intents, ledger
from server_stub.rules.chain import CardChain, Proven, build
from server_stub.rules.disputes import dispute_lines
from server_stub.rules.facts import (
    APPROVED,
    CardFacts,
    ClaimFacts,
    Known,
    Outcome,
    RefundFacts,
    State,
)
from server_stub.rules.findings import FindingValue
from server_stub.rules.gaps import Gap, gap_between
from server_stub.rules.intents import Closing
from server_stub.rules.ledger import Book, Lines, move
from server_stub.rules.refunds import (
    ALREADY_RETURNED,
    RefundClosing,
    SaleStanding,
    close_refunds,
)
from server_stub.rules.returned import Allotment, Waiting, allot
from server_stub.rules.review import Oddities, review

_BOOKS = {
    State.PAYABLE: Book.PAYABLE,
    State.HELD: Book.HELD,
    State.PROVISIONAL: Book.PROVISIONAL,
}
"""Of money that does not wait any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A proven transaction and where its money belongs."""

    proven: Proven
    merchant: int
    closing: Closing

    @property
    def waiting(self) -> Waiting:
        """Its money, as far as that is nobody's yet."""
        sale, waits = self.proven.sale, self.closing.state in {State.WAITING, State.RETURNED}
        return Waiting((sale.tmc, sale.tmc), sale.amount_cents if waits else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """Money that is to be given back to the member, by an act that is not in the log yet."""

    first_tmc: int
    last_tmc: int
    amount_cents: int
    reason: ReturnReason


@dataclass(frozen=True, slots=True, kw_only=True)
class CardBooks:
    """Everything that follows from a card's facts."""

    transactions: tuple[Transaction, ...]
    claims: Mapping[bytes, Closing]
    refunds: tuple[RefundClosing, ...]
    gaps: tuple[Gap, ...]
    postings: Mapping[str, Lines]
    """By subject: the lines that the books must come to."""
    findings: tuple[FindingValue, ...]
    returns: tuple[Return, ...]
    last: Known
    """The last transaction that the card has proven."""
    settled: bool
    """Whether nothing up to there is in doubt: what comes later can be weighed without it."""


@dataclass(slots=True)
class _Sheet:
    """What is put together while going through a card's transactions in order."""

    transactions: list[Transaction] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    standings: dict[tuple[int, int], SaleStanding] = field(default_factory=dict)
    sales: dict[int, SaleStanding] = field(default_factory=dict)
    """The same by counter, those under a number used twice included."""
    odd: Oddities = field(default_factory=Oddities)
    last: Known | None = None


def reconcile(facts: CardFacts) -> CardBooks:
    """Say where every cent that this card spent belongs."""
    chain = build(facts)
    sheet = _go_through(facts, chain)
    refunds = close_refunds(facts.refunds, sheet.standings)
    waiting = [transaction.waiting for transaction in sheet.transactions]
    waiting += [Waiting(gap.span, gap.sum_cents) for gap in sheet.gaps]
    allotment = allot(facts.returned, waiting)
    postings = dict(_postings(sheet, allotment, refunds))
    postings.update(dispute_lines(facts.disputes, sheet.sales, _refunded(refunds)))
    last = sheet.last or facts.birth
    _check(facts, sheet, postings, last)
    claims = dict(_claim_closings(facts, chain, sheet, allotment))
    findings = tuple(
        review(
            facts,
            closings=claims,
            proven=chain.proven,
            gaps=[
                (gap, allotment.left_cents(Waiting(gap.span, gap.sum_cents))) for gap in sheet.gaps
            ],
            odd=sheet.odd,
            refunds=refunds,
            last=last,
        )
    )
    return CardBooks(
        transactions=tuple(sheet.transactions),
        claims=claims,
        refunds=refunds,
        gaps=tuple(sheet.gaps),
        postings=postings,
        findings=findings,
        returns=tuple(_returns(facts, sheet, allotment)),
        last=last,
        settled=not findings and _settled(facts, sheet, claims, last),
    )


def _go_through(facts: CardFacts, chain: CardChain) -> _Sheet:
    sheet = _Sheet()
    before = facts.birth
    for proven in chain.proven:
        if proven.claim is None and _contradicted(facts, proven):
            continue
        sale = proven.sale
        sheet.odd.note(before, proven)
        if sale.tmc > before.tmc + 1:
            sheet.gaps.append(gap_between(before, proven))
        transaction = _close(facts, proven, sheet)
        sheet.transactions.append(transaction)
        standing = _standing(facts, transaction)
        sheet.standings.setdefault((sale.terminal, sale.seq), standing)
        sheet.sales[sale.tmc] = standing
        before = proven.after
    sheet.last = before
    return sheet


def _standing(facts: CardFacts, transaction: Transaction) -> SaleStanding:
    sale = transaction.proven.sale
    return SaleStanding(
        tmc=sale.tmc,
        amount_cents=sale.amount_cents,
        merchant=transaction.merchant,
        state=transaction.closing.state,
        returned=facts.returned_at(sale.tmc) is not None,
        disputed_cents=sum(it.returned_cents for it in facts.disputes if it.tmc == sale.tmc),
    )


def _refunded(refunds: Iterable[RefundClosing]) -> dict[int, int]:
    """Return the cents that refunds took from merchants, by counter of their sale."""
    cents: Counter[int] = Counter()
    for one in refunds:
        if one.granted and one.sale is not None:
            cents[one.sale.tmc] += one.refund.amount_cents
    return cents


def _contradicted(facts: CardFacts, proven: Proven) -> bool:
    """A recovered sale under a number that the terminal's journal has for something else."""
    lost = facts.lost[proven.sale.terminal]
    return proven.sale.seq <= lost.last_seq or proven.sale.seq in lost.told_seqs


def _close(facts: CardFacts, proven: Proven, sheet: _Sheet) -> Transaction:
    sale, claim = proven.sale, proven.claim
    confirmed = facts.confirmed.get(sale.tmc)
    if confirmed and (confirmed.terminal, confirmed.seq) != (sale.terminal, sale.seq):
        confirmed = None
    if claim is None:
        if confirmed:
            closing = Closing(State.PAYABLE)
            return Transaction(proven=proven, merchant=confirmed.merchant, closing=closing)
        merchant = facts.lost[sale.terminal].merchant or 0
        closing = Closing(State.PROVISIONAL, intents.RECOVERED)
        return Transaction(proven=proven, merchant=merchant, closing=closing)
    returned = facts.returned_at(sale.tmc)
    closing = intents.close_proven(
        claim,
        terminal_lost=claim.terminal in facts.lost,
        confirmed=confirmed is not None,
        refunds_granted=_refunds_granted(facts, claim, sheet),
        returned=returned.reason if returned and not returned.is_reversed else None,
        overdue=sale.tmc in facts.overdue,
    )
    return Transaction(proven=proven, merchant=claim.merchant, closing=closing)


def _refunds_granted(facts: CardFacts, claim: ClaimFacts, sheet: _Sheet) -> bool:
    """Every refund that this sale leaned on is this card's own, as large, granted, and not in the
    allowance already: a till that counts it twice has shown that it knows better.
    """
    if not claim.leans_on:
        return True
    granted = {
        (one.refund.terminal, one.refund.seq): one.refund.amount_cents
        for one in close_refunds(facts.refunds, sheet.standings)
        if one.granted and not _contained(one.refund, claim)
    }
    return all(granted.get((claim.terminal, seq)) == cents for seq, cents in claim.leans_on)


def _contained(refund: RefundFacts, claim: ClaimFacts) -> bool:
    return refund.contained_from is not None and refund.contained_from <= claim.allowance


def _claim_closings(
    facts: CardFacts, chain: CardChain, sheet: _Sheet, allotment: Allotment
) -> Iterator[tuple[bytes, Closing]]:
    proven = {
        transaction.proven.claim.entry: _shown(transaction, allotment)
        for transaction in sheet.transactions
        if transaction.proven.claim
    }
    taken = {one.sale.tmc for one in chain.proven}
    for claim in facts.claims:
        if claim.entry in proven:
            yield claim.entry, proven[claim.entry]
        elif claim.entry in chain.bound:
            yield claim.entry, Closing(State.NOTHING, intents.SAME_TRANSACTION)
        elif claim.entry in chain.rival:
            yield claim.entry, Closing(State.HELD, intents.TWO_PROOFS)
        else:
            yield claim.entry, intents.close_unproven(claim, other_proven=claim.tmc in taken)


def _shown(transaction: Transaction, allotment: Allotment) -> Closing:
    """Money is returned once the act that returns it is in the log, and waits until then."""
    closing = transaction.closing
    if closing.state is State.RETURNED and allotment.left_cents(transaction.waiting):
        return Closing(State.WAITING, closing.reason)
    return closing


def _postings(
    sheet: _Sheet, allotment: Allotment, refunds: tuple[RefundClosing, ...]
) -> Iterator[tuple[str, Lines]]:
    """Out of SPENT into one book; what was returned and is owed all the same is a loss."""
    for transaction in sheet.transactions:
        sale, state = transaction.proven.sale, transaction.closing.state
        if transaction.waiting.amount_cents:
            lines = _waiting_lines(transaction.waiting, allotment)
        else:
            lines = move(
                sale.amount_cents,
                out_of=Book.SPENT,
                into=_BOOKS[state],
                merchant=transaction.merchant,
            )
        yield f"transaction/{sale.tmc}", lines
    for gap in sheet.gaps:
        yield gap.subject, _waiting_lines(Waiting(gap.span, gap.sum_cents), allotment)
    for subject, cents in allotment.beyond_cents.items():
        yield subject, move(cents, out_of=Book.LOSS, into=Book.RETURNED)
    yield from _refund_postings(refunds)


def _waiting_lines(waiting: Waiting, allotment: Allotment) -> Lines:
    left_cents = allotment.left_cents(waiting)
    return (
        *move(waiting.amount_cents - left_cents, out_of=Book.SPENT, into=Book.RETURNED),
        *move(left_cents, out_of=Book.SPENT, into=Book.WAITING),
    )


def _refund_postings(closings: tuple[RefundClosing, ...]) -> Iterator[tuple[str, Lines]]:
    """Out of what the merchant is owed; what an allowance contains stays returned all the same."""
    posted: set[str] = set()
    for closing in sorted(closings, key=lambda one: not one.granted):
        refund, sale = closing.refund, closing.sale
        subject = f"refund/{refund.terminal}/{refund.seq}"
        if subject in posted:
            continue
        if closing.granted and sale is not None:
            into = Book.LOSS if closing.reason == ALREADY_RETURNED else Book.RETURNED
            lines = move(
                refund.amount_cents, out_of=Book.PAYABLE, into=into, merchant=sale.merchant
            )
        elif refund.contained_from is not None:
            lines = move(refund.amount_cents, out_of=Book.LOSS, into=Book.RETURNED)
        else:
            continue
        posted.add(subject)
        yield subject, lines


def _returns(facts: CardFacts, sheet: _Sheet, allotment: Allotment) -> Iterator[Return]:
    for transaction in sheet.transactions:
        reason, waiting = transaction.closing.return_reason, transaction.waiting
        if reason is not None:
            yield from _return(facts, waiting, allotment, reason)
    for gap in sheet.gaps:
        if gap.span in facts.told:
            waiting = Waiting(gap.span, gap.sum_cents)
            yield from _return(facts, waiting, allotment, ReturnReason.UNCLAIMED)


def _return(
    facts: CardFacts, waiting: Waiting, allotment: Allotment, reason: ReturnReason
) -> Iterator[Return]:
    """What is left to give back, unless an act about the very same transactions was the last."""
    first_tmc, last_tmc = waiting.span
    named = {(act.first_tmc, act.last_tmc) for act in facts.returned}
    left_cents = allotment.left_cents(waiting)
    if left_cents and waiting.span not in named:
        yield Return(first_tmc=first_tmc, last_tmc=last_tmc, amount_cents=left_cents, reason=reason)


def _settled(
    facts: CardFacts, sheet: _Sheet, closings: Mapping[bytes, Closing], last: Known
) -> bool:
    """Whether every sale up to the last one is owed on its own, and every void is one.

    Then only what is said of those very counters can change them; whoever weighs the card from
    its last proven state on has to look whether anything was.
    """
    if sheet.gaps or facts.refunds or facts.returned or facts.confirmed or facts.disputes:
        return False
    return all(
        claim.tmc > last.tmc
        or (claim.outcome is Outcome.VOID and closings[claim.entry].state is State.NOTHING)
        or (
            claim.outcome is Outcome.SALE
            and closings[claim.entry].state is State.PAYABLE
            and claim.verdict == APPROVED
            and not claim.leans_on
        )
        for claim in facts.claims
    ) and all(one.proven.claim is not None for one in sheet.transactions)


def _check(facts: CardFacts, sheet: _Sheet, postings: Mapping[str, Lines], last: Known) -> None:
    """Conservation: what the card has spent is what its lines say, and every subject balances.

    Of an image and its clone each has spent: what their two counters say together is no sum.
    """
    for subject, lines in postings.items():
        must(ledger.balanced(lines), f"{subject} sums to zero")
    if not sheet.odd.went_down and not sheet.odd.branched:
        posted_cents = ledger.spent_cents(line for lines in postings.values() for line in lines)
        must(
            posted_cents == last.spent_cents - facts.birth.spent_cents,
            "every cent that a card spent is in one book",
        )
