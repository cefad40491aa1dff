"""What people decided about disputes, paper slips and each other's acts, held against its rules.

Who has the service's key can sign any decision. What it says is followed here as the books should
follow it, apart from the service; what it may not say after those before it is found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from auditor.claims import Life
from auditor.evidence import Evidence
from auditor.findings import Class, Finding
from cardkit.acts import (
    Act,
    CardIssued,
    CardStatusSet,
    ClaimAccepted,
    RecoveryConfirmed,
    ReturnReason,
    RuleSet,
    SpendReturned,
    TerminalRevoked,
)
from cardkit.clock import business_date
from cardkit.directory import CardStatus
from cardkit.payouts import PayoutEvidenced, PayoutReturned
from cardkit.resolutions import (
    ActReversed,
    CreditWithheld,
    DisputeAnswered,
    DisputeDecided,
    DisputeKind,
    DisputeOpened,
    DisputeOutcome,
    DisputeReason,
    FindingHandled,
    PaperAccepted,
    PaperBearer,
)

LIMIT: Final = "single_signature_max_cents"
_TAKEN_BACK: Final = (
    ClaimAccepted,
    RecoveryConfirmed,
    PaperAccepted,
    FindingHandled,
    TerminalRevoked,
)
"""Acts that may be reversed whatever came after them."""
Broken = Iterator[tuple[str, int]]
"""What is wrong with an act, and the cents that hang on it."""


@dataclass(slots=True)
class Disputed:
    """One dispute, as far as it has come."""

    opened: DisputeOpened
    seq: int
    decided: DisputeDecided | None = None
    decided_at: int = 0
    """The act that decided it."""
    is_answered: bool = False
    is_withdrawn: bool = False
    is_borne: bool = False
    """The fund bears what was charged to the merchant before."""
    was_reopened: bool = False

    @property
    def life(self) -> Life:
        """Its card."""
        return self.opened.uid, self.opened.generation

    @property
    def is_open(self) -> bool:
        """Whether nobody has decided."""
        return self.decided is None and not self.is_withdrawn

    @property
    def returned_cents(self) -> int:
        """What the member has back."""
        return 0 if self.decided is None else self.decided.amount_cents

    @property
    def is_charged(self) -> bool:
        """Whether the merchant made it good."""
        charged = self.decided is not None and self.decided.outcome is DisputeOutcome.CHARGED
        return charged and not self.is_borne


@dataclass(slots=True)
class Decisions:
    """What counts of all that people decided."""

    disputes: dict[bytes, Disputed] = field(default_factory=dict)
    """By number, in the order in which they were opened."""
    paper: dict[tuple[int, int], PaperAccepted] = field(default_factory=dict)
    """By carnet and slip: what is paid."""
    withheld: Counter[Life] = field(default_factory=Counter)
    reversed: dict[int, int] = field(default_factory=dict)
    """Acts that count no more, and the act by which."""

    def of_sale(self, life: Life, tmc: int) -> list[Disputed]:
        """Return the disputes of one sale."""
        found = self.disputes.values()
        return [it for it in found if (it.life, it.opened.tmc) == (life, tmc)]

    def disputed_cents(self, life: Life, tmc: int) -> int:
        """Return what disputes gave back of a sale."""
        return sum(it.returned_cents for it in self.of_sale(life, tmc))


@dataclass(slots=True)
class _Reader:
    """What is known up to an act."""

    made: Decisions = field(default_factory=Decisions)
    acts: dict[int, Act] = field(default_factory=dict)
    rules: dict[date, int] = field(default_factory=dict)
    """The single-signature limit, by its first day."""
    accounts: dict[Life, bytes] = field(default_factory=dict)
    carnets: dict[int, int] = field(default_factory=dict)
    """Whose each carnet is."""
    came_back: set[tuple[str, int]] = field(default_factory=set)
    """Run and merchant of payouts of which a return is on record."""

    def limit_cents(self, act: Act) -> int:
        """Return what one person could decide alone on the day of an act."""
        day = business_date(act.envelope.at)
        dated = [first for first in self.rules if first <= day]
        return self.rules[max(dated)] if dated else 0


def read_decisions(found: Evidence) -> Decisions:
    """Follow what people decided, and add every act that breaks a rule to the findings."""
    reader = _Reader()
    for act in found.acts:
        for words, cents in _follow(act, reader):
            place = f"act {act.envelope.seq}"
            found.findings.append(Finding(Class.DECISION, place, words, cents))
        reader.acts[act.envelope.seq] = act
    return reader.made


def _follow(act: Act, reader: _Reader) -> Broken:
    match act.body:
        case RuleSet(name=name, value=value, from_day=day) if name == LIMIT:
            reader.rules[day] = value
        case CardIssued() as born:
            reader.accounts[born.uid, born.generation] = born.account
        case RecoveryConfirmed() as sale:
            yield from _four_eyes(sale.entered_by, act, sale.amount_cents)
        case SpendReturned(reason=ReturnReason.CLAIM_REFUSED) as back:
            yield from _signed_for(act, reader, back.entered_by, back.amount_cents)
        case DisputeOpened() | DisputeAnswered() | DisputeDecided():
            yield from _dispute(act, reader)
        case PaperAccepted() as slip:
            yield from _paper(act, slip, reader)
        case CreditWithheld() as held:
            yield from _withheld(held, reader)
        case PayoutReturned(settlement=name, merchant=merchant):
            reader.came_back.add((name, merchant))
        case ActReversed() as taken:
            yield from _reversed(act, taken, reader)


def _four_eyes(first: int | None, act: Act, cents: int) -> Broken:
    if first is not None and first == act.envelope.by:
        yield f"user {first} alone did what takes two people", cents


def _signed_for(act: Act, reader: _Reader, first: int | None, cents: int) -> Broken:
    yield from _four_eyes(first, act, cents)
    if first is None and cents > reader.limit_cents(act):
        yield "one person alone decided more than the voted limit", cents


def _dispute(act: Act, reader: _Reader) -> Broken:
    disputes = reader.made.disputes
    body = act.body
    if isinstance(body, DisputeOpened):
        if body.number in disputes:
            yield "opens a dispute that was opened before", body.amount_cents
            return
        one = Disputed(body, act.envelope.seq)
        if any(it.is_open for it in reader.made.of_sale(one.life, body.tmc)):
            yield "disputes a sale that is disputed already", body.amount_cents
        disputes[body.number] = one
    elif isinstance(body, DisputeAnswered | DisputeDecided):
        known = disputes.get(body.number)
        if known is None or not known.is_open:
            cents = body.amount_cents if isinstance(body, DisputeDecided) else 0
            yield "is about a dispute that nobody has open", cents
        elif isinstance(body, DisputeAnswered):
            known.is_answered = True
            if known.opened.kind is DisputeKind.DOUBTED:
                yield "answers where nobody was asked", 0
        else:
            yield from _decided(act, body, known, reader)


def _decided(act: Act, body: DisputeDecided, known: Disputed, reader: _Reader) -> Broken:
    opened = known.opened
    rejected = body.outcome is DisputeOutcome.REJECTED
    if body.amount_cents != (0 if rejected else opened.amount_cents):
        wrong_cents = abs(body.amount_cents - (0 if rejected else opened.amount_cents))
        yield "returns another amount than was disputed", wrong_cents
    if act.envelope.by != 0:
        yield from _signed_for(act, reader, body.entered_by, opened.amount_cents)
    elif (
        body.reason is not DisputeReason.UNANSWERED
        or opened.answer_by is None
        or business_date(act.envelope.at) <= opened.answer_by
        or known.is_answered
        or known.was_reopened
    ):
        yield "decides by itself what people have to decide", opened.amount_cents
    known.decided, known.decided_at = body, act.envelope.seq


def _paper(act: Act, slip: PaperAccepted, reader: _Reader) -> Broken:
    cents, place = slip.amount_cents, (slip.carnet, slip.slip)
    yield from _four_eyes(slip.entered_by, act, cents)
    if place in reader.made.paper:
        yield f"pays slip {slip.carnet}-{slip.slip} a second time", cents
    if reader.carnets.setdefault(slip.carnet, slip.merchant) != slip.merchant:
        yield f"pays a slip of carnet {slip.carnet}, which is another merchant's", cents
    if slip.bearer is PaperBearer.CREDIT and slip.uid is None:
        yield "asks a card that it does not name to make a slip good", cents
    reader.made.paper[place] = slip


def _withheld(held: CreditWithheld, reader: _Reader) -> Broken:
    """Nobody is held back more than their slips came to, nor given what was not held back."""
    made, life = reader.made, (held.uid, held.generation)
    made.withheld[life] += held.amount_cents
    account = reader.accounts.get(life)
    held_cents = sum(
        cents for one, cents in made.withheld.items() if reader.accounts.get(one) == account
    )
    spent_cents = sum(
        slip.amount_cents
        for slip in made.paper.values()
        if slip.bearer is PaperBearer.CREDIT
        and slip.uid is not None
        and reader.accounts.get((slip.uid, slip.generation or 0)) == account
    )
    too_much = max(held_cents - spent_cents, -held_cents, 0)
    if too_much and held.amount_cents > 0:
        yield "holds back more credit than paper slips had spent", too_much
    if held.amount_cents < 0 and held_cents < spent_cents:
        yield "gives back credit that was rightly held back", spent_cents - held_cents


def _reversed(act: Act, taken: ActReversed, reader: _Reader) -> Broken:
    target = reader.acts.get(taken.seq)
    if target is None or target.signed.digest != taken.digest:
        yield f"reverses an act {taken.seq} that is not in the log", 0
        return
    if taken.seq in reader.made.reversed:
        yield f"reverses act {taken.seq} a second time", 0
        return
    cents = getattr(target.body, "amount_cents", 0)
    if not _is_reversible(target, reader):
        yield f"reverses act {taken.seq}, which can't be taken back", cents
        return
    yield from _four_eyes(taken.entered_by, act, cents)
    took_two = isinstance(target.body, ClaimAccepted) or (
        getattr(target.body, "entered_by", None) is not None
    )
    if took_two and taken.entered_by is None:
        yield f"one person alone took back act {taken.seq}, which took two", cents
    reader.made.reversed[taken.seq] = act.envelope.seq
    _undo(target, reader)


def _is_reversible(target: Act, reader: _Reader) -> bool:
    match target.body:
        case SpendReturned(reason=reason):
            return reason is ReturnReason.CLAIM_REFUSED
        case CardStatusSet(status=status):
            return status is CardStatus.BLOCKED
        case PayoutEvidenced(settlement=name, merchant=merchant):
            return (name, merchant) not in reader.came_back
        case DisputeOpened(number=number):
            one = reader.made.disputes.get(number)
            return one is not None and one.is_open and not one.was_reopened
        case DisputeDecided(number=number, outcome=outcome):
            one = reader.made.disputes.get(number)
            is_last = one is not None and one.decided_at == target.envelope.seq
            return is_last and outcome is not DisputeOutcome.BORNE
    return isinstance(target.body, _TAKEN_BACK)


def _undo(target: Act, reader: _Reader) -> None:
    made = reader.made
    match target.body:
        case PaperAccepted() as slip if made.paper.get((slip.carnet, slip.slip)) == slip:
            del made.paper[slip.carnet, slip.slip]
        case DisputeOpened(number=number):
            made.disputes[number].is_withdrawn = True
        case DisputeDecided(number=number, outcome=DisputeOutcome.CHARGED):
            made.disputes[number].is_borne = True
        case DisputeDecided(number=number):
            one = made.disputes[number]
            one.decided, one.was_reopened = None, True


def counted(acts: Iterable[Act], made: Decisions) -> Iterator[Act]:
    """Yield the acts that nobody has taken back."""
    return (act for act in acts if act.envelope.seq not in made.reversed)
