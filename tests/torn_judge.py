"""Who judges torn sales: the card's history, the greens that were seen, and the service's books.

A scene is over when its card was tapped again or its day was closed; a market is over when the
service was told everything.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from django.db.models import Sum

from cardkit.bodies import DoubtReason, Indeterminate, Intent, Refund, Sale, Void
from server_stub.models import Card, CardTransaction, Claim, PostingLine
from server_stub.rules.facts import State
from server_stub.rules.ledger import Book
from simulator.card import VirtualCard
from terminal.till import Till
from tests.torn_world import HERE, Market, Scene

_ENTRIES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Debit:
    """One committed transaction that took money: what the card says of itself."""

    terminal: int
    seq: int
    tmc: int
    amount_cents: int
    token: bytes
    """Who names a terminal and a number to a card without it is somebody else."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a journal says since an entry, by the number of the intent."""

    intents: dict[int, Intent]
    outcomes: dict[int, list[Sale | Void | Indeterminate]]
    refunds: dict[int, int]


def debits(card: VirtualCard, *, after: int = 0) -> list[Debit]:
    """Every debit of a card after its n-th transaction, from its own history."""
    found = []
    for committed in card.history[after:]:
        for change in committed.values:
            assert committed.tmri is not None
            terminal, seq = (int.from_bytes(committed.tmri[at : at + 4]) for at in (0, 4))
            if change.before != change.after:
                amount_cents = change.before - change.after
                found.append(Debit(terminal, seq, committed.tmc, amount_cents, committed.tmri[8:]))
    return found


def told(till: Till, *, after: int = 0) -> Told:
    """Read a journal from after an entry on."""
    said = Told({}, {}, {})
    for entry in till.journal.entries(after, _ENTRIES):
        match entry.body:
            case Intent() as intent:
                said.intents[entry.seq] = intent
            case Sale() | Void() | Indeterminate() as outcome:
                said.outcomes.setdefault(outcome.intent_seq, []).append(outcome)
            case Refund() as refund:
                before = said.refunds.get(refund.intent_seq, 0)
                said.refunds[refund.intent_seq] = before + refund.amount_cents
    return said


def judge_scene(scene: Scene, *, may_doubt: frozenset[DoubtReason] = frozenset()) -> None:
    """Hold till and greens against the card.

    Each debit is recorded once and seen at most once, nothing else is green, nothing stays open;
    what is left to the service is left for one of the reasons that the scene allows.
    """
    said = told(scene.here, after=scene.heads[HERE])
    paid = {
        debit.seq: debit
        for debit in debits(scene.card, after=scene.committed_before)
        if debit.terminal == HERE and not is_forged(said, debit)
    }
    assert scene.here.journal.open_intents(scene.card.uid) == ()
    assert set(paid) <= set(said.intents), "a debit without an intent on disk"
    for seq, intent in said.intents.items():
        (outcome,) = said.outcomes.get(seq, [None])
        debit = paid.get(seq)
        match outcome:
            case Sale():
                assert debit is not None, "a sale without a debit"
                assert (outcome.amount_cents, outcome.tmc) == (debit.amount_cents, debit.tmc)
            case Void():
                assert debit is None, "a debit that was called void"
            case Indeterminate():
                assert outcome.reason in may_doubt, f"left to the service: {outcome.reason}"
        assert debit is None or debit.amount_cents == intent.amount_cents
    _judge_greens(scene, said, paid)


def is_forged(said: Told, debit: Debit) -> bool:
    """Whether a debit names a number of this journal, but not with the token of that intent."""
    return debit.seq in said.intents and said.intents[debit.seq].token != debit.token


def _judge_greens(scene: Scene, said: Told, paid: dict[int, Debit]) -> None:
    seen = Counter(scene.greens)
    assert set(seen.values()) <= {1}, "green twice"
    sold = {
        (seq, outcome.amount_cents)
        for seq, outcomes in said.outcomes.items()
        for outcome in outcomes
        if isinstance(outcome, Sale)
    }
    assert set(seen) <= sold, "green without a sale on disk"
    assert all(paid[seq].amount_cents == cents for seq, cents in seen), "green without a debit"
    missing = {seq for seq, _ in sold - set(seen)}
    given_back = {seq for seq in missing if said.refunds.get(seq) == paid[seq].amount_cents}
    assert scene.unseen or missing == given_back, "a sale that nobody saw"


# The service


def judge_books(market: Market) -> dict[State, int]:
    """Hold the service's books against the cards; returns cents by where they ended.

    Every cent that a card was debited is payable to the merchant, returned to the member, or
    waits with a reason: here nothing waits, because everything has been told.
    """
    truth = {number: told(till) for number, till in market.tills.items()}
    ended: Counter[State] = Counter()
    for card in market.cards:
        row = Card.objects.get(uid=card.uid)
        shown = {one.tmc: one for one in CardTransaction.objects.filter(card=row)}
        expected: Counter[str] = Counter()
        for debit in debits(card):
            said = truth[debit.terminal]
            (outcome,) = said.outcomes[debit.seq]
            state = State.PAYABLE if isinstance(outcome, Sale) else State.RETURNED
            one = shown.pop(debit.tmc)
            assert (one.terminal, one.seq, one.amount_cents, one.state) == (
                debit.terminal,
                debit.seq,
                debit.amount_cents,
                state,
            )
            refunded_cents = said.refunds.get(debit.seq, 0)
            expected[Book.SPENT] -= debit.amount_cents
            expected[state] += debit.amount_cents - refunded_cents
            expected[State.RETURNED] += refunded_cents
            ended[state] += debit.amount_cents
        assert shown == {}, "transactions that the card never made"
        assert posted(row) == {book: cents for book, cents in expected.items() if cents}
    never = Claim.objects.exclude(state__in=(State.PAYABLE, State.RETURNED, State.NOTHING))
    assert list(never.values_list("terminal", "seq", "state", "reason")) == []
    return dict(ended)


def posted(card: Card) -> dict[str, int]:
    """What the books say of one card, but for the credit that it was given."""
    rows = (
        PostingLine.objects.filter(posting__card=card)
        .exclude(account__in=(Book.CREDIT, Book.ISSUED))
        .values_list("account")
        .annotate(Sum("amount_cents"))
        .order_by()
    )
    return {account: cents for account, cents in rows if cents}
