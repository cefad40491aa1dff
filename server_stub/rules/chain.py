"""The chain of a card's own transactions: which are proven, by whom claimed, what is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from server_stub.rules.facts import CardFacts, ClaimFacts, Known
from server_stub.rules.proof import CardSale, enc_tmri_after, expected_tmv
from server_stub.rules.recover import HOLE_MAX, Found, Hole, HoleEnd, recover

ENDS_TRIED_MAX = 16
"""Unproven sightings beyond the last proven transaction, from which recovery is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """One transaction that the card has proven; `claim` is None when no journal tells of it."""

    sale: CardSale
    tmv: bytes
    claim: ClaimFacts | None
    enc_tmri_wrong: bool = False

    @property
    def after(self) -> Known:
        """The card right after it."""
        return Found(self.sale, self.tmv).after


@dataclass(frozen=True, slots=True)
class CardChain:
    """All proven transactions of a card in order, and the claims that they leave over."""

    proven: tuple[Proven, ...]
    bound: dict[bytes, int]
    """Claims of a transaction that another entry already stands for: digest to counter."""
    rival: dict[bytes, int]
    """Claims proven at a counter where something else is proven too."""


Proofs = dict[int, set[bytes]]


def build(facts: CardFacts) -> CardChain:
    """Prove what can be proven, recover what a lost terminal left, prove again with that."""
    proofs: Proofs = defaultdict(set)
    for sighting in facts.sightings:
        proofs[sighting.tmc].add(sighting.tmv)
    chain = _match(facts, proofs)
    if not facts.lost:
        return chain
    found = {one.sale.tmc: one for one in _recovered(facts, chain, proofs)}
    for tmc, one in found.items():
        proofs[tmc].add(one.tmv)
    chain = _match(facts, proofs)
    told = {proven.sale.tmc for proven in chain.proven}
    untold = [
        Proven(sale=one.sale, tmv=one.tmv, claim=None)
        for tmc, one in found.items()
        if tmc not in told and one.sale.terminal in facts.lost
    ]
    proven = sorted((*chain.proven, *untold), key=lambda one: one.sale.tmc)
    return replace(chain, proven=tuple(proven))


def _match(facts: CardFacts, proofs: Proofs) -> CardChain:
    proven: list[Proven] = []
    bound: dict[bytes, int] = {}
    rival: dict[bytes, int] = {}
    previous = facts.birth
    for claim in sorted(facts.claims, key=_precedence):
        if proven and proven[-1].sale.tmc < claim.tmc:
            previous = proven[-1].after
        match = _prove(facts, claim, proofs.get(claim.tmc, set()), previous)
        if match is None:
            continue
        holder = proven[-1] if proven and proven[-1].sale.tmc == claim.tmc else None
        if holder is None:
            proven.append(match)
        elif holder.tmv == match.tmv:
            bound[claim.entry] = claim.tmc
        else:
            rival[claim.entry] = claim.tmc
    return CardChain(tuple(proven), bound, rival)


def _precedence(claim: ClaimFacts) -> tuple[int, bool, object, int, int, bytes]:
    """By counter; at one counter the sale first, so that an echo of it never takes its place."""
    is_sale = claim.outcome_amount_cents is not None
    return claim.tmc, not is_sale, claim.at, claim.terminal, claim.seq, claim.entry


def _prove(
    facts: CardFacts, claim: ClaimFacts, seen: Iterable[bytes], previous: Known
) -> Proven | None:
    if claim.expected_tmv is None or not seen:
        return None
    if claim.expected_tmv in seen:
        return Proven(sale=claim.sale, tmv=claim.expected_tmv, claim=claim)
    if previous.tmc != claim.tmc - 1:
        return None
    enc_tmri = enc_tmri_after(facts.key, tmc=claim.tmc, previous_tmri=previous.tmri)
    tmv = expected_tmv(facts.key, claim.sale, enc_tmri=enc_tmri)
    if tmv is None or tmv not in seen:
        return None
    return Proven(sale=claim.sale, tmv=tmv, claim=claim, enc_tmri_wrong=True)


def _recovered(facts: CardFacts, chain: CardChain, proofs: Proofs) -> Iterator[Found]:
    seen = {tmc: frozenset(tmvs) for tmc, tmvs in proofs.items()}
    for start, ends in _holes(facts, chain):
        for end in ends:
            hole = Hole(
                card=facts.key,
                start=start,
                end=end,
                records=facts.records,
                seen=seen,
                lost=facts.lost,
            )
            found = recover(hole)
            yield from found
            if found:
                break


def _holes(facts: CardFacts, chain: CardChain) -> Iterator[tuple[Known, tuple[HoleEnd, ...]]]:
    """Every hole between proven transactions, and the open end behind the last one."""
    start = facts.birth
    for one in chain.proven:
        if one.sale.tmc > start.tmc + 1:
            enc_tmri = one.claim.enc_tmri if one.claim else None
            yield (
                start,
                (
                    HoleEnd(
                        tmc=one.sale.tmc - 1,
                        tmv=one.sale.tmv0,
                        spent_cents=one.sale.spent0_cents,
                        next_enc_tmri=enc_tmri,
                    ),
                ),
            )
        start = one.after
    beyond = sorted(
        (
            HoleEnd(
                tmc=sighting.tmc,
                tmv=sighting.tmv,
                spent_cents=sighting.spent_cents,
                next_enc_tmri=sighting.next_enc_tmri,
            )
            for sighting in facts.sightings
            if start.tmc < sighting.tmc <= start.tmc + HOLE_MAX and sighting.spent_cents is not None
        ),
        key=lambda end: (-end.tmc, end.next_enc_tmri is None, end.tmv, end.spent_cents),
    )
    if beyond:
        yield start, tuple(beyond[:ENDS_TRIED_MAX])
