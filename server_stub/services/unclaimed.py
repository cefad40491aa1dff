"""Waiting money whose time has come: every terminal has told, or no person has decided.

What is due is due by what terminals have shown and by a dated rule, so it is looked for whenever
one of them reports.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from cardkit.acts import ReturnReason, SpendReturned
from cardkit.errors import must
from server_stub.models import CardTransaction, Finding
from server_stub.rules.facts import State
from server_stub.rules.findings import FindingKind
from server_stub.rules.intents import VOID_CONTRADICTED
from server_stub.rules.scheme import RuleName
from server_stub.services import acts, issue
from server_stub.services.caisse import Caisse
from server_stub.services.cards import reconcile_cards
from server_stub.services.rules_in_force import voted
from server_stub.services.surroundings import surroundings
from server_stub.services.watermark import awaited, is_told


def settle(caisse: Caisse, *, reported: int | None = None) -> set[int]:
    """Give back what is due; returns the cards that were looked at again.

    `reported`: the terminal whose entries have just come, which may say more of a mark.
    """
    must(not caisse.replaying, "nothing is given back while the books are recomputed")
    with caisse.alone():
        cards = set(_due(caisse, reported))
        if not cards:
            return cards
        reconcile_cards(caisse, cards)
        issue.give_back(caisse, cards)
        return cards


def give_back_now(caisse: Caisse, sale: CardTransaction, *, by: int) -> None:
    """Let a person end a contradiction before the rule does: the member has the money again."""
    with caisse.alone():
        is_open = (sale.state, sale.reason) == (State.WAITING.value, VOID_CONTRADICTED)
        must(is_open, "only a contradicted debit is given back by hand")
        body = SpendReturned(
            uid=sale.card.uid,
            generation=sale.card.generation,
            tmc=sale.tmc,
            amount_cents=sale.amount_cents,
            reason=ReturnReason.VOID_CONTRADICTED,
        )
        acts.record(caisse, body, by=by)
        reconcile_cards(caisse, [sale.card_id])
        issue.give_back(caisse, [sale.card_id])


def contradicted(caisse: Caisse) -> list[CardTransaction]:
    """Return the debits that their terminals deny, and that wait for a person or for their day."""
    rows = CardTransaction.objects.using(caisse.using).filter(
        state=State.WAITING.value, reason=VOID_CONTRADICTED
    )
    return list(rows.select_related("card").order_by("card", "tmc"))


def due_at(caisse: Caisse, finding: Finding) -> datetime | None:
    """Return from when on a finding's money is given back, where a dated rule says so.

    Of a gap that is once every terminal in use has told: it may then be a lost one's.
    """
    if finding.kind == FindingKind.VOID_CONTRADICTED.value:
        rule = RuleName.CONTRADICTION_DAYS
    elif finding.kind == FindingKind.GAP.value and not awaited(caisse, finding):
        rule = RuleName.RECOVERY_DAYS
    else:
        return None
    days = voted(caisse, rule)
    return None if days is None else finding.opened_at + timedelta(days=days)


def _due(caisse: Caisse, reported: int | None) -> Iterator[int]:
    kinds = (FindingKind.GAP.value, FindingKind.VOID_CONTRADICTED.value)
    open_rows = Finding.objects.using(caisse.using).filter(closed_at=None, kind__in=kinds)
    findings = list(open_rows.select_related("card"))
    if not findings:
        return
    around = surroundings(caisse)
    for finding in findings:
        if finding.kind == FindingKind.VOID_CONTRADICTED.value:
            is_due = around.patience and finding.opened_at + around.patience <= caisse.now()
        else:
            is_due = is_told(caisse, around.watermark, finding) or _marks(finding, reported)
        if is_due and finding.card is not None:
            yield finding.card.id


def _marks(finding: Finding, terminal: int | None) -> bool:
    """Whether a gap bears the mark of this terminal."""
    marks = str(finding.facts.get("marks", "")).split(", ")
    return any(mark.startswith(f"{terminal}/") for mark in marks)
