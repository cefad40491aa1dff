"""What a card's transactions come to, computed apart from the service, in the simplest way.

The service finds out who may be paid by keys that are nobody else's. Here a transaction is proven
when its published key says so; where none is published yet the claim of the books is followed
and counted, so that the report can say how much of it nobody outside can check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from auditor.claims import Claim, Life, Place, Told
from auditor.evidence import Evidence
from auditor.export import ClaimedSale
from auditor.findings import Class, Finding
from cardkit.acts import (
    AllowanceIssued,
    CardIssued,
    ProofKeysPublished,
    RecoveryConfirmed,
    ReturnReason,
    SpendReturned,
    TerminalLost,
)
from cardkit.allowance import Allowance, RefundRef, accept_allowance
from cardkit.bodies import ResolutionChoice
from cardkit.card import tmac
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.profile import CardProfile
from cardkit.decide import Approved, CardState, Till, decide
from cardkit.errors import DocumentError

PROFILES: dict[str, CardProfile] = {CLAF_PURSE_1.name: CLAF_PURSE_1}
NO_GOODS = frozenset({ResolutionChoice.PAID_OTHERWISE, ResolutionChoice.CLIENT_LEFT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """A transaction of a card as it should stand in the books."""

    life: Life
    tmc: int
    place: Place
    merchant: int
    spent0_cents: int
    amount_cents: int
    state: str
    verified: bool
    """Whether its proof was checked by a published key."""


@dataclass(slots=True)
class Log:
    """What the service's acts say, sorted by what they are about."""

    births: dict[Life, CardIssued] = field(default_factory=dict)
    allowances: dict[bytes, Allowance] = field(default_factory=dict)
    by_card: dict[Life, list[Allowance]] = field(default_factory=dict)
    returned: dict[Life, list[SpendReturned]] = field(default_factory=dict)
    confirmed: dict[tuple[Life, int], RecoveryConfirmed] = field(default_factory=dict)
    lost: dict[int, int] = field(default_factory=dict)
    """Terminals that were declared lost, and how far they had been heard."""
    proof_keys: dict[tuple[Life, int], bytes] = field(default_factory=dict)


def read_log(found: Evidence) -> Log:
    """Sort the acts."""
    log = Log()
    for act in found.acts:
        match act.body:
            case CardIssued() as born:
                log.births[born.uid, born.generation] = born
            case AllowanceIssued(content=content):
                _allowance(content, log, found, f"act {act.envelope.seq}")
            case SpendReturned() as back:
                log.returned.setdefault((back.uid, back.generation), []).append(back)
            case RecoveryConfirmed() as sale:
                log.confirmed[(sale.uid, sale.generation), sale.tmc] = sale
            case TerminalLost() as gone:
                log.lost.setdefault(gone.terminal, gone.last_seq)
            case ProofKeysPublished() as keys:
                for one in keys.keys:
                    log.proof_keys[(keys.uid, keys.generation), one.tmc] = one.key
    return log


def _allowance(content: bytes, log: Log, found: Evidence, place: str) -> None:
    if found.issuer_trust is None:
        return
    try:
        allowance = accept_allowance(content, found.issuer_trust)
    except DocumentError as error:
        found.find(Class.DOCUMENT, place, f"issues no allowance that a stall would take: {error}")
        return
    log.allowances[allowance.digest] = allowance
    held = log.by_card.setdefault((allowance.uid, allowance.generation), [])
    if held and allowance.steps[-1].cumulative_cents < held[-1].steps[-1].cumulative_cents:
        cents = held[-1].steps[-1].cumulative_cents - allowance.steps[-1].cumulative_cents
        found.find(Class.DOCUMENT, place, "lowers what was signed before", cents)
    held.append(allowance)


