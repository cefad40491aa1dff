"""From rows to facts: everything that the tables hold of a few cards, as the rules take it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from django.db.models import Count, F, Q

from cardkit.acts import ActKind, ReturnReason
from cardkit.bodies import ResolutionChoice
from cardkit.card.tmac import NO_TMRI
from cardkit.card.token import ReaderId, SaleRecord
from cardkit.decide import Reason
from server_stub.models import (
    AllowanceIssued,
    Card,
    CardDecision,
    CardStatus,
    CardTransaction,
    Claim,
    ClaimDecision,
    Dispute,
    Finding,
    PaperClaim,
    RecordSeen,
    RefundClaim,
    Sighting,
    StoredEntry,
    Terminal,
    TerminalStatus,
)
from server_stub.rules import facts as known
from server_stub.rules.facts import (
    APPROVED,
    CardFacts,
    Confirmed,
    Known,
    Outcome,
    RefundFacts,
    Returned,
)
from server_stub.rules.findings import FindingKind
from server_stub.rules.ledger import Account
from server_stub.services import books
from server_stub.services.bulk import among
from server_stub.services.caisse import Caisse
from server_stub.services.card_keys import card_key
from server_stub.services.resolved import Resolutions, resolutions, twins
from server_stub.services.surroundings import Surroundings
from server_stub.services.watermark import is_told
from server_stub.services.windows import beyond_windows

Row = TypeVar("Row", Claim, Sighting, RecordSeen, RefundClaim, CardDecision, CardTransaction)


@dataclass(slots=True)
class Rows:
    """Everything that the tables hold of a few cards, by card."""

    claims: dict[int, list[Claim]] = field(default_factory=dict)
    sightings: dict[int, list[known.Sighting]] = field(default_factory=dict)
    records: dict[int, list[RecordSeen]] = field(default_factory=dict)
    refunds: dict[int, list[RefundClaim]] = field(default_factory=dict)
    decisions: dict[int, list[CardDecision]] = field(default_factory=dict)
    transactions: dict[int, list[CardTransaction]] = field(default_factory=dict)
    findings: dict[int, list[Finding]] = field(default_factory=dict)
    posted: dict[int, dict[str, dict[Account, int]]] = field(default_factory=dict)
    contained: dict[tuple[int, int, int], tuple[int, int]] = field(default_factory=dict)
    """By card, terminal and seq of a refund: the first allowance that lists it."""
    twice: frozenset[tuple[int, int]] = frozenset()
    """Terminal and seq of claims under whose number something else was signed too."""
    resolved: Resolutions = field(default_factory=Resolutions)
    """Disputes, slips, and acts that were taken back."""
    accepted: frozenset[bytes] = frozenset()
    """Digests of intents that two people decided to pay."""
    emptied: frozenset[int] = frozenset()
    """Cards whose remainder was moved, or has lapsed."""
    beyond: frozenset[bytes] = frozenset()
    """Digests of what stolen terminals tell beyond their loss windows."""
    settled: Mapping[int, known.Known] = field(default_factory=dict)
    """By card: the state from which on it is weighed; of these only what came later is here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtHand:
    """Rows that this transaction has read or written, by id: nobody has to read them again."""

    cards: Mapping[int, Card] = field(default_factory=dict)
    claims: Mapping[int, Claim] = field(default_factory=dict)


NOTHING: Final = AtHand()


