"""The work list in pages, and everything about one finding; bounded whatever the history is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, TypeAlias

from cardkit.clock import PARIS
from cardkit.resolutions import Handling
from server_stub.models import (
    ActRow,
    CardDecision,
    ClaimDecision,
    Dispute,
    DisputeStep,
    Finding,
    FindingHandling,
    PaperClaim,
    PermitIssued,
    Proposal,
    RefundClaim,
)
from server_stub.rules.allowances import midnight
from server_stub.rules.findings import FindingKind
from server_stub.rules.scheme import RuleName
from server_stub.rules.worklist import Deed, OpenFinding, WorkItem, facts_hash, worklist
from server_stub.services import resolve
from server_stub.services.acts_read import ActSeen, seen, user_names
from server_stub.services.caisse import Caisse
from server_stub.services.deciding import NotDone, Result, single_max_cents
from server_stub.services.documents import permit_of
from server_stub.services.merchant_sales import named
from server_stub.services.rules_in_force import voted

PAGE_ROWS: Final = 50
FINDINGS_MAX: Final = 20_000
"""Open ones that are sorted; a caisse with more has other troubles than their order."""
_ACTS_SHOWN: Final = 50
_PERMITS_READ: Final = 100
_MOVES: Final = {
    Deed.RETURN: resolve.give_back,
    Deed.HOLD: resolve.hold,
    Deed.BLOCK: resolve.block,
    Deed.REVOKE: resolve.revoke,
}
TheDeed: TypeAlias = Deed
"""What a person may do, as the console names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One line of the list."""

    number: int
    work: WorkItem


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsPage:
    """A page of the list, what all of it comes to, and where the next one begins."""

    points: tuple[Point, ...]
    after: int | None
    count: int
    sum_cents: int
    kinds: tuple[str, ...]
    """Every kind that is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for; empty: everything."""

    kind: str = ""
    terminal: int | None = None
    card: str = ""
    """A UID in hex digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointSeen:
    """Everything about one finding."""

    number: int
    work: WorkItem | None
    """None once it is closed: later facts, or a decision, explain it."""
    finding: Finding
    is_accepted: bool
    """Somebody has seen just these facts and left it as it stands."""
    acts: tuple[ActSeen, ...]
    """What people did about it, newest first."""
    proposal: Proposal | None
    """What a first person decided and waits for a second one."""
    merchants: tuple[tuple[int, str], ...]
    """For whom it may be paid, where somebody has to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A decision that waits for a second person."""

    what: str
    """`finding`, `dispute`, `act`, `evidence` or `restore`."""
    kind: str
    """Of a finding its kind, of evidence the run."""
    key: str
    finding: int | None
    """Its number, where it is about an open one."""
    deed: str
    by: int
    author: str
    at: datetime


def points(
    caisse: Caisse, wanted: Wanted, *, after: int | None = None, most: int = PAGE_ROWS
) -> PointsPage:
    """Return open findings, the oldest week first, and in it the most money."""
    rows = list(
        Finding.objects.using(caisse.using)
        .filter(closed_at__isnull=True)
        .select_related("card")
        .order_by("opened_at")[:FINDINGS_MAX]
    )
    kinds = tuple(sorted({row.kind for row in rows}))
    left = _not_accepted(caisse, [row for row in rows if _is_wanted(row, wanted)])
    numbers = {(row.kind, row.key): row.pk for row in left}
    works = worklist(
        _opened(caisse, left), now=caisse.now(), single_max_cents=single_max_cents(caisse)
    )
    found = [Point(number=numbers[it.finding.kind.value, it.finding.key], work=it) for it in works]
    places = {point.number: place for place, point in enumerate(found, start=1)}
    begins = places.get(after or 0, 0)
    shown = found[begins : begins + most]
    return PointsPage(
        points=tuple(shown),
        after=shown[-1].number if begins + most < len(found) else None,
        count=len(found),
        sum_cents=sum(point.work.cost_cents for point in found),
        kinds=kinds,
    )


