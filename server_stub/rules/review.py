"""What a person should look at on one card: facts that do not match, and nobody's name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field

from cardkit.decide import Reason
from cardkit.frozen import dataclass
from server_stub.rules import intents
from server_stub.rules.chain import Proven
from server_stub.rules.disputes import OPEN, Stage
from server_stub.rules.facts import CardFacts, ClaimFacts, Known, State
from server_stub.rules.findings import Fact, FindingKind, FindingValue
from server_stub.rules.gaps import Gap, Mark, marks
from server_stub.rules.intents import Closing
from server_stub.rules.refunds import SALE_NOT_PROVEN, RefundClosing

PROVEN, SIGHTED = "proven", "sighted"
"""Whether the card's own proof says it, or only somebody who looked."""

_UNPROVEN = {
    intents.NOT_GENUINE: FindingKind.NOT_GENUINE,
    intents.CARD_UNKNOWN: FindingKind.CARD_UNKNOWN,
    intents.TWO_PROOFS: FindingKind.TWO_PROOFS,
    intents.RETURNED_BEFORE: FindingKind.RETURNED_AND_GREEN,
}
_SHOWN_TO_TILLS = {
    Reason.CARD_ROLLED_BACK: FindingKind.CARD_ROLLED_BACK,
    Reason.CARD_FORKED: FindingKind.CARD_FORKED,
}


@dataclass(slots=True)
class Oddities:
    """Proven transactions that do not go on where the one before them ended."""

    went_down: list[tuple[Known, Proven]] = field(default_factory=list)
    branched: list[tuple[Known, Proven]] = field(default_factory=list)

    def note(self, before: Known, one: Proven) -> None:
        """Keep a transaction that can't follow the one before on one and the same card."""
        sale = one.sale
        if sale.spent0_cents < before.spent_cents:
            self.went_down.append((before, one))
        elif sale.tmc == before.tmc + 1 and (
            sale.spent0_cents != before.spent_cents or sale.tmv0 != before.tmv
        ):
            self.branched.append((before, one))


def review(
    facts: CardFacts,
    *,
    closings: Mapping[bytes, Closing],
    proven: Sequence[Proven],
    gaps: Iterable[tuple[Gap, int]],
    odd: Oddities,
    refunds: Iterable[RefundClosing],
    last: Known,
) -> Iterator[FindingValue]:
    """Yield every finding about a card, each once; `gaps` with the cents that still wait."""
    for gap, left_cents in gaps:
        yield from _gap(facts, gap, left_cents)
    yield from _odd(facts.key.life, odd)
    for one in proven:
        yield from _proven(facts, one, closings)
    for claim in facts.claims:
        yield from _claimed(facts, claim, closings[claim.entry])
    yield from _decided(facts)
    for refund in refunds:
        if not refund.granted and refund.reason != SALE_NOT_PROVEN:
            yield FindingValue(
                FindingKind.REFUND_WAITS,
                refund.refund.entry.hex(),
                refund.refund.terminal,
                {"seq": refund.refund.seq, "reason": refund.reason},
            )
    yield from _shown(facts, last)


def _gap(facts: CardFacts, gap: Gap, left_cents: int) -> Iterator[FindingValue]:
    """A gap waits until every terminal has told; a mark says of one of them what it will tell."""
    card, told = facts.key.life, {(one.terminal, one.seq, one.token) for one in facts.claims}
    place: dict[str, Fact] = {
        "first_tmc": gap.first_tmc,
        "last_tmc": gap.last_tmc,
        "sum_cents": gap.sum_cents,
    }
    expected: list[Mark] = []
    for mark in marks(facts, gap):
        teller = facts.tellers[mark.terminal]
        if (mark.terminal, mark.seq, mark.token) in told:
            continue
        if mark.seq > teller.up_to_seq:
            expected.append(mark)
            continue
        yield FindingValue(
            FindingKind.WITHHELD,
            f"{card}/{mark.tmc}/{mark.terminal}/{mark.seq}",
            mark.terminal,
            {
                "tmc": mark.tmc,
                "seq": mark.seq,
                "amount_cents": mark.amount_cents,
                "up_to_seq": teller.up_to_seq,
            },
        )
    if expected:
        place["marks"] = ", ".join(f"{mark.terminal}/{mark.seq}" for mark in expected)
    waits = left_cents > 0 or (gap.sum_cents == 0 and gap.span not in facts.told)
    kind = FindingKind.GAP if waits else FindingKind.UNCLAIMED
    yield FindingValue(kind, f"{card}/{gap.first_tmc}-{gap.last_tmc}", facts=place)