def facts_of(caisse: Caisse, card: Card, rows: Rows, around: Surroundings) -> CardFacts:
    """Return everything that bears on one card's money."""
    decisions = rows.decisions.get(card.id, [])
    records: dict[int, list[SaleRecord]] = defaultdict(list)
    for seen in rows.records.get(card.id, []):
        record = SaleRecord.unpack(seen.content)
        if record is not None:
            records[seen.tmc].append(record)
    return CardFacts(
        key=card_key(caisse, card),
        birth=rows.settled.get(card.id)
        or Known(
            tmc=card.birth_tmc,
            tmv=card.birth_tmv or b"",
            spent_cents=card.birth_spent_cents,
        ),
        claims=tuple(_claim_facts(claim, rows) for claim in rows.claims.get(card.id, [])),
        sightings=tuple(rows.sightings.get(card.id, ())),
        records={tmc: tuple(held) for tmc, held in records.items()},
        refunds=tuple(
            _refund_facts(row, rows.contained.get((card.id, row.terminal_id, row.seq)), rows.beyond)
            for row in rows.refunds.get(card.id, [])
        ),
        lost=around.lost,
        confirmed={
            row.tmc: Confirmed(terminal=row.terminal, seq=row.seq, merchant=row.merchant)
            for row in decisions
            if row.kind == ActKind.RECOVERY_CONFIRMED and row.act_id not in rows.resolved.taken_back
        },
        returned=tuple(
            _returned(row, is_reversed=row.act_id in rows.resolved.taken_back)
            for row in decisions
            if row.kind == ActKind.SPEND_RETURNED
        ),
        disputes=rows.resolved.disputes.get(card.id, ()),
        twins=twins(rows.resolved.slips.get(card.id, ()), rows.claims.get(card.id, ())),
        tellers=around.tellers,
        told=_told(caisse, card, rows, around),
        overdue=_overdue(caisse, card, rows, around),
        floor_cents=around.floor_cents,
        blocked=card.status == CardStatus.BLOCKED,
        emptied=card.id in rows.emptied,
    )


def _returned(row: CardDecision, *, is_reversed: bool) -> Returned:
    return Returned(
        first_tmc=row.first_tmc or row.tmc,
        last_tmc=row.tmc,
        amount_cents=row.amount_cents,
        reason=ReturnReason(row.reason),
        is_reversed=is_reversed,
    )


def _told(
    caisse: Caisse, card: Card, rows: Rows, around: Surroundings
) -> frozenset[tuple[int, int]]:
    """Gaps of which nobody will tell any more, among those that have been shown."""
    return frozenset(
        (int(finding.facts["first_tmc"]), int(finding.facts["last_tmc"]))
        for finding in rows.findings.get(card.id, [])
        if finding.kind == FindingKind.UNCLAIMED.value or is_told(caisse, around.watermark, finding)
    )


def _overdue(caisse: Caisse, card: Card, rows: Rows, around: Surroundings) -> frozenset[int]:
    """Contradictions that were shown for as long as the rule says, and nothing is awaited."""
    if around.patience is None or caisse.replaying:
        return frozenset()
    shown_since = {
        finding.key: finding.opened_at
        for finding in rows.findings.get(card.id, [])
        if finding.kind == FindingKind.VOID_CONTRADICTED.value
    }
    return frozenset(
        claim.tmc
        for claim in rows.claims.get(card.id, [])
        if (since := shown_since.get(claim.entry.digest.hex())) is not None
        and since + around.patience <= caisse.now()
        and (_is_complete(claim) or claim.terminal.status == TerminalStatus.LOST)
    )


def _is_complete(claim: Claim) -> bool:
    return claim.outcome_seq is not None and claim.outcome_seq <= claim.terminal.cursor_seq


def _claim_facts(claim: Claim, rows: Rows) -> known.ClaimFacts:
    return known.ClaimFacts(
        entry=claim.entry.digest,
        terminal=claim.terminal_id,
        seq=claim.seq,
        merchant=claim.merchant,
        at=claim.at,
        tmc=claim.tmc,
        tmv0=claim.tmv0,
        spent0_cents=claim.spent0_cents,
        amount_cents=claim.amount_cents,
        token=claim.token,
        enc_tmri=claim.enc_tmri,
        expected_tmv=claim.expected_tmv,
        token_right=claim.token_right,
        verdict=claim.verdict,
        allowance=(claim.allowance_epoch, claim.allowance_version),
        leans_on=tuple((seq, cents) for seq, cents in claim.leans_on),
        outcome=Outcome(claim.outcome),
        outcome_amount_cents=claim.outcome_amount_cents,
        outcome_tmv=claim.outcome_tmv,
        outcome_complete=_is_complete(claim),
        outcomes_disagree=claim.outcomes_disagree,
        choice=None if claim.choice is None else ResolutionChoice(claim.choice),
        accepted=bytes(claim.entry.digest) in rows.accepted,
        number_taken_twice=(claim.terminal_id, claim.seq) in rows.twice,
        beyond_window=bytes(claim.entry.digest) in rows.beyond,
    )