def point(caisse: Caisse, number: int) -> PointSeen | None:
    """Return one finding, open or closed; None where there is none of that number."""
    rows = Finding.objects.using(caisse.using).select_related("card", "terminal")
    finding = rows.filter(pk=number).first()
    if finding is None:
        return None
    is_open = finding.closed_at is None
    subject = f"finding {finding.kind} {finding.key}"
    if finding.kind == FindingKind.DISPUTED.value:
        subject = f"dispute {finding.key}"
    return PointSeen(
        number=number,
        work=resolve.item(caisse, finding) if is_open else None,
        finding=finding,
        is_accepted=is_open and not _not_accepted(caisse, [finding]),
        acts=_acts(caisse, finding),
        proposal=Proposal.objects.using(caisse.using).filter(subject=subject).first(),
        merchants=_merchants(caisse, finding) if is_open else (),
    )


def do(caisse: Caisse, number: int, deed: Deed, *, merchant: int | None = None, by: int) -> Result:
    """Carry out a deed about an open finding, or keep it for a second person."""
    finding = resolve.find(caisse, number)
    if isinstance(finding, NotDone):
        return finding
    if deed is Deed.PAY:
        return resolve.pay(caisse, finding, merchant=merchant, by=by)
    act = _MOVES.get(deed)
    if act is not None:
        return act(caisse, finding, by=by)
    return resolve.handle(caisse, finding, deed, by=by)


def waiting_for_second(caisse: Caisse) -> tuple[Waiting, ...]:
    """Return what a first person decided and nobody has confirmed yet, the oldest first."""
    rows = list(Proposal.objects.using(caisse.using).order_by("at", "id")[:PAGE_ROWS])
    split = [(row, *_split(row.subject)) for row in rows]
    keys = [key for _, what, _, key in split if what == "finding"]
    found = Finding.objects.using(caisse.using).filter(closed_at__isnull=True, key__in=keys)
    numbers = {(one.kind, one.key): one.pk for one in found}
    names = user_names(caisse, {row.by for row in rows})
    return tuple(
        Waiting(
            what=what,
            kind=kind,
            key=key,
            finding=numbers.get((kind, key)),
            deed=str(row.content[0]).lower(),
            by=row.by,
            author=names.get(row.by, ""),
            at=row.at,
        )
        for row, what, kind, key in split
    )


def _split(subject: str) -> tuple[str, str, str]:
    """Return what a proposal is about: `finding kind key`, `dispute key`, `act key`."""
    what, _, named_so = subject.partition(" ")
    kind, _, key = named_so.rpartition(" ")
    return what, kind, key


def find_deed(name: str) -> Deed | None:
    """Return the deed of a name, as addresses spell it."""
    return next((deed for deed in Deed if deed.value == name), None)


def find_number(caisse: Caisse, kind: str, key: str) -> int | None:
    """Return the number of the newest finding of a kind and key."""
    rows = Finding.objects.using(caisse.using).filter(kind=kind, key=key).order_by("-id")
    return rows.values_list("pk", flat=True).first()


def _is_wanted(row: Finding, wanted: Wanted) -> bool:
    uid = bytes(row.card.uid).hex() if row.card is not None else ""
    return (
        wanted.kind in {"", row.kind}
        and wanted.terminal in {None, row.terminal_id}
        and (not wanted.card or uid.startswith(wanted.card.lower()))
    )


def _not_accepted(caisse: Caisse, rows: Sequence[Finding]) -> list[Finding]:
    """Leave out what somebody has seen just as it is, and accepted."""
    handled = FindingHandling.objects.using(caisse.using).filter(
        handling=Handling.ACCEPTED,
        act__reversed_by__isnull=True,
        finding__in={row.kind for row in rows},
        key__in=[row.key for row in rows],
    )
    known = {(kind, key, bytes(facts)) for kind, key, facts in _faces(handled)}
    return [row for row in rows if (row.kind, row.key, facts_hash(row.facts)) not in known]


def _faces(handled: Iterable[FindingHandling]) -> Iterable[tuple[str, str, bytes]]:
    return ((one.finding, one.key, one.facts) for one in handled)


