"""What a card's transactions come to, computed apart from the service, in the simplest way.

The service finds out who may be paid by keys that are nobody else's. Here a transaction is proven
when its published key says so; where none is published yet the claim of the books is followed
and counted, so that the report can say how much of it nobody outside can check.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from auditor.claims import Claim, Life, Place, Told
from auditor.evidence import Evidence
from auditor.export import ClaimedSale
from auditor.findings import Class, Finding
from auditor.permission import permission
from auditor.resolutions import Decisions
from auditor.windows import beyond_windows
from cardkit.acts import (
    AllowanceIssued,
    CardIssued,
    ClaimAccepted,
    ProofKeysPublished,
    RecoveryConfirmed,
    ReturnReason,
    SpendReturned,
    TerminalLost,
)
from cardkit.allowance import Allowance, RefundRef, accept_allowance
from cardkit.bodies import Refund, ResolutionChoice
from cardkit.card import tmac
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.profile import CardProfile
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
    tmv: bytes
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
    accepted: set[bytes] = field(default_factory=set)
    """Entries of sales that two people decided to pay, whatever documents say."""
    lost: dict[int, int] = field(default_factory=dict)
    """Terminals that were declared lost, and how far they had been heard."""
    beyond: frozenset[bytes] = frozenset()
    """Entries of stolen terminals that their loss windows have no room for."""
    beyond_refunds: frozenset[tuple[Place, Refund]] = frozenset()
    proof_keys: dict[tuple[Life, int], bytes] = field(default_factory=dict)
    decisions: Decisions = field(default_factory=Decisions)
    kept: set[SpendReturned] = field(default_factory=set)
    """Returns that people took back: the member keeps them, and the sale stands as before."""

    def returned_at(self, life: Life, tmc: int) -> SpendReturned | None:
        """Return the act that gave a transaction's money back: the one that names the fewest."""
        backs = self.returned.get(life, ())
        covering = [it for it in backs if (it.first_tmc or it.tmc) <= tmc <= it.tmc]
        return min(covering, key=lambda it: it.tmc - (it.first_tmc or it.tmc), default=None)

    def contains(self, life: Life, place: Place) -> bool:
        """Say whether some allowance of a card contains a refund."""
        return any(
            (one.uid, one.generation) == life and RefundRef(*place) in one.refunds
            for one in self.allowances.values()
        )


def read_log(found: Evidence, decisions: Decisions) -> Log:
    """Sort the acts; what people took back counts no more, but for money that a member has."""
    log = Log(decisions=decisions)
    for act in found.acts:
        is_gone = act.envelope.seq in decisions.reversed
        match act.body:
            case CardIssued() as born:
                log.births[born.uid, born.generation] = born
            case AllowanceIssued(content=content):
                _allowance(content, log, found, f"act {act.envelope.seq}")
            case SpendReturned() as back:
                if is_gone:
                    log.kept.add(back)
                log.returned.setdefault((back.uid, back.generation), []).append(back)
            case ClaimAccepted() | RecoveryConfirmed() if is_gone:
                pass
            case ClaimAccepted(entry=entry) as claim if claim.first_person != claim.second_person:
                log.accepted.add(entry)
            case RecoveryConfirmed() as sale:
                log.confirmed[(sale.uid, sale.generation), sale.tmc] = sale
            case TerminalLost() as gone:
                log.lost.setdefault(gone.terminal, gone.last_seq)
            case ProofKeysPublished() as keys:
                _proof_keys(keys, log, found, f"act {act.envelope.seq}")
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


def _proof_keys(keys: ProofKeysPublished, log: Log, found: Evidence, place: str) -> None:
    for one in keys.keys:
        before = log.proof_keys.setdefault(((keys.uid, keys.generation), one.tmc), one.key)
        if before != one.key:
            words = f"publishes another key of transaction {one.tmc} of card {keys.uid.hex()}"
            found.find(Class.PROOF, place, words)