def _refund_facts(
    refund: RefundClaim, contained_from: tuple[int, int] | None, beyond: frozenset[bytes]
) -> RefundFacts:
    return RefundFacts(
        terminal=refund.terminal_id,
        seq=refund.seq,
        selling_terminal=refund.selling_terminal,
        intent_seq=refund.intent_seq,
        amount_cents=refund.amount_cents,
        merchant=refund.merchant,
        entry=refund.entry.digest,
        beyond_window=bytes(refund.entry.digest) in beyond,
        contained_from=contained_from,
    )


def settled(caisse: Caisse, cards: Sequence[Card], came: Mapping[int, int]) -> dict[int, Known]:
    """Return the cards that can be weighed from their last proven state on, and that state.

    `came`: by card, the first counter about which something came. Money that went back to a card
    is weighed with the whole of its life.
    """
    later = {
        card.id: card
        for card in cards
        if card.is_settled and came.get(card.id, 0) > card.proven_tmc
    }
    if not later:
        return {}
    has_more: set[int | None] = set()
    for model in (RefundClaim, CardDecision, Dispute, PaperClaim):
        rows = model.objects.using(caisse.using).filter(among("card_id", later.keys())).order_by()
        has_more |= set(rows.values_list("card_id", flat=True))
    last = CardTransaction.objects.using(caisse.using).filter(
        among("card_id", later.keys()), tmc=F("card__proven_tmc")
    )
    readers = {
        card_id: ReaderId(terminal=terminal, seq=seq, token=token).pack()
        for card_id, terminal, seq, token in last.order_by().values_list(
            "card_id", "terminal", "seq", "claim__token"
        )
        if card_id in later and card_id not in has_more
    }
    return {
        card.id: Known(
            tmc=card.proven_tmc,
            tmv=card.proven_tmv or b"",
            spent_cents=card.proven_spent_cents,
            tmri=readers.get(card.id, NO_TMRI),
        )
        for card in later.values()
        if card.id not in has_more
        if card.id in readers or card.proven_tmc == card.birth_tmc
    }


def fetch(
    caisse: Caisse, cards: Sequence[Card], since: Mapping[int, Known], made: Mapping[int, Claim]
) -> Rows:
    """Read everything about a few cards, in a handful of queries.

    Of cards in `since` only what is about later counters, which is all that they need; of claims
    only what is not in `made`.
    """
    whole = [card.id for card in cards if card.id not in since]

    def of(model: type[Row], *related: str) -> dict[int, list[Row]]:
        return read(model, Q(card__in=whole), *related) if whole else {}

    def later(model: type[Row], *related: str) -> dict[int, list[Row]]:
        if not since:
            return of(model, *related)
        came = among("card_id", since.keys()) & Q(tmc__gt=F("card__proven_tmc"))
        read_later = read(model, came, *related)
        return of(model, *related) | {
            card: read_later[card] for card in since if card in read_later
        }

    def read(model: type[Row], wanted: Q, *related: str) -> dict[int, list[Row]]:
        held: dict[int, list[Row]] = defaultdict(list)
        rows = model.objects.using(caisse.using).filter(wanted)
        for row in rows.select_related(*related) if related else rows:
            held[row.card_id or 0].append(row)
        return held

    findings: dict[int, list[Finding]] = defaultdict(list)
    numbers = [card.id for card in cards]
    open_rows = Finding.objects.using(caisse.using).filter(
        among("card_id", numbers), closed_at__isnull=True
    )
    for finding in open_rows.select_related("card"):
        findings[finding.card_id or 0].append(finding)
    blocked = [card for card in cards if card.status == CardStatus.BLOCKED]
    claims, decisions = of(Claim, "entry") | _claims_since(caisse, since, made), of(CardDecision)
    terminals = Terminal.objects.using(caisse.using).in_bulk()
    for claim in (claim for rows in claims.values() for claim in rows):
        claim.terminal = terminals[claim.terminal_id]
    return Rows(
        claims=claims,
        sightings=_sightings(caisse, whole, since),
        records=later(RecordSeen),
        refunds=of(RefundClaim, "entry"),
        decisions=decisions,
        transactions=of(CardTransaction),
        findings=findings,
        posted=books.posted(caisse, whole),
        emptied=books.emptied(caisse, blocked) if blocked else frozenset(),
        contained=_contained(caisse, whole),
        resolved=resolutions(caisse, whole),
        settled=since,
        accepted=_accepted(caisse, (claim for rows in claims.values() for claim in rows)),
        beyond=beyond_windows(caisse),
        twice=_twice(
            caisse,
            (
                claim
                for card_id, rows in claims.items()
                for claim in rows
                if claim.outcome == Outcome.OPEN.value or _has_money_back(decisions, card_id)
            ),
        ),
    )