def _opened(caisse: Caisse, rows: Sequence[Finding]) -> list[OpenFinding]:
    days = voted(caisse, RuleName.CONTRADICTION_DAYS)
    waiting = [bytes.fromhex(row.key) for row in rows if row.kind == FindingKind.REFUND_WAITS.value]
    refunds = RefundClaim.objects.using(caisse.using).filter(entry__digest__in=waiting)
    cents = {
        bytes(digest).hex(): amount
        for digest, amount in refunds.values_list("entry__digest", "amount_cents")
    }
    return [
        OpenFinding(
            kind=FindingKind(row.kind),
            key=row.key,
            terminal=row.terminal_id,
            card=None if row.card is None else str(row.card),
            facts=row.facts,
            opened_at=row.opened_at,
            due_at=_due_at(row, days),
            amount_cents=cents.get(row.key),
        )
        for row in rows
    ]


def _due_at(row: Finding, contradiction_days: int | None) -> datetime | None:
    """Return the day that needs no look at terminals; a gap's own page tells of its day."""
    if row.kind == FindingKind.VOID_CONTRADICTED.value and contradiction_days is not None:
        return row.opened_at + timedelta(days=contradiction_days)
    last_day = row.facts.get("answer_by")
    if row.kind == FindingKind.DISPUTED.value and isinstance(last_day, str):
        return midnight(date.fromisoformat(last_day) + timedelta(days=1), PARIS)
    return None


def _acts(caisse: Caisse, finding: Finding) -> tuple[ActSeen, ...]:
    """Return what people did about a finding and about its sale, newest first."""
    using = caisse.using
    handled = FindingHandling.objects.using(using).filter(finding=finding.kind, key=finding.key)
    numbers = set(handled.values_list("act", flat=True))
    disputes = Dispute.objects.using(using).none()
    if finding.kind == FindingKind.DISPUTED.value:
        disputes = Dispute.objects.using(using).filter(number=_digest(finding.key))
    elif finding.kind == FindingKind.PAPER_DOUBLE.value:
        carnet, _, slip = finding.key.partition("-")
        paid = PaperClaim.objects.using(using).filter(carnet=int(carnet), slip=int(slip or 0))
        numbers |= set(paid.values_list("act", flat=True))
    else:
        sale = resolve.sale_of(caisse, finding)
        if sale is not None:
            decided = CardDecision.objects.using(using).filter(card=sale.card_id, tmc=sale.tmc)
            numbers |= set(decided.values_list("act", flat=True))
            disputes = Dispute.objects.using(using).filter(card=sale.card_id, tmc=sale.tmc)
        claims = ClaimDecision.objects.using(using).filter(entry=_digest(finding.key))
        numbers |= set(claims.values_list("act", flat=True))
    numbers |= set(disputes.values_list("act", flat=True))
    steps = DisputeStep.objects.using(using).filter(dispute__in=disputes)
    numbers |= set(steps.values_list("act", flat=True))
    rows = ActRow.objects.using(using).filter(seq__in=numbers).order_by("-seq")
    return seen(caisse, list(rows[:_ACTS_SHOWN]))


def _digest(key: str) -> bytes:
    try:
        return bytes.fromhex(key)
    except ValueError:
        return b""


def _merchants(caisse: Caisse, finding: Finding) -> tuple[tuple[int, str], ...]:
    """Return for whom a recovered sale may be: all of the terminal's, where it had several."""
    if finding.kind != FindingKind.RECOVERED.value:
        return ()
    sale = resolve.sale_of(caisse, finding)
    if sale is None or sale.merchant:
        return ()
    permits = PermitIssued.objects.using(caisse.using).filter(terminal=sale.terminal)
    served = {
        grant.merchant
        for content in permits.values_list("content", flat=True).order_by("-id")[:_PERMITS_READ]
        for grant in permit_of(bytes(content)).merchants
    }
    return tuple((one.pk, one.name) for one in named(caisse, served))
