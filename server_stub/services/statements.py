"""Statements of runs: read from the books when a run is approved, kept, and read again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Max, Sum
from django.utils import translation

from cardkit.acts import ActKind, SettlementLine
from cardkit.clock import business_date
from server_stub.models import (
    CardTransaction,
    Claim,
    Merchant,
    PaperClaim,
    Posting,
    PostingLine,
    RefundClaim,
    Settlement,
    SettlementDraft,
    SettlementStatement,
    SettlementStep,
)
from server_stub.rules.facts import State
from server_stub.rules.ledger import Book
from server_stub.rules.statement import (
    Carried,
    Kept,
    Movement,
    MovementKind,
    RunStatement,
    payee_statement,
)
from server_stub.services.books import PAPER, balances
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import printed

_SETTLEMENT, _TRANSACTION, _REFUND = "settlement", "transaction", "refund"
_SLIP = PAPER.rstrip("/")


@dataclass(frozen=True, slots=True)
class _Window:
    """The postings that a run counts: behind those of the run before, up to its own last."""

    after: int
    up_to: int
    since: datetime | None
    before: str
    """The run before: what it left is no surprise."""


@dataclass(frozen=True, slots=True)
class _Event:
    """What a posting is about: where and when it happened."""

    day: date
    """Of a sale that was recovered from cards, the day of its posting: nobody knows its own."""
    terminal: int
    """0 where no terminal made it: a slip of paper, or a decision."""
    at: datetime | None = None
    """None where only its day is known."""

    def is_before(self, at: datetime | None) -> bool:
        """Say whether it happened before a time, if there is one."""
        if at is None:
            return False
        return self.day < business_date(at) if self.at is None else self.at < at


def last_posting(caisse: Caisse) -> int:
    """Return the number of the newest posting; 0 where there is none."""
    return Posting.objects.using(caisse.using).aggregate(last=Max("id"))["last"] or 0


def drawn_up(
    caisse: Caisse, draft: SettlementDraft, lines: Iterable[SettlementLine]
) -> RunStatement | None:
    """Return why a draft pays what it pays; None where the books do not come to its amounts."""
    window = _window(caisse, draft)
    wanted = {line.merchant: line.amount_cents for line in lines}
    carried, movements = _carried(caisse, window), _movements(caisse, window)
    kept, names = _kept(caisse), _names(caisse)
    payees = tuple(
        payee_statement(
            merchant=merchant,
            name=names[merchant],
            amount_cents=amount_cents,
            carried=carried.get(merchant, Carried(merchant=merchant, amount_cents=0)),
            movements=movements[merchant],
            kept=kept[merchant],
        )
        for merchant, amount_cents in sorted(wanted.items())
        if merchant in names
    )
    if len(payees) != len(wanted) or not all(one.adds_up for one in payees):
        return None
    return RunStatement(
        settlement=draft.name,
        counted_at=draft.drawn_up_at,
        counted_since=window.since,
        payees=payees,
        rules=_rules(caisse, draft.drawn_up_at),
    )


def keep(caisse: Caisse, run: Settlement, statement: RunStatement, *, up_to_posting: int) -> None:
    """Keep what the second person approved."""
    SettlementStatement.objects.using(caisse.using).create(
        settlement=run, up_to_posting=up_to_posting, content=statement.as_json()
    )


def statement_of(caisse: Caisse, name: str) -> RunStatement | None:
    """Return the statement of an approved run."""
    rows = SettlementStatement.objects.using(caisse.using).filter(settlement_id=name)
    row = rows.first()
    return None if row is None else RunStatement.from_json(row.content)


def _window(caisse: Caisse, draft: SettlementDraft) -> _Window:
    steps = SettlementStep.objects.using(caisse.using).filter(kind=ActKind.SETTLEMENT_REVOKED)
    before = (
        SettlementStatement.objects.using(caisse.using)
        .exclude(settlement__in=steps.values("settlement"))
        .order_by("settlement__act")
        .last()
    )
    if before is None:
        return _Window(after=0, up_to=draft.up_to_posting, since=None, before="")
    since = RunStatement.from_json(before.content).counted_at
    return _Window(
        after=before.up_to_posting,
        up_to=draft.up_to_posting,
        since=since,
        before=before.settlement_id,
    )


def _carried(caisse: Caisse, window: _Window) -> dict[int, Carried]:
    """What stood there before, with the runs that were approved or revoked since."""
    lines = PostingLine.objects.using(caisse.using).filter(account=Book.PAYABLE.value)
    since = lines.filter(posting_id__gt=window.after)
    cents: dict[int, int] = defaultdict(int)
    for (book, merchant), balance_cents in balances(caisse).items():
        if book is Book.PAYABLE:
            cents[merchant] = balance_cents
    for merchant, came in since.values_list("merchant").annotate(Sum("amount_cents")).order_by():
        cents[merchant] -= came  # what stood there before is what stands there less what came
    runs: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    inside = lines.filter(posting_id__gt=window.after, posting_id__lte=window.up_to)
    payouts = inside.filter(posting__subject__startswith=f"{_SETTLEMENT}/")
    for merchant, subject, amount in payouts.values_list(
        "merchant", "posting__subject", "amount_cents"
    ):
        cents[merchant] += amount
        name = subject.partition("/")[2]
        if name != window.before or amount > 0:  # of the run before: only what came back
            runs[merchant][name] += amount
    return {
        merchant: Carried(
            merchant=merchant,
            amount_cents=amount,
            runs=tuple(sorted(name for name, net in runs[merchant].items() if net and amount)),
        )
        for merchant, amount in cents.items()
    }


def _movements(caisse: Caisse, window: _Window) -> Mapping[int, list[Movement]]:
    rows = list(
        PostingLine.objects.using(caisse.using)
        .filter(
            account=Book.PAYABLE.value,
            posting_id__gt=window.after,
            posting_id__lte=window.up_to,
        )
        .exclude(posting__subject__startswith=f"{_SETTLEMENT}/")
        .order_by("id")
        .values_list(
            "merchant",
            "amount_cents",
            "posting__card_id",
            "posting__subject",
            "posting__at",
        )
    )
    subjects = {row[3] for row in rows}
    events = (
        _sales(caisse, {row[2] for row in rows}, subjects)
        | _refunds(caisse, subjects)
        | _slips(caisse, subjects)
    )
    recovered = _recovered(caisse)
    moved: dict[int, list[Movement]] = defaultdict(list)
    for merchant, cents, card, subject, posted_at in rows:
        what = subject.partition("/")[0]
        key = (card if what == _TRANSACTION else None, subject)
        event = events.get(key, _Event(business_date(posted_at), recovered.get(key, 0)))
        moved[merchant].append(
            Movement(
                merchant=merchant,
                kind=_kind(what, cents),
                day=event.day,
                terminal=event.terminal,
                amount_cents=cents,
                is_late=event.is_before(window.since),
            )
        )
    return moved


def _kind(what: str, cents: int) -> MovementKind:
    """A sale comes, a refund goes; whatever takes either back is a correction."""
    if what in {_TRANSACTION, _SLIP} and cents > 0:
        return MovementKind.SALE
    if what == _REFUND and cents < 0:
        return MovementKind.REFUND
    return MovementKind.CORRECTION


def _numbers(subjects: Iterable[str], what: str) -> set[int]:
    """Return the last numbers of subjects of one kind: a counter, a refund's or a slip's own."""
    ends = (one.replace("-", "/").split("/") for one in subjects)
    return {int(parts[-1]) for parts in ends if parts[0] == what and parts[-1].isdecimal()}


def _sales(
    caisse: Caisse, cards: set[int], subjects: Iterable[str]
) -> dict[tuple[int | None, str], _Event]:
    rows = CardTransaction.objects.using(caisse.using).filter(
        card__in=cards, tmc__in=_numbers(subjects, _TRANSACTION), claim__isnull=False
    )
    return {
        (card, f"{_TRANSACTION}/{tmc}"): _Event(business_date(at), terminal, at)
        for card, tmc, terminal, at in rows.values_list("card_id", "tmc", "terminal", "claim__at")
    }


def _recovered(caisse: Caisse) -> dict[tuple[int | None, str], int]:
    """The terminals of sales that cards alone tell of."""
    rows = CardTransaction.objects.using(caisse.using).filter(claim__isnull=True)
    return {
        (card, f"{_TRANSACTION}/{tmc}"): terminal
        for card, tmc, terminal in rows.values_list("card_id", "tmc", "terminal")
    }


def _refunds(caisse: Caisse, subjects: Iterable[str]) -> dict[tuple[int | None, str], _Event]:
    rows = RefundClaim.objects.using(caisse.using).filter(seq__in=_numbers(subjects, _REFUND))
    return {
        (None, f"{_REFUND}/{terminal}/{seq}"): _Event(business_date(at), terminal, at)
        for terminal, seq, at in rows.values_list("terminal_id", "seq", "entry__at")
    }


def _slips(caisse: Caisse, subjects: Iterable[str]) -> dict[tuple[int | None, str], _Event]:
    rows = PaperClaim.objects.using(caisse.using).filter(slip__in=_numbers(subjects, _SLIP))
    return {
        (None, f"{PAPER}{carnet}-{slip}"): _Event(day, 0)
        for carnet, slip, day in rows.values_list("carnet", "slip", "day")
    }


def _kept(caisse: Caisse) -> Mapping[int, list[Kept]]:
    """Sales that nobody is paid for yet: held, waiting for a card, or to be confirmed."""
    claims = Claim.objects.using(caisse.using).filter(
        state__in=(State.HELD.value, State.WAITING.value)
    )
    recovered = CardTransaction.objects.using(caisse.using).filter(state=State.PROVISIONAL.value)
    what = ("state", "reason", "amount_cents")
    # In no order that the database could take for a reason to read all that was ever sold.
    rows = [
        *claims.order_by().values_list("merchant", "terminal_id", "at", *what),
        *(
            (merchant, terminal, caisse.now(), *rest)  # recovered: nobody knows when
            for merchant, terminal, *rest in recovered.order_by().values_list(
                "merchant", "terminal", *what
            )
        ),
    ]
    rows.sort(key=lambda row: (row[1], row[2]))
    kept: dict[int, list[Kept]] = defaultdict(list)
    for merchant, terminal, at, state, reason, cents in rows:
        one = Kept(
            merchant=merchant,
            day=business_date(at),
            terminal=terminal,
            state=State(state),
            reason=reason,
            amount_cents=cents,
        )
        kept[merchant].append(one)
    return kept


def _rules(caisse: Caisse, at: datetime) -> tuple[str, ...]:
    """Papers are in French, whichever language the person works in who approves."""
    with translation.override("fr"):
        return tuple(one.line for one in printed(caisse, business_date(at)))


def _names(caisse: Caisse) -> dict[int, str]:
    return dict(Merchant.objects.using(caisse.using).values_list("id", "name"))
