"""What the cards and the people before the screen say, held against a till's journal.

The oracle is the cards' own history and the greens that somebody saw: what a till believed before
it was cut counts for nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cardkit.bodies import Indeterminate, Intent, Sale, SaleProof, Void
from simulator.card import VirtualCard
from simulator.crash.stall import CrashStall
from terminal.till import Till

ENTRIES_MAX: Final = 1_000_000

Sold = tuple[int, bytes, int, int]
"""Number of the intent, card, counter, amount in cents."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong, in sentences, and how many sales had to be settled afterwards."""

    wrong: tuple[str, ...]
    recovered: int


def debits(cards: Iterable[VirtualCard]) -> Counter[Sold]:
    """What the cards say of themselves, by the number that stood in the reader id."""
    found = Counter[Sold]()
    for card in cards:
        for committed in card.history:
            for change in committed.values:
                amount_cents = change.before - change.after
                if amount_cents and committed.tmri is not None:
                    seq = int.from_bytes(committed.tmri[4:8])
                    found[seq, card.uid, committed.tmc, amount_cents] += 1
    return found


def settle(stall: CrashStall, till: Till) -> None:
    """Tap every card once more, so that nothing stays open."""
    for card in stall.cards:
        stall.tap(card, till.balance)


def judge(stall: CrashStall, till: Till, greens: Iterable[Sold]) -> Verdict:
    """Hold a settled till's journal against greens and cards."""
    wrong = list[str]()
    sales, intents, recovered, doubts = Counter[Sold](), dict[int, Intent](), 0, 0
    if till.journal.verify() != till.journal.head.seq:
        wrong.append("verify and head disagree")
    for entry in till.journal.entries(0, ENTRIES_MAX):
        match entry.body:
            case Intent():
                intents[entry.envelope.seq] = entry.body
            case Sale(intent_seq=seq, tmc=tmc, amount_cents=amount_cents, proof=proof):
                recovered += proof is not SaleProof.COMMIT_ANSWERED
                sales[seq, intents[seq].uid, tmc, amount_cents] += 1
            case Void():
                recovered += 1
            case Indeterminate():
                doubts += 1
    debited = debits(stall.cards)
    if any(times > 1 for times in (*sales.values(), *debited.values())):
        wrong.append("something was sold twice")
    if missing := set(greens) - set(sales):
        wrong.append(f"green and not in the journal: {sorted(missing)}")
    if invented := set(sales) - set(debited):
        wrong.append(f"sold and not debited: {sorted(invented)}")
    if forgotten := set(debited) - set(sales):
        wrong.append(f"debited and not sold: {sorted(forgotten)}")
    if doubts or till.journal.open_intents():
        wrong.append("one stall alone can always tell how a sale ended")
    return Verdict(tuple(wrong), recovered)
