"""What a person should look at on one card: facts that do not match, and nobody's name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from server_stub.rules import intents
from server_stub.rules.chain import Proven
from server_stub.rules.facts import CardFacts, ClaimFacts, Known, State
from server_stub.rules.findings import FindingKind, FindingValue
from server_stub.rules.intents import Closing
from server_stub.rules.refunds import SALE_NOT_PROVEN, RefundClosing

_UNPROVEN = {
    intents.NOT_GENUINE: FindingKind.NOT_GENUINE,
    intents.CARD_UNKNOWN: FindingKind.CARD_UNKNOWN,
    intents.TWO_PROOFS: FindingKind.TWO_PROOFS,
    intents.RETURNED_BEFORE: FindingKind.RETURNED_AND_GREEN,
}


def review(
    facts: CardFacts,
    *,
    closings: Mapping[bytes, Closing],
    proven: Sequence[Proven],
    gaps: Iterable[tuple[int, int, int]],
    went_down: Iterable[tuple[Known, Proven]],
    refunds: Iterable[RefundClosing],
) -> Iterator[FindingValue]:
    """Yield every finding about a card, each once; `gaps` are (first, last, cents)."""
    card = facts.key.life
    for first_tmc, last_tmc, sum_cents in gaps:
        yield FindingValue(
            FindingKind.GAP,
            f"{card}/{first_tmc}-{last_tmc}",
            facts={"first_tmc": first_tmc, "last_tmc": last_tmc, "sum_cents": sum_cents},
        )
    for before, one in went_down:
        yield FindingValue(
            FindingKind.COUNTER_WENT_DOWN,
            f"{card}/{one.sale.tmc}",
            facts={
                "tmc": one.sale.tmc,
                "before_cents": before.spent_cents,
                "after_cents": one.sale.spent0_cents,
            },
        )
    for one in proven:
        yield from _proven(facts, one, card)
    for claim in facts.claims:
        yield from _claimed(facts, claim, closings[claim.entry])
    for refund in refunds:
        if not refund.granted and refund.reason != SALE_NOT_PROVEN:
            yield FindingValue(
                FindingKind.REFUND_WAITS,
                refund.refund.entry.hex(),
                refund.refund.terminal,
                {"seq": refund.refund.seq, "reason": refund.reason},
            )


def _proven(facts: CardFacts, one: Proven, card: str) -> Iterator[FindingValue]:
    sale, claim = one.sale, one.claim
    place = {"tmc": sale.tmc, "seq": sale.seq, "amount_cents": sale.amount_cents}
    if claim is None:
        lost = facts.lost[sale.terminal]
        if sale.seq <= lost.last_seq or sale.seq in lost.told_seqs:
            kind = FindingKind.RECOVERY_CONTRADICTED
        elif sale.tmc not in facts.confirmed:
            kind = FindingKind.RECOVERED
        else:
            return
        yield FindingValue(kind, f"{card}/{sale.tmc}", sale.terminal, place)
        return
    key = claim.entry.hex()
    if not claim.token_right:
        yield FindingValue(FindingKind.TOKEN_WRONG, key, claim.terminal, place)
    if one.enc_tmri_wrong:
        yield FindingValue(FindingKind.ENC_TMRI_WRONG, key, claim.terminal, place)
    said_cents = claim.outcome_amount_cents
    if said_cents is not None and said_cents != sale.amount_cents:
        yield FindingValue(
            FindingKind.AMOUNT_DIFFERS, key, claim.terminal, {**place, "said_cents": said_cents}
        )


def _claimed(facts: CardFacts, claim: ClaimFacts, closing: Closing) -> Iterator[FindingValue]:
    key = claim.entry.hex()
    place = {"tmc": claim.tmc, "seq": claim.seq, "amount_cents": claim.amount_cents}
    if claim.outcomes_disagree:
        yield FindingValue(FindingKind.TWO_OUTCOMES, key, claim.terminal, place)
    if closing.reason == intents.VOID_CONTRADICTED:
        yield FindingValue(FindingKind.VOID_CONTRADICTED, key, claim.terminal, place)
    if closing.state is State.PAYABLE and claim.tmc in facts.returned:
        yield FindingValue(FindingKind.RETURNED_AND_GREEN, key, claim.terminal, place)
    if closing.state is State.HELD:
        kind = _UNPROVEN.get(closing.reason, FindingKind.HELD)
        yield FindingValue(kind, key, claim.terminal, {**place, "reason": closing.reason})