def read_seen(found: Evidence, told: Told, log: Log) -> None:
    """Add allowances that came back from cards, and that a restore may have made forgotten."""
    for content in told.allowances.values():
        try:
            allowance = (
                accept_allowance(content, found.issuer_trust) if found.issuer_trust else None
            )
        except DocumentError:
            continue
        if allowance is not None:
            log.allowances.setdefault(allowance.digest, allowance)


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
        log.beyond = beyond_windows(found, told, self._proven)
        log.beyond_refunds = frozenset(
            ((entry.envelope.terminal, entry.seq), refund)
            for entry, refund in told.refund_entries
            if entry.digest in log.beyond
        )

    def sold(self) -> Iterator[Sold]:
        """Yield every transaction that a card has proven, in order."""
        for life in sorted(self._told.claims.keys() | self._log.births.keys()):
            yield from self._of_card(life)

    def _of_card(self, life: Life) -> Iterator[Sold]:
        if life not in self._log.births:
            return
        proven: dict[int, tuple[Claim, bytes]] = {}
        for claim in sorted(self._told.claims.get(life, ()), key=_precedence):
            if claim.tmc not in proven and (tmv := self._proven(life, claim)) is not None:
                proven[claim.tmc] = claim, tmv
        recovered = {
            row.tmc: row
            for row in self._claimed.values()
            if (row.uid, row.generation) == life
            and row.tmc not in proven
            and self._is_recovered(row)
        }
        sold: list[Sold] = []
        for tmc in sorted(proven.keys() | recovered.keys()):
            if tmc in proven:
                claim, tmv = proven[tmc]
                sold.append(self._sold(life, claim, tmv, sold))
            else:
                sold.append(self._from_cards(life, recovered[tmc]))
        self._check_recovered(life, sold, recovered.keys())
        yield from sold

    def _sold(self, life: Life, claim: Claim, tmv: bytes, before: list[Sold]) -> Sold:
        is_verified = (life, claim.tmc) in self._log.proof_keys
        self.unverified += not is_verified
        return Sold(
            life=life,
            tmc=claim.tmc,
            place=claim.place,
            merchant=claim.entry.envelope.merchant,
            spent0_cents=claim.intent.spent0_cents,
            amount_cents=claim.intent.amount_cents,
            state=self._state(life, claim, before),
            tmv=tmv,
            verified=is_verified,
        )

    def _is_recovered(self, row: ClaimedSale) -> bool:
        """Only what a lost terminal has not told can be known by cards alone, and was seen."""
        last_seq = self._log.lost.get(row.terminal)
        told = {entry.seq for entry in self._found.entries.get(row.terminal, ())}
        is_untold = last_seq is not None and row.seq > last_seq and row.seq not in told
        return is_untold and row.tmv in self._told.seen_at(row.uid, row.tmc)

    def _from_cards(self, life: Life, row: ClaimedSale) -> Sold:
        """A sale that only cards tell of; its token is not public, so that the books are followed.

        It is paid only when a person has confirmed this very sale.
        """
        confirmed = self._log.confirmed.get((life, row.tmc))
        is_same = confirmed is not None and (
            confirmed.terminal,
            confirmed.seq,
            confirmed.amount_cents,
        ) == (row.terminal, row.seq, row.amount_cents)
        self.unverified += 1
        return Sold(
            life=life,
            tmc=row.tmc,
            place=(row.terminal, row.seq),
            merchant=confirmed.merchant
            if confirmed and is_same
            else self._found.only_merchant(row.terminal),
            spent0_cents=row.spent0_cents,
            amount_cents=row.amount_cents,
            state="payable" if is_same else "provisional",
            tmv=row.tmv,
            verified=False,
        )

    def _check_recovered(self, life: Life, sold: list[Sold], tmcs: Collection[int]) -> None:
        """What the card had spent before and after says how much a recovered sale was."""
        by_tmc = {one.tmc: one for one in sold}
        birth = self._log.births[life]
        after = {one.tmc: one.spent0_cents + one.amount_cents for one in sold}
        after[birth.tmc] = birth.spent_cents
        for tmc in sorted(tmcs):
            sale, following = by_tmc[tmc], by_tmc.get(tmc + 1)
            wrong_cents = abs(after.get(tmc - 1, sale.spent0_cents) - sale.spent0_cents)
            if following is not None:
                wrong_cents = max(wrong_cents, abs(following.spent0_cents - after[tmc]))
            if wrong_cents:
                place = f"card {life[0].hex()}.{life[1]} transaction {tmc}"
                words = "is not what the card had spent before and after it"
                self.findings.append(Finding(Class.PROOF, place, words, wrong_cents))

    def _proven(self, life: Life, claim: Claim) -> bytes | None:
        """Return the proof that a card gave of a claim, by its key or by the books, if it did."""
        seen = self._told.seen_at(life[0], claim.tmc)
        key = self._log.proof_keys.get((life, claim.tmc))
        if key is not None:
            tmv = self._tmv(claim, key)
            return tmv if tmv in seen else None
        claimed = self._claimed.get((*life, claim.tmc))
        if claimed is None or (claimed.terminal, claimed.seq) != claim.place:
            return None
        return claimed.tmv if claimed.tmv in seen else None

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

    def _state(self, life: Life, claim: Claim, before: list[Sold]) -> str:
        """Say where the money belongs: who had the goods, and who may be paid."""
        returned = self._log.returned_at(life, claim.tmc)
        if returned in self._log.kept:
            returned = None
        lost = claim.place[0] in self._log.lost
        sale = self._log.confirmed.get((life, claim.tmc))
        confirmed = sale is not None and (sale.terminal, sale.seq) == claim.place
        accepted = claim.entry.digest in self._log.accepted
        is_beyond = claim.entry.digest in self._log.beyond and not confirmed
        is_allowed = not is_beyond and self._allowed(life, claim, before)
        allowed = "payable" if accepted or is_allowed else "held"
        is_refused = returned is not None and returned.reason is ReturnReason.CLAIM_REFUSED
        if allowed == "held" and is_refused:
            allowed = "returned"
        elif returned is not None and not confirmed and self._is_too_late(claim, returned):
            allowed = "held"
        if claim.sale is not None:
            return allowed
        back = "returned" if returned is not None else "waiting"
        if claim.indeterminate is None and claim.void is not None:
            is_decided = returned is not None and returned.reason is ReturnReason.VOID_CONTRADICTED
            return "returned" if is_decided else "waiting"
        complete = self._found.complete.get(claim.place[0], 0)
        said_all = claim.indeterminate is not None and claim.said_at <= complete
        if not said_all and not lost and not self._is_told_twice(claim):
            return "waiting"
        if confirmed or claim.choice is ResolutionChoice.GOODS_HANDED_OVER:
            return allowed
        if said_all or claim.choice in NO_GOODS:
            return back
        return "provisional"

    def _is_too_late(self, claim: Claim, returned: SpendReturned) -> bool:
        """Whether a terminal contradicts the last word upon which money was given back."""
        if returned.reason is ReturnReason.UNCLAIMED:
            return self._is_told_twice(claim)
        return claim.place[0] not in self._log.lost

    def _is_told_twice(self, claim: Claim) -> bool:
        """Whether the terminal has signed another entry too under the number of this sale."""
        terminal, seq = claim.place
        return sum(entry.seq == seq for entry in self._found.entries.get(terminal, ())) > 1

    def _allowed(self, life: Life, claim: Claim, before: list[Sold]) -> bool:
        """Say whether decide() approves, and every refund that it needs for that was granted."""
        asked = permission(claim, self._found, self._log.allowances)
        if not asked.is_given or asked.allowance is None:
            return False
        if not asked.leans_on:
            return True
        orders = {
            (ref.terminal, ref.seq): (one.epoch, one.version)
            for one in sorted(self._log.allowances.values(), key=_newest_first)
            if (one.uid, one.generation) == life
            for ref in one.refunds
        }
        used = asked.allowance.epoch, asked.allowance.version
        granted = {
            place: cents
            for _, place, cents in granted_refunds(before, self._told, self._log)
            if place not in orders or orders[place] > used
        }
        return all(granted.get(place) == cents for place, cents in asked.leans_on)