def _claims_since(
    caisse: Caisse, since: Mapping[int, Known], made: Mapping[int, Claim]
) -> dict[int, list[Claim]]:
    if not since:
        return {}
    came = Claim.objects.using(caisse.using).filter(
        among("card_id", since.keys()), tmc__gt=F("card__proven_tmc")
    )
    places = came.order_by("terminal_id", "seq", "id").values_list("id", "card_id")
    numbers = [number for number, card_id in places if card_id in since]
    earlier = [number for number in numbers if number not in made]
    read = came.select_related("entry").in_bulk(earlier) if earlier else {}
    held: dict[int, list[Claim]] = defaultdict(list)
    for number in numbers:
        claim = made[number] if number in made else read[number]
        held[claim.card_id or 0].append(claim)
    return held


def _sightings(
    caisse: Caisse, whole: Sequence[int], since: Mapping[int, Known]
) -> dict[int, list[known.Sighting]]:
    """Read what was seen of cards as the rules take it: nothing else is done with these rows."""
    wanted = Q(card__in=whole)
    if since:
        wanted |= among("card_id", since.keys()) & Q(tmc__gt=F("card__proven_tmc"))
    columns = ("card_id", "tmc", "tmv", "spent_cents", "next_enc_tmri", "refused")
    held: dict[int, list[known.Sighting]] = defaultdict(list)
    rows = Sighting.objects.using(caisse.using).filter(wanted)
    for card_id, tmc, tmv, spent_cents, enc_tmri, refused in rows.values_list(*columns):
        held[card_id].append(
            known.Sighting(
                tmc=tmc,
                tmv=tmv,
                spent_cents=spent_cents,
                next_enc_tmri=enc_tmri,
                refused=None if refused is None else Reason(refused),
            )
        )
    return held


def _accepted(caisse: Caisse, claims: Iterable[Claim]) -> frozenset[bytes]:
    """Which claims two people decided to pay; only those that can be held are asked about."""
    digests = [
        claim.entry.digest
        for claim in claims
        if claim.verdict != APPROVED or claim.terminal.loss_window_cents is not None
    ]
    if not digests:
        return frozenset()
    rows = ClaimDecision.objects.using(caisse.using).filter(
        entry__in=digests, act__reversed_by__isnull=True
    )
    return frozenset(bytes(digest) for digest in rows.values_list("entry", flat=True))


def _has_money_back(decisions: dict[int, list[CardDecision]], card_id: int) -> bool:
    return any(row.kind == ActKind.SPEND_RETURNED for row in decisions.get(card_id, []))


def _twice(caisse: Caisse, claims: Iterable[Claim]) -> frozenset[tuple[int, int]]:
    """Which claims share their number with another entry; asked only where it matters."""
    places = {(claim.terminal_id, claim.seq) for claim in claims}
    entries = StoredEntry.objects.using(caisse.using).filter(
        terminal__in={terminal for terminal, _ in places}, seq__in={seq for _, seq in places}
    )
    counted = entries.values_list("terminal_id", "seq").annotate(Count("id")).order_by()
    return frozenset((terminal, seq) for terminal, seq, count in counted if count > 1)


def _contained(caisse: Caisse, cards: Sequence[int]) -> dict[tuple[int, int, int], tuple[int, int]]:
    listing = AllowanceIssued.objects.using(caisse.using).filter(card__in=cards)
    contained: dict[tuple[int, int, int], tuple[int, int]] = {}
    for row in listing.exclude(refunds=[]).order_by("epoch", "version"):
        for terminal, seq in row.refunds:
            contained.setdefault((row.card_id, terminal, seq), (row.epoch, row.version))
    return contained
