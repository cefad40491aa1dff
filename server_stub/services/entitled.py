"""Which months give an account credit, and how much, by what was promised and what is voted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from cardkit.acts import CommitmentChangeKind
from server_stub.models import Commitment as CommitmentRow
from server_stub.rules.allowances import months_from
from server_stub.rules.commitments import Change, Commitment, due_of
from server_stub.rules.scheme import RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import value, voted


def entitlements(
    caisse: Caisse, account_id: int, first: date, *, count: int
) -> Iterator[tuple[date, int]]:
    """Yield the months, of `count` in a row, that give an account credit, and its cents.

    A caisse that has never voted that credit needs a commitment gives it to every account.
    """
    credit_cents = value(caisse, RuleName.MONTHLY_CREDIT_CENTS)
    if not voted(caisse, RuleName.COMMITMENT_NEEDED):
        yield from ((month, credit_cents) for month in months_from(first, count=count))
        return
    extra_cents = voted(caisse, RuleName.EXTRA_PERSON_CENTS) or 0
    grace_months = voted(caisse, RuleName.GRACE_MONTHS) or 0
    promised = commitments_of(caisse, account_id)
    for month in months_from(first, count=count):
        due = due_of(promised, month, grace_months=grace_months)
        if due is not None:
            yield month, credit_cents + (due.persons - 1) * extra_cents


def commitments_of(caisse: Caisse, account_id: int) -> tuple[Commitment, ...]:
    """Return an account's commitments in the order in which they were signed."""
    rows = CommitmentRow.objects.using(caisse.using).filter(account_id=account_id)
    return tuple(as_rule(row) for row in rows.prefetch_related("changes"))


def as_rule(row: CommitmentRow) -> Commitment:
    """Return a commitment as the rules see it."""
    return Commitment(
        number=bytes(row.number),
        monthly_cents=row.monthly_cents,
        first_month=row.first_month,
        months=row.months,
        persons=row.persons,
        changes=tuple(
            Change(
                kind=CommitmentChangeKind(it.kind),
                from_month=it.from_month,
                monthly_cents=it.monthly_cents,
            )
            for it in row.changes.all()
        ),
    )
