"""Runs of payouts as people look at them before they sign, and what stands beside each line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, TypeAlias

from django.db.models import Sum

from cardkit.acts import ActKind
from server_stub.models import (
    BankDetailsConfirmed,
    Finding,
    Merchant,
    PayoutReturn,
    Settlement,
    SettlementDraft,
    SettlementFile,
    SettlementLine,
    SettlementStep,
)
from server_stub.rules.bank_match import Outcome
from server_stub.rules.findings import FindingKind
from server_stub.rules.settle import Refusal, RunState
from server_stub.rules.statement import RunStatement
from server_stub.services import statements
from server_stub.services.acts_read import seen, user_names
from server_stub.services.bank_known import standing
from server_stub.services.caisse import Caisse
from server_stub.services.runs_seen import FileSeen, LineSeen, RunListed, RunSeen, RunsPage
from server_stub.services.settlement import lines_of, state_of

PAGE_ROWS: Final = 25
STATES: Final = tuple(state.value for state in RunState)
NotMoved: TypeAlias = Refusal
"""Why money does not move, as the console tells it."""
_WHOLE_RUN: Final = 0
"""Stands for every merchant: a bank that shows one sum for all of a run."""
_STATE_OF_STEP: Final = {
    ActKind.SETTLEMENT_SENT: RunState.SENT,
    ActKind.SETTLEMENT_CONFIRMED: RunState.CONFIRMED,
    ActKind.SETTLEMENT_REVOKED: RunState.REVOKED,
}


def runs_page(
    caisse: Caisse, *, state: str = "", after: int | None = None, most: int = PAGE_ROWS
) -> RunsPage:
    """Return the draft and the approved runs, newest first; `state` narrows them down."""
    listed = _draft_listed(caisse) if after is None and state in {"", "draft"} else []
    if state == RunState.DRAFT.value:
        return RunsPage(runs=tuple(listed), after=None)
    rows = Settlement.objects.using(caisse.using).select_related("act").order_by("-act")
    steps = SettlementStep.objects.using(caisse.using)
    of = {kind: steps.filter(kind=kind).values("settlement") for kind in _STATE_OF_STEP}
    ended = steps.filter(kind__in=(ActKind.SETTLEMENT_CONFIRMED, ActKind.SETTLEMENT_REVOKED))
    match state:
        case RunState.APPROVED.value:
            rows = rows.exclude(name__in=steps.values("settlement"))
        case RunState.SENT.value:
            rows = rows.filter(name__in=of[ActKind.SETTLEMENT_SENT])
            rows = rows.exclude(name__in=ended.values("settlement"))
        case RunState.CONFIRMED.value:
            rows = rows.filter(name__in=of[ActKind.SETTLEMENT_CONFIRMED])
        case RunState.REVOKED.value:
            rows = rows.filter(name__in=of[ActKind.SETTLEMENT_REVOKED])
    if after is not None:
        rows = rows.filter(act__lt=after)
    found = list(rows.prefetch_related("lines", "steps")[: most + 1])
    listed += [_listed(run) for run in found[:most]]
    return RunsPage(runs=tuple(listed), after=found[most - 1].act_id if len(found) > most else None)


def run_seen(caisse: Caisse, name: str) -> RunSeen | None:
    """Return a draft or an approved run of that name; None where there is none."""
    draft = SettlementDraft.objects.using(caisse.using).filter(name=name).first()
    if draft is not None:
        return _draft_seen(caisse, draft)
    rows = Settlement.objects.using(caisse.using).select_related("act").filter(name=name)
    run = rows.first()
    return None if run is None else _approved_seen(caisse, run)


def draft_name(caisse: Caisse) -> str | None:
    """Return the name of the draft, if there is one."""
    return SettlementDraft.objects.using(caisse.using).values_list("name", flat=True).first()


def _draft_seen(caisse: Caisse, draft: SettlementDraft) -> RunSeen:
    lines = lines_of(draft)
    statement = statements.drawn_up(caisse, draft, lines)
    before = _before(caisse, None)
    amounts = [(line.merchant, line.amount_cents, line.total_cents) for line in lines]
    return RunSeen(
        name=draft.name,
        state=RunState.DRAFT.value,
        lines=_lines(caisse, amounts, statement, before, at=caisse.now(), shown=frozenset()),
        drawn_up_by=draft.drawn_up_by,
        drawn_up_by_name=user_names(caisse, [draft.drawn_up_by]).get(draft.drawn_up_by, ""),
        at=draft.drawn_up_at,
        counted_since=None if statement is None else statement.counted_since,
        last_name="" if before is None else before.name,
        last_sum_cents=0 if before is None else _sum_cents(caisse, before.name),
        acts=(),
        files=(),
        seen=bytes(draft.lines_hash).hex(),
        is_stale=statement is None,
    )


def _approved_seen(caisse: Caisse, run: Settlement) -> RunSeen:
    statement = statements.statement_of(caisse, run.name)
    before = _before(caisse, run)
    amounts = list(
        run.lines.using(caisse.using)
        .order_by("merchant")
        .values_list("merchant", "amount_cents", "total_cents")
    )
    steps = list(run.steps.using(caisse.using).select_related("act").order_by("act"))
    sent = [step.act.at for step in steps if step.kind == ActKind.SETTLEMENT_SENT]
    state = state_of(caisse, run.name)
    return RunSeen(
        name=run.name,
        state=(state or RunState.APPROVED).value,
        lines=_lines(
            caisse,
            amounts,
            statement,
            before,
            at=sent[0] if sent else caisse.now(),
            shown=_shown(caisse, run.name),
            back=_owed_again(caisse, run.name),
        ),
        drawn_up_by=run.drawn_up_by,
        drawn_up_by_name=user_names(caisse, [run.drawn_up_by]).get(run.drawn_up_by, ""),
        at=run.act.at,
        counted_since=None if statement is None else statement.counted_since,
        last_name="" if before is None else before.name,
        last_sum_cents=0 if before is None else _sum_cents(caisse, before.name),
        acts=seen(caisse, [run.act, *(step.act for step in steps)]),
        files=_files(caisse, run.name),
        seen="",
        is_stale=False,
    )


def _before(caisse: Caisse, run: Settlement | None) -> Settlement | None:
    """Return the run before: what was revoked was none."""
    revoked = SettlementStep.objects.using(caisse.using).filter(kind=ActKind.SETTLEMENT_REVOKED)
    rows = Settlement.objects.using(caisse.using).exclude(name__in=revoked.values("settlement"))
    if run is not None:
        rows = rows.filter(act__lt=run.act_id)
    return rows.select_related("act").order_by("-act").first()


def _sum_cents(caisse: Caisse, name: str) -> int:
    lines = SettlementLine.objects.using(caisse.using).filter(settlement=name)
    return lines.aggregate(sum=Sum("amount_cents"))["sum"] or 0


def _lines(
    caisse: Caisse,
    amounts: Iterable[tuple[int, int, int]],
    statement: RunStatement | None,
    before: Settlement | None,
    *,
    at: datetime,
    shown: frozenset[int],
    back: frozenset[int] = frozenset(),
) -> tuple[LineSeen, ...]:
    rows = list(amounts)
    merchants = [merchant for merchant, _, _ in rows]
    known = Merchant.objects.using(caisse.using).filter(id__in=merchants)
    names = dict(known.values_list("id", "name"))
    last: Mapping[int, int] = {}
    if before is not None:
        held = SettlementLine.objects.using(caisse.using).filter(settlement=before.name)
        last = dict(held.values_list("merchant", "amount_cents"))
    accounts = _accounts(caisse, merchants, at)
    returned = _returned(caisse)
    seen_lines = []
    for merchant, amount_cents, total_cents in rows:
        account = accounts.get(merchant)
        part = None if statement is None else statement.of(merchant)
        seen_lines.append(
            LineSeen(
                merchant=merchant,
                name=names.get(merchant, "") if part is None else part.name,
                amount_cents=amount_cents,
                total_cents=total_cents,
                last_cents=last.get(merchant, 0),
                has_account=account is not None,
                is_account_new=account is not None
                and before is not None
                and account.confirmed_at > before.act.at,
                account_end="" if account is None else account.details.iban[-4:],
                has_returned=merchant in returned,
                is_owed_again=merchant in back,
                is_shown=bool(shown & {_WHOLE_RUN, merchant}),
                part=part,
            )
        )
    return tuple(seen_lines)


def _accounts(
    caisse: Caisse, merchants: list[int], at: datetime
) -> dict[int, BankDetailsConfirmed]:
    """Return the account that each merchant is paid to at a time (`bank_details.usable`)."""
    rows = BankDetailsConfirmed.objects.using(caisse.using).filter(
        details__merchant__in=merchants, usable_from__lte=at
    )
    ordered = rows.select_related("details").order_by("usable_from", "id")
    return {row.details.merchant_id: row for row in ordered}


def _shown(caisse: Caisse, name: str) -> frozenset[int]:
    """Return the merchants whose payment the bank's statements show; `_WHOLE_RUN` for all."""
    rows = standing(caisse).filter(kind=Outcome.PAYOUT.value, settlement=name)
    return frozenset(rows.values_list("merchant", flat=True))


