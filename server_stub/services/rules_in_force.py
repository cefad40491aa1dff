"""The voted rules, read and written."""

from __future__ import annotations

from datetime import date

from cardkit.acts import RuleSet
from cardkit.clock import business_date
from server_stub.models import Rule
from server_stub.rules.scheme import STARTING_VALUES, DatedRule, RuleName, in_force
from server_stub.services import acts
from server_stub.services.caisse import Caisse


def value(caisse: Caisse, name: RuleName, *, day: date | None = None) -> int:
    """Return the value of a rule on a day, today by default."""
    rules = [
        DatedRule(name=name, value=row.value, from_day=row.from_day)
        for row in Rule.objects.using(caisse.using).filter(name=name.value)
    ]
    return in_force(rules, name, day or business_date(caisse.now()))


def voted(caisse: Caisse, name: RuleName) -> int | None:
    """Return the value of a rule today, or None in a caisse that has never voted on it."""
    rules = Rule.objects.using(caisse.using).filter(name=name.value)
    row = rules.filter(from_day__lte=business_date(caisse.now())).order_by("from_day").last()
    return None if row is None else row.value


def set_rule(
    caisse: Caisse,
    name: RuleName,
    number: int,
    *,
    from_day: date,
    voted_on: date | None = None,
    by: int = 0,
) -> None:
    """Put a voted rule on record."""
    acts.record(
        caisse, RuleSet(name=name.value, value=number, from_day=from_day, voted_on=voted_on), by=by
    )


def start_rules(caisse: Caisse, *, from_day: date) -> None:
    """Give a new caisse rules to begin with; what it has voted already stays."""
    voted = set(Rule.objects.using(caisse.using).values_list("name", flat=True))
    for name, number in STARTING_VALUES.items():
        if name.value not in voted:
            set_rule(caisse, name, number, from_day=from_day)