class Cards:
    """Every card's transactions, as they should be."""

    def __init__(self, found: Evidence, told: Told, log: Log, sales: list[ClaimedSale]) -> None:
        self._found = found
        self._told = told
        self._log = log
        self._claimed = {(it.uid, it.generation, it.tmc): it for it in sales}
        self.findings: list[Finding] = []
        self.unverified = 0
        """Transactions that no published key speaks for yet."""

    def sold(self) -> Iterator[Sold]:
        """Yield every transaction that a card has proven, in order."""
        for life in sorted(self._told.claims.keys() | self._log.births.keys()):
            yield from self._of_card(life)

    def _of_card(self, life: Life) -> Iterator[Sold]:
        done: set[int] = set()
        for claim in sorted(self._told.claims.get(life, ()), key=_precedence):
            if claim.tmc in done or life not in self._log.births:
                continue
            proven = self._proven(life, claim)
            if proven is None:
                continue
            done.add(claim.tmc)
            yield Sold(
                life=life,
                tmc=claim.tmc,
                place=claim.place,
                merchant=claim.entry.envelope.merchant,
                spent0_cents=claim.intent.spent0_cents,
                amount_cents=claim.intent.amount_cents,
                state=self._state(life, claim),
                verified=proven,
            )
        yield from self._recovered(life, done)

    def _recovered(self, life: Life, done: set[int]) -> Iterator[Sold]:
        """Sales of a lost terminal that only cards tell of; their tokens are not public."""
        for (uid, generation, tmc), claimed in sorted(self._claimed.items()):
            if (uid, generation) != life or tmc in done:
                continue
            if claimed.terminal not in self._log.lost:
                continue
            confirmed = self._log.confirmed.get((life, tmc))
            is_same = confirmed is not None and (
                confirmed.terminal,
                confirmed.seq,
                confirmed.amount_cents,
            ) == (claimed.terminal, claimed.seq, claimed.amount_cents)
            self.unverified += 1
            yield Sold(
                life=life,
                tmc=tmc,
                place=(claimed.terminal, claimed.seq),
                merchant=confirmed.merchant if confirmed and is_same else claimed.merchant,
                spent0_cents=claimed.spent0_cents,
                amount_cents=claimed.amount_cents,
                state="payable" if is_same else "provisional",
                verified=False,
            )

    def _proven(self, life: Life, claim: Claim) -> bool | None:
        """Say whether a card has proven a claim, by its key or by the books; None: it has not."""
        seen = self._told.seen[life[0]].get(claim.tmc, set())
        key = self._log.proof_keys.get((life, claim.tmc))
        if key is not None:
            return True if self._tmv(claim, key) in seen else None
        claimed = self._claimed.get((*life, claim.tmc))
        if claimed is None or (claimed.terminal, claimed.seq) != claim.place:
            return None
        self.unverified += 1
        return False if claimed.tmv in seen else None

    def _tmv(self, claim: Claim, key: bytes) -> bytes | None:
        """Return what the card must have answered if it executed just this."""
        profile = PROFILES.get(claim.intent.profile)
        if profile is None:
            return None
        facts = tmac.SaleFacts(
            spent0_cents=claim.intent.spent0_cents,
            amount_cents=claim.intent.amount_cents,
            record=claim.record.pack(),
            tmri=claim.tmri,
            enc_tmri=claim.intent.enc_tmri,
        )
        return tmac.tmv(key, tmac.tmi(profile, facts))

    def _state(self, life: Life, claim: Claim) -> str:
        """Say where the money belongs: who had the goods, and who may be paid."""
        returned = self._returned(life, claim.tmc)
        lost = claim.place[0] in self._log.lost
        confirmed = (life, claim.tmc) in self._log.confirmed
        allowed = "payable" if self._allowed(claim) else "held"
        before = returned is not None and returned.reason is not ReturnReason.UNCLAIMED and not lost
        if before and not confirmed and allowed == "payable":
            allowed = "held"
        if claim.sale is not None:
            return allowed
        back = "returned" if returned is not None else "waiting"
        if claim.indeterminate is None and claim.void is not None:
            return back
        complete = self._found.complete.get(claim.place[0], 0)
        said_all = claim.indeterminate is not None and claim.said_at <= complete
        if not said_all and not lost:
            return "waiting"
        if confirmed or claim.choice is ResolutionChoice.GOODS_HANDED_OVER:
            return allowed
        if said_all or claim.choice in NO_GOODS:
            return back
        return "provisional"

    def _returned(self, life: Life, tmc: int) -> SpendReturned | None:
        for back in self._log.returned.get(life, ()):
            if (back.first_tmc or back.tmc) <= tmc <= back.tmc:
                return back
        return None

    def _allowed(self, claim: Claim) -> bool:
        """Ask decide() again, on the documents that the terminal held."""
        intent, envelope = claim.intent, claim.entry.envelope
        permit = self._found.permits.get(intent.permit)
        header = self._found.headers.get(intent.directory)
        allowance = self._log.allowances.get(intent.allowance) or self._seen_allowance(
            intent.allowance
        )
        if permit is None or header is None or allowance is None:
            return False
        terminal = claim.place[0]
        counted_cents = sum(
            one.amount_cents
            for one in intent.refunds_counted
            if RefundRef(terminal, one.seq) not in allowance.refunds
        )
        decision = decide(
            intent.amount_cents,
            CardState(
                uid=intent.uid,
                tmc=intent.tmc0,
                tmv=intent.tmv0,
                spent_cents=intent.spent0_cents,
            ),
            Till(
                now=envelope.at,
                permit=permit,
                merchant=envelope.merchant,
                directory=header,
                row=self._found.rows.get(header.order, {}).get(intent.uid),
                allowance=allowance,
                refunded_cents=counted_cents,
                card_day_cents=intent.card_day_cents,
                unsent_cents=intent.unsent_cents,
            ),
        )
        return isinstance(decision, Approved)

    def _seen_allowance(self, digest: bytes) -> Allowance | None:
        trust = self._found.issuer_trust
        for content in self._told.allowances.values():
            try:
                allowance = accept_allowance(content, trust) if trust is not None else None
            except DocumentError:
                continue
            if allowance is not None and allowance.digest == digest:
                return allowance
        return None


def _precedence(claim: Claim) -> tuple[int, bool, object, int, int, bytes]:
    terminal, seq = claim.place
    return claim.tmc, claim.sale is None, claim.entry.envelope.at, terminal, seq, claim.entry.digest


def granted_refunds(sold: list[Sold], told: Told, log: Log) -> Iterator[tuple[Sold, Place, int]]:
    """Yield refunds that count: of a payable sale, by its own merchant, no more than the sale."""
    listed = {
        (ref.terminal, ref.seq)
        for allowances in log.by_card.values()
        for allowance in allowances
        for ref in allowance.refunds
    }
    for sale in sold:
        if sale.state != "payable":
            continue
        left_cents, counted = sale.amount_cents, Counter[Place]()
        refunds = sorted(
            told.refunds.get(sale.place, ()),
            key=lambda one: (one[0] not in listed, one[0], -one[1].amount_cents),
        )
        for place, refund, merchant in refunds:
            is_of_card = (refund.uid, refund.generation) == sale.life
            if counted[place] or merchant != sale.merchant or not is_of_card:
                continue
            if refund.amount_cents <= left_cents:
                counted[place] += 1
                left_cents -= refund.amount_cents
                yield sale, place, refund.amount_cents