def _owed_again(caisse: Caisse, name: str) -> frozenset[int]:
    """Return the merchants whose payment of a run is owed again."""
    rows = PayoutReturn.objects.using(caisse.using).filter(settlement=name)
    return frozenset(rows.values_list("merchant", flat=True))


def _returned(caisse: Caisse) -> frozenset[int]:
    """Return the merchants of payments that came back and of which nobody has decided yet."""
    rows = Finding.objects.using(caisse.using).filter(
        kind=FindingKind.PAYOUT_RETURNED.value, closed_at__isnull=True
    )
    keys = rows.values_list("key", flat=True)
    return frozenset(int(key.rpartition("-M")[2]) for key in keys)


def _files(caisse: Caisse, name: str) -> tuple[FileSeen, ...]:
    rows = list(SettlementFile.objects.using(caisse.using).filter(settlement=name).order_by("id"))
    names = user_names(caisse, {row.made_by for row in rows})
    return tuple(
        FileSeen(
            form=row.form,
            sha256=bytes(row.content_hash).hex(),
            made_at=row.made_at,
            author=names.get(row.made_by, ""),
        )
        for row in rows
    )


def _draft_listed(caisse: Caisse) -> list[RunListed]:
    return [
        RunListed(
            key=0,
            name=draft.name,
            state=RunState.DRAFT.value,
            at=draft.drawn_up_at,
            sum_cents=sum(line.amount_cents for line in lines_of(draft)),
            merchants=len(draft.lines),
        )
        for draft in SettlementDraft.objects.using(caisse.using).all()
    ]


def _listed(run: Settlement) -> RunListed:
    steps = sorted(run.steps.all(), key=lambda it: it.act_id)
    lines = list(run.lines.all())
    state = _STATE_OF_STEP[ActKind(steps[-1].kind)] if steps else RunState.APPROVED
    return RunListed(
        key=run.act_id,
        name=run.name,
        state=state.value,
        at=run.act.at,
        sum_cents=sum(line.amount_cents for line in lines),
        merchants=len(lines),
    )