def _odd(card: str, odd: Oddities) -> Iterator[FindingValue]:
    kinds = (
        (FindingKind.COUNTER_WENT_DOWN, odd.went_down),
        (FindingKind.CARD_BRANCHED, odd.branched),
    )
    for kind, pairs in kinds:
        for before, one in pairs:
            facts: dict[str, Fact] = {
                "tmc": one.sale.tmc,
                "before_cents": before.spent_cents,
                "after_cents": one.sale.spent0_cents,
            }
            yield FindingValue(kind, f"{card}/{one.sale.tmc}", facts=facts)


def _proven(
    facts: CardFacts, one: Proven, closings: Mapping[bytes, Closing]
) -> Iterator[FindingValue]:
    sale, claim, card = one.sale, one.claim, facts.key.life
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
    if closings[claim.entry].reason == intents.OPEN_AT_TERMINAL:
        yield FindingValue(FindingKind.OUTCOME_MISSING, key, claim.terminal, place)


def _claimed(facts: CardFacts, claim: ClaimFacts, closing: Closing) -> Iterator[FindingValue]:
    key = claim.entry.hex()
    place = {"tmc": claim.tmc, "seq": claim.seq, "amount_cents": claim.amount_cents}
    if claim.outcomes_disagree:
        yield FindingValue(FindingKind.TWO_OUTCOMES, key, claim.terminal, place)
    if closing == Closing(State.WAITING, intents.VOID_CONTRADICTED):
        yield FindingValue(FindingKind.VOID_CONTRADICTED, key, claim.terminal, place)
    if closing.reason == intents.PROOF_NOT_SEEN:
        yield FindingValue(FindingKind.AWAITS_PROOF, key, claim.terminal, place)
    if closing.state is State.PAYABLE and facts.returned_at(claim.tmc) is not None:
        yield FindingValue(FindingKind.RETURNED_AND_GREEN, key, claim.terminal, place)
    if closing.state is State.HELD:
        kind = _UNPROVEN.get(closing.reason, FindingKind.HELD)
        yield FindingValue(kind, key, claim.terminal, {**place, "reason": closing.reason})


def _decided(facts: CardFacts) -> Iterator[FindingValue]:
    """What people are deciding, and paper that a later sale makes doubtful."""
    for dispute in facts.disputes:
        if Stage(dispute.stage) in OPEN:
            place: dict[str, Fact] = {
                "tmc": dispute.tmc,
                "amount_cents": dispute.amount_cents,
                "stage": dispute.stage,
            }
            if dispute.answer_by is not None:
                place["answer_by"] = dispute.answer_by.isoformat()
            yield FindingValue(FindingKind.DISPUTED, dispute.number.hex(), facts=place)
    for twin in facts.twins:
        yield FindingValue(
            FindingKind.PAPER_DOUBLE,
            f"{twin.carnet}-{twin.slip}",
            twin.terminal,
            {"carnet": twin.carnet, "seq": twin.seq, "amount_cents": twin.amount_cents},
        )


def _shown(facts: CardFacts, last: Known) -> Iterator[FindingValue]:
    """What tills saw of the card beyond or beside what it has proven; none of it is posted.

    A blocked card buys nothing any more, and that is all that some of it asks for. What it spent,
    and nobody has told of, is asked about until its remainder is decided upon.
    """
    card = facts.key.life
    seen_cents, seen_tmc = last.spent_cents, last.tmc
    refused: dict[tuple[Reason, int], FindingValue] = {}
    for sighting in facts.sightings:
        if sighting.spent_cents is not None and sighting.tmc > last.tmc:
            seen_cents = max(seen_cents, sighting.spent_cents)
            seen_tmc = max(seen_tmc, sighting.tmc)
        kind = _SHOWN_TO_TILLS.get(sighting.refused) if sighting.refused else None
        if kind is not None and sighting.refused is not None:
            refused[sighting.refused, sighting.tmc] = FindingValue(
                kind,
                f"{card}/{sighting.tmc}",
                facts={"tmc": sighting.tmc, "last_tmc": last.tmc},
            )
    if not facts.blocked:
        yield from refused.values()
    if seen_cents > last.spent_cents and not facts.emptied:
        seen: dict[str, Fact] = {"tmc": seen_tmc, "sum_cents": seen_cents - last.spent_cents}
        yield FindingValue(FindingKind.SEEN_AHEAD, card, facts=seen)
    left_cents = facts.key.profile.initial_value - seen_cents
    if left_cents < facts.floor_cents and not facts.blocked:
        by = SIGHTED if seen_cents > last.spent_cents else PROVEN
        yield FindingValue(
            FindingKind.REPLACE_CARD, card, facts={"left_cents": left_cents, "source": by}
        )
