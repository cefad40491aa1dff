"""Votes of the committee, put on record: dated, with their minutes, and never backwards."""

from __future__ import annotations

from datetime import date

from cardkit.acts import MINUTES_CHARACTERS_MAX, ActKind
from cardkit.clock import business_date
from server_stub.models import AllowanceIssued, Commitment, Contribution, Rule, Settlement
from server_stub.rules.scheme import RuleName
from server_stub.rules.voting import NotVoted, first_open_day, read_value
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import set_rule


def open_from(caisse: Caisse) -> date:
    """Return the first day from which a vote may still count."""
    begun = any(
        rows.exists()
        for rows in (
            AllowanceIssued.objects.using(caisse.using),
            Commitment.objects.using(caisse.using),
            Contribution.objects.using(caisse.using),
        )
    )
    runs = Settlement.objects.using(caisse.using)
    standing = runs.exclude(steps__kind=ActKind.SETTLEMENT_REVOKED.value)
    last = standing.order_by("act").values_list("act__at", flat=True).last()
    return first_open_day(
        today=business_date(caisse.now()),
        has_begun=begun,
        last_settled=None if last is None else business_date(last),
    )


def vote(
    caisse: Caisse,
    name: str,
    written: str,
    *,
    from_day: date,
    voted_on: date,
    minutes: str,
    by: int,
) -> Rule | NotVoted:
    """Put a vote on record: the rule, its value as people write it, and where it was decided.

    A second vote on the same rule from the same day takes the place of the first; both stay in
    the log.
    """
    title = " ".join(minutes.split())
    with caisse.alone():
        rule = next((it for it in RuleName if it.value == name), None)
        if rule is None:
            return NotVoted.NO_SUCH_RULE
        number = read_value(rule, written)
        if number is None:
            return NotVoted.NOT_A_VALUE
        refusal = _refusal(caisse, from_day, voted_on, title)
        if refusal is not None:
            return refusal
        set_rule(caisse, rule, number, from_day=from_day, voted_on=voted_on, minutes=title, by=by)
        return Rule.objects.using(caisse.using).get(name=rule.value, from_day=from_day)


def _refusal(caisse: Caisse, from_day: date, voted_on: date, title: str) -> NotVoted | None:
    if not 0 < len(title) <= MINUTES_CHARACTERS_MAX:
        return NotVoted.NO_MINUTES
    if voted_on > business_date(caisse.now()):
        return NotVoted.VOTED_LATER
    return NotVoted.CLOSED_PERIOD if from_day < open_from(caisse) else None