def _newest_first(allowance: Allowance) -> tuple[int, int]:
    return -allowance.epoch, -allowance.version


def _precedence(claim: Claim) -> tuple[int, bool, object, int, int, bytes]:
    terminal, seq = claim.place
    return claim.tmc, claim.sale is None, claim.entry.envelope.at, terminal, seq, claim.entry.digest


def granted_refunds(sold: list[Sold], told: Told, log: Log) -> Iterator[tuple[Sold, Place, int]]:
    """Yield refunds that count: of a payable sale, by its own merchant, no more than the sale.

    A number that was signed twice counts once; those that an allowance contains come first.
    """
    sales: dict[tuple[Life, Place], Sold] = {}
    for sale in sold:
        sales.setdefault((sale.life, sale.place), sale)
    listed = {
        (one.uid, one.generation, ref.terminal, ref.seq)
        for one in log.allowances.values()
        for ref in one.refunds
    }
    asked = sorted(
        (
            (sale, place, refund.amount_cents)
            for (life, at), sale in sales.items()
            for place, refund, merchant in told.refunds.get(at, ())
            if (refund.uid, refund.generation) == life and merchant == sale.merchant
            if (*life, *place) in listed or (place, refund) not in log.beyond_refunds
        ),
        key=lambda one: ((*one[0].life, *one[1]) not in listed, one[1], -one[2]),
    )
    left_cents = {key: sale.amount_cents for key, sale in sales.items()}
    counted: set[tuple[Life, Place]] = set()
    for sale, place, cents in asked:
        key = sale.life, sale.place
        taken_cents = log.decisions.disputed_cents(sale.life, sale.tmc)
        if (*sale.life, *place) in listed:
            taken_cents = 0  # it was given before anybody disputed the sale
        is_too_much = cents > left_cents[key] - taken_cents
        if sale.state != "payable" or (sale.life, place) in counted or is_too_much:
            continue
        counted.add((sale.life, place))
        left_cents[key] -= cents
        yield sale, place, cents
